import { describe, expect, it } from 'vitest'
import {
  FRAMES_BURST_MAX,
  FRAMES_PER_SECOND_MAX,
  type FrameBudget,
  spendFrame,
} from '../../src/streams/frame-rate.ts'

/** Frames let through when one is tried at each of the times. */
const countAccepted = (timesMs: readonly number[]): number => {
  let budget: FrameBudget | undefined
  let accepted = 0
  for (const nowMs of timesMs) {
    const next = spendFrame(budget, nowMs)
    if (!next) continue
    budget = next
    accepted += 1
  }
  return accepted
}

describe('frame budget', () => {
  it('lets a burst through and not one frame more', () => {
    expect(countAccepted(Array(FRAMES_BURST_MAX + 10).fill(1_000))).toBe(FRAMES_BURST_MAX)
  })

  it('lets the steady rate through for a minute', () => {
    const times = Array.from(
      { length: 60 * FRAMES_PER_SECOND_MAX },
      (_, i) => (i * 1_000) / FRAMES_PER_SECOND_MAX,
    )
    expect(countAccepted(times)).toBe(times.length)
  })

  it('does not let twice the rate through for a minute', () => {
    const times = Array.from(
      { length: 120 * FRAMES_PER_SECOND_MAX },
      (_, i) => (i * 500) / FRAMES_PER_SECOND_MAX,
    )
    expect(countAccepted(times)).toBeLessThanOrEqual(FRAMES_BURST_MAX + 60 * FRAMES_PER_SECOND_MAX)
  })

  it('refills nothing when the clock is set back', () => {
    const times = [...Array(FRAMES_BURST_MAX).fill(10_000), 0, -5_000, 9_000]
    expect(countAccepted(times)).toBe(FRAMES_BURST_MAX)
  })
})
