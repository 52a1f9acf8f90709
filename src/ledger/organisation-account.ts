import { err, ok, type Result } from '../result.ts'
import { type Claim, LEASE_USABLE_MS, Lease } from './lease.ts'
import { Outbox } from './outbox.ts'
import { isWithin, minuteOf, periodOf } from './periods.ts'
import type { LeaseAnswer, LeaseAsk, LeaseState } from './protocol.ts'
import { Reporter, type ReportPort } from './reporter.ts'
import type { Estimate, KeyLimits, LimitFault, RequestRecord, Reservation } from './types.ts'

/** Asks of one request: the lease may have ended, or another request may hold what is missing for a moment. */
const ASKS_MAX = 4
const UNAVAILABLE_RETRY_MS = 2_000
/** How long one waits for the ledger to have all that this isolate knows. */
const FLUSH_TIMEOUT_MS = 3_000
/** Leases that are not used any more but by requests under way; beyond it the oldest are not reported. */
const FORMER_LEASES_MAX = 1_000

/** The ledger as one request reaches it, and what keeps that request's context alive. */
export interface LedgerPort extends ReportPort {
  lease(ask: LeaseAsk): Promise<LeaseAnswer>
}

type Reserved = Result<Reservation, LimitFault>

const sameLimits = (a: KeyLimits, b: KeyLimits): boolean =>
  a === b ||
  (a.budgetNanoUsd === b.budgetNanoUsd &&
    a.budgetPeriod === b.budgetPeriod &&
    a.requestsPerMinute === b.requestsPerMinute &&
    a.tokensPerMinute === b.tokensPerMinute)

/** Money as whole billionths; what is no number counts as `otherwise`. */
const wholeOr = (value: number, otherwise: number): number =>
  Number.isFinite(value) && value >= 0 ? Math.ceil(value) : otherwise

/**
 * What an isolate holds of one organisation: leases of its keys and finished requests that the ledger does
 * not have yet. Requests share numbers here, never promises: each asks the ledger in its own context.
 */
export class OrganisationAccount {
  readonly #leases = new Map<string, Lease>()
  #former: Lease[] = []
  readonly #outbox = new Outbox()
  readonly #reporter: Reporter
  readonly #holder: string
  #leasesMade = 0

  /** @param holder UUID; another for each account */
  constructor(holder: string) {
    this.#holder = holder
    this.#reporter = new Reporter(holder, this.#outbox, {
      tell: (isIdle) => this.#tell(isIdle),
      heard: (states, ended, sentAtMs) => this.#heard(states, ended, sentAtMs),
    })
  }

  /** Whether nothing would be lost if it were forgotten. */
  get isIdle(): boolean {
    return this.#outbox.isEmpty && [...this.#leases.values()].every(({ isUsed }) => !isUsed)
  }

  reserve(
    keyId: string,
    limits: KeyLimits,
    estimate: Estimate,
    port: LedgerPort,
  ): Reserved | Promise<Reserved> {
    const nowMs = port.now()
    const wanted = {
      tokens: wholeOr(estimate.tokens, 0),
      costNanoUsd: wholeOr(estimate.costNanoUsd, 0),
    }
    const { tokensPerMinute } = limits
    if (tokensPerMinute !== null && wanted.tokens > tokensPerMinute)
      return err({ reason: 'request-too-large', tokens: wanted.tokens, tokensPerMinute })
    const lease = this.#leaseOf(keyId, limits, nowMs)
    if (lease.take(wanted, nowMs)) return ok(this.#reservation(lease, wanted, nowMs, port))
    return this.#ask(keyId, limits, wanted, port)
  }

  /** A finished request that nothing was set aside for. */
  record(record: RequestRecord, port: LedgerPort): void {
    this.#outbox.push({ record, leaseId: null, reservedNanoUsd: 0 })
    this.#reporter.arrange(port)
  }

  /** Sends what waits now, so that the ledger knows every decision that this isolate made. */
  flush(port: LedgerPort): Promise<boolean> {
    return this.#reporter.flush(port, FLUSH_TIMEOUT_MS)
  }

  async #ask(
    keyId: string,
    limits: KeyLimits,
    estimate: Estimate,
    port: LedgerPort,
  ): Promise<Reserved> {
    let refusal: LimitFault | null = null
    for (let asked = 0; asked < ASKS_MAX; asked++) {
      const nowMs = port.now()
      const lease = this.#leaseOf(keyId, limits, nowMs)
      if (lease.take(estimate, nowMs)) return ok(this.#reservation(lease, estimate, nowMs, port))
      const claim = lease.claim(estimate, nowMs)
      const answer = await this.#answerOf(keyId, lease, claim, port)
      if (answer?.kind === 'granted') {
        lease.granted(claim, answer.amounts)
        lease.usableUntilMs = nowMs + LEASE_USABLE_MS
        return ok(this.#reservation(lease, estimate, nowMs, port))
      }
      lease.refused(claim)
      if (answer?.kind === 'refused') {
        refusal = answer.fault
        // Another request that asks at the same time may hold what is missing, and may not get its own.
        if (!lease.isUsed && lease.roomNanoUsd < estimate.costNanoUsd) break
        if (asked >= 1) break
      } else {
        // Ended, or what was granted is not known: the ledger frees it when it has heard nothing of it for long.
        this.#leave(keyId, lease)
        if (answer === null) return err(unavailable)
      }
    }
    return err(refusal ?? unavailable)
  }

  async #answerOf(
    keyId: string,
    lease: Lease,
    { estimate, minute, need }: Claim,
    port: LedgerPort,
  ): Promise<LeaseAnswer | null> {
    const { id: leaseId, limits, period } = lease
    const ask = { leaseId, keyId, limits, minute, need, periodStartMs: period.startMs }
    try {
      return await port.lease({ ...ask, estimateNanoUsd: estimate.costNanoUsd })
    } catch (error) {
      port.failed('the ledger did not answer an ask', error)
      return null
    }
  }

  #leaseOf(keyId: string, limits: KeyLimits, nowMs: number): Lease {
    const known = this.#leases.get(keyId)
    if (known && this.#isGood(known, limits, nowMs)) return known
    if (known) this.#leave(keyId, known)
    const id = `${this.#holder}:${++this.#leasesMade}`
    const lease = new Lease(id, limits, periodOf(limits.budgetPeriod, nowMs))
    this.#leases.set(keyId, lease)
    return lease
  }

  #isGood(lease: Lease, limits: KeyLimits, nowMs: number): boolean {
    // One that was never granted anything is not known to the ledger, and cannot be too old.
    const isFresh = lease.usableUntilMs === 0 || nowMs < lease.usableUntilMs
    return isFresh && sameLimits(lease.limits, limits) && isWithin(lease.period, nowMs)
  }

  #leave(keyId: string, lease: Lease): void {
    if (this.#leases.get(keyId) === lease) this.#leases.delete(keyId)
    if (!this.#former.includes(lease)) this.#former.push(lease)
    if (this.#former.length > FORMER_LEASES_MAX) this.#former.shift()
  }

  #reservation(lease: Lease, estimate: Estimate, nowMs: number, port: LedgerPort): Reservation {
    this.#reporter.arrange(port)
    let isSettled = false
    return {
      settle: (record) => {
        if (isSettled) return
        isSettled = true
        const costNanoUsd = wholeOr(record.costNanoUsd, estimate.costNanoUsd)
        const tokens = wholeOr(record.inputTokens + record.outputTokens, estimate.tokens)
        lease.settle(estimate, minuteOf(nowMs), costNanoUsd, tokens)
        this.#outbox.push({
          record: costNanoUsd === record.costNanoUsd ? record : { ...record, costNanoUsd },
          leaseId: lease.id,
          reservedNanoUsd: estimate.costNanoUsd,
        })
        this.#reporter.arrange(port)
      },
    }
  }

  /** What a report tells of leases. Those that are not taken from any more give their room back. */
  #tell(isIdle: boolean): LeaseState[] {
    if (isIdle)
      for (const [keyId, lease] of this.#leases) if (!lease.isUsed) this.#leave(keyId, lease)
    for (const lease of this.#former) lease.giveBack()
    const leases = [...this.#leases.values(), ...this.#former].filter(({ isChanged }) => isChanged)
    this.#former = this.#former.filter(({ isUsed }) => isUsed)
    return leases.map((lease) => lease.tell())
  }

  #heard(states: readonly LeaseState[], ended: readonly string[], sentAtMs: number): void {
    const heard = new Set(states.map(({ leaseId }) => leaseId))
    for (const [keyId, lease] of this.#leases) {
      if (ended.includes(lease.id)) this.#leave(keyId, lease)
      else if (heard.has(lease.id)) lease.usableUntilMs = sentAtMs + LEASE_USABLE_MS
    }
  }
}

const unavailable: LimitFault = {
  reason: 'ledger-unavailable',
  retryAfterMs: UNAVAILABLE_RETRY_MS,
}
