/**
 * Variance of a sliding window without Σx² − (Σx)²/n at the size of the values: sums are taken
 * around a value that stands in the window itself, so an offset does not matter. Blocks as in
 * rolling.ts: the first value of a block stands in each window that ends in it. A member is no
 * further from the mean of n than √(n − 1) deviations; where one is that far, the block is taken
 * again by Welford's update.
 */
import { hasNaN } from './lanes'
import { SHORT_CHUNK, SHORT_WINDOW } from './rolling-extremes'

/** A block whose centre cost a window more than these 4 bits is taken again without a centre. */
const CANCELLATION_LIMIT: f64 = 1.0 / 16.0

/** M2 / n of n values from their sums around any centre. */
// @ts-ignore: decorator
@inline
function varianceOf(n: f64, sum: f64, squares: f64): f64 {
  const variance = (squares - sum * (sum / n)) / n
  return variance < 0 ? 0 : variance
}

// work holds three planes of window + 1 values for the ends of the last block: sums, squares and
// nothing, or means, M2 and counts.
// @ts-ignore: decorator
@inline
function secondPlane(work: usize, window: i32): usize {
  return work + ((<usize>window + 1) << 3)
}

// @ts-ignore: decorator
@inline
function thirdPlane(work: usize, window: i32): usize {
  return work + ((<usize>window + 1) << 4)
}

/** The first value that is not NaN, from `block` on in steps of `step` bytes; NaN without one. */
// @ts-ignore: decorator
@inline
function firstNumber(block: usize, length: i32, step: usize): f64 {
  for (let i = 0; i < length; i++) {
    const x = load<f64>(block + <usize>i * step)
    if (x == x) return x
  }
  return NaN
}

/** Count, mean and M2 of each end of a block by Welford's update; means as distances from `base`. */
function stepwiseSuffixes(block: usize, window: i32, work: usize, base: f64): void {
  const squares = secondPlane(work, window)
  const counts = thirdPlane(work, window)
  let n = 0.0
  let mean = 0.0
  let m2 = 0.0
  for (let i = window - 1; i > 0; i--) {
    const at = <usize>i << 3
    const x = load<f64>(block + at)
    if (x == x) {
      n += 1
      const d = x - base
      const delta = d - mean
      mean += delta / n
      m2 += delta * (d - mean)
    }
    store<f64>(work + at, mean)
    store<f64>(squares + at, m2)
    store<f64>(counts + at, n)
  }
}

/**
 * A block with NaN in it or behind it, or with a first value far from the others. `behind` is the
 * block before, 0 without one. Starts and ends by Welford's update, as distances from the numbers
 * nearest to where they meet; joined by Chan, Golub & LeVeque 1979, eq. 2.1.
 */
function stepwiseVariances(
  block: usize, length: i32, window: i32, work: usize, behind: usize, target: usize,
): void {
  const squares = secondPlane(work, window)
  const counts = thirdPlane(work, window)
  let baseBehind = 0.0
  if (behind == 0) {
    memory.fill(work, 0, (<usize>window + 1) * 24)
  } else {
    baseBehind = firstNumber(behind + (<usize>(window - 1) << 3), window, -8)
    stepwiseSuffixes(behind, window, work, baseBehind)
  }
  const base = firstNumber(block, length, 8)
  let n = 0.0
  let mean = 0.0
  let m2 = 0.0
  for (let i = 0; i < length; i++) {
    const at = <usize>i << 3
    const x = load<f64>(block + at)
    if (x == x) {
      n += 1
      const d = x - base
      const delta = d - mean
      mean += delta / n
      m2 += delta * (d - mean)
    }
    const nBehind = load<f64>(counts + at, 8)
    const total = n + nBehind
    let joined = m2 + load<f64>(squares + at, 8)
    if (n > 0 && nBehind > 0) {
      const delta = base - baseBehind + (mean - load<f64>(work + at, 8))
      joined += delta * delta * n * (nBehind / total)
    }
    store<f64>(target + at, joined / total)
  }
}

/** Ends of a block of numbers around `center`, the value behind it. */
function suffixesOfNumbers(block: usize, window: i32, work: usize, center: f64): void {
  const sums = work
  const squares = secondPlane(work, window)
  const zero_f64x2 = f64x2.splat(0)
  const center_f64x2 = f64x2.splat(center)
  let sum = zero_f64x2
  let square = zero_f64x2
  let at = <usize>window << 3
  for (; at >= 32; at -= 32) {
    const d = f64x2.sub(v128.load(block + at - 16), center_f64x2)
    const d2 = f64x2.sub(v128.load(block + at - 32), center_f64x2)
    const q = f64x2.mul(d, d)
    const q2 = f64x2.mul(d2, d2)
    const pair = f64x2.add(d, v128.shuffle<f64>(d, zero_f64x2, 1, 2))
    const pair2 = f64x2.add(d2, v128.shuffle<f64>(d2, zero_f64x2, 1, 2))
    const squarePair = f64x2.add(q, v128.shuffle<f64>(q, zero_f64x2, 1, 2))
    const squarePair2 = f64x2.add(q2, v128.shuffle<f64>(q2, zero_f64x2, 1, 2))
    const high = f64x2.add(pair, sum)
    const low = f64x2.add(f64x2.add(pair2, v128.shuffle<f64>(pair, pair, 0, 0)), sum)
    const squareHigh = f64x2.add(squarePair, square)
    const squareLow = f64x2.add(
      f64x2.add(squarePair2, v128.shuffle<f64>(squarePair, squarePair, 0, 0)), square,
    )
    sum = v128.shuffle<f64>(low, low, 0, 0)
    square = v128.shuffle<f64>(squareLow, squareLow, 0, 0)
    v128.store(sums + at - 16, high)
    v128.store(sums + at - 32, low)
    v128.store(squares + at - 16, squareHigh)
    v128.store(squares + at - 32, squareLow)
  }
  let total = f64x2.extract_lane(sum, 0)
  let totalSquare = f64x2.extract_lane(square, 0)
  while (at > 8) {
    at -= 8
    const d = load<f64>(block + at) - center
    total += d
    totalSquare += d * d
    store<f64>(sums + at, total)
    store<f64>(squares + at, totalSquare)
  }
}

/** A block of numbers behind a full one, around its first value; false where that cancels. */
function variancesOfNumbers(
  block: usize, length: i32, window: i32, work: usize, target: usize,
): bool {
  const sums = work
  const squares = secondPlane(work, window)
  const zero_f64x2 = f64x2.splat(0)
  const center = load<f64>(block)
  const center_f64x2 = f64x2.splat(center)
  const share_f64x2 = f64x2.splat(1 / <f64>window)
  const limit_f64x2 = f64x2.splat(CANCELLATION_LIMIT)
  let cancelled = zero_f64x2
  let sum = zero_f64x2
  let square = zero_f64x2
  let at: usize = 0
  for (const end = <usize>(length & ~3) << 3; at < end; at += 32) {
    const d = f64x2.sub(v128.load(block + at), center_f64x2)
    const d2 = f64x2.sub(v128.load(block + at, 16), center_f64x2)
    const q = f64x2.mul(d, d)
    const q2 = f64x2.mul(d2, d2)
    const pair = f64x2.add(d, v128.shuffle<f64>(zero_f64x2, d, 0, 2))
    const pair2 = f64x2.add(d2, v128.shuffle<f64>(zero_f64x2, d2, 0, 2))
    const squarePair = f64x2.add(q, v128.shuffle<f64>(zero_f64x2, q, 0, 2))
    const squarePair2 = f64x2.add(q2, v128.shuffle<f64>(zero_f64x2, q2, 0, 2))
    const low = f64x2.add(pair, sum)
    const high = f64x2.add(f64x2.add(pair2, v128.shuffle<f64>(pair, pair, 1, 1)), sum)
    const squareLow = f64x2.add(squarePair, square)
    const squareHigh = f64x2.add(
      f64x2.add(squarePair2, v128.shuffle<f64>(squarePair, squarePair, 1, 1)), square,
    )
    sum = v128.shuffle<f64>(high, high, 1, 1)
    square = v128.shuffle<f64>(squareHigh, squareHigh, 1, 1)
    const s = f64x2.add(low, v128.load(sums + at, 8))
    const s2 = f64x2.add(high, v128.load(sums + at, 24))
    const t = f64x2.add(squareLow, v128.load(squares + at, 8))
    const t2 = f64x2.add(squareHigh, v128.load(squares + at, 24))
    const m2 = f64x2.sub(t, f64x2.mul(s, f64x2.mul(s, share_f64x2)))
    const m22 = f64x2.sub(t2, f64x2.mul(s2, f64x2.mul(s2, share_f64x2)))
    cancelled = v128.or(cancelled, f64x2.lt(m2, f64x2.mul(t, limit_f64x2)))
    cancelled = v128.or(cancelled, f64x2.lt(m22, f64x2.mul(t2, limit_f64x2)))
    // pmax(a, b) is a < b ? b : a: a NaN that an infinity made stays.
    v128.store(target + at, f64x2.mul(f64x2.pmax(m2, zero_f64x2), share_f64x2))
    v128.store(target + at, f64x2.mul(f64x2.pmax(m22, zero_f64x2), share_f64x2), 16)
  }
  let total = f64x2.extract_lane(sum, 0)
  let totalSquare = f64x2.extract_lane(square, 0)
  for (const end = <usize>length << 3; at < end; at += 8) {
    const d = load<f64>(block + at) - center
    total += d
    totalSquare += d * d
    const s = total + load<f64>(sums + at, 8)
    const t = totalSquare + load<f64>(squares + at, 8)
    const variance = varianceOf(window, s, t)
    if (variance * <f64>window < t * CANCELLATION_LIMIT) return false
    store<f64>(target + at, variance)
  }
  return !v128.any_true(cancelled)
}

/** Short windows anew each, around their last value. */
function shortVariances(values: usize, count: i32, window: i32, output: usize): void {
  const zero_f64x2 = f64x2.splat(0)
  const share_f64x2 = f64x2.splat(1 / <f64>window)
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
      const last = values + (<usize>i << 3)
      if (i >= pairsFrom && i < pairsTo) {
        const center = v128.load(last)
        let s = f64x2.sub(v128.load(last - reach), center)
        let t = f64x2.mul(s, s)
        for (let p = last - reach + 8; p <= last; p += 8) {
          const d = f64x2.sub(v128.load(p), center)
          s = f64x2.add(s, d)
          t = f64x2.add(t, f64x2.mul(d, d))
        }
        const m2 = f64x2.sub(t, f64x2.mul(s, f64x2.mul(s, share_f64x2)))
        v128.store(
          output + (<usize>i << 3), f64x2.mul(f64x2.pmax(m2, zero_f64x2), share_f64x2),
        )
        i += 2
        continue
      }
      const length = i < window ? i + 1 : window
      const center = firstNumber(last, length, -8)
      let n = 0.0
      let sum = 0.0
      let square = 0.0
      for (let k = 0; k < length; k++) {
        const x = load<f64>(last - (<usize>k << 3))
        if (x == x) {
          n += 1
          sum += x - center
          square += (x - center) * (x - center)
        }
      }
      store<f64>(output + (<usize>i << 3), varianceOf(n, sum, square))
      i++
    }
  }
}

/**
 * Population variance of the last `window` values, of fewer at the start. NaN are left out: of one
 * value it is 0, of none NaN. With ±Inf in the window it is NaN; they reach no further.
 *
 * @param window 1…n        @param work rolling_work_bytes(window)
 * @param output f64[n] ≥ 0, not values
 * Accuracy: relative error ≤ ACCURACY.rollingVariance where |x| < 2^500, window ≤ 5 000, at any
 * offset: 1e9 + noise keeps its digits.
 */
export function rolling_variance_f64(
  values: usize, count: i32, window: i32, work: usize, output: usize,
): void {
  if (window <= SHORT_WINDOW) {
    shortVariances(values, count, window, output)
    return
  }
  memory.fill(work, 0, (<usize>window + 1) * 24)
  let isNaNBehind = true // in front of the first block too windows are not full
  for (let start = 0; start < count; start += window) {
    const rest = count - start
    const length = rest < window ? rest : window
    const block = values + (<usize>start << 3)
    const behind = block - (<usize>window << 3)
    const target = output + (<usize>start << 3)
    const isNaNHere = hasNaN(block, length)
    let isDone = false
    if (!isNaNHere && !isNaNBehind) {
      suffixesOfNumbers(behind, window, work, load<f64>(block))
      isDone = variancesOfNumbers(block, length, window, work, target)
    }
    if (!isDone) stepwiseVariances(block, length, window, work, start > 0 ? behind : 0, target)
    isNaNBehind = isNaNHere
  }
}
