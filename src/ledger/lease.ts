import { minuteOf, type Period } from './periods.ts'
import type { Amounts, LeaseState } from './protocol.ts'
import type { Estimate, KeyLimits } from './types.ts'

/** A lease is not used for longer than this after the ledger last heard of it; it is closed later (`grants.ts`). */
export const LEASE_USABLE_MS = 30_000

/** What a request took of a lease's room while it asks the ledger for the rest. */
export interface Claim {
  readonly estimate: Estimate
  readonly minute: number
  readonly taken: Amounts
  readonly need: Amounts
}

/**
 * An isolate's share of a key's budget, and of its requests and tokens of the present minute. Pure
 * arithmetic: what was granted is room, what is reserved, what was spent and what was given back, and nothing
 * else. Room falls below zero where requests cost more than was estimated; the next grant fills that first.
 */
export class Lease {
  readonly id: string
  readonly limits: KeyLimits
  readonly period: Period
  #nanoUsd: number
  #requests: number
  #tokens: number
  #minute = 0
  #inFlightNanoUsd = 0
  #unsettled = 0
  #claims = 0
  #returnedNanoUsd = 0
  /** Whether the ledger has to be told something new. */
  isChanged = false
  /** No reservation is taken from then on before the ledger was asked again, ms since the epoch. */
  usableUntilMs = 0

  constructor(id: string, limits: KeyLimits, period: Period) {
    this.id = id
    this.limits = limits
    this.period = period
    this.#nanoUsd = limits.budgetNanoUsd === null ? Number.POSITIVE_INFINITY : 0
    this.#requests = 0
    this.#tokens = 0
  }

  /** What the ledger is told of it; it is not changed then. */
  tell(): LeaseState {
    this.isChanged = false
    return {
      leaseId: this.id,
      returnedNanoUsd: this.#returnedNanoUsd,
      inFlightNanoUsd: this.#inFlightNanoUsd,
    }
  }

  /** Money that is neither reserved nor spent; Infinity without a budget. */
  get roomNanoUsd(): number {
    return this.#nanoUsd
  }

  /** Whether a request has reserved from it, or asks for more of it, and has not ended. */
  get isUsed(): boolean {
    return this.#unsettled > 0 || this.#claims > 0
  }

  /** Sets the estimate aside where there is room. @param nowMs ms since the epoch */
  take({ costNanoUsd, tokens }: Estimate, nowMs: number): boolean {
    if (nowMs >= this.usableUntilMs) return false
    this.#enter(minuteOf(nowMs))
    if (costNanoUsd > this.#nanoUsd || this.#requests < 1 || tokens > this.#tokens) return false
    this.#nanoUsd -= costNanoUsd
    this.#requests -= 1
    this.#tokens -= tokens
    this.#begin(costNanoUsd)
    return true
  }

  /** Takes what room there is for a request that it is not enough for. */
  claim(estimate: Estimate, nowMs: number): Claim {
    const minute = minuteOf(nowMs)
    this.#enter(minute)
    const taken = {
      nanoUsd: Math.min(this.#nanoUsd, estimate.costNanoUsd),
      requests: Math.min(this.#requests, 1),
      tokens: Math.min(this.#tokens, estimate.tokens),
    }
    this.#nanoUsd -= taken.nanoUsd
    this.#requests -= taken.requests
    this.#tokens -= taken.tokens
    this.#claims++
    const need = {
      nanoUsd: estimate.costNanoUsd - taken.nanoUsd,
      requests: 1 - taken.requests,
      tokens: estimate.tokens - taken.tokens,
    }
    return { estimate, minute, taken, need }
  }

  /** The ledger granted what the claim needs, or more: the estimate is set aside. */
  granted({ estimate, minute, need }: Claim, amounts: Amounts): void {
    this.#claims--
    this.#nanoUsd += amounts.nanoUsd - need.nanoUsd
    // Of a minute that is over nothing is left.
    if (minute === this.#minute) {
      this.#requests += amounts.requests - need.requests
      this.#tokens += amounts.tokens - need.tokens
    }
    this.#begin(estimate.costNanoUsd)
  }

  /** The ledger granted nothing: what the claim took is room again. */
  refused({ minute, taken }: Claim): void {
    this.#claims--
    this.#nanoUsd += taken.nanoUsd
    if (minute !== this.#minute) return
    this.#requests += taken.requests
    this.#tokens += taken.tokens
  }

  /** What really happened takes the place of the estimate, in the minute that it was set aside in. */
  settle(estimate: Estimate, minute: number, costNanoUsd: number, tokens: number): void {
    this.isChanged = true
    this.#unsettled--
    this.#inFlightNanoUsd -= estimate.costNanoUsd
    this.#nanoUsd += estimate.costNanoUsd - costNanoUsd
    if (minute === this.#minute) this.#tokens += estimate.tokens - tokens
  }

  /** Gives back the room there is. */
  giveBack(): void {
    if (this.limits.budgetNanoUsd === null || this.#nanoUsd <= 0) return
    this.isChanged = true
    this.#returnedNanoUsd += this.#nanoUsd
    this.#nanoUsd = 0
  }

  #begin(costNanoUsd: number): void {
    this.isChanged = true
    this.#unsettled++
    this.#inFlightNanoUsd += costNanoUsd
  }

  #enter(minute: number): void {
    if (minute === this.#minute) return
    this.#minute = minute
    const { requestsPerMinute, tokensPerMinute } = this.limits
    this.#requests = requestsPerMinute === null ? Number.POSITIVE_INFINITY : 0
    this.#tokens = tokensPerMinute === null ? Number.POSITIVE_INFINITY : 0
  }
}
