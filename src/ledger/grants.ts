import { MINUTE_MS, type Period } from './periods.ts'
import type { Amounts } from './protocol.ts'
import type { KeyLimits, LimitFault } from './types.ts'

/** Requests like the one that asks for which a lease gets room at once, where there is plenty. */
const REQUESTS_AHEAD = 256
/** Share of what is free that a lease gets beyond what is needed; isolates may be several. */
const SHARE_AHEAD = 1 / 8
/** Below this many requests ahead a lease is as small as the request: nobody holds what others lack. */
const REQUESTS_AHEAD_LEAST = 8

/** What the ledger knows of a key when it is asked. Infinity where there is no limit. */
export interface Free {
  readonly nanoUsd: number
  readonly requests: number
  readonly tokens: number
  /** Spent in the period. */
  readonly spentNanoUsd: number
}

const ahead = (need: number, free: number, least: number): number => {
  if (free === Number.POSITIVE_INFINITY) return 0
  const each = Math.max(need, least)
  const share = Math.min(each * REQUESTS_AHEAD, Math.floor((free - need) * SHARE_AHEAD))
  return share < each * REQUESTS_AHEAD_LEAST ? 0 : share
}

/** What is granted of one limit: nothing where there is none. */
const grant = (need: number, free: number, least: number): number =>
  free === Number.POSITIVE_INFINITY ? 0 : need + ahead(need, free, least)

/**
 * What a lease gets; what it needs must fit, as `shortageOf` tells. Room beyond that comes only with what is
 * needed: a lease that is renewed gets nothing.
 *
 * @param need whole numbers ≥ 0    @param estimate the whole request, where need is the part that is missing
 */
export const grantOf = (need: Amounts, free: Free, estimateNanoUsd: number): Amounts => ({
  nanoUsd: need.nanoUsd > 0 ? grant(need.nanoUsd, free.nanoUsd, estimateNanoUsd) : 0,
  requests: need.requests > 0 ? grant(need.requests, free.requests, 1) : 0,
  tokens: need.tokens > 0 ? grant(need.tokens, free.tokens, 1) : 0,
})

/** Why what is needed does not fit, or null. @param nowMs ms since the epoch */
export const shortageOf = (
  need: Amounts,
  free: Free,
  limits: KeyLimits,
  period: Period,
  nowMs: number,
): LimitFault | null => {
  const { budgetNanoUsd, requestsPerMinute, tokensPerMinute } = limits
  if (budgetNanoUsd !== null && need.nanoUsd > free.nanoUsd)
    return {
      reason: 'budget-exceeded',
      spentNanoUsd: free.spentNanoUsd,
      budgetNanoUsd,
      resetsAtMs: period.endMs,
    }
  const retryAfterMs = MINUTE_MS - (nowMs % MINUTE_MS)
  if (requestsPerMinute !== null && need.requests > free.requests)
    return {
      reason: 'rate-exceeded',
      of: 'requests',
      limitPerMinute: requestsPerMinute,
      retryAfterMs,
    }
  if (tokensPerMinute !== null && need.tokens > free.tokens)
    return { reason: 'rate-exceeded', of: 'tokens', limitPerMinute: tokensPerMinute, retryAfterMs }
  return null
}
