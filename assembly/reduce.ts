/**
 * Reductions: sum, compensated sum, min and max, fused summary. Inputs f64[n] or f32[n]; all sums
 * are kept in f64. Accuracy: test/kernels/accuracy.ts.
 */
import { loadOne, loadPair, maxLanes, minLanes, sumLanes } from './lanes'

/** Elements of one re-centred block: 12 KiB of f64, so that a second look at it stays in L1. */
const BLOCK_ELEMENTS: i32 = 1536

/** A block is taken again around its true mean when the first centre cost more than these 4 bits. */
const CANCELLATION_LIMIT: f64 = 1.0 / 16.0

// @ts-ignore: decorator
@inline
function sum<T>(values: usize, count: i32, output: usize): void {
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
  store<f64>(output, total)
}

/**
 * Sum in f64; NaN and ±Inf propagate as in IEEE addition.
 *
 * @param values f64[n]
 * @param output f64[1]; 0 for n = 0
 * Accuracy: |error| ≤ ACCURACY.sum · Σ|x| (16 partial sums, not in the order of the array).
 */
export function sum_f64(values: usize, count: i32, output: usize): void {
  sum<f64>(values, count, output)
}

/** Sum of f32[n], added in f64. As sum_f64. */
export function sum_f32(values: usize, count: i32, output: usize): void {
  sum<f32>(values, count, output)
}

/**
 * Compensated sum: as if added in twice the precision, then rounded.
 *
 * @param values f64[n]        @param output f64[1]; 0 for n = 0
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
  const compensated = total + error
  if (isFinite(compensated)) store<f64>(output, compensated)
  else sum<f64>(values, count, output)
}

// @ts-ignore: decorator
@inline
function minMax<T>(values: usize, count: i32, output: usize): void {
  const width = sizeof<T>()
  let min0 = f64x2.splat(Infinity)
  let min1 = f64x2.splat(Infinity)
  let min2 = f64x2.splat(Infinity)
  let min3 = f64x2.splat(Infinity)
  let max0 = f64x2.splat(-Infinity)
  let max1 = f64x2.splat(-Infinity)
  let max2 = f64x2.splat(-Infinity)
  let max3 = f64x2.splat(-Infinity)
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

/**
 * Smallest and largest value; NaN are left out. −0 and +0 are equal: either may be given.
 *
 * @param values f64[n]
 * @param output f64[2] = min, max; +Inf, −Inf where nothing but NaN came
 * Accuracy: exact.
 */
export function min_max_f64(values: usize, count: i32, output: usize): void {
  minMax<f64>(values, count, output)
}

/** Smallest and largest of f32[n]. As min_max_f64. */
export function min_max_f32(values: usize, count: i32, output: usize): void {
  minMax<f32>(values, count, output)
}

// The working half of the summary's output: what one block gives.
const BLOCK_SUM: usize = 64 // Σ(x − centre)
const BLOCK_SQUARES: usize = 72 // Σ(x − centre)²
const BLOCK_MIN: usize = 80
const BLOCK_MAX: usize = 88
const BLOCK_COUNT: usize = 96 // values that are not NaN

/** One block around `center`; `hasNaN` is a literal, so each use is its own loop. */
// @ts-ignore: decorator
@inline
function sumBlock<T>(values: usize, count: i32, center: f64, hasNaN: bool, output: usize): void {
  const width = sizeof<T>()
  const center_f64x2 = f64x2.splat(center)
  let sum0 = f64x2.splat(0)
  let sum1 = f64x2.splat(0)
  let sum2 = f64x2.splat(0)
  let squares0 = f64x2.splat(0)
  let squares1 = f64x2.splat(0)
  let squares2 = f64x2.splat(0)
  let min0 = f64x2.splat(Infinity)
  let min1 = f64x2.splat(Infinity)
  let max0 = f64x2.splat(-Infinity)
  let max1 = f64x2.splat(-Infinity)
  let valid_i64x2 = i64x2.splat(0) // minus the number of values that are not NaN
  let pointer = values
  const end = values + <usize>count * width
  const endOf6 = values + <usize>(count - (count % 6)) * width
  for (; pointer < endOf6; pointer += 6 * width) {
    const x0 = loadPair<T>(pointer + 0 * width)
    min0 = f64x2.pmin(min0, x0)
    max0 = f64x2.pmax(max0, x0)
    let d0 = f64x2.sub(x0, center_f64x2)
    if (hasNaN) {
      const valid = f64x2.eq(x0, x0)
      valid_i64x2 = i64x2.add(valid_i64x2, valid)
      d0 = v128.and(d0, valid)
    }
    sum0 = f64x2.add(sum0, d0)
    squares0 = f64x2.add(squares0, f64x2.mul(d0, d0))
    const x1 = loadPair<T>(pointer + 2 * width)
    min1 = f64x2.pmin(min1, x1)
    max1 = f64x2.pmax(max1, x1)
    let d1 = f64x2.sub(x1, center_f64x2)
    if (hasNaN) {
      const valid = f64x2.eq(x1, x1)
      valid_i64x2 = i64x2.add(valid_i64x2, valid)
      d1 = v128.and(d1, valid)
    }
    sum1 = f64x2.add(sum1, d1)
    squares1 = f64x2.add(squares1, f64x2.mul(d1, d1))
    const x2 = loadPair<T>(pointer + 4 * width)
    min0 = f64x2.pmin(min0, x2)
    max0 = f64x2.pmax(max0, x2)
    let d2 = f64x2.sub(x2, center_f64x2)
    if (hasNaN) {
      const valid = f64x2.eq(x2, x2)
      valid_i64x2 = i64x2.add(valid_i64x2, valid)
      d2 = v128.and(d2, valid)
    }
    sum2 = f64x2.add(sum2, d2)
    squares2 = f64x2.add(squares2, f64x2.mul(d2, d2))
  }
  let total = sumLanes(f64x2.add(f64x2.add(sum0, sum1), sum2))
  let squares = sumLanes(f64x2.add(f64x2.add(squares0, squares1), squares2))
  let min = minLanes(f64x2.pmin(min0, min1))
  let max = maxLanes(f64x2.pmax(max0, max1))
  let valid: i64 = hasNaN
    ? -(i64x2.extract_lane(valid_i64x2, 0) + i64x2.extract_lane(valid_i64x2, 1))
    : <i64>(count - (count % 6))
  for (; pointer < end; pointer += width) {
    const x = loadOne<T>(pointer)
    if (hasNaN && x != x) continue
    const d = x - center
    total += d
    squares += d * d
    if (x < min) min = x
    if (max < x) max = x
    valid++
  }
  store<f64>(output, total, BLOCK_SUM)
  store<f64>(output, squares, BLOCK_SQUARES)
  store<f64>(output, min, BLOCK_MIN)
  store<f64>(output, max, BLOCK_MAX)
  store<f64>(output, <f64>valid, BLOCK_COUNT)
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

// @ts-ignore: decorator
@inline
function summary<T>(values: usize, count: i32, output: usize): void {
  let n = 0.0
  let base = 0.0 // the first block's centre: means are kept as distances from it, which do not
  let mean = 0.0 // round at the size of the values, so that merging keeps a small spread
  let m2 = 0.0
  let sum = 0.0
  let lost = 0.0 // what the additions of block sums rounded away (Neumaier)
  let min = Infinity
  let max = -Infinity
  for (let start = 0; start < count; start += BLOCK_ELEMENTS) {
    const rest = count - start
    const length = rest < BLOCK_ELEMENTS ? rest : BLOCK_ELEMENTS
    const block = values + <usize>start * sizeof<T>()
    let center = provisionalMean<T>(block, length)
    sumBlock<T>(block, length, center, false, output)
    const hasNaN = load<f64>(output, BLOCK_SUM) != load<f64>(output, BLOCK_SUM)
    if (hasNaN) sumBlock<T>(block, length, center, true, output)
    const blockCount = load<f64>(output, BLOCK_COUNT)
    if (blockCount == 0) continue
    const blockMin = load<f64>(output, BLOCK_MIN)
    const blockMax = load<f64>(output, BLOCK_MAX)
    if (blockMin < min) min = blockMin
    if (max < blockMax) max = blockMax
    let total = load<f64>(output, BLOCK_SUM)
    let squares = load<f64>(output, BLOCK_SQUARES)
    let blockSum = blockCount * center + total
    const trueMean = center + total / blockCount
    if (
      squares - total * (total / blockCount) < squares * CANCELLATION_LIMIT &&
      trueMean - trueMean == 0
    ) {
      // A centre this far off also cost the sum its last digits.
      if (hasNaN) sumBlock<T>(block, length, 0, true, output)
      else sumBlock<T>(block, length, 0, false, output)
      blockSum = load<f64>(output, BLOCK_SUM)
      center = trueMean
      if (hasNaN) sumBlock<T>(block, length, center, true, output)
      else sumBlock<T>(block, length, center, false, output)
      total = load<f64>(output, BLOCK_SUM)
      squares = load<f64>(output, BLOCK_SQUARES)
    }
    const nextSum = sum + blockSum
    lost += abs(sum) >= abs(blockSum) ? sum - nextSum + blockSum : blockSum - nextSum + sum
    sum = nextSum
    let blockM2 = squares - total * (total / blockCount)
    if (blockM2 < 0) blockM2 = 0
    if (n == 0) {
      base = center
      mean = total / blockCount
      m2 = blockM2
    } else {
      const delta = center - base + total / blockCount - mean
      const share = blockCount / (n + blockCount)
      mean += delta * share
      m2 += blockM2 + delta * delta * n * share
    }
    n += blockCount
  }
  mean += base
  // A sum that left the finite range has no meaningful remainder.
  const total = isFinite(sum) ? sum + lost : sum
  if (min == -Infinity || max == Infinity) {
    if (n > 0) {
      mean = total / n
      m2 = NaN
    }
  }
  store<f64>(output, n)
  store<f64>(output, total, 8)
  store<f64>(output, n > 0 ? min : NaN, 16)
  store<f64>(output, n > 0 ? max : NaN, 24)
  store<f64>(output, n > 0 ? mean : NaN, 32)
  store<f64>(output, m2, 40)
  store<f64>(output, <f64>count - n, 48)
}

/**
 * Count, sum, min, max, mean, M2 = Σ(x − mean)² and the number of NaN in one pass.
 *
 * NaN are counted and left out. ±Inf are values: they are min or max, sum and mean are IEEE's
 * (+Inf with −Inf gives NaN) and M2 is NaN. Without values: sum 0, M2 0, min, max and mean NaN.
 *
 * @param values f64[n]
 * @param output f64[16]: count, sum, min, max, mean, M2, nanCount; the rest is working space
 * Accuracy: sum |error| ≤ ACCURACY.summarySum · Σ|x|; mean |error| ≤ ACCURACY.summaryMean · max|x|;
 * M2 relative error ≤ ACCURACY.summaryM2 where |x| < 2^500; min, max and the counts are exact.
 * Source: blocks around a provisional mean, merged by Chan, Golub & LeVeque 1979, eq. 2.1.
 */
export function summary_f64(values: usize, count: i32, output: usize): void {
  summary<f64>(values, count, output)
}

/** Summary of f32[n], computed in f64. As summary_f64. */
export function summary_f32(values: usize, count: i32, output: usize): void {
  summary<f32>(values, count, output)
}
