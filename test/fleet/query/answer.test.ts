import '../../kernels/load.ts'
import { describe, expect, it } from 'vitest'
import { instantAnswer, rangeAnswer } from '../../../src/fleet/query/answer.ts'
import { type Column, FLOAT, floatColumn, HISTOGRAM } from '../../../src/fleet/query/column.ts'
import { formatCount, formatTime, formatValue } from '../../../src/fleet/query/format.ts'
import { decodeHistogram } from '../../../src/fleet/query/native-histogram.ts'
import { gridParameters, timeMs } from '../../../src/fleet/query/request.ts'
import { nativeHistogram } from './native.ts'

describe('values as Go writes them', () => {
  it.each([
    [0, '0'],
    [-0, '-0'],
    [0.1, '0.1'],
    [1e-6, '0.000001'],
    [1e-7, '1e-07'],
    [1.5e-10, '1.5e-10'],
    [1e20, '100000000000000000000'],
    [1e21, '1e+21'],
    [-1.25e100, '-1.25e+100'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [5e-324, '5e-324'],
  ])('%d is %s', (value, text) => {
    expect(formatValue(value)).toBe(text)
  })

  it.each([
    [1.5e21, '1500000000000000000000'],
    [-2.5e-7, '-0.00000025'],
    [12, '12'],
  ])('%d names a label %s', (value, text) => {
    expect(formatCount(value)).toBe(text)
  })

  it.each([
    [1_700_000_000_000, '1700000000'],
    [1_700_000_000_050, '1700000000.050'],
    [-500, '-0.500'],
    [-1_500, '-1.500'],
  ])('%d ms are %s s', (ms, text) => {
    expect(formatTime(ms)).toBe(text)
  })
})

describe('times', () => {
  it.each([
    ['1700000000', 1_700_000_000_000],
    ['1700000000.123', 1_700_000_000_123],
    ['1.7e9', 1_700_000_000_000],
    ['2023-11-14T22:13:20Z', 1_700_000_000_000],
    ['2023-11-14T23:13:20.5+01:00', 1_700_000_000_500],
    ['2023-11-14', null],
    ['now', null],
    ['', null],
    ['1e400', null],
    ['NaN', null],
  ])('%s is %d', (text, ms) => {
    expect(timeMs(text)).toBe(ms)
  })

  it('make a grid whose last step does not go beyond the end', () => {
    const given: Record<string, string> = { start: '0', end: '100', step: '30s' }
    expect(gridParameters((name) => given[name])).toEqual({
      ok: true,
      value: { startMs: 0, stepMs: 30_000, steps: 4 },
    })
  })
})

const GRID = { startMs: 0, stepMs: 500, steps: 3 }
const textOf = (pieces: Iterable<Uint8Array>) => JSON.parse(Buffer.concat([...pieces]).toString())

describe('answers', () => {
  const column: Column = floatColumn(
    [
      ['__name__', 'x'],
      ['quote', '"\n'],
    ],
    Float64Array.of(1, 2, Number.NaN),
    Uint8Array.of(FLOAT, 0, FLOAT),
  )

  it('hold the steps that have a value', () => {
    expect(textOf(rangeAnswer({ type: 'vector', columns: [column] }, GRID))).toEqual({
      status: 'success',
      data: {
        resultType: 'matrix',
        result: [
          {
            metric: { __name__: 'x', quote: '"\n' },
            values: [
              [0, '1'],
              [1, 'NaN'],
            ],
          },
        ],
      },
    })
  })

  it('have a scalar as a series without labels over a range', () => {
    const values = Float64Array.of(1, 2, 3)
    const { data } = textOf(rangeAnswer({ type: 'scalar', values }, GRID))
    expect(data.result).toEqual([
      {
        metric: {},
        values: [
          [0, '1'],
          [0.5, '2'],
          [1, '3'],
        ],
      },
    ])
  })

  it('escape what JSON does not take in labels', () => {
    const labels = [
      ['a', 'plain'],
      ['b', 'quo"te \\ \n \u0001'],
      ['c', 'snow ☃ 🦌'],
      ['d', 'lone \ud800'],
    ] as const
    const { data } = textOf(rangeAnswer({ type: 'vector', columns: [{ ...column, labels }] }, GRID))
    expect(data.result[0].metric).toEqual(Object.fromEntries(labels))
  })

  it('are cut in pieces that make the same text', () => {
    const columns = Array.from({ length: 3_000 }, (_, index) => ({
      ...column,
      labels: [['i', `${index}`]] as const,
    }))
    const pieces = [...rangeAnswer({ type: 'vector', columns }, GRID)]
    expect(pieces.length).toBeGreaterThan(1)
    expect(textOf(pieces).data.result).toHaveLength(3_000)
  })

  it('say native histograms by their buckets', () => {
    const bytes = nativeHistogram(0, { counts: [2, 0, 3], zeros: 1, negative: [4], sum: -1.5 })
    const native: Column = {
      labels: [],
      values: new Float64Array(1),
      present: Uint8Array.of(HISTOGRAM),
      histograms: [decodeHistogram(bytes)],
    }
    const grid = { ...GRID, steps: 1 }
    expect(textOf(instantAnswer({ type: 'vector', columns: [native] }, grid)).data.result).toEqual([
      {
        metric: {},
        histogram: [
          0,
          {
            count: '10',
            sum: '-1.5',
            buckets: [
              [1, '-1', '-0.5', '4'],
              [3, '-0.001', '0.001', '1'],
              [0, '0.5', '1', '2'],
              [0, '2', '4', '3'],
            ],
          },
        ],
      },
    ])
  })
})
