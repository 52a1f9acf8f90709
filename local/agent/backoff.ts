export interface BackoffPolicy {
  baseMs: number
  maxMs: number
}

/**
 * Full jitter: uniform in [0, min(max, base · 2^attempt)], so that agents that lost the service at
 * one moment do not come back at one moment.
 *
 * @param attempt failures in a row before this wait, from 0
 * @param random uniform in [0, 1)
 * @param retryAfterMs what the server asked for; then the wait is never shorter than that
 * Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 */
export const backoffMs = (
  policy: BackoffPolicy,
  attempt: number,
  random: () => number,
  retryAfterMs: number | null = null,
): number => {
  const ceilingMs = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt, 30))
  return (retryAfterMs ?? 0) + random() * ceilingMs
}

/** A server may not silence the agent for longer than this. */
export const RETRY_AFTER_MAX_MS = 10 * 60_000

/** `Retry-After` in ms: delta seconds or an HTTP date (RFC 9110 §10.2.3); `null` when unreadable. */
export const retryAfterMs = (header: string | null, nowMs: number): number | null => {
  if (header === null) return null
  const text = header.trim()
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs
  if (!Number.isFinite(waitMs)) return null
  return Math.min(RETRY_AFTER_MAX_MS, Math.max(0, waitMs))
}
