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
