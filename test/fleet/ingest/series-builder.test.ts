import { describe, expect, it } from 'vitest'
import {
  named,
  SeriesWriteBuilder,
  WRITE_SAMPLES_MAX,
} from '../../../src/fleet/ingest/series-builder.ts'
import { decodeLabels, encodeLabels } from '../../../src/fleet/series/labels.ts'
import { STALE_MARKER_BITS } from '../../../src/fleet/series/series-write.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'
import '../../kernels/load.ts'

const seriesIn = (builder: SeriesWriteBuilder, labels: Parameters<typeof named>[1], at = 0) => {
  const series = builder.seriesOf(named('up', labels), at)
  if (typeof series !== 'number') throw new Error(series.detail)
  return series
}

describe('a series write being built', () => {
  it('knows a series whatever the order of its labels, and without the empty ones', () => {
    const builder = new SeriesWriteBuilder()
    const first = seriesIn(builder, [['a', '1'], ['b', '2']], 7) // biome-ignore format: pairs
    expect(seriesIn(builder, [['b', '2'], ['c', ''], ['a', '1']], 8)).toBe(first) // biome-ignore format: pairs
    expect(seriesIn(builder, [['a', '12']], 9)).not.toBe(first)
    const write = builder.build()
    expect(write.seriesCount).toBe(2)
    expect([...write.positions]).toEqual([7, 9])
    expect(decodeLabels(write.labelsOf(0))).toEqual([
      ['__name__', 'up'],
      ['a', '1'],
      ['b', '2'],
    ])
    expect(write.identity.subarray(4, 8)).toEqual(identityOf(write.labelsOf(1)))
  })

  it('has the canonical bytes of any labels, ASCII or not', () => {
    const builder = new SeriesWriteBuilder()
    const sets = [
      [['Zone', '1'], ['_a', ''], ['a', '\u007f'], ['a_b', '2'], ['aZ', '3']],
      [['a', '\u0080'], ['B', '1']],
      [['\u{10000}', '1'], ['\uffff', '2'], ['z', '3']],
    ] as const // biome-ignore format: pairs
    for (const labels of sets) seriesIn(builder, labels)
    const write = builder.build()
    sets.forEach((labels, i) => {
      expect(write.labelsOf(i)).toEqual(encodeLabels(named('up', labels)))
    })
  })

  it('does not confuse label sets that read alike', () => {
    const builder = new SeriesWriteBuilder()
    const sets = [
      [['a', 'b\n1:c'], ['c', 'd']],
      [['a', 'b'], ['1:cc', 'd']],
      [['a', 'b\n1:cd']],
      [['ab', 'c']],
      [['a', 'bc']],
    ] as const // biome-ignore format: pairs
    expect(new Set(sets.map((labels) => seriesIn(builder, labels))).size).toBe(sets.length)
  })

  it('brings samples into the order of their series, markers bit by bit', () => {
    const builder = new SeriesWriteBuilder()
    const a = seriesIn(builder, [['n', 'a']])
    const b = seriesIn(builder, [['n', 'b']])
    builder.sample(b, 3, 30)
    builder.stale(a, 2)
    builder.sample(b, 1, Number.NaN)
    builder.sample(a, 1, -0)
    const write = builder.build()
    expect([...write.sampleSeries]).toEqual([a, a, b, b])
    expect([...write.timestamps]).toEqual([2, 1, 3, 1])
    const bits = new BigUint64Array(write.values.slice().buffer)
    expect(bits[0]).toBe(STALE_MARKER_BITS)
    expect(Object.is(write.values[1], -0)).toBe(true)
    expect(bits[3]).toBe(0x7ff8000000000000n)
  })

  it('grows, and says when it has too much', () => {
    const builder = new SeriesWriteBuilder()
    const series = seriesIn(builder, [])
    for (let i = 0; i < WRITE_SAMPLES_MAX; i++) builder.sample(series, i, i)
    expect(builder.isFull).toBe(false)
    builder.stale(series, 0)
    expect(builder.isFull).toBe(true)
    const { values } = builder.build()
    expect(values[WRITE_SAMPLES_MAX - 1]).toBe(WRITE_SAMPLES_MAX - 1)
  })

  it.each([
    ['an ill-formed value', [['a', '\ud800']], 'invalid-utf8'],
    ['an empty name', [['', '1']], 'invalid-labels'],
    ['a name twice', [['a', '1'], ['a', '2']], 'invalid-labels'], // biome-ignore format: pairs
    ['the metric name twice', [['__name__', 'x']], 'invalid-labels'],
  ] as const)('refuses %s', (_, labels, reason) => {
    const builder = new SeriesWriteBuilder()
    expect(builder.seriesOf(named('up', labels), 0)).toMatchObject({ reason })
    expect(builder.build().seriesCount).toBe(0)
  })

  it('keeps a bounded list of refusals and every count', () => {
    const builder = new SeriesWriteBuilder()
    const fault = { reason: 'invalid-line', detail: 'no value' } as const
    for (let i = 0; i < 25_000; i++) builder.refuse(i, fault)
    builder.refuse(0, { reason: 'not-finite', detail: 'another' }, { samples: 2 })
    const { refused } = builder.build()
    expect(refused).toHaveLength(10_000)
    expect(refused.reduce((sum, { samples }) => sum + samples, 0)).toBe(25_002)
  })

  it('identifies more series than one call of the kernel takes', () => {
    const builder = new SeriesWriteBuilder()
    for (let i = 0; i < 1_500; i++) seriesIn(builder, [['n', `${i}${'x'.repeat(2_000)}`]])
    const write = builder.build()
    for (const series of [0, 1, 521, 522, 523, 1_044, 1_499])
      expect(write.identity.subarray(4 * series, 4 * series + 4)).toEqual(
        identityOf(write.labelsOf(series)),
      )
  })

  it('is an empty write when nothing came', () => {
    const write = new SeriesWriteBuilder().build()
    expect([write.seriesCount, write.values.length, write.identity.length]).toEqual([0, 0, 0])
  })

  it('keeps the first description of a metric', () => {
    const builder = new SeriesWriteBuilder()
    builder.metadata({ metric: 'up', type: 'gauge', help: 'a', unit: '' })
    builder.metadata({ metric: 'up', type: 'counter', help: 'b', unit: '' })
    expect(builder.build().metadata).toEqual([{ metric: 'up', type: 'gauge', help: 'a', unit: '' }])
  })
})
