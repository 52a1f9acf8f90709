/**
 * Reductions: sum, compensated sum, min and max, fused summary. Inputs f64[n] or f32[n]; all sums
 * are kept in f64. Accuracy: test/kernels/accuracy.ts.
 */
import { loadOne, loadPair, maxLanes, minLanes, multiplyAdd, sumLanes } from './lanes'

/** Elements of one block: 8 KiB of f64, so that a second look at it stays in the first cache. */
const BLOCK_ELEMENTS: i32 = 1024

/** Elements whose high words are compared with the extremes at a time; what exceeds them is seen twice. */
const GROUP_ELEMENTS: i32 = 256

/** A block is taken again around its true mean when the first centre cost more than these 4 bits. */
const CANCELLATION_LIMIT: f64 = 1.0 / 16.0

// @ts-ignore: decorator
@inline
function sum<T>(values: usize, count: i32): f64 {
  const width = sizeof<T>()
  let sum0 = f64x2.splat(0)
  let sum1 = f64x2.splat(0)
  let sum2 = f64x2.splat(0)
  let sum3 = f64x2.splat(0)
  let sum4 = f64x2.splat(0)
  let sum5 = f64x2.splat(0)
  let sum6 = f64x2.splat(0)
  let sum7 = f64x2.splat(0)
  let pointer = values
  const end = values + <usize>count * width
  const endOf16 = values + <usize>(count & ~15) * width
  for (; pointer < endOf16; pointer += 16 * width) {
    sum0 = f64x2.add(sum0, loadPair<T>(pointer))
    sum1 = f64x2.add(sum1, loadPair<T>(pointer + 2 * width))
    sum2 = f64x2.add(sum2, loadPair<T>(pointer + 4 * width))
    sum3 = f64x2.add(sum3, loadPair<T>(pointer + 6 * width))
    sum4 = f64x2.add(sum4, loadPair<T>(pointer + 8 * width))
    sum5 = f64x2.add(sum5, loadPair<T>(pointer + 10 * width))
    sum6 = f64x2.add(sum6, loadPair<T>(pointer + 12 * width))
    sum7 = f64x2.add(sum7, loadPair<T>(pointer + 14 * width))
  }
  sum0 = f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3))
  sum4 = f64x2.add(f64x2.add(sum4, sum5), f64x2.add(sum6, sum7))
  let total = sumLanes(f64x2.add(sum0, sum4))
  for (; pointer < end; pointer += width) total += loadOne<T>(pointer)
  return total
}

/** Adds total and error to output f64[2], whose second element takes what the first rounds away. */
// @ts-ignore: decorator
@inline
function accumulate(total: f64, error: f64, output: usize): void {
  const high = load<f64>(output)
  const next = high + total
  const part = next - high
  store<f64>(output, next)
  store<f64>(output, load<f64>(output, 8) + (high - (next - part) + (total - part)) + error, 8)
}

/**
 * Sum in f64, continued from what output holds; NaN and ±Inf propagate as in IEEE addition.
 *
 * @param values f64[n]
 * @param output f64[2], zeros to begin with; the sum is output[0] + output[1], or output[0] alone
 *   where that is not finite
 * Accuracy: |error| ≤ ACCURACY.sum · Σ|x| (16 partial sums, not in the order of the array) where
 * Σ|x| < 2^1023; beyond it finite values may sum to an infinity or NaN, as in IEEE.
 */
export function sum_f64(values: usize, count: i32, output: usize): void {
  accumulate(sum<f64>(values, count), 0, output)
}

/** Sum of f32[n], added in f64. As sum_f64. */
export function sum_f32(values: usize, count: i32, output: usize): void {
  accumulate(sum<f32>(values, count), 0, output)
}

/**
 * Compensated sum, continued from what output holds: as if added in twice the precision.
 *
 * @param values f64[n]        @param output f64[2], as of sum_f64
 * Accuracy: |error| ≤ ACCURACY.sumCompensated · |sum| + n²·2^−105 · Σ|x| for finite input.
 * Where a partial sum leaves the finite range the plain IEEE sum is given.
 * Source: Ogita, Rump & Oishi 2005, Sum2, doi:10.1137/030601818; four running sums.
 */
export function sum_compensated_f64(values: usize, count: i32, output: usize): void {
  let sum0 = f64x2.splat(0)
  let sum1 = f64x2.splat(0)
  let error0 = f64x2.splat(0)
  let error1 = f64x2.splat(0)
  let pointer = values
  const end = values + (<usize>count << 3)
  const endOf4 = values + (<usize>(count & ~3) << 3)
  for (; pointer < endOf4; pointer += 32) {
    const x0 = v128.load(pointer)
    const x1 = v128.load(pointer, 16)
    const next0 = f64x2.add(sum0, x0)
    const next1 = f64x2.add(sum1, x1)
    const part0 = f64x2.sub(next0, sum0)
    const part1 = f64x2.sub(next1, sum1)
    const lost0 = f64x2.add(f64x2.sub(sum0, f64x2.sub(next0, part0)), f64x2.sub(x0, part0))
    const lost1 = f64x2.add(f64x2.sub(sum1, f64x2.sub(next1, part1)), f64x2.sub(x1, part1))
    error0 = f64x2.add(error0, lost0)
    error1 = f64x2.add(error1, lost1)
    sum0 = next0
    sum1 = next1
  }
  let total = 0.0
  let error = sumLanes(f64x2.add(error0, error1))
  for (let lane = 0; lane < 4; lane++) {
    let x = f64x2.extract_lane(sum0, 0)
    if (lane == 1) x = f64x2.extract_lane(sum0, 1)
    if (lane == 2) x = f64x2.extract_lane(sum1, 0)
    if (lane == 3) x = f64x2.extract_lane(sum1, 1)
    const next = total + x
    const part = next - total
    error += total - (next - part) + (x - part)
    total = next
  }
  for (; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    const next = total + x
    const part = next - total
    error += total - (next - part) + (x - part)
    total = next
  }
  if (isFinite(total + error)) accumulate(total, error, output)
  else accumulate(sum<f64>(values, count), 0, output)
}

/** What the order of high words cannot tell from a NaN begins here: the exponent of infinities. */
const INFINITE_WORD: u32 = 0x7ff00000
const SIGN_WORD: u32 = 0x80000000

/** Smallest and largest of a block, continued from output f64[2]; NaN leave it as it is. */
// @ts-ignore: decorator
@inline
function extremes<T>(values: usize, count: i32, output: usize): void {
  const width = sizeof<T>()
  let min0 = f64x2.splat(load<f64>(output))
  let max0 = f64x2.splat(load<f64>(output, 8))
  let min1 = min0
  let max1 = max0
  let min2 = min0
  let max2 = max0
  let min3 = min0
  let max3 = max0
  let pointer = values
  const end = values + <usize>count * width
  const endOf8 = values + <usize>(count & ~7) * width
  // pmin(a, b) is b < a ? b : a, so a NaN in b leaves the accumulator as it is.
  for (; pointer < endOf8; pointer += 8 * width) {
    const x0 = loadPair<T>(pointer)
    const x1 = loadPair<T>(pointer + 2 * width)
    const x2 = loadPair<T>(pointer + 4 * width)
    const x3 = loadPair<T>(pointer + 6 * width)
    min0 = f64x2.pmin(min0, x0)
    max0 = f64x2.pmax(max0, x0)
    min1 = f64x2.pmin(min1, x1)
    max1 = f64x2.pmax(max1, x1)
    min2 = f64x2.pmin(min2, x2)
    max2 = f64x2.pmax(max2, x2)
    min3 = f64x2.pmin(min3, x3)
    max3 = f64x2.pmax(max3, x3)
  }
  let min = minLanes(f64x2.pmin(f64x2.pmin(min0, min1), f64x2.pmin(min2, min3)))
  let max = maxLanes(f64x2.pmax(f64x2.pmax(max0, max1), f64x2.pmax(max2, max3)))
  for (; pointer < end; pointer += width) {
    const x = loadOne<T>(pointer)
    if (x < min) min = x
    if (max < x) max = x
  }
  store<f64>(output, min)
  store<f64>(output, max, 8)
}

/** Continues the extremes of output f64[2] with those of f64 output[2], [3]. */
// @ts-ignore: decorator
@inline
function foldExtremes(block: usize, output: usize): void {
  const min = load<f64>(block)
  const max = load<f64>(block, 8)
  if (min < load<f64>(output)) store<f64>(output, min)
  if (load<f64>(output, 8) < max) store<f64>(output, max, 8)
}

/** High words of four doubles. */
// @ts-ignore: decorator
@inline
function highWords(pair0: v128, pair1: v128): v128 {
  return v128.shuffle<i32>(pair0, pair1, 1, 3, 5, 7)
}

/** Whether values of both signs came. */
// @ts-ignore: decorator
@inline
function hasBothSigns(output: usize): bool {
  return load<f64>(output) < 0 && load<f64>(output, 8) >= 0
}

/** High word of a double; of −0 that of 0. */
// @ts-ignore: decorator
@inline
function highWord(x: f64): u32 {
  return <u32>(reinterpret<u64>(x + 0.0) >> 32)
}

/**
 * Words that values within the extremes of output f64[2] do not reach, in every lane. A negative double
 * has the larger word, as u32, the further it is from zero.
 *
 * Of one sign: the least u32 word that is surely not nearer to zero than all so far. Of both signs: the
 * i32 word of the largest value, or that of an infinity.
 */
// @ts-ignore: decorator
@inline
function nearLimit(isMixed: bool, output: usize): v128 {
  const least = load<f64>(output)
  const most = load<f64>(output, 8)
  if (isMixed) return i32x4.splat(min(highWord(most), INFINITE_WORD))
  const near = least >= 0 ? least : most
  return i32x4.splat(highWord(near) + <u32>(<u32>reinterpret<u64>(near) != 0))
}

/** The least u32 word that may be further from zero than all of its sign, or that of an infinity. */
// @ts-ignore: decorator
@inline
function farLimit(isMixed: bool, output: usize): v128 {
  const least = load<f64>(output)
  return !isMixed && least >= 0
    ? i32x4.splat(min(highWord(load<f64>(output, 8)), INFINITE_WORD))
    : i32x4.splat(min(highWord(least), SIGN_WORD | INFINITE_WORD))
}

/**
 * Whether values may reach beyond the extremes that gave the limits, or may be infinite or NaN.
 *
 * @param near least words as u32 where values so far have one sign, else the largest as i32
 * @param far largest words as u32
 */
// @ts-ignore: decorator
@inline
function mayExceed(near: v128, far: v128, isMixed: bool, nearLimit: v128, farLimit: v128): bool {
  const isNear = isMixed ? i32x4.ge_s(near, nearLimit) : i32x4.lt_u(near, nearLimit)
  return v128.any_true(v128.or(isNear, i32x4.ge_u(far, farLimit)))
}

/** What of two words mayExceed looks for near zero. */
// @ts-ignore: decorator
@inline
function nearer(a: v128, b: v128, isMixed: bool): v128 {
  return isMixed ? i32x4.max_s(a, b) : i32x4.min_u(a, b)
}

/** Smallest and largest, continued from output f64[2]; for small n, or where all of them must be seen. */
export function extremes_f64(values: usize, count: i32, output: usize): void {
  extremes<f64>(values, count, output)
}

/**
 * Smallest and largest value, continued from what output holds; NaN are left out. −0 and +0 are
 * equal: either may be given.
 *
 * Four doubles' high words fit one vector, so their order costs less than comparing doubles does; only
 * a group whose words reach the extremes so far is then compared exactly.
 *
 * @param values f64[n]
 * @param output f64[2] = min, max: +Inf, −Inf to begin with, and still so where nothing but NaN came
 * Accuracy: exact.
 */
export function min_max_f64(values: usize, count: i32, output: usize): void {
  if (count <= BLOCK_ELEMENTS) {
    extremes_f64(values, count, output)
    return
  }
  // The first group would be compared anyway.
  const first = load<f64>(output) == Infinity ? GROUP_ELEMENTS : 0
  extremes_f64(values, first, output)
  const end = values + (<usize>count << 3)
  const endOf16 = end - (<usize>((count - first) & 15) << 3)
  let pointer = values + (<usize>first << 3)
  while (pointer < endOf16) {
    pointer = hasBothSigns(output)
      ? extremesByWords(pointer, endOf16, true, output)
      : extremesByWords(pointer, endOf16, false, output)
  }
  extremes_f64(endOf16, <i32>((end - endOf16) >> 3), output)
}

/**
 * Goes on, group by group, to behind the first one that was compared exactly, or to the end. Returns
 * where it came. `isMixed` is a literal.
 */
// @ts-ignore: decorator
@inline
function extremesByWords(values: usize, end: usize, isMixed: bool, output: usize): usize {
  const near = nearLimit(isMixed, output)
  const far = farLimit(isMixed, output)
  for (let group = values; group < end; group += GROUP_ELEMENTS << 3) {
    const groupEnd = min(end, group + (GROUP_ELEMENTS << 3))
    let near0 = isMixed ? i32x4.splat(0x80000000) : i32x4.splat(-1)
    let near1 = near0
    let far0 = i32x4.splat(0)
    let far1 = far0
    for (let pointer = group; pointer < groupEnd; pointer += 128) {
      const words0 = highWords(v128.load(pointer), v128.load(pointer, 16))
      const words1 = highWords(v128.load(pointer, 32), v128.load(pointer, 48))
      const words2 = highWords(v128.load(pointer, 64), v128.load(pointer, 80))
      const words3 = highWords(v128.load(pointer, 96), v128.load(pointer, 112))
      near0 = nearer(near0, nearer(words0, words1, isMixed), isMixed)
      near1 = nearer(near1, nearer(words2, words3, isMixed), isMixed)
      far0 = i32x4.max_u(far0, i32x4.max_u(words0, words1))
      far1 = i32x4.max_u(far1, i32x4.max_u(words2, words3))
    }
    if (mayExceed(nearer(near0, near1, isMixed), i32x4.max_u(far0, far1), isMixed, near, far)) {
      extremes_f64(group, <i32>((groupEnd - group) >> 3), output)
      return groupEnd
    }
  }
  return end
}

/** Smallest and largest of f32[n], as f64. As min_max_f64. */
export function min_max_f32(values: usize, count: i32, output: usize): void {
  let min0 = f32x4.splat(Infinity)
  let max0 = f32x4.splat(-Infinity)
  let min1 = min0
  let max1 = max0
  const end = values + (<usize>count << 2)
  const endOf8 = values + (<usize>(count & ~7) << 2)
  let pointer = values
  for (; pointer < endOf8; pointer += 32) {
    const x0 = v128.load(pointer)
    const x1 = v128.load(pointer, 16)
    min0 = f32x4.pmin(min0, x0)
    max0 = f32x4.pmax(max0, x0)
    min1 = f32x4.pmin(min1, x1)
    max1 = f32x4.pmax(max1, x1)
  }
  foldExtremes_f32(f32x4.pmin(min0, min1), f32x4.pmax(max0, max1), output)
  extremes<f32>(pointer, <i32>((end - pointer) >> 2), output)
}

/** Continues output f64[2] with four lanes each of minima and maxima, none of them NaN. */
// @ts-ignore: decorator
@inline
function foldExtremes_f32(min: v128, max: v128, output: usize): void {
  const high0 = v128.shuffle<i32>(min, min, 2, 3, 0, 1)
  const high1 = v128.shuffle<i32>(max, max, 2, 3, 0, 1)
  const least = minLanes(f64x2.promote_low_f32x4(f32x4.pmin(min, high0)))
  const most = maxLanes(f64x2.promote_low_f32x4(f32x4.pmax(max, high1)))
  if (least < load<f64>(output)) store<f64>(output, least)
  if (load<f64>(output, 8) < most) store<f64>(output, most, 8)
}

/**
 * State of a summary, f64[16]; all zero to begin with. The first seven are the answer so far.
 *
 *   0 count | 1 sum | 2 min | 3 max | 4 mean | 5 M2 | 6 nanCount | 7 what rounding `sum` left out
 *   8 first centre | 9 mean − first centre | 10 M2 of finite values | 11 1 once blocks are centred
 *  12 Σd | 13 Σd² of the block at hand, where d = x − centre
 *  14 sum so far | 15 what rounding it left out: apart from 1 and 7, so that pieces make no difference
 */
const SUM: usize = 8
const MIN: usize = 16
const MAX: usize = 24
const MEAN: usize = 32
const M2: usize = 40
const NAN_COUNT: usize = 48
const SUM_LOW: usize = 56
const BASE: usize = 64
const MEAN_OFFSET: usize = 72
const M2_FINITE: usize = 80
const CENTERED: usize = 88
const BLOCK_SUM: usize = 96
const BLOCK_SQUARES: usize = 104
const RUNNING_SUM: usize = 112
const RUNNING_LOW: usize = 120

// How a block's extremes are found.
const NO_EXTREMES: i32 = 0
const ONE_SIGN: i32 = 1
const BOTH_SIGNS: i32 = 2
const BY_VALUE: i32 = 3

/**
 * Σd and Σd² of a block, and its extremes into the state wherever they reach beyond those so far.
 * `centered` and `extremesOf` are literals, so each use is its own loop. With NaN in the block Σd is
 * NaN, and its extremes are those of some of the others.
 */
// @ts-ignore: decorator
@inline
function sumBlock<T>(
  values: usize, count: i32, center: f64, centered: bool, extremesOf: i32, state: usize,
): void {
  const width = sizeof<T>()
  const isMixed = extremesOf == BOTH_SIGNS
  const byValue = extremesOf == BY_VALUE
  const byWords = (extremesOf == ONE_SIGN || isMixed) && sizeof<T>() == 8
  const byFloats = extremesOf == ONE_SIGN && sizeof<T>() == 4
  const center_f64x2 = f64x2.splat(center)
  let sum0 = f64x2.splat(0)
  let sum1 = sum0
  let squares0 = sum0
  let squares1 = sum0
  let squares2 = sum0
  let squares3 = sum0
  let least = f32x4.splat(Infinity)
  let most = f32x4.splat(-Infinity)
  let min0 = f64x2.splat(load<f64>(state, MIN))
  let max0 = f64x2.splat(load<f64>(state, MAX))
  let min1 = min0
  let max1 = max0
  let nearest = nearLimit(isMixed, state + MIN)
  let farthest = farLimit(isMixed, state + MIN)
  let pointer = values
  const end = values + <usize>count * width
  const endOf8 = values + <usize>(count & ~7) * width
  while (pointer < endOf8) {
    const group = pointer
    const groupEnd = byWords ? min(endOf8, group + <usize>GROUP_ELEMENTS * width) : endOf8
    let near = isMixed ? i32x4.splat(0x80000000) : i32x4.splat(-1)
    let far = i32x4.splat(0)
    for (; pointer < groupEnd; pointer += 8 * width) {
      let d0 = loadPair<T>(pointer)
      let d1 = loadPair<T>(pointer + 2 * width)
      if (byWords) {
        const words = highWords(d0, d1)
        near = nearer(near, words, isMixed)
        far = i32x4.max_u(far, words)
      }
      if (byValue) {
        min0 = f64x2.pmin(f64x2.pmin(min0, d0), d1)
        max0 = f64x2.pmax(f64x2.pmax(max0, d0), d1)
      }
      if (byFloats) {
        const x = v128.load(pointer)
        least = f32x4.pmin(least, x)
        most = f32x4.pmax(most, x)
      }
      if (centered) {
        d0 = f64x2.sub(d0, center_f64x2)
        d1 = f64x2.sub(d1, center_f64x2)
      }
      sum0 = f64x2.add(sum0, f64x2.add(d0, d1))
      let d2 = loadPair<T>(pointer + 4 * width)
      let d3 = loadPair<T>(pointer + 6 * width)
      if (byWords) {
        const words = highWords(d2, d3)
        near = nearer(near, words, isMixed)
        far = i32x4.max_u(far, words)
      }
      if (byValue) {
        min1 = f64x2.pmin(f64x2.pmin(min1, d2), d3)
        max1 = f64x2.pmax(f64x2.pmax(max1, d2), d3)
      }
      if (byFloats) {
        const x = v128.load(pointer, 16)
        least = f32x4.pmin(least, x)
        most = f32x4.pmax(most, x)
      }
      if (centered) {
        d2 = f64x2.sub(d2, center_f64x2)
        d3 = f64x2.sub(d3, center_f64x2)
      }
      sum1 = f64x2.add(sum1, f64x2.add(d2, d3))
      if (ASC_FEATURE_RELAXED_SIMD) {
        // A fused addition is a link of a chain of four cycles: four chains keep it busy.
        squares0 = multiplyAdd(d0, d0, squares0)
        squares1 = multiplyAdd(d1, d1, squares1)
        squares2 = multiplyAdd(d2, d2, squares2)
        squares3 = multiplyAdd(d3, d3, squares3)
      } else {
        squares0 = f64x2.add(squares0, f64x2.add(f64x2.mul(d0, d0), f64x2.mul(d1, d1)))
        squares1 = f64x2.add(squares1, f64x2.add(f64x2.mul(d2, d2), f64x2.mul(d3, d3)))
      }
    }
    if (byWords && mayExceed(near, far, isMixed, nearest, farthest)) {
      extremes_f64(group, <i32>((groupEnd - group) >> 3), state + MIN)
      nearest = nearLimit(isMixed, state + MIN)
      // Where a second sign has come, words as of one tell nothing: all of the block is compared.
      farthest = !isMixed && hasBothSigns(state + MIN)
        ? i32x4.splat(0)
        : farLimit(isMixed, state + MIN)
    }
  }
  let total = sumLanes(f64x2.add(sum0, sum1))
  let squares = sumLanes(
    f64x2.add(f64x2.add(squares0, squares1), f64x2.add(squares2, squares3)),
  )
  const tail = pointer
  for (; pointer < end; pointer += width) {
    const d = centered ? loadOne<T>(pointer) - center : loadOne<T>(pointer)
    total += d
    squares += d * d
  }
  store<f64>(state, total, BLOCK_SUM)
  store<f64>(state, squares, BLOCK_SQUARES)
  if (extremesOf == NO_EXTREMES) return
  if (byValue) {
    store<f64>(state, minLanes(f64x2.pmin(min0, min1)), MIN)
    store<f64>(state, maxLanes(f64x2.pmax(max0, max1)), MAX)
  }
  if (byFloats && total == total) foldExtremes_f32(least, most, state + MIN)
  extremes<T>(tail, count & 7, state + MIN)
}

/** As sumBlock, and its extremes, whatever signs the values so far have. `centered` is a literal. */
// @ts-ignore: decorator
@inline
function summariseBlock<T>(
  values: usize, count: i32, center: f64, centered: bool, state: usize,
): void {
  if (sizeof<T>() == 8 && hasBothSigns(state + MIN)) {
    sumBlock<T>(values, count, center, centered, BOTH_SIGNS, state)
  } else sumBlock<T>(values, count, center, centered, ONE_SIGN, state)
}

/** Distances of two values from the centre; 0 for NaN. */
// @ts-ignore: decorator
@inline
function validDistances(x: v128, center: v128): v128 {
  return v128.and(f64x2.sub(x, center), f64x2.eq(x, x))
}

/** As sumBlock without NaN, which leave all as it is. Returns how many values are not NaN. */
function sumValid<T>(values: usize, count: i32, center: f64, state: usize): i32 {
  const width = sizeof<T>()
  const center_f64x2 = f64x2.splat(center)
  let sum0 = f64x2.splat(0)
  let sum1 = sum0
  let squares0 = sum0
  let squares1 = sum0
  let valid_i64x2 = i64x2.splat(0) // minus the number of values that are not NaN
  let pointer = values
  const end = values + <usize>count * width
  const endOf8 = values + <usize>(count & ~7) * width
  for (; pointer < endOf8; pointer += 8 * width) {
    const x0 = loadPair<T>(pointer)
    const x1 = loadPair<T>(pointer + 2 * width)
    const x2 = loadPair<T>(pointer + 4 * width)
    const x3 = loadPair<T>(pointer + 6 * width)
    valid_i64x2 = i64x2.add(valid_i64x2, i64x2.add(f64x2.eq(x0, x0), f64x2.eq(x1, x1)))
    valid_i64x2 = i64x2.add(valid_i64x2, i64x2.add(f64x2.eq(x2, x2), f64x2.eq(x3, x3)))
    const d0 = validDistances(x0, center_f64x2)
    const d1 = validDistances(x1, center_f64x2)
    const d2 = validDistances(x2, center_f64x2)
    const d3 = validDistances(x3, center_f64x2)
    sum0 = f64x2.add(sum0, f64x2.add(d0, d1))
    sum1 = f64x2.add(sum1, f64x2.add(d2, d3))
    squares0 = f64x2.add(squares0, f64x2.add(f64x2.mul(d0, d0), f64x2.mul(d1, d1)))
    squares1 = f64x2.add(squares1, f64x2.add(f64x2.mul(d2, d2), f64x2.mul(d3, d3)))
  }
  let total = sumLanes(f64x2.add(sum0, sum1))
  let squares = sumLanes(f64x2.add(squares0, squares1))
  let valid = -<i32>(i64x2.extract_lane(valid_i64x2, 0) + i64x2.extract_lane(valid_i64x2, 1))
  for (; pointer < end; pointer += width) {
    const x = loadOne<T>(pointer)
    if (x != x) continue
    const d = x - center
    total += d
    squares += d * d
    valid++
  }
  store<f64>(state, total, BLOCK_SUM)
  store<f64>(state, squares, BLOCK_SQUARES)
  return valid
}

/** Mean of the finite ones of 8 values spread over the block: near enough to centre it. */
// @ts-ignore: decorator
@inline
function provisionalMean<T>(values: usize, count: i32): f64 {
  let mean = 0.0
  let finite = 0.0
  for (let i = 0; i < 8; i++) {
    const x = loadOne<T>(values + <usize>((i * count) >> 3) * sizeof<T>())
    if (x - x == 0) {
      mean += x * 0.125
      finite += 0.125
    }
  }
  return finite > 0 ? mean / finite : 0
}

function addBlock<T>(values: usize, count: i32, state: usize): void {
  const isCentered = load<f64>(state, CENTERED) != 0
  let center = isCentered ? provisionalMean<T>(values, count) : 0
  // Of the first values most groups would exceed what came before them.
  const isFirst = sizeof<T>() == 8 && load<f64>(state, MIN) == Infinity
  if (isFirst && !isCentered) sumBlock<T>(values, count, 0, false, BY_VALUE, state)
  else if (isCentered) summariseBlock<T>(values, count, center, true, state)
  else summariseBlock<T>(values, count, 0, false, state)
  let total = load<f64>(state, BLOCK_SUM)
  let valid = count
  // Infinities of both signs look like a NaN here; then every value is valid.
  const hasNaN = total != total
  if (hasNaN) {
    extremes<T>(values, count, state + MIN)
    valid = sumValid<T>(values, count, center, state)
    if (valid == 0) return
    total = load<f64>(state, BLOCK_SUM)
  }
  if (!isCentered && !isFinite(total)) {
    // Finite values may have left the range together; around their mean they do not.
    center = provisionalMean<T>(values, count)
    if (hasNaN) sumValid<T>(values, count, center, state)
    else sumBlock<T>(values, count, center, true, NO_EXTREMES, state)
    total = load<f64>(state, BLOCK_SUM)
  }
  const n = <f64>valid
  let squares = load<f64>(state, BLOCK_SQUARES)
  const trueMean = center + total / n
  if (!(squares - total * (total / n) >= squares * CANCELLATION_LIMIT) && trueMean - trueMean == 0) {
    center = trueMean
    if (hasNaN) sumValid<T>(values, count, center, state)
    else sumBlock<T>(values, count, center, true, NO_EXTREMES, state)
    total = load<f64>(state, BLOCK_SUM)
    squares = load<f64>(state, BLOCK_SQUARES)
    store<f64>(state, 1, CENTERED)
  }
  let blockSum = n * center + total
  if (abs(total) > abs(blockSum)) {
    // A centre so far off the values costs their sum more than rounding them does.
    if (hasNaN) {
      sumValid<T>(values, count, 0, state)
      blockSum = load<f64>(state, BLOCK_SUM)
    } else blockSum = sum<T>(values, count)
  }

  const sumBefore = load<f64>(state, RUNNING_SUM)
  const sumNow = sumBefore + blockSum
  const lost = abs(sumBefore) >= abs(blockSum)
    ? sumBefore - sumNow + blockSum
    : blockSum - sumNow + sumBefore
  store<f64>(state, sumNow, RUNNING_SUM)
  store<f64>(state, load<f64>(state, RUNNING_LOW) + lost, RUNNING_LOW)

  // Means are kept as distances from the first centre, which do not round at the size of the
  // values, so that merging keeps a small spread.
  let blockM2 = squares - total * (total / n)
  if (blockM2 < 0) blockM2 = 0
  const before = load<f64>(state)
  if (before == 0) {
    store<f64>(state, center, BASE)
    store<f64>(state, total / n, MEAN_OFFSET)
    store<f64>(state, blockM2, M2_FINITE)
  } else {
    const offset = load<f64>(state, MEAN_OFFSET)
    const delta = center - load<f64>(state, BASE) + total / n - offset
    const share = n / (before + n)
    store<f64>(state, offset + delta * share, MEAN_OFFSET)
    store<f64>(state, load<f64>(state, M2_FINITE) + (blockM2 + delta * delta * before * share), M2_FINITE)
  }
  store<f64>(state, before + n, 0)
}

// @ts-ignore: decorator
@inline
function addSummary<T>(values: usize, count: i32, state: usize): void {
  const seen = load<f64>(state) + load<f64>(state, NAN_COUNT)
  if (load<f64>(state) == 0) {
    store<f64>(state, Infinity, MIN)
    store<f64>(state, -Infinity, MAX)
  }
  for (let start = 0; start < count; start += BLOCK_ELEMENTS) {
    const rest = count - start
    const length = rest < BLOCK_ELEMENTS ? rest : BLOCK_ELEMENTS
    addBlock<T>(values + <usize>start * sizeof<T>(), length, state)
  }
  const n = load<f64>(state)
  store<f64>(state, seen + <f64>count - n, NAN_COUNT)
  if (n == 0) {
    store<f64>(state, NaN, MIN)
    store<f64>(state, NaN, MAX)
    store<f64>(state, NaN, MEAN)
    return
  }
  // A sum that left the finite range has no meaningful remainder.
  const high = load<f64>(state, RUNNING_SUM)
  const low = isFinite(high) ? load<f64>(state, RUNNING_LOW) : 0
  const sum = high + low
  store<f64>(state, sum, SUM)
  store<f64>(state, isFinite(sum) ? high - sum + low : 0, SUM_LOW)
  const hasInfinity = load<f64>(state, MIN) == -Infinity || load<f64>(state, MAX) == Infinity
  store<f64>(state, hasInfinity ? sum / n : load<f64>(state, BASE) + load<f64>(state, MEAN_OFFSET), MEAN)
  store<f64>(state, hasInfinity ? NaN : load<f64>(state, M2_FINITE), M2)
}

/**
 * Count, sum, min, max, mean, M2 = Σ(x − mean)² and the number of NaN, continued from a state.
 *
 * NaN are counted and left out. ±Inf are values: they are min or max, sum and mean are IEEE's
 * (+Inf with −Inf gives NaN) and M2 is NaN. Without values: sum 0, M2 0, min, max and mean NaN.
 * Arrays given one after the other in multiples of 1024 give what they give at once, bit for bit.
 *
 * @param values f64[n]
 * @param state f64[16], all zero to begin with: count, sum, min, max, mean, M2, nanCount, what the
 *   rounding of sum left out, and eight that are the kernel's own
 * Accuracy: sum |error| ≤ ACCURACY.summarySum · Σ|x|; mean |error| ≤ ACCURACY.summaryMean · max|x|,
 * both where Σ|x| < 2^1023, beyond which sum and mean may be infinite or NaN as in IEEE; M2 relative error ≤ ACCURACY.summaryM2 where |x| < 2^500; min, max and the counts are exact.
 * Source: blocks, around a provisional mean where they need one, merged by Chan, Golub & LeVeque
 * 1979, eq. 2.1.
 */
export function summary_add_f64(values: usize, count: i32, state: usize): void {
  addSummary<f64>(values, count, state)
}

/** Continues a summary with f32[n], computed in f64. As summary_add_f64. */
export function summary_add_f32(values: usize, count: i32, state: usize): void {
  addSummary<f32>(values, count, state)
}

/** A state before any value. */
// @ts-ignore: decorator
@inline
function clear(state: usize): void {
  // memory.fill is a call out of the module, which costs as much as a hundred values.
  const zero = i64x2.splat(0)
  v128.store(state, zero)
  v128.store(state, zero, 16)
  v128.store(state, zero, 32)
  v128.store(state, zero, 48)
  v128.store(state, zero, 64)
  v128.store(state, zero, 80)
  v128.store(state, zero, 96)
  v128.store(state, zero, 112)
}

/** The summary of f64[n] alone: as summary_add_f64 from a state of zeros, whatever output held. */
export function summary_f64(values: usize, count: i32, output: usize): void {
  clear(output)
  addSummary<f64>(values, count, output)
}

/** The summary of f32[n] alone, computed in f64. As summary_f64. */
export function summary_f32(values: usize, count: i32, output: usize): void {
  clear(output)
  addSummary<f32>(values, count, output)
}
