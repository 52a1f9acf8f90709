import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { getKernels } from '../../src/kernels/module.ts'
import {
  diff,
  ewma,
  rollingMax,
  rollingMean,
  rollingMin,
  rollingSum,
  rollingVariance,
} from '../../src/kernels/rolling.ts'
import { ACCURACY } from './accuracy.ts'
import { casesOf, FINITE, NON_FINITE, random } from './cases.ts'
import { ratio, toUnits } from './exact.ts'
import { BUILDS, useBuild } from './load.ts'
import { ErrorStatistics } from './statistics.ts'

/** Around the length where blocks begin (8), around vectors of four, and beyond the array. */
const WINDOWS = [1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 100, 5000] as const

/** Centres of blocks that stand far from every other value, and levels that change inside blocks. */
const HARD = {
  'a spike where each block of 100 begins': (i: number, _n: number, uniform: () => number) =>
    i % 100 === 0 ? 1e9 : uniform(),
  'a step of 1e9': (i: number, n: number, uniform: () => number) =>
    (i < n / 2 ? 0 : 1e9) + uniform(),
  'a trend far above its noise': (i: number, _n: number, uniform: () => number) =>
    i * 1e6 + uniform(),
  'a NaN in fifty at 1e9': (i: number, _n: number, uniform: () => number) =>
    i % 50 === 49 ? Number.NaN : 1e9 + uniform(),
}

const all = casesOf({ ...FINITE, ...NON_FINITE, ...HARD })
const windowOf = (values: Float64Array, i: number, window: number): Float64Array =>
  values.subarray(Math.max(0, i - window + 1), i + 1)
const isNumber = (x: number): boolean => !Number.isNaN(x)

interface ExactWindow {
  readonly n: number
  readonly sum: number
  readonly sumAbsolute: number
  /** The greatest magnitude. */
  readonly most: number
  readonly mean: number
  readonly variance: number
}

/** Exact moments of each window of finite values and NaN, by integers that slide with it. */
function* exactWindows(values: Float64Array, window: number): Generator<ExactWindow> {
  const units = Array.from(values, (x) => (Number.isNaN(x) ? undefined : toUnits(x)))
  let n = 0n
  let sum = 0n
  let sumAbsolute = 0n
  let squares = 0n
  const move = (x: bigint | undefined, sign: bigint) => {
    if (x === undefined) return
    n += sign
    sum += sign * x
    sumAbsolute += sign * (x < 0n ? -x : x)
    squares += sign * x * x
  }
  for (let i = 0; i < units.length; i++) {
    move(units[i], 1n)
    if (i >= window) move(units[i - window], -1n)
    let most = 0
    for (let at = Math.max(0, i - window + 1); at <= i; at++) {
      const magnitude = Math.abs(values[at] as number)
      if (magnitude > most) most = magnitude
    }
    yield {
      n: Number(n),
      most,
      sum: ratio(sum, 1n, 1074),
      sumAbsolute: ratio(sumAbsolute, 1n, 1074),
      mean: n === 0n ? Number.NaN : ratio(sum, n, 1074),
      variance: n === 0n ? Number.NaN : ratio(n * squares - sum * sum, n * n, 2148),
    }
  }
}

const known = new Map<string, readonly ExactWindow[]>()

/** exactWindows of the case of that name, computed once for both builds. */
const exactWindowsOf = (name: string, values: Float64Array, window: number) => {
  const key = `${name} / ${window}`
  const found = known.get(key) ?? [...exactWindows(values, window)]
  known.set(key, found)
  return found
}

/** Long enough for windows of 5 000 between full blocks; a constant rounds the same way each time. */
const long = casesOf(
  {
    'a constant': () => 0.1,
    'a far offset': (_i, _n, uniform) => 1e9 + uniform(),
    'a spike where blocks begin': (i, _n, uniform) => (i % 5000 === 0 ? 1e6 : uniform()),
  },
  [11_003],
)

const finiteOrNaN = all.filter(({ values }) =>
  values.every((x) => Number.isFinite(x) || Number.isNaN(x)),
)

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('sliding sum, mean and variance', () => {
    it('are within the stated errors of exact arithmetic at every window', () => {
      const sums = new ErrorStatistics()
      const means = new ErrorStatistics()
      const variances = new ErrorStatistics()
      // An expectation a value would take longer than the kernels.
      const faults: string[] = []
      for (const { name, values } of [...finiteOrNaN, ...long]) {
        for (const window of values.length > 100 ? [3, 8, 12, 100, 5000] : WINDOWS) {
          const sum = rollingSum(values, window)
          const mean = rollingMean(values, window)
          const variance = rollingVariance(values, window)
          let i = 0
          for (const exact of exactWindowsOf(name, values, window)) {
            sums.record(sum[i] ?? 0, exact.sum, exact.sumAbsolute)
            const got = variance[i] ?? Number.NaN
            if (exact.n === 0) {
              if (isNumber(mean[i] ?? 0) || isNumber(got)) faults.push(`${name} at ${i}: no number`)
            } else {
              means.record(mean[i] ?? 0, exact.mean, Math.max(exact.most, 2 ** -1022))
              if (!(got >= 0)) faults.push(`${name} at ${i}: variance ${got}`)
              // Squares of subnormals are below the smallest double.
              if (exact.variance > 1e-300 || got > 1e-300) {
                variances.record(got, exact.variance, exact.variance)
              }
            }
            i++
          }
          expect(i).toBe(sum.length)
        }
      }
      expect(faults).toEqual([])
      sums.expectBelow('rollingSum', ACCURACY.rollingSum)
      means.expectBelow('rollingMean', ACCURACY.rollingMean)
      variances.expectBelow('rollingVariance', ACCURACY.rollingVariance)
    }, 60_000)

    it('keep the digits of noise on 1e9 over a long window', () => {
      const uniform = random()
      const noise = Float64Array.from(
        { length: 20_000 },
        () => Math.round(uniform() * 1e6) / 2 ** 20,
      )
      const far = rollingVariance(
        noise.map((x) => x + 2 ** 30),
        5000,
      )
      rollingVariance(noise, 5000).forEach((near, i) => {
        expect(Math.abs((far[i] ?? 0) - near)).toBeLessThanOrEqual(
          2 * ACCURACY.rollingVariance * near,
        )
      })
    })

    it.each(casesOf(NON_FINITE))('let infinities leave with their window: $name', ({ values }) => {
      for (const window of WINDOWS) {
        const sum = rollingSum(values, window)
        const mean = rollingMean(values, window)
        const variance = rollingVariance(values, window)
        values.forEach((_, i) => {
          const numbers = windowOf(values, i, window).filter(isNumber)
          const total = numbers.reduce((a, b) => a + b, 0)
          if (Number.isFinite(total)) {
            expect(sum[i]).toBeCloseTo(total, 10)
            if (numbers.length > 0) expect(mean[i]).toBeCloseTo(total / numbers.length, 10)
            else expect(mean[i]).toBeNaN()
          } else {
            expect([sum[i], mean[i]]).toEqual([total, total])
          }
          if (numbers.length === 0 || !Number.isFinite(total)) expect(variance[i]).toBeNaN()
          else expect(variance[i]).toBeGreaterThanOrEqual(0)
        })
      }
    })

    it('are exact where every partial sum is', () => {
      const values = Float64Array.from({ length: 300 }, (_, i) => (i * 37) % 64)
      for (const window of [3, 8, 9, 25]) {
        const sum = rollingSum(values, window)
        const mean = rollingMean(values, window)
        values.forEach((_, i) => {
          const numbers = windowOf(values, i, window)
          const total = numbers.reduce((a, b) => a + b, 0)
          expect([sum[i], mean[i]]).toEqual([total, total / numbers.length])
        })
      }
      expect(new Set(rollingVariance(new Float64Array(100).fill(0.1), 10))).toEqual(new Set([0]))
    })
  })

  describe('sliding minimum and maximum', () => {
    const extreme = (numbers: Float64Array, pick: (a: number, b: number) => number): number =>
      numbers.length === 0 ? Number.NaN : numbers.reduce((a, b) => pick(a, b)) + 0

    const extremesOf = (values: Float64Array, window: number) => {
      const least = new Float64Array(values.length).fill(Number.NaN)
      const greatest = least.slice()
      for (let i = 0; i < values.length; i++)
        for (let at = Math.max(0, i - window + 1); at <= i; at++) {
          const x = (values[at] as number) + 0
          if (x < (least[i] as number) || Number.isNaN(least[i])) least[i] = x
          if (x > (greatest[i] as number) || Number.isNaN(greatest[i])) greatest[i] = x
        }
      return { least, greatest }
    }

    it('are exact at every window; NaN are left out and infinities are values', () => {
      for (const { values } of all) {
        for (const window of values.length > 100 ? [3, 9, 100, 5000] : WINDOWS) {
          const extremes = extremesOf(values, window)
          expect(rollingMin(values, window).map((x) => x + 0)).toEqual(extremes.least)
          expect(rollingMax(values, window).map((x) => x + 0)).toEqual(extremes.greatest)
        }
      }
    })

    it('follow the definition for any values and any window', () => {
      const value = fc.oneof(
        fc.integer({ min: -3, max: 3 }),
        fc.double(),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      )
      fc.assert(
        fc.property(
          fc.array(value, { maxLength: 80 }),
          fc.integer({ min: 1, max: 90 }),
          (array, window) => {
            const values = Float64Array.from(array)
            const want = Array.from(values, (_, i) =>
              extreme(windowOf(values, i, window).filter(isNumber), Math.min),
            )
            expect([...rollingMin(values, window)].map((x) => x + 0)).toEqual(want)
            const negated = rollingMax(
              values.map((x) => -x),
              window,
            )
            expect([...negated].map((x) => 0 - x)).toEqual(want)
          },
        ),
        { seed: 42, numRuns: 500 },
      )
    })

    it('read short windows across their chunks', () => {
      const values = Float64Array.from({ length: 2000 }, (_, i) => (i === 1020 ? Number.NaN : -i))
      const got = rollingMin(values, 5)
      expect([got[511], got[512], got[1020], got[1024], got[1999]]).toEqual([
        -511, -512, -1019, -1024, -1999,
      ])
      const highest = rollingMax(values, 5)
      expect([highest[3], highest[512], highest[1022], highest[1025]]).toEqual([
        -0, -508, -1018, -1021,
      ])
    })
  })

  describe('ewma', () => {
    const reference = (values: Float64Array, weight: number): number[] => {
      let level = Number.NaN
      let isStarted = false
      return Array.from(values, (x) => {
        if (!isStarted) level = x
        else if (isNumber(x)) level = weight === 1 ? x : (1 - weight) * level + weight * x
        isStarted ||= isNumber(x)
        return level
      })
    }

    it('is within the stated error and holds its level over NaN', () => {
      const statistics = new ErrorStatistics()
      for (const weight of [0.01, 0.3, 1]) {
        for (const { values } of all) {
          const want = reference(values, weight)
          // Below the normal range an ulp no longer shrinks with the value.
          const most = Math.max(2 ** -1022, ...values.filter(Number.isFinite).map(Math.abs))
          ewma(values, weight).forEach((got, i) => {
            const expected = want[i] ?? 0
            if (Number.isFinite(expected)) statistics.record(got, expected, most)
            else expect(got).toBe(expected)
          })
        }
      }
      statistics.expectBelow('ewma', ACCURACY.ewma)
    })
  })

  describe('diff', () => {
    it('is exactly rounded at every length', () => {
      for (const { values } of all) {
        const want = Array.from(values.subarray(1), (x, i) => x - (values[i] ?? 0))
        expect([...diff(values)]).toEqual(want)
      }
    })
  })

  describe('the family', () => {
    it('gives nothing for nothing and does not keep a block', () => {
      const none = new Float64Array(0)
      for (const of of [rollingSum, rollingMean, rollingVariance, rollingMin, rollingMax]) {
        expect(of(none, 3)).toEqual(none)
      }
      expect([ewma(none, 0.5), diff(none)]).toEqual([none, none])
      expect(getKernels().arena.liveBlocks).toBe(0)
    })

    it('computes f32 as its widened values and leaves its input alone', () => {
      const narrow = Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5)
      expect(rollingSum(narrow, 2)).toEqual(rollingSum(Float64Array.from(narrow), 2))
      expect(narrow).toEqual(Float32Array.of(0.1, 0.2, 0.3, 0.4, 0.5))
    })

    it.each([0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY])(
      'refuses a window of %d',
      (window) => {
        for (const of of [rollingSum, rollingMean, rollingVariance, rollingMin, rollingMax]) {
          expect(() => of(Float64Array.of(1), window)).toThrow(RangeError)
        }
      },
    )

    it.each([0, 1.1, -1, Number.NaN])('refuses an ewma weight of %d', (weight) => {
      expect(() => ewma(Float64Array.of(1), weight)).toThrow(RangeError)
    })
  })
})
