import { describe, expect, it } from 'vitest'
import { backoffMs, RETRY_AFTER_MAX_MS, retryAfterMs } from '../../../local/agent/backoff.ts'

const policy = { baseMs: 100, maxMs: 1_000 }

describe('back-off with full jitter', () => {
  it.each([
    { attempt: 0, longestMs: 100 },
    { attempt: 1, longestMs: 200 },
    { attempt: 3, longestMs: 800 },
    { attempt: 4, longestMs: 1_000 },
    { attempt: 5_000, longestMs: 1_000 },
  ])('waits from 0 to $longestMs ms after $attempt failures', ({ attempt, longestMs }) => {
    expect(backoffMs(policy, attempt, () => 0)).toBe(0)
    expect(backoffMs(policy, attempt, () => 0.5)).toBe(longestMs / 2)
    expect(backoffMs(policy, attempt, () => 1)).toBe(longestMs)
  })

  it('never waits shorter than the server asked for', () => {
    expect(backoffMs(policy, 0, () => 0, 5_000)).toBe(5_000)
    expect(backoffMs(policy, 0, () => 0.5, 5_000)).toBe(5_050)
  })
})

describe('Retry-After', () => {
  const nowMs = Date.parse('2026-11-21T12:00:00Z')
  it.each([
    { header: '7', waitMs: 7_000 },
    { header: ' 0 ', waitMs: 0 },
    { header: 'Sat, 21 Nov 2026 12:00:30 GMT', waitMs: 30_000 },
    { header: 'Sat, 21 Nov 2026 11:00:00 GMT', waitMs: 0 },
    { header: '999999999', waitMs: RETRY_AFTER_MAX_MS },
    { header: 'soon', waitMs: null },
    { header: '', waitMs: null },
    { header: null, waitMs: null },
  ])('$header is $waitMs ms', ({ header, waitMs }) => {
    expect(retryAfterMs(header, nowMs)).toBe(waitMs)
  })
})
