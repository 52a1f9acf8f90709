import { beforeAll, describe, expect, it } from 'vitest'
import { Histogram } from '../../src/kernels/histogram.ts'
import { quantiles } from '../../src/kernels/quantile.ts'
import {
  EXACT_ELEMENTS_MAX,
  EXACT_STREAM_ELEMENTS_MAX,
  type QuantileOptions,
  QuantileStream,
  quantilesOf,
} from '../../src/kernels/quantile-tiers.ts'
import { dkwEpsilon, StreamSample } from '../../src/kernels/sample.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const QS = [0, 0.01, 0.25, 0.5, 0.9, 0.99, 1]
const uniform = random()
const values = Float64Array.from({ length: 50_000 }, () => Math.exp(uniform() * 8))

/** The share of values at or below x, and of those below it. */
const sharesOf = (all: Float64Array, x: number): [number, number] => [
  all.reduce((count, y) => count + (y < x ? 1 : 0), 0) / all.length,
  all.reduce((count, y) => count + (y <= x ? 1 : 0), 0) / all.length,
]

const inPieces = (stream: QuantileStream, all: Float64Array, length: number): QuantileStream => {
  for (let start = 0; start < all.length; start += length) {
    stream.add(all.subarray(start, start + length))
  }
  return stream
}

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('quantiles by tier', () => {
    it('are exact for arrays, and say so', () => {
      expect(quantilesOf(values, QS)).toEqual({
        values: quantiles(values, QS),
        method: 'exact',
        errorBound: { kind: 'none' },
      })
    })

    it('come from a sketch where asked, within its relative bound', () => {
      for (const input of [values, new Float32Array(values)]) {
        const { values: got, method, errorBound } = quantilesOf(input, QS, { method: 'sketch' })
        expect(method).toBe('sketch')
        if (errorBound.kind !== 'relative') throw new Error(errorBound.kind)
        const exact = quantiles(input, QS)
        got.forEach((x, i) => {
          expect(Math.abs(x / (exact[i] ?? 0) - 1)).toBeLessThanOrEqual(errorBound.ratio * 1.000001)
        })
      }
    })

    it('come from a sketch where there are too many values', () => {
      const many = new Float32Array(EXACT_ELEMENTS_MAX + 1).fill(5)
      const { values: got, method } = quantilesOf(many, [0.5])
      expect(method).toBe('sketch')
      expect(Math.abs((got[0] ?? 0) / 5 - 1)).toBeLessThanOrEqual(new Histogram().relativeErrorMax)
    })

    it('come from a sample where asked, within the bound on their ranks as often as it says', () => {
      const options = {
        method: 'sampled',
        random: random(7),
        sampleSize: 500,
        confidence: 0.9,
      } as const
      let kept = 0
      for (let round = 0; round < 200; round++) {
        const { values: got, errorBound, method } = quantilesOf(values, QS, options)
        expect(method).toBe('sampled')
        if (errorBound.kind !== 'rank') throw new Error(errorBound.kind)
        expect(errorBound.epsilon).toBeCloseTo(Math.sqrt(Math.log(20) / 1000) + 1 / 500, 12)
        const isKept = QS.every((q, i) => {
          const [below, upTo] = sharesOf(values, got[i] ?? 0)
          return below <= q + errorBound.epsilon && upTo >= q - errorBound.epsilon
        })
        kept += isKept ? 1 : 0
      }
      expect(kept).toBeGreaterThanOrEqual(180)
    }, 30_000)

    it('of few values are those of the values drawn, never NaN among numbers', () => {
      const { values: got } = quantilesOf(Float64Array.of(Number.NaN, 3, Number.NaN), [0, 0.5, 1], {
        method: 'sampled',
        random: random(),
      })
      expect([...got]).toEqual([3, 3, 3])
      const none = quantilesOf(new Float64Array(0), [0.5], { method: 'sampled', random: random() })
      expect(none.values[0]).toBeNaN()
      expect(none.errorBound).toEqual({ kind: 'rank', epsilon: 1, confidence: 0.99 })
    })

    it.each<{ options: QuantileOptions; fault: string }>([
      { options: {}, fault: 'no generator' },
      { options: { random: random(), confidence: 1 }, fault: 'certainty' },
      { options: { random: random(), sampleSize: 0 }, fault: 'no draws' },
    ])('refuse $fault', ({ options }) => {
      expect(() => quantilesOf(values, QS, { ...options, method: 'sampled' })).toThrow(RangeError)
    })

    it.each(['exact', 'sampled', 'sketch'] as const)('refuse q = 2 when %s', (method) => {
      expect(() => quantilesOf(values, [2], { method, random: random() })).toThrow(RangeError)
    })
  })

  describe('quantiles of a stream', () => {
    it.each([1, 777, 50_000])('are exact while it is short, in pieces of %i', (length) => {
      const some = values.subarray(0, length === 1 ? 500 : 50_000)
      expect(inPieces(new QuantileStream(), some, length).answer(QS)).toEqual(quantilesOf(some, QS))
    })

    it('become those of a sketch of all that came', () => {
      const stream = new QuantileStream()
      const whole = new Histogram()
      while (whole.count <= EXACT_STREAM_ELEMENTS_MAX) {
        expect(stream.answer([0.5]).method).toBe('exact')
        stream.add(values)
        whole.insert(values)
      }
      expect(stream.answer(QS)).toEqual({
        values: Float64Array.from(QS, (q) => whole.quantile(q)),
        method: 'sketch',
        errorBound: { kind: 'relative', ratio: whole.relativeErrorMax },
      })
    })

    it('are refused beyond the memory where only exact ones will do', () => {
      const stream = new QuantileStream({ method: 'exact' })
      const part = new Float32Array(EXACT_ELEMENTS_MAX / 2)
      stream.add(part)
      stream.add(part)
      expect(() => stream.add(Float64Array.of(1))).toThrow(RangeError)
      expect(stream.answer([0.5]).values[0]).toBe(0)
    })

    it('by sample do not depend on the pieces', () => {
      const of = (length: number) =>
        inPieces(
          new QuantileStream({ method: 'sampled', random: random(), sampleSize: 1 }),
          values,
          length,
        )
      expect(of(10).answer([0.5])).toEqual(of(50_000).answer([0.5]))
    })
  })

  describe('the sample of a stream', () => {
    it('holds every value with the same probability, wherever it stood', () => {
      const generator = random(3)
      const n = 50
      const seen = new Float64Array(n)
      const draws = 40_000
      const sample = new StreamSample(draws, generator)
      for (let start = 0; start < n; start += 7) {
        sample.add(Float64Array.from({ length: Math.min(7, n - start) }, (_, i) => start + i))
      }
      for (const value of sample.values) seen[value] = (seen[value] ?? 0) + 1
      // χ² with 49 degrees of freedom is above 85 once in a thousand.
      const expected = draws / n
      expect(seen.reduce((sum, x) => sum + (x - expected) ** 2 / expected, 0)).toBeLessThan(85)
    })

    it('has the tight DKW bound', () => {
      expect(dkwEpsilon(1000, 0.95)).toBeCloseTo(0.042947, 5)
    })
  })
})
