import { DurableObject } from 'cloudflare:workers'
import { type Env, type Settings, settingsOf } from '../env.ts'
import { logEvent } from '../observability/log.ts'
import { grantOf, shortageOf } from './grants.ts'
import { Journal } from './journal.ts'
import { askedPeriod, LeaseStore } from './lease-store.ts'
import { flushRows } from './ledger-flusher.ts'
import { OutcomeStore } from './outcome-store.ts'
import { HOUR_MS, minuteOf, periodOf } from './periods.ts'
import type * as api from './protocol.ts'
import { storable } from './records.ts'
import type { KeyLimits } from './types.ts'

/** Records, and rows of every other kind, in one transaction to PostgreSQL. */
const FLUSH_RECORDS = 2_000
const FLUSH_ROWS = 500
/** Longest wait after a failed flush. */
const FLUSH_RETRY_MS_MAX = 60_000
const UPKEEP_INTERVAL_MS = 60_000

/**
 * Money of one organisation: what its keys spent, the leases that isolates hold of their limits, its
 * requests until PostgreSQL has them, and feedback. Everything that is answered is in SQLite before (output
 * gate), and nothing is in memory alone. An alarm counts the journal into hours and writes to PostgreSQL.
 */
export class Ledger extends DurableObject<Env> implements api.LedgerRpc {
  readonly #settings: Settings
  readonly #journal: Journal
  readonly #leases: LeaseStore
  readonly #outcomes: OutcomeStore
  #organisationId: string
  #alarmAt = Number.POSITIVE_INFINITY
  #flushAt = 0
  #failures = 0
  #upkeepAt = 0
  /** Whether the last report found no room. */
  #isFull = false

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env)
    this.#settings = settingsOf(env)
    this.#journal = new Journal(ctx.storage.sql)
    this.#leases = new LeaseStore(ctx.storage.sql)
    this.#outcomes = new OutcomeStore(ctx.storage)
    this.#organisationId = this.#journal.meta('organisation') ?? ''
  }

  #belongTo(organisationId: string): void {
    if (this.#organisationId !== '') return
    this.#journal.setMeta('organisation', organisationId)
    this.#organisationId = organisationId
  }

  async lease(organisationId: string, ask: api.LeaseAsk): Promise<api.LeaseAnswer> {
    this.#belongTo(organisationId)
    const nowMs = Date.now()
    const { limits, need } = ask
    // What is not taken is not charged: no more is handed out until it is.
    if (this.#isFull)
      return {
        kind: 'refused',
        fault: { reason: 'ledger-unavailable', retryAfterMs: this.#retryAfterSeconds * 1_000 },
      }
    const period = askedPeriod(limits, ask.periodStartMs, nowMs)
    const minute = Math.min(Math.max(ask.minute, minuteOf(nowMs) - 1), minuteOf(nowMs) + 1)
    const asked = { ...ask, minute, periodStartMs: period.startMs }
    const free = this.#leases.free(asked, period, nowMs)
    if (!this.#leases.isOpen(ask.leaseId)) return { kind: 'ended' }
    const fault = shortageOf(need, free, limits, period, nowMs)
    if (fault !== null) return { kind: 'refused', fault }
    const amounts = grantOf(need, free, ask.estimateNanoUsd)
    this.ctx.storage.transactionSync(() => this.#leases.grant(asked, amounts, nowMs))
    await this.#arrange(nowMs)
    return { kind: 'granted', amounts }
  }

  async report(organisationId: string, report: api.Report): Promise<api.ReportAnswer> {
    this.#belongTo(organisationId)
    const nowMs = Date.now()
    const { holder, sequence, entries, leases } = report
    const last = this.#journal.lastSequence(holder)
    const isNew = entries.length > 0 && sequence > last
    const isStored = !isNew || this.#journal.waiting + entries.length <= this.#recordsMax
    if (isNew) this.#isFull = !isStored
    const waitingBefore = this.#journal.waiting
    let ended: string[] = []
    try {
      this.ctx.storage.transactionSync(() => {
        if (isNew && isStored) {
          this.#store(entries, nowMs)
          this.#journal.setSequence(holder, sequence, nowMs)
        }
        // What comes after its successor tells of requests that have ended since.
        if (sequence >= last) ended = this.#leases.hear(leases, nowMs)
      })
    } catch (error) {
      this.#journal.waiting = waitingBefore
      throw error
    }
    await this.#arrange(nowMs)
    if (isStored) return { stored: true, ended }
    return { stored: false, ended, retryAfterSeconds: this.#retryAfterSeconds }
  }

  get #recordsMax(): number {
    return this.#settings.ledgerRecordsMax
  }

  get #retryAfterSeconds(): number {
    return Math.ceil(this.#settings.flushIntervalMs / 1_000) + 1
  }

  #store(entries: readonly api.Entry[], nowMs: number): void {
    const cleaned = entries.map((entry) => ({ ...entry, record: storable(entry.record, nowMs) }))
    const added = this.#outcomes.decide(cleaned.map(({ record }) => record))
    const fresh = cleaned.filter(({ record }) => added.delete(record.id))
    this.#leases.settle(fresh)
    this.#journal.append(fresh.map(({ record }) => record))
  }

  async feedback(organisationId: string, feedback: api.Feedback): Promise<api.FeedbackAnswer> {
    this.#belongTo(organisationId)
    const nowMs = Date.now()
    if (this.#outcomes.waiting >= this.#recordsMax)
      return { kind: 'full', retryAfterSeconds: this.#retryAfterSeconds }
    if (!this.#outcomes.learn(feedback, nowMs)) return { kind: 'unknown' }
    await this.#arrange(nowMs)
    return { kind: 'stored' }
  }

  async spent(
    keys: ReadonlyArray<{ keyId: string; budgetPeriod: KeyLimits['budgetPeriod'] }>,
  ): Promise<api.KeySpend[]> {
    const nowMs = Date.now()
    return keys.map(({ keyId, budgetPeriod }) => ({
      keyId,
      spentNanoUsd: this.#leases.spent(keyId, periodOf(budgetPeriod, nowMs)),
    }))
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY
    const nowMs = Date.now()
    try {
      if (nowMs >= this.#upkeepAt) this.#keepUp(nowMs)
      this.#count()
      if (nowMs >= this.#flushAt) await this.#flush(nowMs)
    } catch (error) {
      logEvent('ledger', 'error', 'the ledger could not do its round', error)
    }
    await this.#arrange(Date.now())
  }

  #keepUp(nowMs: number): void {
    this.#upkeepAt = nowMs + UPKEEP_INTERVAL_MS
    this.ctx.storage.transactionSync(() => {
      this.#leases.expire(nowMs)
      this.#outcomes.forget(nowMs)
      this.#journal.expire(nowMs)
    })
  }

  /** Adds what came since to the hours and to what the gateway measured, a bounded part a round. */
  #count(): void {
    const rows = this.#journal.rowsAfter(this.#journal.counted, FLUSH_RECORDS)
    if (rows.length === 0) return
    this.ctx.storage.transactionSync(() => {
      this.#journal.count(rows)
      for (const { records } of rows) this.#outcomes.measure(records)
    })
  }

  async #flush(nowMs: number): Promise<void> {
    const { counted } = this.#journal
    const rows = this.#journal.rowsAfter(0, FLUSH_RECORDS).filter((row) => row.sequence <= counted)
    const hours = this.#journal.pendingHours(FLUSH_ROWS)
    const outcomes = this.#outcomes.pendingOutcomes(FLUSH_ROWS)
    const feedback = this.#outcomes.pendingFeedback(FLUSH_ROWS)
    const records = rows
      .flatMap((row) => row.records)
      .filter(({ id }) => !this.#journal.isRefused(id))
    try {
      const pending = { records, hours, outcomes, feedback }
      const flushed = await flushRows(this.#settings, this.#organisationId, pending)
      this.ctx.storage.transactionSync(() => {
        for (const record of flushed.refused) this.#journal.refuse(record, nowMs)
        if (!flushed.isComplete) return
        this.#journal.settle(rows, hours)
        this.#outcomes.settle(outcomes, feedback)
      })
      this.#failures = 0
      this.#isFull = false
      const isFull =
        records.length >= FLUSH_RECORDS ||
        Math.max(hours.length, outcomes.length, feedback.length) === FLUSH_ROWS
      // A backlog drains batch after batch without waiting for the interval.
      this.#flushAt = isFull ? nowMs : nowMs + this.#settings.flushIntervalMs
    } catch (error) {
      this.#failures++
      const ceilingMs = Math.min(
        FLUSH_RETRY_MS_MAX,
        this.#settings.flushIntervalMs * 2 ** Math.min(this.#failures, 10),
      )
      // Full jitter, so that ledgers do not come back all at once.
      this.#flushAt = nowMs + this.#settings.liveIntervalMs + Math.random() * ceilingMs
      logEvent('ledger', 'warn', 'PostgreSQL did not take a flush; the records wait', error)
    }
  }

  /** Sets the alarm for the next thing to do, unless an earlier one stands. */
  async #arrange(nowMs: number): Promise<void> {
    const isWaiting =
      this.#journal.waiting > 0 || this.#journal.hasPendingHours || this.#outcomes.isWaiting
    // A clock that was set back leaves times far ahead.
    const { flushIntervalMs, liveIntervalMs } = this.#settings
    const longestMs = flushIntervalMs + liveIntervalMs + FLUSH_RETRY_MS_MAX
    this.#flushAt = Math.min(this.#flushAt, nowMs + longestMs)
    this.#upkeepAt = Math.min(this.#upkeepAt, nowMs + UPKEEP_INTERVAL_MS)
    const due: number[] = []
    if (isWaiting) due.push(this.#flushAt)
    if (this.#leases.hasAny) due.push(Math.max(this.#upkeepAt, nowMs + 1_000))
    // What is kept grows old; a ledger that keeps nothing sleeps.
    if (this.#journal.hasHours || this.#outcomes.hasDecisions) due.push(nowMs + HOUR_MS)
    if (due.length === 0) return
    const at = Math.max(nowMs + 10, Math.min(...due))
    // So does it an alarm.
    if (at >= this.#alarmAt && this.#alarmAt < nowMs + 2 * HOUR_MS) return
    this.#alarmAt = at
    await this.ctx.storage.setAlarm(at)
  }
}
