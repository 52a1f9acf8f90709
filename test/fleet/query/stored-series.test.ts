import '../../kernels/load.ts'
import { describe, expect, it } from 'vitest'
import { storedSeriesOf } from '../../../src/fleet/query/stored-series.ts'
import { DamagedChunkError } from '../../../src/fleet/series/evaluation.ts'
import { encodeLabels } from '../../../src/fleet/series/labels.ts'
import type { SelectedSeries } from '../../../src/fleet/series/shard-api.ts'
import { encodeChunk } from '../../../src/kernels/chunk.ts'

type Samples = readonly (readonly [time: number, value: number | bigint])[]

const STALE = 0x7ff0000000000002n

const columnsOf = (samples: Samples) => {
  const values = new Float64Array(samples.length)
  const bits = new BigUint64Array(values.buffer)
  samples.forEach(([, value], index) => {
    if (typeof value === 'bigint') bits[index] = value
    else values[index] = value
  })
  return { timestamps: Float64Array.from(samples, ([time]) => time), values }
}

const partOf = (chunks: readonly Samples[], head: Samples = []): SelectedSeries => ({
  labels: encodeLabels([['__name__', 'x']]),
  chunks: chunks.map((samples) => {
    const { timestamps, values } = columnsOf(samples)
    return encodeChunk(timestamps, values)
  }),
  head: columnsOf(head),
  histograms: [],
})

const bitsOf = ({ timestamps, values }: { timestamps: Float64Array; values: Float64Array }) =>
  [...new BigUint64Array(values.slice().buffer)].map((bits, index) => [timestamps[index], bits])

const one = new BigUint64Array(Float64Array.of(1).buffer)[0] ?? 0n
const two = new BigUint64Array(Float64Array.of(2).buffer)[0] ?? 0n
const windows = { startMs: 30, stepMs: 10, steps: 2, rangeMs: 100 }

describe('stored series', () => {
  it('are chunks and head in the order of time, within the range', () => {
    const series = storedSeriesOf(
      [
        partOf(
          [
            [
              [10, 1],
              [20, 2],
            ],
            [[30, 1]],
          ],
          [[40, 2]],
        ),
      ],
      20,
      35,
    )
    expect(bitsOf(series.read())).toEqual([
      [20, two],
      [30, one],
    ])
  })

  it('keep the first written of samples at one time, and the bits of stale markers', () => {
    const late = partOf(
      [
        [
          [10, 1],
          [30, STALE],
        ],
        [
          [20, 2],
          [30, 1],
        ],
      ],
      [[10, 2]],
    )
    expect(bitsOf(storedSeriesOf([late], 0, 100).read())).toEqual([
      [10, one],
      [20, two],
      [30, STALE],
    ])
  })

  it('are made one where two shards have parts of them', () => {
    const series = storedSeriesOf(
      [
        partOf([[[10, 1]]]),
        partOf([
          [
            [10, 2],
            [20, 2],
          ],
        ]),
      ],
      0,
      100,
    )
    expect(bitsOf(series.read())).toEqual([
      [10, one],
      [20, two],
    ])
    expect(series.evaluate?.('count_over_time', windows)).toBeNull()
  })

  it('are evaluated where they were decoded, with the same result', () => {
    const series = storedSeriesOf(
      [
        partOf(
          [
            [
              [10, 1],
              [20, STALE],
            ],
          ],
          [
            [30, 2],
            [40, 2],
          ],
        ),
      ],
      0,
      100,
    )
    const found = series.evaluate?.('sum_over_time', windows)
    expect([...(found?.values ?? [])]).toEqual([3, 5])
    expect(found?.samples).toBe(4)
  })

  it('are read instead where they have to be put in order first', () => {
    const series = storedSeriesOf([partOf([[[30, 1]], [[10, 2]]])], 0, 100)
    expect(series.evaluate?.('sum_over_time', windows)).toBeNull()
  })

  it('say when a chunk is damaged', () => {
    const broken = { ...partOf([]), chunks: [Uint8Array.of(255, 1, 2)] }
    expect(() => storedSeriesOf([broken], 0, 1).read()).toThrow(DamagedChunkError)
  })
})
