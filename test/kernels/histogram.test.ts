import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { bucketIndex, gammaOf } from '../../src/kernels/bucket-index.ts'
import { BUCKETS_MAX_LEAST, Histogram } from '../../src/kernels/histogram.ts'
import { getKernels } from '../../src/kernels/module.ts'
import { quantiles } from '../../src/kernels/quantile.ts'
import { casesOf, FINITE, NON_FINITE, random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const SCALES = [-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

/** The build's own table. */
let fractions = new Uint32Array(2048)
const fraction = (k: number): bigint =>
  (BigInt(fractions[2 * k + 1] ?? 0) << 32n) | BigInt(fractions[2 * k] ?? 0)

const bits_f64 = new Float64Array(1)
const bits_u64 = new BigUint64Array(bits_f64.buffer)
const fromBits = (bits: bigint): number => {
  bits_u64[0] = bits
  return bits_f64[0] ?? Number.NaN
}

/** The largest double ≤ 2^exponent · 2^(k/1024), normal range. */
const boundary = (exponent: number, k: number): bigint =>
  (BigInt(exponent + 1023) << 52n) | fraction(k)

const kernelBucket = (value: number, scale: number): number => {
  const { arena, exports } = getKernels()
  return arena.lease((lease) =>
    exports.histogram_bucket_f64(value, scale, lease.allocate(exports.histogram_work_bytes())),
  )
}

function filled(values: Iterable<number>, scale?: number, bucketsMax?: number): Histogram {
  const histogram = new Histogram(scale, bucketsMax)
  for (const value of values) histogram.add(value)
  return histogram
}

const hex = (histogram: Histogram): string => Buffer.from(histogram.toBytes()).toString('hex')

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    const { arena, exports } = useBuild(build)
    fractions = arena.u32(exports.histogram_boundaries(), 2048).slice()
  })

  describe('bucket boundaries', () => {
    it('are the largest doubles at or below 2^(k/1024), by integer arithmetic', () => {
      const power1024 = (x: bigint): bigint => {
        let y = x
        for (let i = 0; i < 10; i++) y *= y
        return y
      }
      for (let k = 0; k < 1024; k++) {
        const mantissa = (1n << 52n) + fraction(k)
        const target = 1n << BigInt(52 * 1024 + k)
        expect(power1024(mantissa) <= target && target < power1024(mantissa + 1n)).toBe(true)
      }
    })

    it.each(SCALES)('at scale %i hold one ulp below, on and above, in kernel and host', (scale) => {
      const width = scale >= 0 ? 1 << scale : 1
      const exponents =
        scale >= 0 ? [-1021, -37, -1, 0, 1, 9, 1023] : [-1008, -512, -16, 0, 16, 512]
      const batch: number[] = []
      const want: number[] = []
      for (const exponent of exponents) {
        for (let k = 0; k < width; k++) {
          const bits = boundary(exponent, scale >= 0 ? k << (10 - scale) : 0)
          const next = scale >= 0 ? exponent * width + k : exponent >> -scale
          const values = [fromBits(bits - 1n), fromBits(bits), fromBits(bits + 1n)]
          const expected = [next - 1, next - 1, next]
          expect(values.map((value) => bucketIndex(value, scale))).toEqual(expected)
          expect(values.map((value) => kernelBucket(value, scale))).toEqual(expected)
          batch.push(...values)
          want.push(...expected)
        }
      }
      // The batch kernel takes another path than its single-value twin: check it octave by octave.
      const perOctave = 3 * width
      for (let start = 0; start < batch.length; start += perOctave) {
        const histogram = new Histogram(scale, 4096)
        const part = batch.slice(start, start + perOctave)
        const repeats = Math.ceil(48 / part.length)
        for (let i = 0; i < repeats; i++) histogram.insert(Float64Array.from(part))
        histogram.insert(Float64Array.from(Array.from({ length: 48 }, () => part).flat()))
        const counts = new Map<number, number>()
        for (const bucket of want.slice(start, start + perOctave)) {
          counts.set(bucket, (counts.get(bucket) ?? 0) + 48 + repeats)
        }
        for (const [bucket, count] of counts) expect(histogram.positive.at(bucket)).toBe(count)
      }
    })

    it.each(SCALES.filter((scale) => scale >= 0))(
      'at scale %i hold at every power of γ of every octave, in the batch kernel',
      (scale) => {
        const width = 1 << scale
        // One octave, exact by integers above; a power of two moves it to any other without rounding.
        const octave = Float64Array.from({ length: 3 * width }, (_, i) =>
          fromBits(boundary(0, Math.floor(i / 3) << (10 - scale)) + BigInt((i % 3) - 1)),
        )
        const repeats = Math.ceil(48 / octave.length)
        const values = new Float64Array(repeats * octave.length)
        const wrong: number[] = []
        for (let exponent = -1021; exponent <= 1023; exponent++) {
          // 2^1023 is the largest power: the octave is reached in two steps.
          const half = exponent >> 1
          for (let i = 0; i < values.length; i++) {
            values[i] = (octave[i % octave.length] ?? 0) * 2 ** half * 2 ** (exponent - half)
          }
          const histogram = new Histogram(scale, 4096)
          histogram.insert(values)
          const { positive } = histogram
          const low = exponent * width - 1
          for (let bucket = low; bucket <= low + width; bucket++) {
            // A bucket has one value above its lower bound, and two up to its upper one.
            const want = (bucket === low ? 2 : bucket === low + width ? 1 : 3) * repeats
            if (positive.at(bucket) !== want) wrong.push(bucket)
          }
          if (positive.span !== width + 1) wrong.push(low)
        }
        expect(wrong).toEqual([])
      },
    )

    it('hold subnormals and the ends of the range', () => {
      const ends = [Number.MIN_VALUE, 2 ** -1023, 2 ** -1022, Number.MAX_VALUE, 1]
      for (const scale of SCALES) {
        for (const value of [...ends, 3 * Number.MIN_VALUE, fromBits((1n << 52n) - 1n)]) {
          const index = bucketIndex(value, scale)
          expect(kernelBucket(value, scale)).toBe(index)
          if (scale === 0) {
            expect(value <= 2 ** (index + 1) || index === 1023).toBe(true)
            expect(value > 2 ** index || index < -1074).toBe(true)
          }
        }
      }
    })

    it('are nested: a coarser scale has index >> 1', () => {
      fc.assert(
        fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), (value) => {
          if (value === 0) return
          for (let scale = 10; scale > -4; scale--) {
            expect(bucketIndex(value, scale - 1)).toBe(bucketIndex(value, scale) >> 1)
          }
        }),
        { seed: 42 },
      )
    })
  })

  describe('histogram', () => {
    it.each(casesOf({ ...FINITE, ...NON_FINITE }, [0, 1, 17, 48, 49, 1023]))(
      'inserts a batch as it adds single values: $name',
      ({ values }) => {
        for (const scale of [-4, 0, 1, 5, 10]) {
          const batch = new Histogram(scale)
          batch.insert(values)
          expect(hex(batch)).toBe(hex(filled(values, scale)))
          expect(batch.count + batch.nonFiniteCount).toBe(values.length)
        }
      },
    )

    it.each([0, 1, 5, 10, -2])(
      'inserts a batch whose magnitudes drift, with others between, as it adds single values: scale %i',
      (scale) => {
        const uniform = random()
        const others = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
        const rare = [
          -1,
          -1e300,
          Number.MIN_VALUE,
          2 ** -1022,
          2 ** -1021,
          Number.MAX_VALUE,
          2 ** 1023,
        ]
        const drifting = (octaves: number, otherShare: number, rareShare: number) =>
          Float64Array.from({ length: 20_011 }, (_, i) => {
            const u = uniform()
            if (u < otherShare) return others[Math.floor(uniform() * others.length)] ?? 0
            if (u > 1 - rareShare) return rare[Math.floor(uniform() * rare.length)] ?? 0
            return (1 + uniform()) * 2 ** Math.floor((i / 20_011 - 0.5) * octaves)
          })
        for (const [octaves, otherShare, rareShare] of [
          [0, 0, 0],
          [3, 0.2, 0],
          [40, 0.01, 0],
          [2040, 0, 0],
          [60, 0.01, 0.0005],
        ] as const) {
          for (const bucketsMax of [BUCKETS_MAX_LEAST, 2048]) {
            const values = drifting(octaves, otherShare, rareShare)
            const batch = new Histogram(scale, bucketsMax)
            batch.insert(values)
            const single = new Histogram(scale, bucketsMax)
            for (const value of values) single.add(value)
            expect(hex(batch)).toBe(hex(single))
            // Another batch begins where this one ends.
            batch.insert(values.subarray(0, 5000))
            for (const value of values.subarray(0, 5000)) single.add(value)
            expect(hex(batch)).toBe(hex(single))
          }
        }
      },
    )

    it.each([3, 5, 8])('keeps every quantile within its bound at scale %i', (scale) => {
      const uniform = random()
      const qs = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1]
      for (const at of [
        () => uniform() * 100,
        () => Math.exp(uniform() * 6),
        () => -Math.exp(uniform() * 6),
      ]) {
        const values = Float64Array.from({ length: 10_000 }, at)
        const histogram = new Histogram(scale, 8192)
        histogram.insert(values)
        expect(histogram.scale).toBe(scale)
        const exact = quantiles(values, qs)
        const gamma = gammaOf(scale)
        expect(histogram.relativeErrorMax).toBeCloseTo((gamma - 1) / (gamma + 1), 14)
        qs.forEach((q, i) => {
          const error = Math.abs(histogram.quantile(q) / (exact[i] ?? 1) - 1)
          expect(error).toBeLessThanOrEqual(histogram.relativeErrorMax * (1 + 1e-12))
        })
      }
    })

    it('bounds the error by 1.08 % at the default scale', () => {
      expect(new Histogram().relativeErrorMax).toBeCloseTo(0.01083, 5)
    })

    it('orders negative values, zeros and positive values', () => {
      const histogram = filled([-8, -8, 0, -0, 0, 4, 4, 4])
      const got = [0, 1 / 7, 2 / 7, 4 / 7, 5 / 7, 1].map((q) => histogram.quantile(q))
      const want = [-8, -8, 0, 0, 4, 4]
      got.forEach((x, i) => {
        expect(Math.abs(x - (want[i] ?? 0))).toBeLessThanOrEqual(0.0109 * Math.abs(want[i] ?? 0))
      })
      expect(histogram.zeroCount).toBe(3)
    })

    it('interpolates between the ends of the range', () => {
      const histogram = new Histogram()
      histogram.insert(Float64Array.of(-1.7e308, 1.7e308))
      expect(Math.abs(histogram.quantile(0.5))).toBeLessThan(histogram.relativeErrorMax * 1.7e308)
      expect(histogram.quantile(0.75)).toBeGreaterThan(0.8e308)
    })

    it('has no quantile without values, and refuses q outside [0, 1]', () => {
      expect(new Histogram().quantile(0.5)).toBeNaN()
      for (const q of [-0.1, 1.1, Number.NaN]) {
        expect(() => new Histogram().quantile(q)).toThrow(RangeError)
      }
    })

    it('halves its resolution instead of passing bucketsMax', () => {
      const histogram = new Histogram(10, BUCKETS_MAX_LEAST)
      for (const value of [1e-300, 1, 1e300]) histogram.add(value)
      expect(histogram.positive.span).toBeLessThanOrEqual(BUCKETS_MAX_LEAST)
      expect(histogram.count).toBe(3)
      const all = new Histogram(10, BUCKETS_MAX_LEAST)
      all.insert(
        Float64Array.from({ length: 2098 }, (_, i) => Math.max(Number.MIN_VALUE, 2 ** (i - 1074))),
      )
      expect(all.scale).toBe(-4)
      expect(all.positive.span).toBeLessThanOrEqual(BUCKETS_MAX_LEAST)
    })

    it('downscales exactly: as if inserted at the coarser scale', () => {
      const values = casesOf({ m: FINITE['many magnitudes'] ?? (() => 0) }, [1023])[0]?.values ?? []
      for (let by = 0; by <= 12; by++) {
        const fine = filled(values, 8, 100_000)
        fine.downscale(by)
        expect(hex(fine)).toBe(hex(filled(values, 8 - by, 100_000)))
      }
      expect(() => new Histogram(0).downscale(5)).toThrow(RangeError)
      expect(() => new Histogram(0).downscale(-1)).toThrow(RangeError)
    })

    it.each([{ scale: 11 }, { scale: -5 }, { scale: 1.5 }])('refuses scale $scale', ({ scale }) => {
      expect(() => new Histogram(scale)).toThrow(RangeError)
      expect(() => new Histogram(5, 10)).toThrow(RangeError)
    })
  })

  describe('merging histograms', () => {
    const values = fc.array(
      fc.oneof(
        fc.double({ min: 0, max: 100, noNaN: true }),
        fc.double({ noNaN: true }),
        fc.constantFrom(0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY),
      ),
      { maxLength: 80 },
    )
    const scale = fc.integer({ min: -4, max: 10 })
    const histograms = fc.tuple(values, scale).map(([xs, s]) => filled(xs, s, 200))
    const copy = (histogram: Histogram) => Histogram.fromBytes(histogram.toBytes())
    const merged = (a: Histogram, b: Histogram) => {
      const result = copy(a)
      result.merge(b)
      return result
    }

    it('is associative and commutative, bit for bit', () => {
      fc.assert(
        fc.property(histograms, histograms, histograms, (a, b, c) => {
          expect(hex(merged(merged(a, b), c))).toBe(hex(merged(a, merged(b, c))))
          expect(hex(merged(a, b))).toBe(hex(merged(b, a)))
        }),
        { seed: 42, numRuns: 300 },
      )
    })

    it('equals inserting everything into one', () => {
      fc.assert(
        fc.property(values, values, scale, (a, b, s) => {
          const whole = filled([...a, ...b], s, 200)
          expect(hex(merged(filled(a, s, 200), filled(b, s, 200)))).toBe(hex(whole))
        }),
        { seed: 42, numRuns: 300 },
      )
    })

    it('is undone by subtracting, so that a window can slide', () => {
      fc.assert(
        fc.property(histograms, histograms, (a, b) => {
          const slid = merged(a, b)
          slid.subtract(b)
          const want = copy(a)
          want.downscale(a.scale - slid.scale)
          expect(hex(slid)).toBe(hex(want))
          expect(slid.count).toBe(a.count)
        }),
        { seed: 42, numRuns: 300 },
      )
    })

    it('refuses to subtract what was never merged', () => {
      expect(() => filled([1]).subtract(filled([1, 1]))).toThrow(RangeError)
      expect(() => filled([1]).subtract(filled([0]))).toThrow(RangeError)
      expect(() => filled([1]).subtract(filled([Number.NaN]))).toThrow(RangeError)
    })

    it('counts beyond 2^32', () => {
      let histogram = filled([5, 5, 5])
      for (let i = 0; i < 40; i++) histogram = merged(histogram, histogram)
      expect(histogram.count).toBe(3 * 2 ** 40)
      expect(copy(histogram).count).toBe(3 * 2 ** 40)
      histogram.add(5)
      expect(histogram.positive.at(histogram.positive.low)).toBe(3 * 2 ** 40 + 1)
    })

    it('survives its bytes, and refuses others', () => {
      fc.assert(
        fc.property(histograms, (a) => {
          const again = copy(a)
          expect(again.scale).toBe(a.scale)
          expect(again.count).toBe(a.count)
          expect(again.nonFiniteCount).toBe(a.nonFiniteCount)
          expect(hex(again)).toBe(hex(a))
          const bytes = a.toBytes()
          expect(() => Histogram.fromBytes(bytes.subarray(0, -1))).toThrow(RangeError)
          expect(() => Histogram.fromBytes(Uint8Array.of(...bytes, 0))).toThrow(RangeError)
        }),
        { seed: 42 },
      )
      expect(() => Histogram.fromBytes(Uint8Array.of(2, 5, 0, 0, 0, 0, 0))).toThrow(RangeError)
      expect(() => Histogram.fromBytes(new Uint8Array(0))).toThrow(RangeError)
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
          try {
            Histogram.fromBytes(Uint8Array.of(1, ...bytes))
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError)
          }
        }),
        { seed: 42, numRuns: 500 },
      )
    })
  })
})
