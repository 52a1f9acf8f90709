import { describe, expect, it } from 'vitest'
import {
  type Exploration,
  formatExploration,
  parseExploration,
} from '../../dashboard/src/explore/address.ts'
import {
  boundsOf,
  formatDuration,
  fromLocalInput,
  gridFor,
  parseDuration,
  RANGES,
  rangeFault,
  STEPS_MAX,
  stepFor,
  toLocalInput,
} from '../../dashboard/src/explore/time-range.ts'
import { parseRoute, routeTo } from '../../dashboard/src/route.ts'

const HOUR_MS = 3_600_000

describe('the step of a chart', () => {
  it.each([
    { range: '15m', ms: 15 * 60_000, widthPx: 1_400, stepSeconds: 2 },
    { range: '1h', ms: HOUR_MS, widthPx: 1_400, stepSeconds: 10 },
    { range: '24h', ms: 24 * HOUR_MS, widthPx: 1_400, stepSeconds: 300 },
    { range: '7d', ms: 168 * HOUR_MS, widthPx: 1_400, stepSeconds: 900 },
    { range: '1h on a phone', ms: HOUR_MS, widthPx: 360, stepSeconds: 30 },
    { range: 'a second', ms: 1_000, widthPx: 1_400, stepSeconds: 1 },
  ])('of $range is $stepSeconds s', ({ ms, widthPx, stepSeconds }) => {
    expect(stepFor(ms, widthPx)).toBe(stepSeconds * 1_000)
  })

  it('never asks for more points than the service gives, however wide the screen', () => {
    for (let ms = 1; ms < 5 * 365 * 24 * HOUR_MS; ms = ms * 3 + 1)
      for (const widthPx of [0, 320, 1_400, 7_680, 1e6])
        expect(ms / stepFor(ms, widthPx)).toBeLessThanOrEqual(STEPS_MAX)
  })
})

describe('the grid of a chart', () => {
  it('is the multiples of the step within the range, so that it stays from one run to the next', () => {
    const range = { kind: 'last', durationMs: HOUR_MS } as const
    const nowMs = 1_795_288_475_835
    const grid = gridFor(range, nowMs, 1_400)
    expect(grid.stepMs).toBe(10_000)
    expect(grid.startMs % 10_000).toBe(0)
    expect(grid.endMs % 10_000).toBe(0)
    expect(grid.startMs).toBeGreaterThanOrEqual(nowMs - HOUR_MS)
    expect(nowMs - grid.endMs).toBeLessThan(10_000)
    expect(gridFor(range, nowMs + 4_000, 1_400)).toEqual(grid)
  })

  it('has one moment where the range is shorter than a step', () => {
    const grid = gridFor({ kind: 'between', fromMs: 10_100, toMs: 10_900 }, 0, 1_400)
    expect(grid).toEqual({ startMs: 10_000, endMs: 10_000, stepMs: 1_000 })
  })
})

describe('durations', () => {
  it.each(RANGES.map(({ label, ms }) => [label, ms] as const))(
    '%s is %d ms and back',
    (text, ms) => {
      expect(parseDuration(text)).toBe(ms)
      expect(formatDuration(ms)).toBe(text)
    },
  )

  it.each(['', '1', 'h', '0h', '-1h', '1.5h', '1h30m', '9999999999h', '99999d'])(
    'does not take %j',
    (text) => {
      expect(parseDuration(text)).toBeNull()
    },
  )
})

describe('moments of a field', () => {
  it('come back to the second, whatever the zone', () => {
    const ms = 1_795_288_475_000
    expect(fromLocalInput(toLocalInput(ms))).toBe(ms)
  })

  it('are no range where one is missing or they are the wrong way round', () => {
    expect(rangeFault(fromLocalInput(''), 5)).toMatch(/Fill in/)
    expect(rangeFault(5, 5)).toMatch(/after the start/)
    expect(rangeFault(0, 1e15)).toMatch(/five years/)
    expect(rangeFault(5, 6)).toBeNull()
  })
})

describe('the address of an exploration', () => {
  const QUERY = 'sum by (job) (rate(x{a="b&c=d#e%",f=~"ü+"}[5m])) > 1'

  it.each<Exploration>([
    {
      query: QUERY,
      range: { kind: 'last', durationMs: 6 * HOUR_MS },
      view: 'table',
      refreshSeconds: 5,
    },
    {
      query: QUERY,
      range: { kind: 'between', fromMs: 1_795_288_475_835, toMs: 1_795_298_475_000 },
      view: 'chart',
      refreshSeconds: 0,
    },
  ])('comes back as it was', (exploration) => {
    const hash = routeTo({ page: 'explore', search: formatExploration(exploration) })
    const route = parseRoute(hash)
    expect(route.page).toBe('explore')
    expect(route.page === 'explore' && parseExploration(route.search)).toEqual(exploration)
  })

  it('has defaults for what is missing or wrong', () => {
    const standard = parseExploration('')
    expect(standard).toEqual({
      query: '',
      range: { kind: 'last', durationMs: HOUR_MS },
      view: 'chart',
      refreshSeconds: 0,
    })
    expect(parseExploration('range=soon&view=pie&refresh=1s&from=x&to=y')).toEqual(standard)
    expect(parseExploration('from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z')).toEqual(standard)
  })

  it('does not refresh a range with a fixed end', () => {
    const search = 'from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&refresh=5s'
    expect(parseExploration(search).refreshSeconds).toBe(0)
  })

  it('is a page of its own beside the fleet', () => {
    expect(parseRoute('#/explore')).toEqual({ page: 'explore', search: '' })
    expect(parseRoute('#/connect?source=curl')).toEqual({ page: 'connect', search: 'source=curl' })
    expect(parseRoute('#/exploration')).toEqual({ page: 'fleet' })
    expect(routeTo({ page: 'connect', search: '' })).toBe('#/connect')
  })
})

it('the bounds of a range with fixed ends do not move', () => {
  const range = { kind: 'between', fromMs: 1, toMs: 2 } as const
  expect(boundsOf(range, 99)).toEqual({ fromMs: 1, toMs: 2 })
  expect(boundsOf({ kind: 'last', durationMs: 9 }, 99)).toEqual({ fromMs: 90, toMs: 99 })
})
