/**
 * Series over time, f64[n]: what a sliding window or an exponential memory makes of them, and
 * differences. Windows hold the last `window` values, fewer at the start; NaN are left out of them.
 * Every kernel is O(n) whatever the window. Accuracy: test/kernels/accuracy.ts.
 *
 * The array is cut into blocks of `window`: each window is the end of one block and the start of
 * the next, so it is one suffix of a block joined to one prefix. Nothing is ever taken out of a
 * running total, so nothing cancels, and what is not finite leaves with its window.
 * Source: van Herk 1992, doi:10.1016/0167-8655(92)90069-C; Gil & Werman 1993, doi:10.1109/34.211471.
 */
import { hasNaN } from './lanes'
import { SHORT_CHUNK, SHORT_WINDOW } from './rolling-extremes'

export { rolling_max_f64, rolling_min_f64 } from './rolling-extremes'
export { rolling_variance_f64 } from './rolling-variance'

/** Bytes of working space for a window of 1…n in any rolling kernel. */
export function rolling_work_bytes(window: i32): usize {
  return (<usize>window + 1) * 24
}

/** values[i + 1] − values[i] into output f64[n − 1], which may be values. Exactly rounded. */
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
 * @param output f64[n], may be values
 * Accuracy: |error| ≤ ACCURACY.ewma · max|x| so far, weight ≥ 0.01. Four steps are taken at once:
 * with r = 1 − w and the four steps from a level of zero z0…z3, y_k = r^(k+1)·level + z_k, so that
 * the chain from one level to the next has a quarter of the length.
 */
export function ewma_f64(values: usize, count: i32, weight: f64, output: usize): void {
  const rest = 1 - weight
  const rest2 = rest * rest
  const weight_f64x2 = f64x2.splat(weight)
  const carry_f64x2 = f64x2.replace_lane(f64x2.splat(0), 1, rest * weight)
  const decay_f64x2 = f64x2.replace_lane(f64x2.splat(rest), 1, rest2)
  const decay2_f64x2 = f64x2.splat(rest2)
  const zero_f64x2 = f64x2.splat(0)
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
    if (at + 32 <= end && level - level == 0) {
      const x = v128.load(values + at)
      const x2 = v128.load(values + at, 16)
      // x − x is 0 for finite x alone; ±Inf times the carry's 0 would be NaN.
      const finite = v128.and(
        f64x2.eq(f64x2.sub(x, x), zero_f64x2),
        f64x2.eq(f64x2.sub(x2, x2), zero_f64x2),
      )
      if (i64x2.all_true(finite)) {
        const fresh = f64x2.add(
          f64x2.mul(v128.shuffle<f64>(x, x, 0, 0), carry_f64x2), f64x2.mul(x, weight_f64x2),
        )
        const fresh2 = f64x2.add(
          f64x2.mul(v128.shuffle<f64>(x2, x2, 0, 0), carry_f64x2), f64x2.mul(x2, weight_f64x2),
        )
        const level_f64x2 = f64x2.mul(f64x2.splat(level), decay_f64x2)
        const before2 = f64x2.add(
          f64x2.mul(v128.shuffle<f64>(fresh, fresh, 1, 1), decay_f64x2), fresh2,
        )
        const y = f64x2.add(level_f64x2, fresh)
        const y2 = f64x2.add(f64x2.mul(level_f64x2, decay2_f64x2), before2)
        v128.store(output + at, y)
        v128.store(output + at, y2, 16)
        level = f64x2.extract_lane(y2, 1)
        at += 32
        continue
      }
    }
    const x = load<f64>(values + at)
    if (x == x) level = weight == 1 ? x : rest * level + weight * x
    store<f64>(output + at, level)
    at += 8
  }
}

/** A block with NaN in it or behind it: sum and count in two lanes, one value at a time. */
// @ts-ignore: decorator
@inline
function sumsLeavingOut(
  block: usize, length: i32, sums: usize, counts: usize, isMean: bool, target: usize,
): void {
  const one_f64x2 = f64x2.splat(1)
  const zero_f64x2 = f64x2.splat(0)
  let prefix = zero_f64x2
  for (let i = 0; i < length; i++) {
    const at = <usize>i << 3
    const x = load<f64>(block + at)
    prefix = f64x2.add(prefix, x == x ? f64x2.replace_lane(one_f64x2, 0, x) : zero_f64x2)
    const sum = load<f64>(sums + at, 8) + f64x2.extract_lane(prefix, 0)
    const n = load<f64>(counts + at, 8) + f64x2.extract_lane(prefix, 1)
    store<f64>(target + at, isMean ? sum / n : sum)
  }
}

// @ts-ignore: decorator
@inline
function suffixesLeavingOut(block: usize, window: i32, sums: usize, counts: usize): void {
  let sum = 0.0
  let n = 0.0
  for (let i = window - 1; i > 0; i--) {
    const at = <usize>i << 3
    const x = load<f64>(block + at)
    if (x == x) {
      sum += x
      n += 1
    }
    store<f64>(sums + at, sum)
    store<f64>(counts + at, n)
  }
}

/** A block of numbers behind a full block of numbers: every window holds `window` of them. */
// @ts-ignore: decorator
@inline
function sumsOfNumbers(
  block: usize, length: i32, sums: usize, window: i32, isMean: bool, target: usize,
): void {
  const zero_f64x2 = f64x2.splat(0)
  const window_f64x2 = f64x2.splat(<f64>window)
  let prefix = zero_f64x2
  let at: usize = 0
  for (const end = <usize>(length & ~3) << 3; at < end; at += 32) {
    const x = v128.load(block + at)
    const x2 = v128.load(block + at, 16)
    const pair = f64x2.add(x, v128.shuffle<f64>(zero_f64x2, x, 0, 2))
    const pair2 = f64x2.add(x2, v128.shuffle<f64>(zero_f64x2, x2, 0, 2))
    const first = f64x2.add(pair, prefix)
    const second = f64x2.add(
      f64x2.add(pair2, v128.shuffle<f64>(pair, pair, 1, 1)), prefix,
    )
    prefix = v128.shuffle<f64>(second, second, 1, 1)
    let sum = f64x2.add(v128.load(sums + at, 8), first)
    let sum2 = f64x2.add(v128.load(sums + at, 24), second)
    if (isMean) {
      sum = f64x2.div(sum, window_f64x2)
      sum2 = f64x2.div(sum2, window_f64x2)
    }
    v128.store(target + at, sum)
    v128.store(target + at, sum2, 16)
  }
  let total = f64x2.extract_lane(prefix, 0)
  for (const end = <usize>length << 3; at < end; at += 8) {
    total += load<f64>(block + at)
    const sum = load<f64>(sums + at, 8) + total
    store<f64>(target + at, isMean ? sum / <f64>window : sum)
  }
}

/** sums[i] = Σ block[i…window − 1] for i > 0. */
// @ts-ignore: decorator
@inline
function suffixesOfNumbers(block: usize, window: i32, sums: usize): void {
  const zero_f64x2 = f64x2.splat(0)
  let suffix = zero_f64x2
  let at = <usize>window << 3
  for (; at >= 32; at -= 32) {
    const x = v128.load(block + at - 16)
    const x2 = v128.load(block + at - 32)
    const pair = f64x2.add(x, v128.shuffle<f64>(x, zero_f64x2, 1, 2))
    const pair2 = f64x2.add(x2, v128.shuffle<f64>(x2, zero_f64x2, 1, 2))
    const first = f64x2.add(pair, suffix)
    const second = f64x2.add(
      f64x2.add(pair2, v128.shuffle<f64>(pair, pair, 0, 0)), suffix,
    )
    suffix = v128.shuffle<f64>(second, second, 0, 0)
    v128.store(sums + at - 16, first)
    v128.store(sums + at - 32, second)
  }
  let total = f64x2.extract_lane(suffix, 0)
  while (at > 8) {
    at -= 8
    total += load<f64>(block + at)
    store<f64>(sums + at, total)
  }
}

/** Windows of at most SHORT_WINDOW are added up anew each: cheaper than blocks that short. */
// @ts-ignore: decorator
@inline
function shortSums(values: usize, count: i32, window: i32, output: usize, isMean: bool): void {
  const window_f64x2 = f64x2.splat(<f64>window)
  const reach = <usize>(window - 1) << 3
  for (let start = 0; start < count; start += SHORT_CHUNK) {
    const rest = count - start
    const stop = start + (rest < SHORT_CHUNK ? rest : SHORT_CHUNK)
    const from = start < window - 1 ? 0 : start - window + 1
    const isClean = !hasNaN(values + (<usize>from << 3), stop - from)
    let i = start
    // The pairs begin where windows are full; a chunk with NaN has none.
    const pairsFrom = start == 0 ? window - 1 : start
    const pairsTo = isClean ? stop - 1 : start
    while (i < stop) {
      if (i >= pairsFrom && i < pairsTo) {
        const last = values + (<usize>i << 3)
        let sum = v128.load(last - reach)
        for (let p = last - reach + 8; p <= last; p += 8) sum = f64x2.add(sum, v128.load(p))
        v128.store(output + (<usize>i << 3), isMean ? f64x2.div(sum, window_f64x2) : sum)
        i += 2
        continue
      }
      let sum = 0.0
      let n = 0.0
      for (let k = i < window ? 0 : i - window + 1; k <= i; k++) {
        const x = load<f64>(values + (<usize>k << 3))
        if (x == x) {
          sum += x
          n += 1
        }
      }
      store<f64>(output + (<usize>i << 3), isMean ? sum / n : sum)
      i++
    }
  }
}

// @ts-ignore: decorator
@inline
function rollingSums(
  values: usize, count: i32, window: i32, work: usize, output: usize, isMean: bool,
): void {
  if (window <= SHORT_WINDOW) {
    shortSums(values, count, window, output, isMean)
    return
  }
  const sums = work
  const counts = work + ((<usize>window + 1) << 3)
  memory.fill(work, 0, (<usize>window + 1) << 4)
  let isNaNBehind = true // in front of the first block too windows are not full
  for (let start = 0; start < count; start += window) {
    const rest = count - start
    const length = rest < window ? rest : window
    const block = values + (<usize>start << 3)
    const target = output + (<usize>start << 3)
    const isNaNHere = hasNaN(block, length)
    if (isNaNHere || isNaNBehind) {
      if (!isNaNBehind) {
        for (let i = 0; i < window; i++) store<f64>(counts + (<usize>i << 3), <f64>(window - i))
      }
      sumsLeavingOut(block, length, sums, counts, isMean, target)
    } else {
      sumsOfNumbers(block, length, sums, window, isMean, target)
    }
    if (rest <= window) return
    if (isNaNHere) suffixesLeavingOut(block, window, sums, counts)
    else suffixesOfNumbers(block, window, sums)
    isNaNBehind = isNaNHere
  }
}

/**
 * Sum of the last `window` values, of fewer at the start. NaN are left out; a window of nothing but
 * NaN sums to 0. ±Inf reach no further than their window.
 *
 * @param window 1…n        @param work rolling_work_bytes(window)
 * @param output f64[n], not values
 * Accuracy: |error| ≤ ACCURACY.rollingSum · Σ|x| of the window, window ≤ 5 000, where Σ|x| < 2^1023;
 * beyond it a sum may be infinite or NaN, as in IEEE.
 */
export function rolling_sum_f64(
  values: usize, count: i32, window: i32, work: usize, output: usize,
): void {
  rollingSums(values, count, window, work, output, false)
}

/**
 * Mean of the last `window` values, of fewer at the start. NaN are left out; a window of nothing
 * but NaN gives NaN. ±Inf reach no further than their window.
 *
 * @param window 1…n        @param work rolling_work_bytes(window)
 * @param output f64[n], not values
 * Accuracy: |error| ≤ ACCURACY.rollingMean · max|x| of the window, window ≤ 5 000, where Σ|x| of it is
 * below 2^1023; beyond it a mean may be infinite or NaN, as its sum.
 */
export function rolling_mean_f64(
  values: usize, count: i32, window: i32, work: usize, output: usize,
): void {
  rollingSums(values, count, window, work, output, true)
}
