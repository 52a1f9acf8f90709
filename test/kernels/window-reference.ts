import type { WindowFunction, WindowOptions } from '../../src/kernels/windows.ts'

/** The bits of a sample that says that its series ended. */
export const STALE_BITS = 0x7ff0000000000002n

interface Sample {
  readonly t: number
  readonly v: number
}

const mean = (values: readonly number[]) =>
  values.reduce((total, value) => total + value / values.length, 0)

/** Least squares around the first sample, in two passes. */
const lineOf = (samples: readonly Sample[], atMs: number) => {
  const origin = samples[0]?.t ?? 0
  const xs = samples.map(({ t }) => (t - origin) / 1000)
  const ys = samples.map(({ v }) => v)
  const [meanX, meanY] = [mean(xs), mean(ys)]
  let [xx, xy] = [0, 0]
  for (const [i, x] of xs.entries()) {
    xx += (x - meanX) ** 2
    xy += (x - meanX) * ((ys[i] ?? 0) - meanY)
  }
  const slope = xy / xx
  return { slope, intercept: meanY + slope * ((atMs - origin) / 1000 - meanX) }
}

const deltaOf = (
  samples: readonly Sample[],
  time: number,
  { rangeMs, leftOpen = false }: WindowOptions,
  isCounter: boolean,
  isRate: boolean,
): number | undefined => {
  const [first, last] = [samples[0], samples.at(-1)]
  if (!first || !last || samples.length < 2) return undefined
  let result = last.v - first.v
  if (isCounter) {
    let before = first.v
    for (const { v } of samples) {
      if (v < before) result += before
      before = v
    }
  }
  let toStart = (first.t - (time - rangeMs)) / 1000
  let toEnd = (time - last.t) / 1000
  const sampled = (last.t - first.t) / 1000
  const average = sampled / (samples.length - 1)
  const toZero =
    isCounter && result > 0 && first.v >= 0
      ? sampled * (first.v / result)
      : Number.POSITIVE_INFINITY
  // Prometheus 2 takes the zero point before it looks at the threshold, Prometheus 3 after.
  if (!leftOpen) toStart = Math.min(toStart, toZero)
  if (toStart >= average * 1.1) toStart = average / 2
  if (leftOpen) toStart = Math.min(toStart, toZero)
  if (toEnd >= average * 1.1) toEnd = average / 2
  const factor = (sampled + toStart + toEnd) / sampled
  return result * (isRate ? factor / (rangeMs / 1000) : factor)
}

const quantileOf = (values: readonly number[], q: number): number => {
  if (Number.isNaN(q)) return Number.NaN
  if (q < 0) return Number.NEGATIVE_INFINITY
  if (q > 1) return Number.POSITIVE_INFINITY
  const sorted = [...values].sort((a, b) =>
    Number.isNaN(a) || Number.isNaN(b) ? Number(Number.isNaN(b)) - Number(Number.isNaN(a)) : a - b,
  )
  const rank = q * (sorted.length - 1)
  const lower = Math.floor(rank)
  const weight = rank - lower
  const at = (i: number) => sorted[Math.min(i, sorted.length - 1)] ?? Number.NaN
  return at(lower) * (1 - weight) + at(lower + 1) * weight
}

const pairs = (values: readonly number[]) =>
  values.slice(1).map((value, i) => [values[i] ?? 0, value] as const)

const extreme = (values: readonly number[], isBetter: (a: number, b: number) => boolean) =>
  values.reduce((best, value) => (Number.isNaN(best) || isBetter(value, best) ? value : best))

const resultOf = (
  name: WindowFunction,
  samples: readonly Sample[],
  time: number,
  options: WindowOptions,
): number | undefined => {
  const values = samples.map(({ v }) => v)
  const [before, last] = [samples.at(-2), samples.at(-1)]
  const { parameter = Number.NaN } = options
  const center = mean(values)
  const variance = values.reduce((total, v) => total + (v - center) ** 2, 0) / values.length
  if (!last) return undefined
  switch (name) {
    case 'instant':
    case 'last_over_time':
      return last.v
    case 'count_over_time':
      return values.length
    case 'present_over_time':
      return 1
    case 'rate':
      return deltaOf(samples, time, options, true, true)
    case 'increase':
      return deltaOf(samples, time, options, true, false)
    case 'delta':
      return deltaOf(samples, time, options, false, false)
    case 'irate':
      if (!before) return undefined
      return (last.v < before.v ? last.v : last.v - before.v) / ((last.t - before.t) / 1000)
    case 'idelta':
      return before && last.v - before.v
    case 'changes':
      return pairs(values).filter(([a, b]) => !Object.is(a + 0, b + 0)).length
    case 'resets':
      return pairs(values).filter(([a, b]) => b < a).length
    case 'sum_over_time':
      return values.reduce((total, value) => total + value, 0)
    case 'avg_over_time':
      return center
    case 'min_over_time':
      return extreme(values, (a, b) => a < b)
    case 'max_over_time':
      return extreme(values, (a, b) => a > b)
    case 'stdvar_over_time':
      return variance
    case 'stddev_over_time':
      return Math.sqrt(variance)
    case 'deriv':
      return before && lineOf(samples, time).slope
    case 'predict_linear': {
      const { slope, intercept } = lineOf(samples, time)
      return before && intercept + slope * parameter
    }
    case 'quantile_over_time':
      return quantileOf(values, parameter)
  }
}

/** Every step by the definition: its samples are looked for among all. */
export const windowsByDefinition = (
  name: WindowFunction,
  timestamps: Float64Array,
  values: Float64Array,
  options: WindowOptions,
): (number | undefined)[] => {
  const { startMs, stepMs, steps, rangeMs, leftOpen = false } = options
  const bits = new BigUint64Array(values.buffer, values.byteOffset, values.length)
  const all = Array.from(timestamps, (t, i) => ({
    t,
    v: values[i] ?? 0,
    isStale: bits[i] === STALE_BITS,
  }))
  return Array.from({ length: steps }, (_, step) => {
    const time = startMs + step * stepMs
    const left = time - rangeMs
    const within = all.filter(({ t }) => t <= time && (leftOpen ? t > left : t >= left))
    if (name === 'instant' && within.at(-1)?.isStale) return undefined
    const samples = within.filter(({ isStale }) => !isStale)
    return resultOf(name, samples, time, options)
  })
}
