import { beforeAll, describe, it } from 'vitest'
import { sum, sumCompensated, summary } from '../../src/kernels/reduce.ts'
import { ewma, rollingMean, rollingSum, rollingVariance } from '../../src/kernels/rolling.ts'
import { cosine, dot, squaredDistances } from '../../src/kernels/similarity.ts'
import { ACCURACY, TYPICAL } from './accuracy.ts'
import { casesOf } from './cases.ts'
import { type ExactMoments, exactMoments } from './exact.ts'
import { BUILDS, useBuild } from './load.ts'
import { ErrorStatistics } from './statistics.ts'

/** What telemetry is like: bounded, of one scale, without an order that favours a rounding. */
const WELL_BEHAVED = {
  percentages: (_i: number, _n: number, uniform: () => number) => uniform() * 100,
  'both signs': (_i: number, _n: number, uniform: () => number) => uniform() - 0.5,
  'response times': (_i: number, _n: number, uniform: () => number) =>
    -20 * Math.log(1 - uniform()),
  'a daily curve': (i: number, _n: number, uniform: () => number) =>
    50 + 30 * Math.sin(i / 229) + uniform(),
}

const cases = casesOf(WELL_BEHAVED, [5, 17, 144, 1023, 20_000]).map(({ values }) => ({
  values,
  exact: exactMoments(values),
}))

const magnitudeOf = (values: Float64Array): number =>
  values.reduce((most, x) => Math.max(most, Math.abs(x)), 0)

/** Σ a·b exactly: the products of f32 are doubles, those of doubles are two. */
const exactDot = (a: Float64Array, b: Float64Array): ExactMoments => {
  const split = (x: number): [number, number] => [Math.fround(x), x - Math.fround(x)]
  return exactMoments(
    [...a].flatMap((x, i) => {
      const [[x0, x1], [y0, y1]] = [split(x), split(b[i] ?? 0)]
      return [x0 * y0, x0 * y1, x1 * y0, x1 * y1]
    }),
  )
}

/** Windows that slide over the values; each is summed up exactly. */
const WINDOWS = [5, 12, 100]
const windows = casesOf(WELL_BEHAVED, [400]).flatMap(({ values }) =>
  WINDOWS.map((window) => ({
    values,
    window,
    exact: Array.from(values, (_, i) =>
      exactMoments(values.subarray(Math.max(0, i - window + 1), i + 1)),
    ),
  })),
)

const pairs = casesOf(
  {
    'both signs': (_i, _n, uniform) => uniform() - 0.5,
    'one sign': (_i, _n, uniform) => uniform(),
    'a bell': (_i, _n, uniform) => uniform() + uniform() + uniform() - 1.5,
  },
  [16, 48, 2 * 384, 2 * 1024, 2 * 4096],
)
  .map(({ values }) => Float64Array.from(new Float32Array(values)))
  .map((values) => ({ a: values.slice(0, values.length / 2), b: values.slice(values.length / 2) }))
  .map(({ a, b }) => ({
    a,
    b,
    product: exactDot(a, b),
    distance: exactMoments(a.map((x, i) => (x - (b[i] ?? 0)) ** 2)).sum,
    cosine: exactDot(a, b).sum / Math.sqrt(exactDot(a, a).sum) / Math.sqrt(exactDot(b, b).sum),
  }))

describe.each(BUILDS)('on well-behaved values, %s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  it('sums and moments lose far less than what is promised', () => {
    const names = ['sum', 'sumCompensated', 'summarySum', 'summaryMean', 'summaryM2'] as const
    const errors = Object.fromEntries(names.map((name) => [name, new ErrorStatistics()]))
    for (const { values, exact } of cases) {
      const found = summary(values)
      errors.sum?.record(sum(values), exact.sum, exact.sumAbsolute)
      errors.sumCompensated?.record(sumCompensated(values), exact.sum, Math.abs(exact.sum))
      errors.summarySum?.record(found.sum, exact.sum, exact.sumAbsolute)
      errors.summaryMean?.record(found.mean, exact.mean, magnitudeOf(values))
      errors.summaryM2?.record(found.m2, exact.m2, exact.m2)
    }
    for (const name of names) errors[name]?.expectBelow(name, TYPICAL[name])
  })

  it('windows and smoothing lose far less than what is promised', () => {
    const sums = new ErrorStatistics()
    const means = new ErrorStatistics()
    const variances = new ErrorStatistics()
    for (const { values, window, exact } of windows) {
      const found = [
        rollingSum(values, window),
        rollingMean(values, window),
        rollingVariance(values, window),
      ]
      exact.forEach((want, i) => {
        const part = values.subarray(Math.max(0, i - window + 1), i + 1)
        sums.record(found[0]?.[i] ?? Number.NaN, want.sum, want.sumAbsolute)
        means.record(found[1]?.[i] ?? Number.NaN, want.mean, magnitudeOf(part))
        if (part.length > 1) {
          variances.record(
            found[2]?.[i] ?? Number.NaN,
            want.m2 / part.length,
            want.m2 / part.length,
          )
        }
      })
    }
    sums.expectBelow('rollingSum', TYPICAL.rollingSum)
    means.expectBelow('rollingMean', TYPICAL.rollingMean)
    variances.expectBelow('rollingVariance', TYPICAL.rollingVariance)

    const levels = new ErrorStatistics()
    for (const { values } of cases) {
      const most = magnitudeOf(values)
      let level = values[0] ?? 0
      ewma(values, 0.1).forEach((found, i) => {
        if (i > 0) level = 0.9 * level + 0.1 * (values[i] ?? 0)
        levels.record(found, level, most)
      })
    }
    levels.expectBelow('ewma', TYPICAL.ewma)
  })

  it.each(['f32', 'f64'] as const)('vectors of %s lose far less than what is promised', (dtype) => {
    const dots = new ErrorStatistics()
    const distances = new ErrorStatistics()
    const cosines = new ErrorStatistics()
    const Numbers = dtype === 'f32' ? Float32Array : Float64Array
    for (const { a, b, product, distance, cosine: want } of pairs) {
      const [x, y] = [new Numbers(a), new Numbers(b)]
      dots.record(dot(x, y), product.sum, product.sumAbsolute)
      distances.record(squaredDistances(x, y, x.length)[0] ?? Number.NaN, distance, distance)
      cosines.record(cosine(x, y, x.length)[0] ?? Number.NaN, want, 1)
    }
    dots.expectBelow(`dot_${dtype}`, TYPICAL[`dot_${dtype}`])
    distances.expectBelow(`squaredDistance_${dtype}`, TYPICAL[`squaredDistance_${dtype}`])
    cosines.expectBelow(`cosine_${dtype}`, TYPICAL[`cosine_${dtype}`])
  })

  it('the expectations are within what is promised', () => {
    for (const [name, bound] of Object.entries(TYPICAL)) {
      const promised = ACCURACY[name as keyof typeof ACCURACY]
      if (bound > promised) throw new Error(`${name}: ${bound} is above ${promised}`)
    }
  })
})
