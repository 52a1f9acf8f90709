import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { Resident } from '../../src/kernels/memory.ts'
import { getKernels } from '../../src/kernels/module.ts'
import { QUANTILES_MAX, quantiles } from '../../src/kernels/quantile.ts'
import { bracketStatistics } from '../../src/kernels/quantile-bracket.ts'
import { casesOf, FINITE, NON_FINITE, random, SIZES } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const QS = [0, 0.001, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1]

/** numpy's `linear` on a sorted copy, with the rule for infinities of the docstring. */
function quantileOf(sorted: Float64Array, q: number): number {
  if (sorted.length === 0) return Number.NaN
  const position = q * (sorted.length - 1)
  const rank = Math.floor(position)
  const low = sorted[rank] ?? Number.NaN
  const t = position - rank
  const high = t > 0 ? (sorted[rank + 1] ?? low) : low
  if (t === 0 || low === high) return low
  if (!Number.isFinite(low) || !Number.isFinite(high)) return low + high
  const step = high - low
  if (!Number.isFinite(step)) return low * (1 - t) + high * t
  return t < 0.5 ? low + step * t : high - step * (1 - t)
}

function reference(values: ArrayLike<number>, qs: readonly number[]): number[] {
  const sorted = Float64Array.from(values)
    .filter((x) => !Number.isNaN(x))
    .sort()
  return qs.map((q) => quantileOf(sorted, q))
}

const plusZero = (xs: Iterable<number>): number[] => Array.from(xs, (x) => x + 0)

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('quantiles', () => {
    it.each(casesOf({ ...FINITE, ...NON_FINITE }, [...SIZES, 25, 4095, 4096, 9001]))(
      'equals the sorted reference to the last bit: $name',
      ({ values }) => {
        const copy = values.slice()
        const got = quantiles(values, QS)
        expect(plusZero(got)).toEqual(plusZero(reference(values, QS)))
        expect(values).toEqual(copy)
      },
    )

    it('equals the reference for any doubles and any quantiles in any order', () => {
      fc.assert(
        fc.property(
          fc.array(fc.double(), { maxLength: 300 }),
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
          (values, qs) => {
            const got = quantiles(Float64Array.from(values), qs)
            expect(plusZero(got)).toEqual(plusZero(reference(values, qs)))
          },
        ),
        { seed: 42, numRuns: 300 },
      )
    })

    it('selects exactly from a large array, f64 and f32', () => {
      const uniform = random()
      const values = Float64Array.from({ length: 200_003 }, () => Math.exp(uniform() * 20 - 10))
      const narrow = new Float32Array(values)
      expect([...quantiles(values, QS)]).toEqual(reference(values, QS))
      expect([...quantiles(narrow, QS)]).toEqual(reference(narrow, QS))
    })

    const sets = [
      [0.5],
      [0, 1],
      [0.5, 0.9, 0.95, 0.99],
      [0.99, 0.01, 0.5, 0.5, 1],
      [0.49, 0.5, 0.51],
    ]
    const shapes: Record<string, (i: number, n: number, uniform: () => number) => number> = {
      ...FINITE,
      'with a NaN': (i, n, uniform) => (i === n - 5 ? Number.NaN : uniform()),
      'with an infinity': (i, n, uniform) => (i === n >> 1 ? Number.POSITIVE_INFINITY : uniform()),
      'with one negative': (i, n, uniform) => (i === n >> 1 ? -0.001 : uniform()),
      'with a last negative': (i, n, uniform) => (i === n - 1 ? -0.001 : uniform()),
      'near the largest': (_i, _n, uniform) => (uniform() - 0.3) * Number.MAX_VALUE,
      'mostly one value': (_i, _n, uniform) => Math.max(0.7, uniform()),
      'the last ones far off': (i, n, uniform) => uniform() + (i >= n - 40 ? 10 : 0),
      'zeros of both signs and a few ones': (i) => [0, -0, -0, 0, 1][i % 5] ?? 0,
      'mostly NaN': (i, _n, uniform) => (i % 10 === 0 ? uniform() : Number.NaN),
      'many infinities': (i, _n, uniform) =>
        [Number.NEGATIVE_INFINITY, uniform(), uniform(), Number.POSITIVE_INFINITY][i % 4] ?? 0,
      'negative, far off': (_i, _n, uniform) => -1e9 - uniform(),
      'two values': (_i, _n, uniform) => (uniform() < 0.5 ? 3 : 4),
      'two narrow groups, far apart': (_i, _n, uniform) =>
        uniform() < 0.93 ? 100 + uniform() : 1e6 + 1e5 * uniform(),
      'near the largest below zero': (_i, _n, uniform) => (uniform() - 0.7) * Number.MAX_VALUE,
      'a long tail': (_i, _n, uniform) => 1 / (1e-9 + uniform() ** 4),
      'the last ones within': (i, n, uniform) => (i >= n - 40 ? 0.7 : uniform() < 0.5 ? 0 : 1),
    }
    it.each(casesOf(shapes, [12_000, 12_033, 30_080, 70_001]))(
      'brackets the ranks of many values: $name',
      ({ values }) => {
        const narrow = new Float32Array(values)
        for (const qs of sets) {
          expect(plusZero(quantiles(values, qs))).toEqual(plusZero(reference(values, qs)))
          expect(plusZero(quantiles(narrow, qs))).toEqual(plusZero(reference(narrow, qs)))
          const inside = getKernels().arena.lease((lease) =>
            quantiles(new Resident(lease.copyIn(values), values.length), qs),
          )
          expect(plusZero(inside)).toEqual(plusZero(reference(values, qs)))
        }
      },
    )

    it('take one pass where there are no more than a few ties', () => {
      const uniform = random()
      for (const at of [
        () => uniform(),
        () => uniform() - 0.5,
        () => 1e9 + uniform(),
        () => (uniform() < 0.01 ? Number.NaN : uniform()),
        () => (uniform() < 0.01 ? Number.NEGATIVE_INFINITY : uniform()),
        () => Math.floor(uniform() * 5),
      ]) {
        const values = Float64Array.from({ length: 50_000 }, at)
        const qs = [0.53, 0.9, 0.95, 0.99]
        expect(bracketStatistics(getKernels(), values, qs)).toEqual(quantiles(values, qs))
      }
    })

    it.each([
      { shape: 'sorted', at: (i: number) => i },
      { shape: 'reversed', at: (i: number) => -i },
      { shape: 'constant', at: () => 7 },
      { shape: 'organ pipe', at: (i: number, n: number) => Math.min(i, n - i) },
      { shape: 'few distinct', at: (i: number) => i % 3 },
      { shape: 'nested outliers', at: (i: number) => 10 ** (300 / (1 + (i % 1000))) },
      { shape: 'all bits alike but the last', at: (i: number) => 1 + (i % 2000) * 2 ** -52 },
    ])('takes time in proportion to n when $shape', ({ at }) => {
      const n = 400_000
      const values = Float64Array.from({ length: n }, (_, i) => at(i, n))
      const startedAt = performance.now()
      const got = quantiles(values, QS)
      // Quadratic time would be minutes; the bound leaves a busy machine room.
      expect(performance.now() - startedAt).toBeLessThan(2000)
      expect([...got]).toEqual(reference(values, QS))
    })

    it('answers as many quantiles as it says it takes', () => {
      const uniform = random()
      const values = Float64Array.from({ length: 50_000 }, () => uniform())
      const qs = Array.from({ length: QUANTILES_MAX }, (_, i) => i / (QUANTILES_MAX - 1))
      const got = quantiles(values, qs)
      expect([...got]).toEqual(reference(values, qs))
      expect(() => quantiles(values, [...qs, 0.5])).toThrow(RangeError)
    })

    it.each([-0.001, 1.001, Number.NaN])('refuses q = %s', (q) => {
      expect(() => quantiles(Float64Array.of(1), [q])).toThrow(RangeError)
    })

    it('finds room for the most values beside blocks that others hold', () => {
      const values = Float64Array.from({ length: 2 ** 21 }, (_, i) => 2 ** 21 - i)
      const qs = Array.from({ length: 11 }, (_, i) => i / 10)
      const hold = getKernels().arena.hold(1024 * 1024)
      try {
        for (const given of [values, Float32Array.from(values)]) {
          const found = quantiles(given, qs)
          expect([found[0], found[5], found[10]]).toEqual([1, (1 + 2 ** 21) / 2, 2 ** 21])
        }
      } finally {
        hold.free()
      }
    })
  })
})
