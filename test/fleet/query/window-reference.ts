import {
  type EvaluateWindows,
  staleMask,
  type WindowFunction,
  type Windows,
} from '../../../src/fleet/query/windows.ts'

/** One window: times in ms, its bounds, and the call's parameter. */
interface Window {
  readonly t: readonly number[]
  readonly v: readonly number[]
  readonly startMs: number
  readonly endMs: number
  readonly parameter: number
}

/** `extrapolatedRate` of Prometheus. */
const extrapolated = ({ t, v, startMs, endMs }: Window, counter: boolean, perSecond: boolean) => {
  const last = t.length - 1
  if (last < 1) return null
  let result = v[last]! - v[0]!
  if (counter) for (let i = 1; i <= last; i++) if (v[i]! < v[i - 1]!) result += v[i - 1]!
  const sampled = (t[last]! - t[0]!) / 1000
  const spacing = sampled / last
  let toStart = (t[0]! - startMs) / 1000
  const toEnd = (endMs - t[last]!) / 1000
  if (counter && result > 0 && v[0]! >= 0) toStart = Math.min(toStart, sampled * (v[0]! / result))
  const reach = (gap: number) => (gap < spacing * 1.1 ? gap : spacing / 2)
  const factor = (sampled + reach(toStart) + reach(toEnd)) / sampled
  return (result * factor) / (perSecond ? (endMs - startMs) / 1000 : 1)
}

const lastTwo = ({ t, v }: Window, rate: boolean) => {
  const last = t.length - 1
  if (last < 1) return null
  const reset = rate && v[last]! < v[last - 1]!
  const change = reset ? v[last]! : v[last]! - v[last - 1]!
  return rate ? change / ((t[last]! - t[last - 1]!) / 1000) : change
}

const mean = (v: readonly number[]) => {
  if (v.some((x) => !Number.isFinite(x))) return v.reduce((a, b) => a + b, 0)
  return v.reduce((a, b) => a + b, 0) / v.length
}

const variance = (v: readonly number[]) => {
  const m = mean(v)
  return v.reduce((a, b) => a + (b - m) ** 2, 0) / v.length
}

const line = ({ t, v }: Window, origin: number) => {
  if (t.length < 2) return null
  if (v.every((x) => x === v[0]))
    return {
      slope: Number.isFinite(v[0]) ? 0 : Number.NaN,
      at: Number.isFinite(v[0]) ? v[0]! : Number.NaN,
    }
  const x = t.map((time) => (time - origin) / 1000)
  const [mx, my] = [mean(x), mean(v)]
  const cov = x.reduce((a, xi, i) => a + (xi - mx) * (v[i]! - my), 0)
  const slope = cov / x.reduce((a, xi) => a + (xi - mx) ** 2, 0)
  return { slope, at: my - slope * mx }
}

const quantile = (q: number, v: readonly number[]) => {
  if (Number.isNaN(q)) return Number.NaN
  if (q < 0) return Number.NEGATIVE_INFINITY
  if (q > 1) return Number.POSITIVE_INFINITY
  const sorted = [...v].sort((a, b) => (Number.isNaN(a) ? -1 : Number.isNaN(b) ? 1 : a - b))
  const rank = q * (v.length - 1)
  const lower = Math.floor(rank)
  const upper = Math.min(v.length - 1, lower + 1)
  return sorted[lower]! * (1 - (rank - lower)) + sorted[upper]! * (rank - lower)
}

const extreme = (v: readonly number[], sign: number) =>
  v.reduce((best, x) => (sign * x > sign * best || Number.isNaN(best) ? x : best))

const steps = (v: readonly number[], differs: (a: number, b: number) => boolean) =>
  v.filter((x, i) => i > 0 && differs(v[i - 1]!, x)).length

const FUNCTIONS: Record<Exclude<WindowFunction, 'instant'>, (w: Window) => number | null> = {
  rate: (w) => extrapolated(w, true, true),
  increase: (w) => extrapolated(w, true, false),
  delta: (w) => extrapolated(w, false, false),
  irate: (w) => lastTwo(w, true),
  idelta: (w) => lastTwo(w, false),
  deriv: (w) => line(w, w.t[0]!)?.slope ?? null,
  predict_linear: (w) => {
    const fit = line(w, w.endMs)
    return fit && fit.slope * w.parameter + fit.at
  },
  changes: ({ v }) => steps(v, (a, b) => a !== b && !(Number.isNaN(a) && Number.isNaN(b))),
  resets: ({ v }) => steps(v, (a, b) => b < a),
  sum_over_time: ({ v }) => v.reduce((a, b) => a + b, 0),
  avg_over_time: ({ v }) => mean(v),
  min_over_time: ({ v }) => extreme(v, -1),
  max_over_time: ({ v }) => extreme(v, 1),
  count_over_time: ({ v }) => v.length,
  stddev_over_time: ({ v }) => Math.sqrt(variance(v)),
  stdvar_over_time: ({ v }) => variance(v),
  last_over_time: ({ v }) => v.at(-1)!,
  present_over_time: () => 1,
  quantile_over_time: ({ v, parameter }) => quantile(parameter, v),
}

const evaluateOne = (
  name: WindowFunction,
  samples: { t: number; v: number; stale: boolean }[],
  { rangeMs, leftOpen = false, parameter = Number.NaN }: Windows,
  endMs: number,
): number | null => {
  const startMs = endMs - rangeMs
  const inside = samples.filter(({ t }) => t <= endMs && (leftOpen ? t > startMs : t >= startMs))
  if (name === 'instant') {
    const newest = inside.at(-1)
    return !newest || newest.stale ? null : newest.v
  }
  const live = inside.filter(({ stale }) => !stale)
  if (live.length === 0) return null
  const [t, v] = [live.map((s) => s.t), live.map((s) => s.v)]
  return FUNCTIONS[name]({ t, v, startMs, endMs, parameter })
}

/** The window functions as Prometheus 2.42 defines them, one window after the other. */
export const referenceWindows: EvaluateWindows = (name, timestamps, values, windows) => {
  const stale = staleMask(values)
  const samples = Array.from(timestamps, (t, i) => ({ t, v: values[i]!, stale: stale[i] === 1 }))
  const result = { values: new Float64Array(windows.steps), present: new Uint8Array(windows.steps) }
  for (let step = 0; step < windows.steps; step++) {
    const value = evaluateOne(name, samples, windows, windows.startMs + step * windows.stepMs)
    if (value === null) continue
    result.values[step] = value
    result.present[step] = 1
  }
  return result
}
