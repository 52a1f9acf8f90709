/** What one client may send, on average and at once; answers of the hub and `ping` are not counted. */
export const FRAMES_PER_SECOND_MAX = 20
export const FRAMES_BURST_MAX = 40

/** A token bucket; lost when the object is evicted, by when it would have been full again. */
export interface FrameBudget {
  readonly tokens: number
  readonly atMs: number
}

/**
 * Takes one frame from the budget.
 *
 * @param budget undefined for a client that has sent nothing yet   @param nowMs milliseconds
 * @returns the budget after the frame, or null where the client sent too many
 */
export const spendFrame = (budget: FrameBudget | undefined, nowMs: number): FrameBudget | null => {
  const before = budget ?? { tokens: FRAMES_BURST_MAX, atMs: nowMs }
  // A clock that was set back refills nothing.
  const refill = (Math.max(0, nowMs - before.atMs) / 1_000) * FRAMES_PER_SECOND_MAX
  const tokens = Math.min(FRAMES_BURST_MAX, before.tokens + refill)
  return tokens < 1 ? null : { tokens: tokens - 1, atMs: nowMs }
}
