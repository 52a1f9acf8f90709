/** Smallest and largest value of a sliding window: van Herk, Gil and Werman as in rolling.ts. */
import { hasNaN } from './lanes'

/** Windows of at most this many values are read anew each: cheaper than blocks that short. */
export const SHORT_WINDOW: i32 = 8

/** Outputs of short windows that are looked through for NaN at once. */
export const SHORT_CHUNK: i32 = 512

/** pmin(a, b) is b < a ? b : a: one instruction, where min would need several for NaN and −0. */
// @ts-ignore: decorator
@inline
function closer(a: v128, b: v128, isMin: bool): v128 {
  return isMin ? f64x2.pmin(a, b) : f64x2.pmax(a, b)
}

/** The more extreme of two values that are not NaN, or the one that is not. */
// @ts-ignore: decorator
@inline
function closerNumber(a: f64, b: f64, isMin: bool): f64 {
  if (a != a) return b
  if (isMin) return b < a ? b : a
  return a < b ? b : a
}

// @ts-ignore: decorator
@inline
function extremesLeavingOut(
  block: usize, length: i32, suffixes: usize, isMin: bool, target: usize,
): void {
  let prefix = NaN
  for (let i = 0; i < length; i++) {
    const at = <usize>i << 3
    prefix = closerNumber(prefix, load<f64>(block + at), isMin)
    store<f64>(target + at, closerNumber(load<f64>(suffixes + at, 8), prefix, isMin))
  }
}

// @ts-ignore: decorator
@inline
function suffixesLeavingOut(block: usize, window: i32, suffixes: usize, isMin: bool): void {
  let suffix = NaN
  for (let i = window - 1; i > 0; i--) {
    const at = <usize>i << 3
    suffix = closerNumber(suffix, load<f64>(block + at), isMin)
    store<f64>(suffixes + at, suffix)
  }
}

/** As sumsOfNumbers of rolling.ts, with the comparison for the sum. */
// @ts-ignore: decorator
@inline
function extremesOfNumbers(
  block: usize, length: i32, suffixes: usize, isMin: bool, target: usize,
): void {
  const first = load<f64>(block)
  let prefix = f64x2.splat(first)
  let at: usize = 0
  for (const end = <usize>(length & ~3) << 3; at < end; at += 32) {
    const x = v128.load(block + at)
    const x2 = v128.load(block + at, 16)
    const pair = closer(x, v128.shuffle<f64>(x, x, 0, 0), isMin)
    const pair2 = closer(x2, v128.shuffle<f64>(x2, x2, 0, 0), isMin)
    const low = closer(pair, prefix, isMin)
    const high = closer(closer(pair2, v128.shuffle<f64>(pair, pair, 1, 1), isMin), prefix, isMin)
    prefix = v128.shuffle<f64>(high, high, 1, 1)
    v128.store(target + at, closer(low, v128.load(suffixes + at, 8), isMin))
    v128.store(target + at, closer(high, v128.load(suffixes + at, 24), isMin), 16)
  }
  let extreme = f64x2.extract_lane(prefix, 0)
  for (const end = <usize>length << 3; at < end; at += 8) {
    extreme = closerNumber(extreme, load<f64>(block + at), isMin)
    store<f64>(target + at, closerNumber(extreme, load<f64>(suffixes + at, 8), isMin))
  }
}

// @ts-ignore: decorator
@inline
function suffixesOfNumbers(block: usize, window: i32, suffixes: usize, isMin: bool): void {
  let at = <usize>window << 3
  const last = load<f64>(block + at - 8)
  let suffix = f64x2.splat(last)
  for (; at >= 32; at -= 32) {
    const x = v128.load(block + at - 16)
    const x2 = v128.load(block + at - 32)
    const pair = closer(x, v128.shuffle<f64>(x, x, 1, 1), isMin)
    const pair2 = closer(x2, v128.shuffle<f64>(x2, x2, 1, 1), isMin)
    const high = closer(pair, suffix, isMin)
    const low = closer(closer(pair2, v128.shuffle<f64>(pair, pair, 0, 0), isMin), suffix, isMin)
    suffix = v128.shuffle<f64>(low, low, 0, 0)
    v128.store(suffixes + at - 16, high)
    v128.store(suffixes + at - 32, low)
  }
  let extreme = f64x2.extract_lane(suffix, 0)
  while (at > 8) {
    at -= 8
    extreme = closerNumber(extreme, load<f64>(block + at), isMin)
    store<f64>(suffixes + at, extreme)
  }
}

// @ts-ignore: decorator
@inline
function shortExtremes(values: usize, count: i32, window: i32, output: usize, isMin: bool): void {
  const reach = <usize>(window - 1) << 3
  for (let start = 0; start < count; start += SHORT_CHUNK) {
    const rest = count - start
    const stop = start + (rest < SHORT_CHUNK ? rest : SHORT_CHUNK)
    const from = start < window - 1 ? 0 : start - window + 1
    const isClean = !hasNaN(values + (<usize>from << 3), stop - from)
    const pairsFrom = start == 0 ? window - 1 : start
    const pairsTo = isClean ? stop - 1 : start
    let i = start
    while (i < stop) {
      if (i >= pairsFrom && i < pairsTo) {
        const last = values + (<usize>i << 3)
        let extreme = v128.load(last - reach)
        for (let p = last - reach + 8; p <= last; p += 8) {
          extreme = closer(extreme, v128.load(p), isMin)
        }
        v128.store(output + (<usize>i << 3), extreme)
        i += 2
        continue
      }
      let extreme = NaN
      for (let k = i < window ? 0 : i - window + 1; k <= i; k++) {
        extreme = closerNumber(extreme, load<f64>(values + (<usize>k << 3)), isMin)
      }
      store<f64>(output + (<usize>i << 3), extreme)
      i++
    }
  }
}

// @ts-ignore: decorator
@inline
function rollingExtremes(
  values: usize, count: i32, window: i32, work: usize, output: usize, isMin: bool,
): void {
  if (window <= SHORT_WINDOW) {
    shortExtremes(values, count, window, output, isMin)
    return
  }
  for (let i = 0; i <= window; i++) store<f64>(work + (<usize>i << 3), NaN)
  let isNaNBehind = true // in front of the first block stands nothing, as behind nothing but NaN
  for (let start = 0; start < count; start += window) {
    const rest = count - start
    const length = rest < window ? rest : window
    const block = values + (<usize>start << 3)
    const target = output + (<usize>start << 3)
    const isNaNHere = hasNaN(block, length)
    if (isNaNHere || isNaNBehind) extremesLeavingOut(block, length, work, isMin, target)
    else extremesOfNumbers(block, length, work, isMin, target)
    if (rest <= window) return
    if (isNaNHere) suffixesLeavingOut(block, window, work, isMin)
    else suffixesOfNumbers(block, window, work, isMin)
    isNaNBehind = isNaNHere
  }
}

/**
 * Smallest of the last `window` values, of fewer at the start. NaN are left out; a window of
 * nothing but NaN gives NaN. −0 and +0 are equal: either may be given.
 *
 * @param window 1…n        @param work rolling_work_bytes(window)
 * @param output f64[n], not values
 * Accuracy: exact.
 */
export function rolling_min_f64(
  values: usize, count: i32, window: i32, work: usize, output: usize,
): void {
  rollingExtremes(values, count, window, work, output, true)
}

/** Largest of the last `window` values. As rolling_min_f64. */
export function rolling_max_f64(
  values: usize, count: i32, window: i32, work: usize, output: usize,
): void {
  rollingExtremes(values, count, window, work, output, false)
}
