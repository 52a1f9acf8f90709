/** Longest latency that is counted, ms: squares of more would not add up to exact numbers. */
const LATENCY_MS_MAX = 3_600_000

/**
 * What one decision adds to the totals of its candidate: whole numbers, so that it can be taken away
 * again exactly. Scores are in millionths, latencies in whole milliseconds.
 */
export interface Contribution {
  readonly trials: number
  readonly score_micro: number
  readonly latency_count: number
  readonly latency_sum: number
  readonly latency_squares: number
}

/** @param score [0, 1], null where nothing is known of it     @param latencyMs null where it is not counted */
export const contributionOf = (score: number | null, latencyMs: number | null): Contribution => {
  const ms = latencyMs === null ? 0 : Math.min(Math.round(latencyMs), LATENCY_MS_MAX)
  return {
    trials: score === null ? 0 : 1,
    score_micro: score === null ? 0 : Math.round(score * 1e6),
    latency_count: latencyMs === null ? 0 : 1,
    latency_sum: ms,
    latency_squares: ms * ms,
  }
}
