/**
 * Series over time, f64[n]: what a sliding window or an exponential memory makes of them, and
 * differences. Accuracy: test/kernels/accuracy.ts.
 */

/** values[i + 1] − values[i] into output f64[n − 1]. Exactly rounded. */
export function diff_f64(values: usize, count: i32, output: usize): void {
  const pairs = (count - 1) & ~1
  const end = pairs > 0 ? <usize>pairs << 3 : 0
  let at: usize = 0
  for (; at < end; at += 16) {
    v128.store(output + at, f64x2.sub(v128.load(values + at, 8), v128.load(values + at)))
  }
  if (count > 1 && (count & 1) == 0) {
    store<f64>(output + at, load<f64>(values + at, 8) - load<f64>(values + at))
  }
}

/**
 * Exponentially weighted moving average: level ← (1 − weight) · level + weight · x, from the first
 * value on. NaN are left out: the level holds there; before the first value the output is NaN.
 *
 * @param weight in (0, 1]
 * Accuracy: |error| ≤ ACCURACY.ewma · max|x| so far, weight ≥ 0.01. Two steps are taken at once:
 * y1 = r²·level + r·w·x0 + w·x1 with r = 1 − w, so that the chain has half the length.
 */
export function ewma_f64(values: usize, count: i32, weight: f64, output: usize): void {
  const rest = 1 - weight
  const weight_f64x2 = f64x2.splat(weight)
  const carry_f64x2 = f64x2.replace_lane(f64x2.splat(0), 1, rest * weight)
  const decay_f64x2 = f64x2.replace_lane(f64x2.splat(rest), 1, rest * rest)
  const end = <usize>count << 3
  let at: usize = 0
  let level = NaN
  while (at < end) {
    const x = load<f64>(values + at)
    if (x == x) break
    store<f64>(output + at, NaN)
    at += 8
  }
  if (at < end) {
    level = load<f64>(values + at)
    store<f64>(output + at, level)
    at += 8
  }
  while (at < end) {
    if (at + 16 <= end && level - level == 0) {
      const x = v128.load(values + at)
      const first = i8x16.shuffle(x, x, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7)
      // x − x is 0 for finite x alone; ±Inf times the carry's 0 would be NaN.
      if (i64x2.all_true(f64x2.eq(f64x2.sub(x, x), f64x2.splat(0)))) {
        const fresh = f64x2.add(f64x2.mul(first, carry_f64x2), f64x2.mul(x, weight_f64x2))
        const y = f64x2.add(f64x2.mul(f64x2.splat(level), decay_f64x2), fresh)
        v128.store(output + at, y)
        level = f64x2.extract_lane(y, 1)
        at += 16
        continue
      }
    }
    const x = load<f64>(values + at)
    if (x == x) level = weight == 1 ? x : rest * level + weight * x
    store<f64>(output + at, level)
    at += 8
  }
}

/**
 * Mean of the last `window` values, of fewer at the start. NaN are left out; a window of nothing
 * but NaN gives NaN. ±Inf reach no further than their window.
 *
 * The array is cut into blocks of `window`: each window is the end of one block and the start of the
 * next, so it is one suffix sum plus one prefix sum. Nothing is subtracted, and nothing cancels.
 *
 * @param window 1…n        @param work f64[window + 1][2] (sum, count)
 * @param output f64[n], not values
 * Accuracy: |error| ≤ ACCURACY.rollingMean · max|x| of the window, window ≤ 4 096.
 * Source: van Herk 1992, doi:10.1016/0167-8655(92)90069-C, with + for max.
 */
export function rolling_mean_f64(
  values: usize, count: i32, window: i32, work: usize, output: usize,
): void {
  const one_f64x2 = f64x2.splat(1)
  const zero_f64x2 = f64x2.splat(0)
  memory.fill(work, 0, (<usize>window + 1) << 4)
  for (let start = 0; start < count; start += window) {
    const rest = count - start
    const length = rest < window ? rest : window
    const block = values + (<usize>start << 3)
    const target = output + (<usize>start << 3)
    let prefix = zero_f64x2
    for (let i = 0; i < length; i++) {
      const x = load<f64>(block + (<usize>i << 3))
      prefix = f64x2.add(prefix, x == x ? f64x2.replace_lane(one_f64x2, 0, x) : zero_f64x2)
      const both = f64x2.add(v128.load(work + ((<usize>i + 1) << 4)), prefix)
      store<f64>(target + (<usize>i << 3), f64x2.extract_lane(both, 0) / f64x2.extract_lane(both, 1))
    }
    let suffix = zero_f64x2
    for (let i = length - 1; i >= 0; i--) {
      const x = load<f64>(block + (<usize>i << 3))
      suffix = f64x2.add(suffix, x == x ? f64x2.replace_lane(one_f64x2, 0, x) : zero_f64x2)
      v128.store(work + (<usize>i << 4), suffix)
    }
  }
}
