import { describe, expect, it } from 'vitest'
import { timeMs, timeoutFault } from '../../../src/fleet/query/request.ts'

describe('a time of a query', () => {
  it.each([
    ['1772236800.5', 1_772_236_800_500],
    ['2026-02-28T00:00:00Z', 1_772_236_800_000],
    ['2026-02-28T00:00:00.123456789Z', 1_772_236_800_123],
    ['2026-02-28T00:00:00+23:59', 1_772_150_460_000],
    ['2024-02-29T23:59:59Z', 1_709_251_199_000],
    ['2000-02-29T00:00:00Z', 951_782_400_000],
  ])('is read: %s', (text, ms) => {
    expect(timeMs(text)).toBe(ms)
  })

  // As Prometheus 2.42.
  it.each([
    '2026-02-30T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-02-28T24:00:00Z',
    '2026-02-28T23:59:60Z',
    '2026-02-28T00:60:00Z',
    '2026-02-28T00:00:00',
    '2026-02-28 00:00:00Z',
    '2026-02-28',
  ])('is none: %s', (text) => {
    expect(timeMs(text)).toBeNull()
  })
})

describe('the timeout of a query', () => {
  it.each([undefined, '', '5', '0.5', '1e3', '5s', '1m30s', '5ms'])('may be %s', (text) => {
    expect(timeoutFault(() => text)).toBeNull()
  })

  it.each(['abc', '1.5s', '-5s', '5 s', 'Inf', '1e30'])('is no %s', (text) => {
    expect(timeoutFault(() => text)).toBe(
      `invalid parameter "timeout": cannot parse "${text}" to a valid duration`,
    )
  })
})
