import { getKernels } from './module.ts'

type Values = Float64Array | Float32Array

/** (values, count, window, work, output) */
type WindowKernel = (
  values: number,
  count: number,
  window: number,
  work: number,
  output: number,
) => void

/** Runs a window kernel; a window longer than the series is one as long as the series. */
function roll(values: Values, window: number, kernel: WindowKernel): Float64Array<ArrayBuffer> {
  if (!(Number.isInteger(window) && window >= 1)) {
    throw new RangeError('window must be a whole number ≥ 1')
  }
  const { arena, exports } = getKernels()
  const count = values.length
  if (count === 0) return new Float64Array(0)
  return arena.lease((lease) => {
    const input = lease.copyInAsF64(values)
    const output = lease.allocate(count * 8)
    const reach = Math.min(window, count)
    const work = lease.allocate(exports.rolling_work_bytes(reach))
    kernel(input, count, reach, work, output)
    return arena.f64(output, count).slice()
  })
}

/**
 * Sum of the last `window` values, of fewer at the start. NaN are left out; a window of nothing but
 * NaN sums to 0. ±Inf reach no further than their window.
 *
 * @param values f64[n] or f32[n]        @param window ≥ 1; beyond n as n
 * @returns f64[n]
 * @throws RangeError when window is not a whole number ≥ 1
 * Accuracy: |error| ≤ ACCURACY.rollingSum · Σ|x| of the window, window ≤ 5 000, where Σ|x| < 2^1023;
 * beyond it a sum may be infinite or NaN, as in IEEE.
 */
export function rollingSum(values: Values, window: number): Float64Array<ArrayBuffer> {
  return roll(values, window, getKernels().exports.rolling_sum_f64)
}

/**
 * Mean of the last `window` values, of fewer at the start. NaN are left out; a window of nothing
 * but NaN gives NaN. ±Inf reach no further than their window.
 *
 * @param values f64[n] or f32[n]        @param window ≥ 1; beyond n as n
 * @returns f64[n]
 * @throws RangeError when window is not a whole number ≥ 1
 * Accuracy: |error| ≤ ACCURACY.rollingMean · max|x| of the window, window ≤ 5 000, where Σ|x| of it is
 * below 2^1023; beyond it a mean may be infinite or NaN, as its sum.
 */
export function rollingMean(values: Values, window: number): Float64Array<ArrayBuffer> {
  return roll(values, window, getKernels().exports.rolling_mean_f64)
}

/**
 * Population variance of the last `window` values, of fewer at the start. NaN are left out: of one
 * value it is 0, of none NaN. With ±Inf in the window it is NaN; they reach no further.
 *
 * @param values f64[n] or f32[n]        @param window ≥ 1; beyond n as n
 * @returns f64[n] ≥ 0
 * @throws RangeError when window is not a whole number ≥ 1
 * Accuracy: relative error ≤ ACCURACY.rollingVariance where |x| < 2^500, window ≤ 5 000, at any
 * offset: 1e9 + noise keeps its digits.
 */
export function rollingVariance(values: Values, window: number): Float64Array<ArrayBuffer> {
  return roll(values, window, getKernels().exports.rolling_variance_f64)
}

/**
 * Smallest of the last `window` values, of fewer at the start. NaN are left out; a window of
 * nothing but NaN gives NaN. −0 and +0 are equal: either may be given.
 *
 * @param values f64[n] or f32[n]        @param window ≥ 1; beyond n as n
 * @returns f64[n]
 * @throws RangeError when window is not a whole number ≥ 1
 * Accuracy: exact.
 */
export function rollingMin(values: Values, window: number): Float64Array<ArrayBuffer> {
  return roll(values, window, getKernels().exports.rolling_min_f64)
}

/** Largest of the last `window` values. As rollingMin. */
export function rollingMax(values: Values, window: number): Float64Array<ArrayBuffer> {
  return roll(values, window, getKernels().exports.rolling_max_f64)
}

/**
 * Exponentially weighted moving average: level ← (1 − weight) · level + weight · x, from the first
 * value on. NaN are left out: the level holds there; before the first value the result is NaN.
 *
 * @param values f64[n] or f32[n]        @param weight in (0, 1]
 * @returns f64[n]
 * @throws RangeError when weight is outside (0, 1]
 * Accuracy: |error| ≤ ACCURACY.ewma · max|x| so far, weight ≥ 0.01.
 */
export function ewma(values: Values, weight: number): Float64Array<ArrayBuffer> {
  if (!(weight > 0 && weight <= 1)) throw new RangeError('weight must be in (0, 1]')
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const series = lease.copyInAsF64(values)
    exports.ewma_f64(series, values.length, weight, series)
    return arena.f64(series, values.length).slice()
  })
}

/**
 * values[i + 1] − values[i]. Exactly rounded; NaN and ±Inf as in IEEE subtraction.
 *
 * @param values f64[n] or f32[n], subtracted in f64
 * @returns f64[n − 1]; nothing for n = 0
 */
export function diff(values: Values): Float64Array<ArrayBuffer> {
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const series = lease.copyInAsF64(values)
    exports.diff_f64(series, values.length, series)
    return arena.f64(series, Math.max(0, values.length - 1)).slice()
  })
}
