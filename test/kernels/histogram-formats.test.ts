import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { Histogram } from '../../src/kernels/histogram.ts'
import { dataOf, histogramOf } from '../../src/kernels/histogram-data.ts'
import {
  downscaled,
  type ExponentialData,
  fromOtlp,
  fromPrometheus,
  toOtlp,
  toPrometheus,
} from '../../src/kernels/histogram-formats.ts'
import { BUILDS, useBuild } from './load.ts'

const buckets = (scale: number) =>
  fc
    .uniqueArray(
      fc.integer({ min: -1000 * 2 ** Math.min(scale, 4), max: 1000 * 2 ** Math.min(scale, 4) }),
      {
        maxLength: 30,
      },
    )
    .chain((indices) =>
      fc
        .array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 2 ** 40 })), {
          minLength: indices.length,
          maxLength: indices.length,
        })
        .map((counts) => ({ indices: indices.sort((a, b) => a - b), counts })),
    )

const dataUpTo = (scaleMax: number): fc.Arbitrary<ExponentialData> =>
  fc.integer({ min: 0, max: scaleMax }).chain((scale) =>
    fc.record({
      scale: fc.constant(scale),
      zeroThreshold: fc.double({ min: 0, max: 1, noNaN: true }),
      zeroCount: fc.integer({ min: 0, max: 2 ** 40 }),
      unbucketedCount: fc.integer({ min: 0, max: 1000 }),
      positive: buckets(scale),
      negative: buckets(scale),
      sum: fc.double(),
    }),
  )

const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
const filled = (values: readonly number[], scale: number): Histogram => {
  const histogram = new Histogram(scale)
  for (const value of values) histogram.add(value)
  return histogram
}
const hex = (histogram: Histogram): string => Buffer.from(histogram.toBytes()).toString('hex')

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('Prometheus native histograms', () => {
    it('are read and written without loss', () => {
      fc.assert(
        fc.property(dataUpTo(8), (data) => {
          expect(fromPrometheus(toPrometheus(data))).toEqual(data)
        }),
        { seed: 42, numRuns: 300 },
      )
    })

    it('hold our histograms of any scale to 8', () => {
      fc.assert(
        fc.property(
          fc.array(finite, { maxLength: 60 }),
          fc.integer({ min: -4, max: 8 }),
          (xs, s) => {
            const histogram = filled(xs, s)
            const again = histogramOf(fromPrometheus(toPrometheus(dataOf(histogram))))
            expect(hex(again)).toBe(hex(histogram))
            expect(again.count).toBe(histogram.count)
          },
        ),
        { seed: 42, numRuns: 300 },
      )
    })

    it('number and pack buckets as client_golang does', () => {
      // TestNativeHistogram, "factor 1.1 results in schema 3": 0, 1, 2, 3.
      expect(toPrometheus(dataOf(filled([0, 1, 2, 3], 3), 6))).toEqual({
        schema: 3,
        zeroThreshold: 0,
        zeroCount: 1,
        count: 4,
        sum: 6,
        positiveSpans: [
          { offset: 0, length: 1 },
          { offset: 7, length: 1 },
          { offset: 4, length: 1 },
        ],
        positiveDeltas: [1, 0, 0],
        negativeSpans: [],
        negativeDeltas: [],
      })
    })

    it('may hold spans that are empty, or touch', () => {
      const data = fromPrometheus({
        schema: 0,
        zeroThreshold: 1e-128,
        zeroCount: 0,
        count: 6,
        sum: 1,
        positiveSpans: [
          { offset: -2, length: 0 },
          { offset: 1, length: 2 },
          { offset: 0, length: 1 },
        ],
        positiveDeltas: [2, -2, 4],
        negativeSpans: [],
        negativeDeltas: [],
      })
      expect(data.positive).toEqual({ indices: [-2, 0], counts: [2, 4] })
    })

    it('count what is beyond the largest double, or in no bucket, as not finite', () => {
      const histogram = histogramOf(
        fromPrometheus({
          schema: 0,
          zeroThreshold: 0,
          zeroCount: 0,
          count: 4,
          sum: Number.POSITIVE_INFINITY,
          positiveSpans: [{ offset: 1024, length: 2 }],
          positiveDeltas: [1, 1],
          negativeSpans: [],
          negativeDeltas: [],
        }),
      )
      expect([histogram.count, histogram.nonFiniteCount]).toEqual([1, 3])
    })

    const sound = toPrometheus(dataOf(filled([1, 2, 3], 3), 6))
    it.each([
      { fault: 'a schema of custom buckets', change: { schema: -53 } },
      { fault: 'a schema too fine', change: { schema: 9 } },
      { fault: 'more deltas than spans', change: { positiveDeltas: [1, 0, 0, 0] } },
      { fault: 'fewer deltas than spans', change: { positiveDeltas: [1] } },
      { fault: 'a count below zero', change: { positiveDeltas: [1, -2, 0] } },
      { fault: 'less than its buckets', change: { count: 2 } },
      {
        fault: 'a negative gap',
        change: {
          positiveSpans: [
            { offset: 0, length: 1 },
            { offset: -1, length: 2 },
          ],
        },
      },
      {
        fault: 'buckets of no double',
        change: { positiveSpans: [{ offset: 2 ** 30, length: 3 }] },
      },
      { fault: 'a length below zero', change: { positiveSpans: [{ offset: 0, length: -3 }] } },
      { fault: 'no threshold', change: { zeroThreshold: Number.NaN } },
      { fault: 'half a zero', change: { zeroCount: 0.5 } },
    ])('are refused with $fault', ({ change }) => {
      expect(() => fromPrometheus({ ...sound, ...change })).toThrow(RangeError)
      expect(() => fromPrometheus(sound)).not.toThrow()
    })
  })

  describe('OTLP exponential histograms', () => {
    it('are read and written without loss', () => {
      fc.assert(
        fc.property(dataUpTo(10), (data) => {
          expect(fromOtlp(toOtlp(data))).toEqual(data)
        }),
        { seed: 42, numRuns: 300 },
      )
    })

    it('hold our histograms of any scale, numbered alike', () => {
      fc.assert(
        fc.property(
          fc.array(finite, { maxLength: 60 }),
          fc.integer({ min: -4, max: 10 }),
          (xs, s) => {
            const histogram = filled(xs, s)
            const point = toOtlp(dataOf(histogram))
            expect(hex(histogramOf(fromOtlp(point)))).toBe(hex(histogram))
            point.positive.bucketCounts.forEach((count, i) => {
              expect(histogram.positive.at(point.positive.offset + i)).toBe(count)
            })
          },
        ),
        { seed: 42, numRuns: 200 },
      )
    })

    it('hold what a Prometheus histogram holds, and the other way', () => {
      fc.assert(
        fc.property(dataUpTo(8), (data) => {
          const there = fromOtlp(toOtlp(fromPrometheus(toPrometheus(data))))
          expect(fromPrometheus(toPrometheus(there))).toEqual(data)
        }),
        { seed: 42, numRuns: 200 },
      )
    })

    it('come from scale 20 to 10 as if observed there', () => {
      // At scale 20 the value 2^(k / 2^20) is the last of bucket k − 1.
      const point = {
        scale: 20,
        count: 3,
        zeroCount: 0,
        zeroThreshold: 0,
        positive: { offset: 2 ** 20 - 1, bucketCounts: [1, 0, 2] },
        negative: { offset: 0, bucketCounts: [] },
      }
      const { scale, positive } = fromOtlp(point)
      expect(scale).toBe(10)
      expect(positive).toEqual({ indices: [1023, 1024], counts: [1, 2] })
      expect(filled([2], 10).positive.at(1023)).toBe(1)
    })

    it.each([
      { fault: 'a scale too coarse', change: { scale: -5 } },
      { fault: 'a scale too fine', change: { scale: 21 } },
      { fault: 'less than its buckets', change: { count: 1 } },
      { fault: 'a count that is none', change: { positive: { offset: 0, bucketCounts: [-1] } } },
      {
        fault: 'buckets of no double',
        change: { positive: { offset: 2 ** 30, bucketCounts: [1] } },
      },
      { fault: 'half an offset', change: { positive: { offset: 0.5, bucketCounts: [] } } },
    ])('are refused with $fault', ({ change }) => {
      const sound = toOtlp(dataOf(filled([1, 2, 3], 3)))
      expect(() => fromOtlp({ ...sound, ...change })).toThrow(RangeError)
      expect(() => fromOtlp(sound)).not.toThrow()
    })

    it('are refused where their buckets would be too many, and fit when coarser', () => {
      const data = dataOf(new Histogram(10, 3_000_000))
      const wide = { ...data, positive: { indices: [-1_000_000, 1_000_000], counts: [1, 1] } }
      expect(() => toOtlp(wide)).toThrow(RangeError)
      expect(toOtlp(downscaled(wide, 5)).positive.bucketCounts).toHaveLength(62_501)
      expect(() => downscaled(wide, 15)).toThrow(RangeError)
      expect(() => downscaled(wide, -1)).toThrow(RangeError)
    })
  })
})
