import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { ExactSum, sumExact } from '../../src/kernels/exact-sum.ts'
import { sum, sumCompensated } from '../../src/kernels/reduce.ts'
import { casesOf, FINITE, NON_FINITE, random } from './cases.ts'
import { exactMoments, toUnits } from './exact.ts'
import { BUILDS, useBuild } from './load.ts'

const bits_f64 = new Float64Array(1)
const bits_i64 = new BigInt64Array(bits_f64.buffer)

/** How many doubles lie between two of the same sign. */
const ulpsBetween = (a: number, b: number): number => {
  const of = (x: number) => {
    bits_f64[0] = x
    return bits_i64[0] ?? 0n
  }
  return Math.abs(Number(of(a) - of(b)))
}

/** Whether x is a double nearest to units · 2^−1074. */
const isNearest = (x: number, units: bigint): boolean => {
  const distance = (y: number) => {
    const difference = toUnits(y) - units
    return difference < 0n ? -difference : difference
  }
  bits_f64[0] = x
  const bits = bits_i64[0] ?? 0n
  const neighbours = [bits - 1n, bits + 1n].map((other) => {
    bits_i64[0] = other
    return bits_f64[0] ?? 0
  })
  return neighbours.every((y) => !Number.isFinite(y) || distance(x) <= distance(y))
}

/** n values of which each but a few is cancelled by another: Σ|x| / |Σx| is beyond 2^53. */
const illConditioned = (n: number, octaves: number): Float64Array => {
  const uniform = random()
  const values = new Float64Array(n)
  for (let i = 0; i + 1 < n; i += 2) {
    const x = (uniform() + 0.5) * 2 ** ((uniform() - 0.5) * octaves)
    values[i] = x
    values[i + 1] = -x
  }
  for (let i = 0; i < n; i += 1 + (n >> 6)) values[i] = (values[i] ?? 0) * (1 + 2 ** -40)
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1))
    const x = values[i] ?? 0
    values[i] = values[j] ?? 0
    values[j] = x
  }
  return values
}

const anyDouble = fc.double({ noNaN: true, noDefaultInfinity: true })

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('exact sum', () => {
    it.each(casesOf({ ...FINITE }))('is the nearest double to the sum: $name', ({ values }) => {
      const units = values.reduce((total, x) => total + toUnits(x), 0n)
      expect(isNearest(sumExact(values), units)).toBe(true)
    })

    it('is the nearest double for any doubles, subnormal and large', () => {
      fc.assert(
        fc.property(fc.array(anyDouble, { maxLength: 60 }), (list) => {
          const units = list.reduce((total, x) => total + toUnits(x), 0n)
          const got = sumExact(Float64Array.from(list))
          if (Number.isFinite(got)) expect(isNearest(got, units)).toBe(true)
          else expect((units < 0n ? -units : units) >= toUnits(Number.MAX_VALUE)).toBe(true)
        }),
        { seed: 42, numRuns: 500 },
      )
    })

    it('rounds ties to even', () => {
      const half = 2 ** -53
      expect(sumExact(Float64Array.of(1, half))).toBe(1)
      expect(sumExact(Float64Array.of(1, 2 * half, half))).toBe(1 + 4 * half)
      expect(sumExact(Float64Array.of(1, half, Number.MIN_VALUE))).toBe(1 + 2 * half)
      expect(sumExact(Float64Array.of(1, half, -Number.MIN_VALUE))).toBe(1)
    })

    it('comes back from beyond the largest double', () => {
      const most = Number.MAX_VALUE
      expect(sumExact(Float64Array.of(most, most, -most))).toBe(most)
      expect(sumExact(Float64Array.of(most, most))).toBe(Number.POSITIVE_INFINITY)
      expect(sumExact(Float64Array.of(-most, -most))).toBe(Number.NEGATIVE_INFINITY)
    })

    it('merges in any grouping to the same digits', () => {
      const list = fc.array(anyDouble, { maxLength: 40 })
      const of = (...parts: number[][]) => {
        const total = new ExactSum()
        for (const part of parts) {
          const one = new ExactSum()
          one.add(Float64Array.from(part))
          total.merge(one)
        }
        return total
      }
      fc.assert(
        fc.property(list, list, list, (a, b, c) => {
          const whole = of([...a, ...b, ...c])
          const left = of(a, b)
          left.merge(of(c))
          const right = of(b, c)
          right.merge(of(a))
          expect(left.digits).toEqual(whole.digits)
          expect(right.digits).toEqual(whole.digits)
        }),
        { seed: 42, numRuns: 200 },
      )
    })

    it.each(casesOf(NON_FINITE))('follows IEEE addition: $name', ({ values }) => {
      const want = values.reduce((a, b) => a + b, 0)
      const got = sumExact(values)
      if (Number.isFinite(want)) expect(got).toBeCloseTo(want, 10)
      else expect(got).toBe(want)
    })
  })

  describe('a million ill-conditioned values', () => {
    it.each([
      { octaves: 10, name: 'of like size' },
      { octaves: 60, name: 'over 60 octaves' },
    ])('$name sum to within 2 ulp, where plain addition has no digit right', ({ octaves }) => {
      const values = illConditioned(1_000_000, octaves)
      const exact = exactMoments(values)
      expect(exact.sumAbsolute / Math.abs(exact.sum)).toBeGreaterThan(1e15)
      expect(ulpsBetween(sumExact(values), exact.sum)).toBeLessThanOrEqual(1)
      expect(ulpsBetween(sumCompensated(values), exact.sum)).toBeLessThanOrEqual(2)
      expect(Math.abs(sum(values) / exact.sum - 1)).toBeGreaterThan(1e-3)
    })
  })
})
