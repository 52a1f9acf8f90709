export interface BackoffOptions {
  readonly baseDelayMs: number
  readonly delayMsMax: number
}

/**
 * Wait before try `attempt` (0 for the first repetition): evenly between 0 and min(most, base · 2^attempt).
 * Source: Brooker 2015, "Exponential backoff and jitter", full jitter.
 *
 * @param random in [0, 1)
 */
export const fullJitterMs = (
  attempt: number,
  { baseDelayMs, delayMsMax }: BackoffOptions,
  random: number,
): number => random * Math.min(delayMsMax, baseDelayMs * 2 ** attempt)

/**
 * `Retry-After` in milliseconds (RFC 9110 §10.2.3: seconds, or a date), and `retry-after-ms` as OpenAI's
 * services send it.
 *
 * @returns null where it is absent, or neither
 */
export const retryAfterMsOf = (headers: Headers, nowMs: number): number | null => {
  const ms = headers.get('retry-after-ms')
  if (ms !== null && /^\d{1,12}(\.\d+)?$/.test(ms)) return Number(ms)
  const after = headers.get('retry-after')
  if (after === null) return null
  if (/^\d{1,9}(\.\d+)?$/.test(after)) return Number(after) * 1_000
  // Date.parse makes a date of nearly everything, of "-1" too.
  const at = /^[A-Za-z]{3},? /.test(after) ? Date.parse(after) : Number.NaN
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs)
}
