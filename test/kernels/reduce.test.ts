import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { Resident } from '../../src/kernels/memory.ts'
import { getKernels } from '../../src/kernels/module.ts'
import {
  EMPTY_SUMMARY,
  mergeSummaries,
  minMax,
  type Summary,
  SummaryStream,
  sum,
  sumCompensated,
  summary,
} from '../../src/kernels/reduce.ts'
import { ACCURACY } from './accuracy.ts'
import { casesOf, FINITE, type KernelCase, NON_FINITE, random } from './cases.ts'
import { exactMoments } from './exact.ts'
import { BUILDS, useBuild } from './load.ts'
import { ErrorStatistics } from './statistics.ts'

const finite = casesOf(FINITE)
const large: KernelCase[] = casesOf(
  {
    percentages: (_i, _n, uniform) => uniform() * 100,
    'a far offset': (_i, _n, uniform) => 1e12 + uniform(),
    'a trend': (i, _n, uniform) => i + uniform(),
  },
  [1535, 1536, 1537, 100_003],
)

/** The definition, in scalar f64: NaN left out, IEEE sums. */
function reference(values: Float64Array): Omit<Summary, 'm2' | 'sumLow'> {
  const numbers = values.filter((x) => !Number.isNaN(x))
  const total = numbers.reduce((a, b) => a + b, 0)
  return {
    count: numbers.length,
    sum: total,
    min: numbers.length ? numbers.reduce((a, b) => (b < a ? b : a)) : Number.NaN,
    max: numbers.length ? numbers.reduce((a, b) => (b > a ? b : a)) : Number.NaN,
    mean: total / numbers.length,
    nanCount: values.length - numbers.length,
  }
}

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('sum', () => {
    it('is within the stated error of the exact sum', () => {
      const plain = new ErrorStatistics()
      const compensated = new ErrorStatistics()
      for (const { values } of [...finite, ...large]) {
        const exact = exactMoments(values)
        const second = values.length ** 2 * 2 ** -105 * exact.sumAbsolute
        plain.record(sum(values), exact.sum, exact.sumAbsolute)
        compensated.record(
          sumCompensated(values),
          exact.sum,
          Math.abs(exact.sum) + second / ACCURACY.sumCompensated,
        )
      }
      plain.expectBelow('sum', ACCURACY.sum)
      compensated.expectBelow('sumCompensated', ACCURACY.sumCompensated)
    })

    it('holds its bound where every rounding goes the same way, wherever the values are', () => {
      for (const length of [4095, 100_003]) {
        const values = new Float64Array(length).fill(-7e-3)
        const exact = exactMoments(values)
        const resident = getKernels().arena.lease((lease) =>
          sum(new Resident(lease.copyIn(values), length)),
        )
        expect(resident).toBe(sum(values))
        expect(Math.abs(resident - exact.sum)).toBeLessThanOrEqual(ACCURACY.sum * exact.sumAbsolute)
        for (let i = 0; i < length; i += 2) values[i] = Number.NaN
        const halves = exactMoments(values.filter((x) => !Number.isNaN(x)))
        const found = summary(values)
        expect(Math.abs(found.sum - halves.sum)).toBeLessThanOrEqual(
          ACCURACY.summarySum * halves.sumAbsolute,
        )
        expect(Math.abs(found.mean - -7e-3)).toBeLessThanOrEqual(ACCURACY.summaryMean * 7e-3)
      }
    })

    it('adds f32 in f64', () => {
      for (const { values } of casesOf({ percentages: (_i, _n, u) => u() * 100 })) {
        const narrow = new Float32Array(values)
        expect(sum(narrow)).toBe(sum(Float64Array.from(narrow)))
      }
    })

    it.each(casesOf(NON_FINITE))('follows IEEE addition: $name', ({ values }) => {
      const want = values.reduce((a, b) => a + b, 0)
      const got = sum(values)
      if (Number.isFinite(want)) expect(got).toBeCloseTo(want, 10)
      else expect(got).toBe(want)
      if (Number.isFinite(want)) expect(sumCompensated(values)).toBeCloseTo(want, 10)
      else expect(sumCompensated(values)).toBe(want)
    })

    it('keeps what plain addition loses', () => {
      expect(sumCompensated(Float64Array.of(1e100, 1, -1e100, 1e-3))).toBe(1.001)
    })
  })

  describe('minMax', () => {
    it.each([...finite, ...casesOf(NON_FINITE)])('leaves NaN out: $name', ({ values }) => {
      const { min, max } = reference(values)
      const got = minMax(values)
      expect([got.min + 0, got.max + 0]).toEqual([min + 0, max + 0])
      const narrow = minMax(new Float32Array(values))
      expect([narrow.min + 0, narrow.max + 0]).toEqual([Math.fround(min) + 0, Math.fround(max) + 0])
    })
  })

  it.each(
    casesOf(
      {
        ...FINITE,
        ...NON_FINITE,
        'negative, then positive': (i, n, uniform) => (i < n / 2 ? -1 - uniform() : 1 + uniform()),
        'positive, then negative': (i, n, uniform) => (i < n / 2 ? 1 + uniform() : -1 - uniform()),
        'negative, nearing zero': (i, n) => (i - n) * 1e-3,
        'negative, leaving zero': (i) => -1 - i * 1e-3,
        'both signs, growing': (i) => i * (i % 2 === 0 ? 1e-3 : -1e-3),
        'ones apart in the last bits': (_i, _n, uniform) =>
          1 + Math.floor(uniform() * 1e6) * 2 ** -52,
        'minus ones apart in the last bits': (_i, _n, uniform) =>
          -1 - Math.floor(uniform() * 1e6) * 2 ** -52,
        'a last -0.5 behind positives': (i, n, uniform) => (i === n - 40 ? -0.5 : 1 + uniform()),
        'a last 0.5 behind negatives': (i, n, uniform) => (i === n - 40 ? 0.5 : -1 - uniform()),
        'a late -Inf': (i, n, uniform) => (i === n - 300 ? Number.NEGATIVE_INFINITY : uniform()),
        'NaN between signs': (i, n, uniform) =>
          i % 97 === 0 ? Number.NaN : (i < n / 3 ? 1 : -1) * uniform(),
        'zeros, then less': (i, n, uniform) => (i < n / 2 ? 0 : -uniform()),
      },
      [2047, 4096, 9001],
    ),
  )('finds the extremes of a long array: $name', ({ values }) => {
    const { min, max } = reference(values)
    for (const found of [minMax(values), summary(values)]) {
      expect([found.min + 0, found.max + 0]).toEqual([min + 0, max + 0])
    }
  })

  describe('summary', () => {
    it('is within the stated errors of exact moments', () => {
      const sums = new ErrorStatistics()
      const means = new ErrorStatistics()
      const m2s = new ErrorStatistics()
      for (const { values } of [...finite, ...large]) {
        const exact = exactMoments(values)
        const got = summary(values)
        const most = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0)
        sums.record(got.sum, exact.sum, exact.sumAbsolute)
        if (values.length === 0) continue
        means.record(got.mean, exact.mean, most)
        // Squares of subnormals are below the smallest double.
        if (exact.m2 > 1e-300 || got.m2 > 1e-300) m2s.record(got.m2, exact.m2, exact.m2)
      }
      sums.expectBelow('summary.sum', ACCURACY.summarySum)
      means.expectBelow('summary.mean', ACCURACY.summaryMean)
      m2s.expectBelow('summary.m2', ACCURACY.summaryM2)
    })

    it.each([...finite, ...casesOf(NON_FINITE)])(
      'counts and bounds exactly: $name',
      ({ values }) => {
        const want = reference(values)
        const got = summary(values)
        expect([got.count, got.nanCount]).toEqual([want.count, want.nanCount])
        expect([got.min + 0, got.max + 0]).toEqual([want.min + 0, want.max + 0])
        if (!Number.isFinite(want.sum)) {
          expect(got.sum).toBe(want.sum)
          expect(got.mean).toBe(want.mean)
          expect(got.m2).toBeNaN()
        }
      },
    )

    it('gives an empty summary for no values', () => {
      expect(summary(new Float64Array(0))).toEqual(EMPTY_SUMMARY)
    })

    it('leaves out the NaN of a long array wherever they stand', () => {
      const uniform = random()
      const values = Float64Array.from({ length: 20_000 }, () => uniform())
      const holes = Float64Array.from(values, (x) => (x < 0.01 ? Number.NaN : x))
      const kept = values.filter((x) => x >= 0.01)
      const got = summary(holes)
      const want = exactMoments(kept)
      expect(got.count).toBe(kept.length)
      expect(got.nanCount).toBe(values.length - kept.length)
      expect(Math.abs(got.m2 / want.m2 - 1)).toBeLessThan(ACCURACY.summaryM2)
      expect(Math.abs(got.sum / want.sum - 1)).toBeLessThan(ACCURACY.summarySum)
    })

    it('does not overflow the mean of numbers near the largest', () => {
      const got = summary(new Float64Array(100).fill(1.7e308))
      expect(got.mean).toBe(1.7e308)
      expect(got.sum).toBe(Number.POSITIVE_INFINITY)
    })

    it('computes f32 as its widened values', () => {
      for (const { values } of [...finite, ...casesOf(NON_FINITE)]) {
        const narrow = new Float32Array(values)
        expect(summary(narrow)).toEqual(summary(Float64Array.from(narrow)))
      }
    })

    it('reads from any address that the element size divides', () => {
      const { arena, exports } = getKernels()
      const values = Float64Array.from({ length: 1023 }, (_, i) => Math.sin(i) * 100)
      const want = summary(values)
      arena.lease((lease) => {
        const block = lease.allocate(8 * 1024)
        const output = lease.allocate(128)
        arena.f64(block + 8, 1023).set(values)
        exports.summary_f64(block + 8, 1023, output)
        expect(arena.f64(output, 6)[1]).toBe(want.sum)
        expect(arena.f64(output, 6)[5]).toBe(want.m2)
      })
    })
  })

  describe('values that come piece by piece', () => {
    const uniform = random()
    const values = Float64Array.from({ length: 20_000 }, (_, i) =>
      i % 4099 === 0 ? Number.NaN : 1e6 + uniform() - (i > 9000 ? 3e6 : 0),
    )
    const inPieces = (input: Float64Array | Float32Array, length: number): Summary => {
      const stream = new SummaryStream()
      for (let start = 0; start < input.length; start += length) {
        stream.add(input.subarray(start, start + length))
      }
      return stream.summary
    }

    it.each([1024, 2048, 5120])('have the same summary in pieces of %i, bit for bit', (length) => {
      expect(inPieces(values, length)).toEqual(summary(values))
      const narrow = new Float32Array(values)
      expect(inPieces(narrow, length)).toEqual(summary(narrow))
    })

    it.each([1, 7, 1000, 4097])('have the same within the bounds in pieces of %i', (length) => {
      const got = inPieces(values, length)
      const want = exactMoments(values.filter((x) => !Number.isNaN(x)))
      const all = summary(values)
      expect([got.count, got.nanCount, got.min, got.max]).toEqual([
        all.count,
        all.nanCount,
        all.min,
        all.max,
      ])
      expect(Math.abs(got.sum - want.sum)).toBeLessThanOrEqual(
        ACCURACY.summarySum * want.sumAbsolute,
      )
      expect(Math.abs(got.m2 / want.m2 - 1)).toBeLessThanOrEqual(ACCURACY.summaryM2)
    })

    it('mix with other streams', () => {
      const [a, b] = [new SummaryStream(), new SummaryStream()]
      for (let start = 0; start < 4096; start += 1024) {
        a.add(values.subarray(start, start + 1024))
        b.add(values.subarray(start + 9000, start + 10_024))
      }
      expect(a.summary).toEqual(summary(values.subarray(0, 4096)))
      expect(b.summary).toEqual(summary(values.subarray(9000, 13_096)))
      expect(new SummaryStream().summary).toEqual(EMPTY_SUMMARY)
    })
  })

  describe('mergeSummaries', () => {
    const arrays = fc.array(
      fc.oneof(fc.double({ min: -1e6, max: 1e6 }), fc.constantFrom(Number.NaN, 0, -0)),
      { maxLength: 60 },
    )

    it('gives the summary of both arrays together', () => {
      fc.assert(
        fc.property(arrays, arrays, (a, b) => {
          const got = mergeSummaries(summary(Float64Array.from(a)), summary(Float64Array.from(b)))
          const want = summary(Float64Array.from([...a, ...b]))
          expect([got.count, got.nanCount]).toEqual([want.count, want.nanCount])
          expect([got.min + 0, got.max + 0]).toEqual([want.min + 0, want.max + 0])
          if (want.count === 0) return
          const most = Math.max(Math.abs(want.min), Math.abs(want.max), 1e-300)
          expect(Math.abs(got.mean - want.mean)).toBeLessThanOrEqual(1e-14 * most)
          expect(Math.abs(got.m2 - want.m2)).toBeLessThanOrEqual(1e-13 * want.count * most ** 2)
        }),
        { seed: 42 },
      )
    })

    it('follows the rule for infinities', () => {
      const a = summary(Float64Array.of(1, 2))
      const b = summary(Float64Array.of(Number.POSITIVE_INFINITY))
      expect(mergeSummaries(a, b)).toEqual(summary(Float64Array.of(1, 2, Number.POSITIVE_INFINITY)))
    })
  })
})
