import { beforeAll, describe, expect, it } from 'vitest'
import { type Operation, transform } from '../../src/kernels/elementwise.ts'
import { ewma, rollingMean } from '../../src/kernels/rolling.ts'
import { casesOf, FINITE, NON_FINITE } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const all = casesOf({ ...FINITE, ...NON_FINITE })

const EXACT: { operation: Operation; reference: (xs: number[]) => number[] }[] = [
  { operation: { op: 'scale', factor: -2.7 }, reference: (xs) => xs.map((x) => x * -2.7) },
  { operation: { op: 'offset', value: 0.3 }, reference: (xs) => xs.map((x) => x + 0.3) },
  {
    operation: { op: 'clamp', min: -0.2, max: 0.7 },
    reference: (xs) => xs.map((x) => (Number.isNaN(x) ? x : Math.min(Math.max(x, -0.2), 0.7))),
  },
  { operation: { op: 'abs' }, reference: (xs) => xs.map(Math.abs) },
  {
    operation: { op: 'diff' },
    reference: (xs) => xs.slice(1).map((x, i) => x - (xs[i] ?? 0)),
  },
]

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('transform', () => {
    it.each(EXACT)(
      '$operation.op is exactly rounded at every length',
      ({ operation, reference }) => {
        for (const { values } of all) {
          expect([...transform(values, [operation])]).toEqual(reference([...values]))
        }
      },
    )

    it('smooths as the rolling family does', () => {
      for (const { values } of all) {
        for (const window of [1, 3, 100, 5000]) {
          expect(transform(values, [{ op: 'rollingMean', window }])).toEqual(
            rollingMean(values, window),
          )
        }
        expect(transform(values, [{ op: 'ewma', weight: 0.3 }])).toEqual(ewma(values, 0.3))
      }
    })

    it('normalize gives mean 0 and deviation 1, and zeros for a constant', () => {
      const got = transform(Float64Array.of(2, 4, 4, 4, 5, 5, 7, 9, Number.NaN), [
        { op: 'normalize' },
      ])
      expect([...got]).toEqual([-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2, Number.NaN])
      expect([...transform(Float64Array.of(3, 3, 3), [{ op: 'normalize' }])]).toEqual([0, 0, 0])
      expect(transform(new Float64Array(0), [{ op: 'normalize' }])).toHaveLength(0)
    })

    it.each([5e-324, 1e-200, 1e155, 2.5e307])('normalize holds at the magnitude %d', (unit) => {
      const values = Float64Array.of(2, 4, 4, 4, 5, 5, 7, Number.NaN).map((x) => x * unit)
      const plain = Float64Array.of(2, 4, 4, 4, 5, 5, 7, Number.NaN)
      const got = transform(values, [{ op: 'normalize' }])
      const want = transform(plain, [{ op: 'normalize' }])
      got.forEach((x, i) => {
        if (i < 7) expect(x).toBeCloseTo(want[i] ?? 0, 13)
      })
      expect(got[7]).toBeNaN()
      const ends = Float64Array.of(-1.7e308, 1.7e308)
      expect([...transform(ends, [{ op: 'normalize' }])]).toEqual([-1, 1])
      expect([...transform(Float64Array.of(unit, unit), [{ op: 'normalize' }])]).toEqual([0, 0])
    })

    it('runs a chain in order and leaves its input alone', () => {
      const values = Float64Array.of(1, 2, 4, 8)
      const chain: Operation[] = [
        { op: 'rollingMean', window: 2 },
        { op: 'diff' },
        { op: 'rollingMean', window: 2 },
        { op: 'scale', factor: 4 },
        { op: 'clamp', min: 0, max: 8 },
      ]
      // rolling 1, 1.5, 3, 6 → diff 0.5, 1.5, 3 → rolling 0.5, 1, 2.25 → 2, 4, 9 → 2, 4, 8
      expect([...transform(values, chain)]).toEqual([2, 4, 8])
      expect([...values]).toEqual([1, 2, 4, 8])
      expect([...transform(values, [])]).toEqual([1, 2, 4, 8])
    })

    it.each([
      { op: 'clamp', min: 2, max: 1 },
      { op: 'clamp', min: Number.NaN, max: 1 },
      { op: 'ewma', weight: 0 },
      { op: 'ewma', weight: 1.1 },
      { op: 'rollingMean', window: 0 },
      { op: 'rollingMean', window: 2.5 },
    ] as const)('refuses %o', (operation) => {
      expect(() => transform(Float64Array.of(1), [operation])).toThrow(RangeError)
    })
  })
})
