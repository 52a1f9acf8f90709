import { quantileOf } from './aggregate-rank.ts'
import { type EvaluateWindows, staleMask, type WindowFunction } from './windows.ts'

/** The samples of one series without stale markers, and one window of them: positions [first, end). */
interface Window {
  readonly t: Float64Array
  readonly v: Float64Array
  first: number
  end: number
  startMs: number
  endMs: number
  readonly parameter: number
}

const value = ({ v }: Window, position: number): number => v[position] as number
const time = ({ t }: Window, position: number): number => t[position] as number

/** `extrapolatedRate` of Prometheus: NaN where there are fewer than two samples. */
const extrapolated = (w: Window, counter: boolean, perSecond: boolean): number | null => {
  const last = w.end - 1
  if (last <= w.first) return null
  let result = value(w, last) - value(w, w.first)
  if (counter)
    for (let i = w.first + 1; i <= last; i++)
      if (value(w, i) < value(w, i - 1)) result += value(w, i - 1)
  const sampled = (time(w, last) - time(w, w.first)) / 1_000
  const spacing = sampled / (last - w.first)
  let toStart = (time(w, w.first) - w.startMs) / 1_000
  const toEnd = (w.endMs - time(w, last)) / 1_000
  if (counter && result > 0 && value(w, w.first) >= 0)
    toStart = Math.min(toStart, sampled * (value(w, w.first) / result))
  const reach = (gap: number) => (gap < spacing * 1.1 ? gap : spacing / 2)
  const factor = (sampled + reach(toStart) + reach(toEnd)) / sampled
  return (result * factor) / (perSecond ? (w.endMs - w.startMs) / 1_000 : 1)
}

const lastTwo = (w: Window, rate: boolean): number | null => {
  const last = w.end - 1
  if (last <= w.first) return null
  const reset = rate && value(w, last) < value(w, last - 1)
  const change = value(w, last) - (reset ? 0 : value(w, last - 1))
  return rate ? change / ((time(w, last) - time(w, last - 1)) / 1_000) : change
}

const fold = (w: Window, start: number, step: (sum: number, value: number) => number): number => {
  let sum = start
  for (let i = w.first; i < w.end; i++) sum = step(sum, value(w, i))
  return sum
}

const count = (w: Window): number => w.end - w.first
const sum = (w: Window): number => fold(w, 0, (a, b) => a + b)
const mean = (w: Window): number => {
  const total = sum(w)
  if (Number.isFinite(total)) return total / count(w)
  return fold(w, 0, (a, b) => a + b / count(w))
}

const variance = (w: Window): number => {
  const middle = mean(w)
  return fold(w, 0, (a, b) => a + (b - middle) ** 2) / count(w)
}

/** Least squares through the window: the slope per second and the value at `originMs`. */
const line = (w: Window, originMs: number): { slope: number; at: number } | null => {
  if (count(w) < 2) return null
  const first = value(w, w.first)
  if (w.v.subarray(w.first, w.end).every((one) => one === first))
    return Number.isFinite(first) ? { slope: 0, at: first } : { slope: Number.NaN, at: Number.NaN }
  let meanTime = 0
  for (let i = w.first; i < w.end; i++) meanTime += (time(w, i) - originMs) / 1_000 / count(w)
  const middle = mean(w)
  let covariance = 0
  let spread = 0
  for (let i = w.first; i < w.end; i++) {
    const distance = (time(w, i) - originMs) / 1_000 - meanTime
    covariance += distance * (value(w, i) - middle)
    spread += distance * distance
  }
  const slope = covariance / spread
  return { slope, at: middle - slope * meanTime }
}

const extreme = (w: Window, sign: 1 | -1): number =>
  fold(w, Number.NaN, (best, one) => (sign * one > sign * best || Number.isNaN(best) ? one : best))

const between = (w: Window, differs: (a: number, b: number) => boolean): number => {
  let found = 0
  for (let i = w.first + 1; i < w.end; i++) if (differs(value(w, i - 1), value(w, i))) found++
  return found
}

const FUNCTIONS: Readonly<
  Record<Exclude<WindowFunction, 'instant'>, (w: Window) => number | null>
> = {
  rate: (w) => extrapolated(w, true, true),
  increase: (w) => extrapolated(w, true, false),
  delta: (w) => extrapolated(w, false, false),
  irate: (w) => lastTwo(w, true),
  idelta: (w) => lastTwo(w, false),
  deriv: (w) => line(w, time(w, w.first))?.slope ?? null,
  predict_linear: (w) => {
    const fit = line(w, w.endMs)
    return fit && fit.slope * w.parameter + fit.at
  },
  changes: (w) => between(w, (a, b) => a !== b && !(Number.isNaN(a) && Number.isNaN(b))),
  resets: (w) => between(w, (a, b) => b < a),
  sum_over_time: sum,
  avg_over_time: mean,
  min_over_time: (w) => extreme(w, -1),
  max_over_time: (w) => extreme(w, 1),
  count_over_time: count,
  stddev_over_time: (w) => Math.sqrt(variance(w)),
  stdvar_over_time: variance,
  last_over_time: (w) => value(w, w.end - 1),
  present_over_time: () => 1,
  quantile_over_time: (w) => quantileOf(w.parameter, w.v.slice(w.first, w.end)),
}

/** The window functions as Prometheus defines them, one window after the other. */
export const plainWindows: EvaluateWindows = (name, timestamps, values, windows) => {
  const { startMs, stepMs, steps, rangeMs, parameter = Number.NaN, leftOpen = false } = windows
  const stale = staleMask(values)
  const isInstant = name === 'instant'
  const keep = (_: number, index: number) => isInstant || stale[index] === 0
  const window: Window = {
    t: timestamps.filter(keep),
    v: values.filter(keep),
    first: 0,
    end: 0,
    startMs: 0,
    endMs: 0,
    parameter,
  }
  const result = { values: new Float64Array(steps), present: new Uint8Array(steps) }
  for (let step = 0; step < steps; step++) {
    window.endMs = startMs + step * stepMs
    window.startMs = window.endMs - rangeMs
    while (window.end < window.t.length && time(window, window.end) <= window.endMs) window.end++
    const isOutside = (at: number) => (leftOpen ? at <= window.startMs : at < window.startMs)
    while (window.first < window.end && isOutside(time(window, window.first))) window.first++
    if (window.first === window.end) continue
    const newest = window.end - 1
    const one = isInstant
      ? stale[newest] === 1
        ? null
        : value(window, newest)
      : FUNCTIONS[name](window)
    if (one === null) continue
    result.values[step] = one
    result.present[step] = 1
  }
  return result
}
