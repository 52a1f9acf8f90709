/**
 * Series in, series out: f64[n]. Where not said otherwise output may be values (in place), NaN stay
 * NaN and ±Inf follow IEEE arithmetic.
 */

// @ts-ignore: decorator
@inline
function isOdd(count: i32): bool {
  return (count & 1) != 0
}

/** values[i] · factor. Exactly rounded. */
export function scale_f64(values: usize, count: i32, factor: f64, output: usize): void {
  const factor_f64x2 = f64x2.splat(factor)
  const end = <usize>(count & ~1) << 3
  let at: usize = 0
  for (; at < end; at += 16) {
    v128.store(output + at, f64x2.mul(v128.load(values + at), factor_f64x2))
  }
  if (isOdd(count)) store<f64>(output + at, load<f64>(values + at) * factor)
}

/** values[i] + value. Exactly rounded. */
export function offset_f64(values: usize, count: i32, value: f64, output: usize): void {
  const value_f64x2 = f64x2.splat(value)
  const end = <usize>(count & ~1) << 3
  let at: usize = 0
  for (; at < end; at += 16) {
    v128.store(output + at, f64x2.add(v128.load(values + at), value_f64x2))
  }
  if (isOdd(count)) store<f64>(output + at, load<f64>(values + at) + value)
}

/** min(max(values[i], low), high) with low ≤ high; NaN stay NaN. Exact. */
export function clamp_f64(values: usize, count: i32, low: f64, high: f64, output: usize): void {
  const low_f64x2 = f64x2.splat(low)
  const high_f64x2 = f64x2.splat(high)
  const end = <usize>(count & ~1) << 3
  let at: usize = 0
  // pmax(a, b) is a < b ? b : a: with x as a, a NaN stays.
  for (; at < end; at += 16) {
    const raised = f64x2.pmax(v128.load(values + at), low_f64x2)
    v128.store(output + at, f64x2.pmin(raised, high_f64x2))
  }
  if (isOdd(count)) {
    const x = load<f64>(values + at)
    store<f64>(output + at, x < low ? low : x > high ? high : x)
  }
}

/** |values[i]|. Exact. */
export function abs_f64(values: usize, count: i32, output: usize): void {
  const end = <usize>(count & ~1) << 3
  let at: usize = 0
  for (; at < end; at += 16) v128.store(output + at, f64x2.abs(v128.load(values + at)))
  if (isOdd(count)) store<f64>(output + at, abs(load<f64>(values + at)))
}

/** (values[i] − mean) / deviation, deviation ≠ 0. Rounded twice. */
export function standardize_f64(
  values: usize, count: i32, mean: f64, deviation: f64, output: usize,
): void {
  const mean_f64x2 = f64x2.splat(mean)
  const deviation_f64x2 = f64x2.splat(deviation)
  const end = <usize>(count & ~1) << 3
  let at: usize = 0
  for (; at < end; at += 16) {
    const centred = f64x2.sub(v128.load(values + at), mean_f64x2)
    v128.store(output + at, f64x2.div(centred, deviation_f64x2))
  }
  if (isOdd(count)) store<f64>(output + at, (load<f64>(values + at) - mean) / deviation)
}
