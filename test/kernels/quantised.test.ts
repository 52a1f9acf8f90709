import { beforeAll, describe, expect, it } from 'vitest'
import { minMaxQuantised, summaryQuantised, sumQuantised } from '../../src/kernels/quantised.ts'
import { mergeSummaries } from '../../src/kernels/reduce.ts'
import { random, SIZES } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const uniform = random()

/** The definition with integers alone, but for the last multiplication. */
const reference = (values: Uint8Array | Int8Array, scale: number, zeroPoint: number) => {
  const units = Array.from(values, (q) => BigInt(q - zeroPoint))
  const sum = units.reduce((a, b) => a + b, 0n)
  const squares = units.reduce((a, b) => a + b * b, 0n)
  const reals = Array.from(values, (q) => scale * (q - zeroPoint))
  const n = BigInt(values.length)
  return {
    sum: scale * Number(sum),
    min: reals.length > 0 ? Math.min(...reals) : Number.NaN,
    max: reals.length > 0 ? Math.max(...reals) : Number.NaN,
    m2: n > 0n ? (scale ** 2 * Number(n * squares - sum * sum)) / Number(n) : 0,
  }
}

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('quantised values', () => {
    const cases = [
      { type: 'u8', scale: 0.05, zeroPoint: 128 },
      { type: 'u8', scale: -0.3, zeroPoint: 0 },
      { type: 'u8', scale: 1, zeroPoint: 255 },
      { type: 'i8', scale: 2 ** -7, zeroPoint: 0 },
      { type: 'i8', scale: -1.7, zeroPoint: -128 },
    ].flatMap((one) => [...SIZES, 40_001].map((n) => ({ ...one, n })))

    it.each(cases)(
      '$type, n = $n, x = $scale · (q − $zeroPoint)',
      ({ type, scale, zeroPoint, n }) => {
        for (const at of [() => uniform() * 256, () => 255, () => 0]) {
          const bytes = Uint8Array.from({ length: n }, at)
          const values = type === 'u8' ? bytes : new Int8Array(bytes.buffer)
          const want = reference(values, scale, zeroPoint)
          const got = summaryQuantised({ values, scale, zeroPoint })
          expect(got.count).toBe(n)
          expect(got.sum + 0).toBe(want.sum + 0)
          expect(sumQuantised({ values, scale, zeroPoint }) + 0).toBe(want.sum + 0)
          expect([got.min + 0, got.max + 0]).toEqual([want.min + 0, want.max + 0])
          expect(minMaxQuantised({ values, scale, zeroPoint })).toEqual({
            min: got.min,
            max: got.max,
          })
          expect(Math.abs(got.m2 - want.m2)).toBeLessThanOrEqual(1e-15 * want.m2)
          if (n > 0) expect(got.mean).toBeCloseTo(want.sum / n, 10)
        }
      },
    )

    it('merge with other summaries', () => {
      const values = Uint8Array.from({ length: 500 }, () => uniform() * 256)
      const of = (part: Uint8Array) => summaryQuantised({ values: part, scale: 0.1, zeroPoint: 3 })
      const got = mergeSummaries(of(values.subarray(0, 123)), of(values.subarray(123)))
      expect(got.m2).toBeCloseTo(of(values).m2, 9)
      expect(got.sum).toBeCloseTo(of(values).sum, 9)
    })

    it.each([
      { scale: 0, zeroPoint: 0 },
      { scale: Number.NaN, zeroPoint: 0 },
      { scale: 1, zeroPoint: 0.5 },
      { scale: 1, zeroPoint: 256 },
      { scale: 1, zeroPoint: -1 },
    ])('refuse scale $scale with zero point $zeroPoint', ({ scale, zeroPoint }) => {
      const values = new Uint8Array(1)
      expect(() => summaryQuantised({ values, scale, zeroPoint })).toThrow(RangeError)
    })
  })
})
