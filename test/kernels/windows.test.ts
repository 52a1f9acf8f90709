import { describe, expect, it } from 'vitest'
import {
  evaluateWindows,
  isAscending,
  isWindowFunction,
  type WindowFunction,
  type WindowOptions,
} from '../../src/kernels/windows.ts'
import { ACCURACY } from './accuracy.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'
import { measuredSeries, missingSeries } from './series-data.ts'
import { STALE_BITS, windowsByDefinition } from './window-reference.ts'

const EXACT: readonly WindowFunction[] = [
  'instant',
  'last_over_time',
  'count_over_time',
  'present_over_time',
  'delta',
  'irate',
  'idelta',
  'changes',
  'resets',
  'min_over_time',
  'max_over_time',
  'quantile_over_time',
]
const ROUNDED: readonly WindowFunction[] = [
  'rate',
  'increase',
  'sum_over_time',
  'avg_over_time',
  'stdvar_over_time',
  'stddev_over_time',
  'deriv',
  'predict_linear',
]

/** Whether a result is what the definition gives, or as near as rounding allows. */
const isNear = (got: number, want: number, magnitude: number): boolean =>
  Object.is(got + 0, want + 0) || Math.abs(got - want) <= ACCURACY.windows * magnitude

const expectAsDefined = (
  name: WindowFunction,
  timestamps: Float64Array,
  values: Float64Array,
  options: WindowOptions,
): void => {
  const found = evaluateWindows(name, timestamps, values, options)
  const wanted = windowsByDefinition(name, timestamps, values, options)
  const isExact = EXACT.includes(name)
  const largest = values.reduce(
    (most, v) => (Math.abs(v) < Infinity ? Math.max(most, Math.abs(v)) : most),
    0,
  )
  const wrong = wanted.flatMap((want, step) => {
    const got = found.values[step] ?? 0
    const isSame =
      want === undefined
        ? found.present[step] === 0
        : found.present[step] === 1 &&
          isNear(
            got,
            want,
            isExact
              ? 0
              : name === 'stdvar_over_time'
                ? largest ** 2
                : Math.max(largest, Math.abs(want)) *
                  (name === 'sum_over_time' ? values.length : 1),
          )
    return isSame ? [] : [{ name, step, got, want, present: found.present[step] }]
  })
  expect(wrong.slice(0, 3)).toEqual([])
  expect(found.count).toBe(wanted.filter((want) => want !== undefined).length)
}

type Series = readonly [timestamps: Float64Array, values: Float64Array]

const seriesOf = (n: number, valueAt: (i: number, uniform: () => number) => number): Series => {
  const uniform = random(n)
  let t = 1_700_000_000_000
  const timestamps = Float64Array.from({ length: n }, () => {
    t += uniform() < 0.03 ? 400_000 : 15_000 + Math.round(uniform() * 20)
    return t
  })
  return [timestamps, Float64Array.from({ length: n }, (_, i) => valueAt(i, uniform))]
}

const SERIES: Record<string, Series> = {
  nothing: seriesOf(0, () => 0),
  'one sample': seriesOf(1, () => 3),
  'two samples': seriesOf(2, (i) => i),
  'a gauge': seriesOf(150, (_, uniform) => uniform() * 100 - 20),
  'a counter': seriesOf(150, (i) => i * 7 + (i % 3)),
  'a counter with resets': seriesOf(150, (i) => (i % 37) * 11),
  'a counter near zero': seriesOf(50, (i) => i * 0.5),
  'a constant': seriesOf(100, () => 4.2),
  'a far offset': seriesOf(120, (_, uniform) => 1e9 + uniform()),
  'NaN in three': seriesOf(90, (i, uniform) => (i % 3 ? uniform() : Number.NaN)),
  'nothing but NaN': seriesOf(50, () => Number.NaN),
}

const optionsOf = ([timestamps]: Series): WindowOptions[] => {
  const startMs = (timestamps[0] ?? 1_700_000_000_000) - 100_000
  const span = (timestamps.at(-1) ?? startMs) - startMs + 200_000
  return [60_000, 300_000, 1e9].flatMap((rangeMs) =>
    [15_000, 700_000].flatMap((stepMs) =>
      [false, true].map((leftOpen) => ({
        startMs,
        stepMs,
        steps: Math.ceil(span / stepMs),
        rangeMs,
        leftOpen,
        parameter: 0.9,
      })),
    ),
  )
}

describe.each(BUILDS)('functions of windows (%s)', (build) => {
  it.each([...EXACT, ...ROUNDED])('%s is what its definition says', (name) => {
    useBuild(build)
    for (const series of Object.values(SERIES)) {
      for (const options of optionsOf(series)) expectAsDefined(name, ...series, options)
    }
  })

  it.each([...EXACT, ...ROUNDED])('%s leaves stale samples out', (name) => {
    useBuild(build)
    const [timestamps, values] = seriesOf(200, (i) => i * 2)
    const bits = new BigUint64Array(values.buffer)
    for (const at of [0, 3, 40, 41, 42, 43, 44, 45, 199]) bits[at] = STALE_BITS
    for (const options of optionsOf([timestamps, values])) {
      expectAsDefined(name, timestamps, values, options)
    }
  })

  it('windows are closed on the left, or open', () => {
    useBuild(build)
    const timestamps = Float64Array.of(0, 60_000, 120_000)
    const values = Float64Array.of(1, 2, 4)
    const options = { startMs: 60_000, stepMs: 60_000, steps: 3, rangeMs: 60_000 }
    const sums = (leftOpen: boolean) =>
      evaluateWindows('sum_over_time', timestamps, values, { ...options, leftOpen })
    expect(sums(false)).toMatchObject({ values: Float64Array.of(3, 6, 4), count: 3 })
    expect(sums(true)).toMatchObject({ values: Float64Array.of(2, 4, Number.NaN), count: 2 })
    expect(sums(true).present).toEqual(Uint8Array.of(1, 1, 0))
  })

  it('a rate reaches to the ends of its window, not below zero, and not where samples are missing', () => {
    useBuild(build)
    const timestamps = Float64Array.of(10_000, 20_000, 30_000, 40_000)
    const rate = (values: number[], endMs: number, leftOpen = false) =>
      evaluateWindows('increase', timestamps, Float64Array.from(values), {
        startMs: endMs,
        stepMs: 0,
        steps: 1,
        rangeMs: 50_000,
        leftOpen,
      }).values[0]
    // 30 s sampled, 10 s before and after: 100 · 50 / 30.
    expect(rate([100, 120, 150, 200], 50_000)).toBeCloseTo((100 * 50) / 30, 12)
    // It was zero 3 s before the first sample.
    expect(rate([10, 20, 50, 110], 50_000)).toBeCloseTo((100 * 43) / 30, 12)
    // 25 s without samples at the end: half an interval.
    expect(rate([100, 120, 150, 200], 65_000 - 5000)).toBeCloseTo((100 * 35) / 30, 12)
  })

  it.each([
    [-0.1, Number.NEGATIVE_INFINITY],
    [1.1, Number.POSITIVE_INFINITY],
    [Number.NaN, Number.NaN],
    [0, 1],
    [0.5, 2.5],
    [1, 4],
  ])('the quantile %d of 4, 1, 3, 2 is %d', (parameter, want) => {
    useBuild(build)
    const options = { startMs: 4, stepMs: 1, steps: 1, rangeMs: 10, parameter }
    const [times, values] = [Float64Array.of(1, 2, 3, 4), Float64Array.of(4, 1, 3, 2)]
    expect(evaluateWindows('quantile_over_time', times, values, options).values[0]).toBe(want)
  })

  it('sums keep nothing of what has left their window', () => {
    useBuild(build)
    const n = 1000
    const timestamps = Float64Array.from({ length: n }, (_, i) => i * 1000)
    const values = Float64Array.from({ length: n }, (_, i) => (i === 500 ? 1e20 : 0.1))
    const { values: sums } = evaluateWindows('sum_over_time', timestamps, values, {
      startMs: 520_000,
      stepMs: 1000,
      steps: 400,
      rangeMs: 9500,
    })
    for (const sum of sums) expect(Math.abs(sum - 1)).toBeLessThan(1e-15)
  })

  it('extremes of windows that share no sample are those of the definition, whatever stands among them', () => {
    const next = random(42)
    const odd = [Number.NaN, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1]
    for (let round = 0; round < 300; round++) {
      const count = 1 + Math.floor(next() * 90)
      const share = next()
      const few = 1 + Math.floor(next() * odd.length)
      const timestamps = Float64Array.from({ length: count }, (_, i) => i * 10)
      const values = timestamps.map(() =>
        next() < share ? (odd[Math.floor(next() * few)] ?? 0) : next() - 0.5,
      )
      const options = { startMs: 300, stepMs: 310, steps: 3, rangeMs: 300 }
      for (const name of ['min_over_time', 'max_over_time'] as const) {
        const found = evaluateWindows(name, timestamps, values, options)
        const wanted = windowsByDefinition(name, timestamps, values, options)
        wanted.forEach((want, step) => {
          if (want === undefined) expect(found.present[step]).toBe(0)
          else expect(Object.is(found.values[step], want)).toBe(true)
        })
      }
    }
  })

  it('infinities reach no further than their window', () => {
    useBuild(build)
    const [timestamps] = seriesOf(100, () => 0)
    const values = Float64Array.from({ length: 100 }, (_, i) => (i === 50 ? Infinity : i))
    const options = { startMs: timestamps[0] ?? 0, stepMs: 15_000, steps: 120, rangeMs: 120_000 }
    for (const name of [
      'sum_over_time',
      'avg_over_time',
      'max_over_time',
      'rate',
      'resets',
    ] as const) {
      expectAsDefined(name, timestamps, values, options)
    }
  })
})

describe('times', () => {
  it('are ascending where each is above the one before', () => {
    for (let count = 0; count < 40; count++) {
      const times = Float64Array.from({ length: count }, (_, i) => i * 15 - 100)
      expect(isAscending(times)).toBe(true)
      for (let place = 1; place < count; place++) {
        const repeated = times.with(place, times[place - 1] ?? 0)
        const back = times.with(place, -1e9)
        expect([isAscending(repeated), isAscending(back)]).toEqual([false, false])
      }
    }
  })
})

describe('the host', () => {
  const [times, values] = [Float64Array.of(1, 2), Float64Array.of(1, 2)]
  const options = { startMs: 0, stepMs: 1, steps: 1, rangeMs: 1 }

  it.each([
    [{ ...options, steps: -1 }],
    [{ ...options, steps: 1.5 }],
    [{ ...options, rangeMs: -1 }],
    [{ ...options, startMs: Number.NaN }],
  ])('refuses %o', (wrong) => {
    expect(() => evaluateWindows('rate', times, values, wrong)).toThrow(RangeError)
  })

  it('refuses columns of different lengths and knows its functions', () => {
    expect(() => evaluateWindows('rate', times, Float64Array.of(1), options)).toThrow(RangeError)
    expect([isWindowFunction('rate'), isWindowFunction('histogram_quantile')]).toEqual([
      true,
      false,
    ])
  })
})

describe.skipIf(missingSeries)(`measured series ${missingSeries || ''}`, () => {
  it('have the values that the definitions give', () => {
    for (const { timestamps, values } of measuredSeries().slice(0, 12)) {
      const [times, some] = [timestamps.slice(0, 600), values.slice(0, 600)]
      const startMs = times[0] ?? 0
      const options = {
        startMs,
        stepMs: 1_800_000,
        steps: 110,
        rangeMs: 7_200_000,
        parameter: 0.95,
      }
      for (const name of [...EXACT, ...ROUNDED]) expectAsDefined(name, times, some, options)
    }
  })
})
