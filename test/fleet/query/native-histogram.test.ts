import { describe, expect, it } from 'vitest'
import { classicQuantile } from '../../../src/fleet/query/classic-histogram.ts'
import { combined, isReset, scaled } from '../../../src/fleet/query/histogram-arithmetic.ts'
import {
  bucketsOf,
  nativeFraction,
  nativeQuantile,
} from '../../../src/fleet/query/histogram-buckets.ts'
import { decodeHistogram, type FloatHistogram } from '../../../src/fleet/query/native-histogram.ts'
import { message } from '../../support/remote-write.ts'
import { nativeHistogram } from './native.ts'

const decoded = (bytes: Uint8Array): FloatHistogram => {
  const histogram = decodeHistogram(bytes)
  if (!histogram) throw new Error('damaged')
  return histogram
}

const native = (
  ...args: Parameters<typeof nativeHistogram> extends [number, infer N] ? [N] : never
) => decoded(nativeHistogram(0, args[0]))

describe('native histograms', () => {
  it('are read with integer or float counts, and buckets of their own', () => {
    expect(native({ counts: [1, 3, 2], schema: 2 })).toMatchObject({
      schema: 2,
      count: 6,
      positive: { index: [0, 1, 2], count: [1, 3, 2] },
    })
    const bytes = message((pbf) => {
      pbf.writeDoubleField(2, 4.5)
      pbf.writeSVarintField(4, -53)
      const span = message((inner) => {
        inner.writeSVarintField(1, 0)
        inner.writeVarintField(2, 3)
      })
      pbf.writeBytesField(11, span)
      pbf.writePackedDouble(13, [1.5, 2, 1])
      pbf.writePackedDouble(16, [0.1, 1])
    })
    expect(
      bucketsOf(decoded(bytes)).map(({ lower, upper, count }) => [lower, upper, count]),
    ).toEqual([
      [Number.NEGATIVE_INFINITY, 0.1, 1.5],
      [0.1, 1, 2],
      [1, Number.POSITIVE_INFINITY, 1],
    ])
  })

  it('are told when they are stale, or damaged', () => {
    const stale = message((pbf) => {
      pbf.writeTag(3, 1)
      pbf.writeFixed32(0x00000002)
      pbf.writeFixed32(0x7ff00000)
    })
    expect(decoded(stale).isStale).toBe(true)
    expect(native({ counts: [1], sum: Number.NaN }).isStale).toBe(false)
    expect(decodeHistogram(Uint8Array.of(0x08, 0xff))).toBeNull()
  })

  it('are added at the coarser schema of both', () => {
    const sum = combined(native({ counts: [1, 1, 1, 1], schema: 1 }), native({ counts: [5] }), 1)
    expect(sum).toMatchObject({
      schema: 0,
      count: 9,
      // Of schema 1, bucket 0 is half of bucket 0 and 1 and 2 make 1.
      positive: { index: [0, 1, 2], count: [6, 2, 1] },
    })
    expect(combined(native({ counts: [3] }), native({ counts: [1] }), -1)?.positive.count).toEqual([
      2,
    ])
  })

  it('are added with the wider zero bucket, which takes up what lies in it', () => {
    const wide = { ...native({ counts: [0, 1], zeros: 2 }), zeroThreshold: 1 }
    expect(combined(wide, native({ counts: [4, 1], zeros: 1 }), 1)).toMatchObject({
      zeroThreshold: 1,
      zeroCount: 7,
      positive: { count: [0, 2] },
    })
  })

  it('widen the zero bucket so that it cuts through no bucket', () => {
    const wide = { ...native({ counts: [], zeros: 2 }), zeroThreshold: 0.7 }
    expect(combined(wide, native({ counts: [4, 1] }), 1)).toMatchObject({
      zeroThreshold: 1,
      zeroCount: 6,
    })
  })

  it('are reset when a count falls or buckets become finer', () => {
    expect(isReset(native({ counts: [2, 2] }), native({ counts: [2, 3] }))).toBe(false)
    expect(isReset(native({ counts: [2, 2] }), native({ counts: [1, 4] }))).toBe(true)
    expect(isReset(native({ counts: [2] }), native({ counts: [2], schema: 1 }))).toBe(true)
    expect(isReset(native({ counts: [2], schema: 1 }), native({ counts: [3] }))).toBe(false)
  })

  it('have quantiles and fractions', () => {
    const histogram = native({ counts: [2, 2], negative: [2], zeros: 2 })
    expect(nativeQuantile(0, histogram, false)).toBe(-1)
    expect(nativeQuantile(0.25, histogram, false)).toBe(-0.5)
    expect(nativeQuantile(1, histogram, false)).toBe(2)
    expect(nativeQuantile(0.875, histogram, false)).toBe(1.5)
    expect(nativeQuantile(0.875, histogram, true)).toBeCloseTo(Math.SQRT2, 12)
    expect(nativeQuantile(2, histogram, false)).toBe(Number.POSITIVE_INFINITY)
    expect(nativeQuantile(0.5, scaled(histogram, 0), false)).toBeNaN()
    expect(nativeFraction(0, 1, histogram)).toBeCloseTo(0.375, 12)
    expect(nativeFraction(1, 0, histogram)).toBe(0)
  })
})

describe('classic histograms', () => {
  const quantile = (q: number, buckets: readonly (readonly [number, number])[]) =>
    classicQuantile(
      q,
      Float64Array.from(buckets, ([bound]) => bound),
      Float64Array.from(buckets, ([, count]) => count),
    )
  const INF = Number.POSITIVE_INFINITY

  it('have quantiles by linear interpolation', () => {
    expect(
      quantile(0.5, [
        [1, 0],
        [2, 10],
        [INF, 10],
      ]),
    ).toBe(1.5)
    expect(
      quantile(0.5, [
        [1, 10],
        [INF, 10],
      ]),
    ).toBe(0.5)
    expect(
      quantile(0.99, [
        [1, 5],
        [INF, 10],
      ]),
    ).toBe(1)
    expect(
      quantile(0.1, [
        [-1, 5],
        [1, 10],
        [INF, 10],
      ]),
    ).toBe(-1)
  })

  it('have none without a bucket to infinity, or without observations', () => {
    expect(
      quantile(0.5, [
        [1, 5],
        [2, 10],
      ]),
    ).toBeNaN()
    expect(quantile(0.5, [[INF, 10]])).toBeNaN()
    expect(
      quantile(0.5, [
        [1, 0],
        [INF, 0],
      ]),
    ).toBeNaN()
    expect(
      quantile(Number.NaN, [
        [1, 1],
        [INF, 1],
      ]),
    ).toBeNaN()
  })

  it('take a count that fell as the one before, and add up buckets of one bound', () => {
    expect(
      quantile(0.5, [
        [1, 6],
        [2, 4],
        [INF, 8],
      ]),
    ).toBeCloseTo(2 / 3, 12)
    expect(
      quantile(0.5, [
        [1, 2],
        [1, 2],
        [INF, 4],
        [INF, 4],
      ]),
    ).toBe(1)
  })
})
