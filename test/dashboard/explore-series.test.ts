import { describe, expect, it } from 'vitest'
import { chartDataOf, lonelyIndices } from '../../dashboard/src/explore/chart-columns.ts'
import { axisNumbers, axisTimes, shortNumber } from '../../dashboard/src/explore/numbers.ts'
import { parseRecent, RECENT_MAX, withRecent } from '../../dashboard/src/explore/recent-queries.ts'
import {
  commonLabels,
  labelsKey,
  seriesName,
  withoutLabels,
} from '../../dashboard/src/explore/series-names.ts'
import {
  assignSlots,
  COLOURS,
  lookOf,
  SERIES_DRAWN_MAX,
} from '../../dashboard/src/explore/series-slots.ts'

const names = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `series ${from + i}`)

describe('looks of series', () => {
  it('are all different as far as series are drawn', () => {
    const looks = names(SERIES_DRAWN_MAX).map((_, slot) => JSON.stringify(lookOf(slot)))
    expect(new Set(looks).size).toBe(SERIES_DRAWN_MAX)
  })

  it('are different colours before they are different dashes', () => {
    const first = names(COLOURS).map((_, slot) => lookOf(slot))
    expect(new Set(first.map(({ colour }) => colour)).size).toBe(COLOURS)
    expect(first.every(({ dash }) => dash.length === 0)).toBe(true)
  })

  it('stay with their series when others come and go', () => {
    const before = assignSlots(new Map(), ['a', 'b', 'c'])
    const after = assignSlots(before, ['c', 'x', 'b', 'y'])
    expect(after.get('b')).toBe(before.get('b'))
    expect(after.get('c')).toBe(before.get('c'))
    expect([after.get('x'), after.get('y')]).toEqual([0, 3])
  })

  it('are never given twice, and not to more than are drawn', () => {
    let slots: ReadonlyMap<string, number> = new Map()
    for (let round = 0; round < 20; round++) {
      slots = assignSlots(slots, names(SERIES_DRAWN_MAX + 5, round * 7))
      expect(slots.size).toBe(SERIES_DRAWN_MAX)
      expect(new Set(slots.values()).size).toBe(SERIES_DRAWN_MAX)
      expect(Math.max(...slots.values())).toBeLessThan(SERIES_DRAWN_MAX)
    }
  })
})

describe('names of series', () => {
  it('are written as in PromQL', () => {
    expect(seriesName({ __name__: 'up' })).toBe('up')
    expect(seriesName({ __name__: 'up', job: 'a "b"' })).toBe('up{job="a \\"b\\""}')
    expect(seriesName({ job: 'shop' })).toBe('{job="shop"}')
    expect(seriesName({})).toBe('{}')
  })

  it('are the same key in any order of labels', () => {
    expect(labelsKey({ b: '1', a: '2' })).toBe(labelsKey({ a: '2', b: '1' }))
    expect(labelsKey({ a: '1' })).not.toBe(labelsKey({ a: '2' }))
  })

  it('say once what all have in common', () => {
    const all = [
      { __name__: 'up', job: 'shop', instance: 'a' },
      { __name__: 'up', job: 'shop', instance: 'b' },
      { __name__: 'up', job: 'shop' },
    ]
    const common = commonLabels(all)
    expect(common).toEqual({ __name__: 'up', job: 'shop' })
    expect(withoutLabels(all[0] ?? {}, common)).toEqual({ instance: 'a' })
    expect(commonLabels(all.slice(0, 1))).toEqual({})
  })
})

describe('columns of a chart', () => {
  const grid = { startMs: 10_000, endMs: 40_000, stepMs: 10_000 }

  it('put each value on its step and leave the others open', () => {
    const metric = { job: 'shop' }
    const data = chartDataOf(
      {
        resultType: 'matrix',
        result: [
          {
            metric,
            values: [
              [10, '1'],
              [30, '3'],
              [40, 'NaN'],
            ],
          },
          {
            metric: {},
            values: [
              [20, '+Inf'],
              [40, '-2.5e3'],
            ],
          },
          { metric: { h: '1' }, histograms: [[20, { count: '4', sum: '8' }]] },
        ],
      },
      grid,
    )
    expect(data.seconds).toEqual([10, 20, 30, 40])
    expect(data.series.map(({ values }) => values)).toEqual([
      [1, null, 3, null],
      [null, null, null, -2500],
    ])
    expect(data.series[0]?.statistics).toEqual({ last: 3, min: 1, mean: 2, max: 3 })
    expect(data.histograms).toBe(1)
  })

  it('hold the mean of values whose sum is beyond a double', () => {
    const values = [
      [10, '1.5e308'],
      [20, '1.5e308'],
    ] as const
    const data = chartDataOf({ resultType: 'matrix', result: [{ metric: {}, values }] }, grid)
    expect(data.series[0]?.statistics.mean).toBe(1.5e308)
  })

  it('tell which values a line does not show', () => {
    expect(lonelyIndices([1, null, 2, 3, null, 4])).toEqual([0, 5])
    expect(lonelyIndices([7])).toEqual([0])
    expect(lonelyIndices([null, null])).toEqual([])
  })
})

describe('numbers', () => {
  it.each([
    [null, '–'],
    [0, '0'],
    [0.12345, '0.1235'],
    [1234.5, '1235'],
    [-12_345, '-12.35k'],
    [3_000_000, '3M'],
    [1.5e16, '1.5e+16'],
    [0.00001234, '1.234e-5'],
  ])('%d reads %s', (value, text) => {
    expect(shortNumber(value)).toBe(text)
  })

  it('of an axis all have the digits that its steps need', () => {
    expect(axisNumbers([0, 0.05, 0.1], 0.05)).toEqual(['0', '0.05', '0.10'])
    expect(axisNumbers([10_000, 12_500, 15_000], 2_500)).toEqual(['10.0k', '12.5k', '15.0k'])
    expect(axisNumbers([-2, 0, 2], 2)).toEqual(['-2', '0', '2'])
    expect(axisNumbers([0, 2e-9], 2e-9)).toEqual(['0', '2e-9'])
    expect(new Set(axisNumbers([1e6, 1e6 + 1, 1e6 + 2], 1)).size).toBe(3)
  })

  it('of a time axis name the day where it changes', () => {
    const midnight = new Date(2026, 10, 21).getTime() / 1_000
    expect(axisTimes([midnight - 3_600, midnight, midnight + 3_600], 3_600)).toEqual([
      '23:00',
      '21 Nov',
      '01:00',
    ])
    expect(axisTimes([midnight + 5], 5)).toEqual(['00:00:05'])
    expect(axisTimes([midnight], 86_400)).toEqual(['21 Nov'])
  })
})

describe('recent queries', () => {
  it('begin with the newest, have each once, and end somewhere', () => {
    expect(withRecent(['a', 'b'], 'b')).toEqual(['b', 'a'])
    expect(withRecent(names(RECENT_MAX), 'new')).toHaveLength(RECENT_MAX)
    expect(withRecent(['a'], 'x'.repeat(10_000))).toEqual(['a'])
  })

  it.each([null, '', '{', '{}', '[1, null]', 'null'])('are none where %j is stored', (stored) => {
    expect(parseRecent(stored)).toEqual([])
  })
})
