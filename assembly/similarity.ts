/**
 * Dot products, cosine of one query against many rows, and the k best scores. f32 rows are added in
 * f32 (16 running sums a row), f64 rows in f64. Rows lie one after the other, `dims` elements each.
 */
import { loadOne, loadPair, sumLanes } from './lanes'

/** Squared norms beyond these bounds are taken again without overflow or underflow. */
const F32_SQUARE_MIN: f64 = 1e-20
const F32_SQUARE_MAX: f64 = 1e20
const F64_SQUARE_MIN: f64 = 1e-200
const F64_SQUARE_MAX: f64 = 1e200

// @ts-ignore: decorator
@inline
function sumLanesF32(x: v128): f64 {
  return sumLanes(f64x2.add(
    f64x2.promote_low_f32x4(x),
    f64x2.promote_low_f32x4(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)),
  ))
}

// @ts-ignore: decorator
@inline
function dotF32(a: usize, b: usize, count: i32): f64 {
  let sum0 = f32x4.splat(0)
  let sum1 = f32x4.splat(0)
  let sum2 = f32x4.splat(0)
  let sum3 = f32x4.splat(0)
  const end = <usize>count << 2
  const endOf16 = <usize>(count & ~15) << 2
  const endOf4 = <usize>(count & ~3) << 2
  let at: usize = 0
  for (; at < endOf16; at += 64) {
    sum0 = f32x4.add(sum0, f32x4.mul(v128.load(a + at), v128.load(b + at)))
    sum1 = f32x4.add(sum1, f32x4.mul(v128.load(a + at, 16), v128.load(b + at, 16)))
    sum2 = f32x4.add(sum2, f32x4.mul(v128.load(a + at, 32), v128.load(b + at, 32)))
    sum3 = f32x4.add(sum3, f32x4.mul(v128.load(a + at, 48), v128.load(b + at, 48)))
  }
  for (; at < endOf4; at += 16) {
    sum0 = f32x4.add(sum0, f32x4.mul(v128.load(a + at), v128.load(b + at)))
  }
  let total = sumLanesF32(f32x4.add(f32x4.add(sum0, sum1), f32x4.add(sum2, sum3)))
  for (; at < end; at += 4) total += <f64>load<f32>(a + at) * <f64>load<f32>(b + at)
  return total
}

/** Dot product in f64 of elements stored as T; each factor is scaled first. */
// @ts-ignore: decorator
@inline
function dotWide<T>(a: usize, b: usize, count: i32, scaleA: f64, scaleB: f64): f64 {
  const width = sizeof<T>()
  const scaleA_f64x2 = f64x2.splat(scaleA)
  const scaleB_f64x2 = f64x2.splat(scaleB)
  let sum0 = f64x2.splat(0)
  let sum1 = f64x2.splat(0)
  const end = <usize>count * width
  const endOf4 = <usize>(count & ~3) * width
  let at: usize = 0
  for (; at < endOf4; at += 4 * width) {
    const a0 = f64x2.mul(loadPair<T>(a + at), scaleA_f64x2)
    const b0 = f64x2.mul(loadPair<T>(b + at), scaleB_f64x2)
    const a1 = f64x2.mul(loadPair<T>(a + at + 2 * width), scaleA_f64x2)
    const b1 = f64x2.mul(loadPair<T>(b + at + 2 * width), scaleB_f64x2)
    sum0 = f64x2.add(sum0, f64x2.mul(a0, b0))
    sum1 = f64x2.add(sum1, f64x2.mul(a1, b1))
  }
  let total = sumLanes(f64x2.add(sum0, sum1))
  for (; at < end; at += width) {
    total += loadOne<T>(a + at) * scaleA * (loadOne<T>(b + at) * scaleB)
  }
  return total
}

// @ts-ignore: decorator
@inline
function dotF64(a: usize, b: usize, count: i32): f64 {
  let sum0 = f64x2.splat(0)
  let sum1 = f64x2.splat(0)
  let sum2 = f64x2.splat(0)
  let sum3 = f64x2.splat(0)
  const end = <usize>count << 3
  const endOf8 = <usize>(count & ~7) << 3
  let at: usize = 0
  for (; at < endOf8; at += 64) {
    sum0 = f64x2.add(sum0, f64x2.mul(v128.load(a + at), v128.load(b + at)))
    sum1 = f64x2.add(sum1, f64x2.mul(v128.load(a + at, 16), v128.load(b + at, 16)))
    sum2 = f64x2.add(sum2, f64x2.mul(v128.load(a + at, 32), v128.load(b + at, 32)))
    sum3 = f64x2.add(sum3, f64x2.mul(v128.load(a + at, 48), v128.load(b + at, 48)))
  }
  let total = sumLanes(f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3)))
  for (; at < end; at += 8) total += load<f64>(a + at) * load<f64>(b + at)
  return total
}

/**
 * Dot product Σ a[i]·b[i]; NaN and ±Inf propagate.
 *
 * @param a f32[n]        @param b f32[n]
 * @param output f64[1]; 0 for n = 0
 * Accuracy: |error| ≤ ACCURACY.dot_f32 · Σ|a[i]·b[i]|, n ≤ 4 096, within the f32 range.
 */
export function dot_f32(a: usize, b: usize, count: i32, output: usize): void {
  store<f64>(output, dotF32(a, b, count))
}

/** Dot product of f64[n]. As dot_f32, with |error| ≤ ACCURACY.dot_f64 · Σ|a[i]·b[i]|. */
export function dot_f64(a: usize, b: usize, count: i32, output: usize): void {
  store<f64>(output, dotF64(a, b, count))
}

// @ts-ignore: decorator
@inline
function isBetween(x: f64, min: f64, max: f64): bool {
  return x >= min && x <= max
}

/** 1 / (the power of two at max|x|), so that scaled elements lie in [−2, 2]; 1 where that is 0 or not finite. */
function scaleOf<T>(vector: usize, count: i32): f64 {
  let max = 0.0
  const end = vector + <usize>count * sizeof<T>()
  for (let pointer = vector; pointer < end; pointer += sizeof<T>()) {
    const x = abs(loadOne<T>(pointer))
    if (x > max) max = x
  }
  if (max == 0 || !isFinite(max)) return 1
  // 2^−1023 is subnormal but exact; the exponent is held where 2^e is finite.
  const exponent = <i64>(reinterpret<u64>(max) >> 52) - 1023
  const inverse = exponent < -1022 ? 1022 : exponent > 1022 ? -1022 : -exponent
  return reinterpret<f64>(<u64>(inverse + 1023) << 52)
}

/** Cosine with both vectors brought near 1 first: any finite magnitudes. */
function cosineScaled<T>(a: usize, b: usize, count: i32): f64 {
  const scaleA = scaleOf<T>(a, count)
  const scaleB = scaleOf<T>(b, count)
  const squares = dotWide<T>(a, a, count, scaleA, scaleA) * dotWide<T>(b, b, count, scaleB, scaleB)
  return dotWide<T>(a, b, count, scaleA, scaleB) / sqrt(squares)
}

// @ts-ignore: decorator
@inline
function clampCosine(x: f64): f64 {
  if (x > 1) return 1
  if (x < -1) return -1
  return x
}

/**
 * Cosine of one query against many rows.
 *
 * @param query f32[dims]        @param rows f32[count][dims]
 * @param output f64[count] in [−1, 1]; NaN where query or row is zero, or holds NaN or ±Inf
 * Accuracy: |error| ≤ ACCURACY.cosine_f32, dims ≤ 4 096, at any finite magnitude.
 */
export function cosine_f32(query: usize, rows: usize, count: i32, dims: i32, output: usize): void {
  const queryNorm = sqrt(dotWide<f32>(query, query, dims, 1, 1))
  const plain = isBetween(queryNorm * queryNorm, F32_SQUARE_MIN, F32_SQUARE_MAX)
  const rowBytes = <usize>dims << 2
  const endOf16 = <usize>(dims & ~15) << 2
  const endOf4 = <usize>(dims & ~3) << 2
  for (let index = 0; index < count; index++) {
    const row = rows + <usize>index * rowBytes
    let dot0 = f32x4.splat(0)
    let dot1 = f32x4.splat(0)
    let dot2 = f32x4.splat(0)
    let dot3 = f32x4.splat(0)
    let square0 = f32x4.splat(0)
    let square1 = f32x4.splat(0)
    let square2 = f32x4.splat(0)
    let square3 = f32x4.splat(0)
    let at: usize = 0
    for (; at < endOf16; at += 64) {
      const x0 = v128.load(row + at)
      const x1 = v128.load(row + at, 16)
      const x2 = v128.load(row + at, 32)
      const x3 = v128.load(row + at, 48)
      dot0 = f32x4.add(dot0, f32x4.mul(v128.load(query + at), x0))
      dot1 = f32x4.add(dot1, f32x4.mul(v128.load(query + at, 16), x1))
      dot2 = f32x4.add(dot2, f32x4.mul(v128.load(query + at, 32), x2))
      dot3 = f32x4.add(dot3, f32x4.mul(v128.load(query + at, 48), x3))
      square0 = f32x4.add(square0, f32x4.mul(x0, x0))
      square1 = f32x4.add(square1, f32x4.mul(x1, x1))
      square2 = f32x4.add(square2, f32x4.mul(x2, x2))
      square3 = f32x4.add(square3, f32x4.mul(x3, x3))
    }
    for (; at < endOf4; at += 16) {
      const x = v128.load(row + at)
      dot0 = f32x4.add(dot0, f32x4.mul(v128.load(query + at), x))
      square0 = f32x4.add(square0, f32x4.mul(x, x))
    }
    let dot = sumLanesF32(f32x4.add(f32x4.add(dot0, dot1), f32x4.add(dot2, dot3)))
    let square = sumLanesF32(f32x4.add(f32x4.add(square0, square1), f32x4.add(square2, square3)))
    for (; at < rowBytes; at += 4) {
      const x = <f64>load<f32>(row + at)
      dot += <f64>load<f32>(query + at) * x
      square += x * x
    }
    const cosine = plain && isBetween(square, F32_SQUARE_MIN, F32_SQUARE_MAX)
      ? dot / (queryNorm * sqrt(square))
      : cosineScaled<f32>(query, row, dims)
    store<f64>(output + (<usize>index << 3), clampCosine(cosine))
  }
}

/** Cosine of f64 query and rows. As cosine_f32, with |error| ≤ ACCURACY.cosine_f64. */
export function cosine_f64(query: usize, rows: usize, count: i32, dims: i32, output: usize): void {
  const querySquare = dotF64(query, query, dims)
  const plain = isBetween(querySquare, F64_SQUARE_MIN, F64_SQUARE_MAX)
  const rowBytes = <usize>dims << 3
  const endOf4 = <usize>(dims & ~3) << 3
  for (let index = 0; index < count; index++) {
    const row = rows + <usize>index * rowBytes
    let dot0 = f64x2.splat(0)
    let dot1 = f64x2.splat(0)
    let square0 = f64x2.splat(0)
    let square1 = f64x2.splat(0)
    let at: usize = 0
    for (; at < endOf4; at += 32) {
      const x0 = v128.load(row + at)
      const x1 = v128.load(row + at, 16)
      dot0 = f64x2.add(dot0, f64x2.mul(v128.load(query + at), x0))
      dot1 = f64x2.add(dot1, f64x2.mul(v128.load(query + at, 16), x1))
      square0 = f64x2.add(square0, f64x2.mul(x0, x0))
      square1 = f64x2.add(square1, f64x2.mul(x1, x1))
    }
    let dot = sumLanes(f64x2.add(dot0, dot1))
    let square = sumLanes(f64x2.add(square0, square1))
    for (; at < rowBytes; at += 8) {
      const x = load<f64>(row + at)
      dot += load<f64>(query + at) * x
      square += x * x
    }
    const cosine = plain && isBetween(square, F64_SQUARE_MIN, F64_SQUARE_MAX)
      ? dot / (sqrt(querySquare) * sqrt(square))
      : cosineScaled<f64>(query, row, dims)
    store<f64>(output + (<usize>index << 3), clampCosine(cosine))
  }
}

/** Whether heap entry a is worse than b: a lower score, or the later one of equal scores. */
// @ts-ignore: decorator
@inline
function isWorse(scores: usize, a: u32, b: u32): bool {
  const scoreA = load<f64>(scores + (<usize>a << 3))
  const scoreB = load<f64>(scores + (<usize>b << 3))
  return scoreA < scoreB || (scoreA == scoreB && a > b)
}

/** Moves the entry at `hole` down until no child is worse: the worst stays at the root. */
function siftDown(scores: usize, heap: usize, size: i32, hole: i32): void {
  const moved = load<u32>(heap + (<usize>hole << 2))
  for (;;) {
    let child = 2 * hole + 1
    if (child >= size) break
    if (
      child + 1 < size &&
      isWorse(scores, load<u32>(heap + (<usize>child << 2), 4), load<u32>(heap + (<usize>child << 2)))
    ) child++
    const entry = load<u32>(heap + (<usize>child << 2))
    if (!isWorse(scores, entry, moved)) break
    store<u32>(heap + (<usize>hole << 2), entry)
    hole = child
  }
  store<u32>(heap + (<usize>hole << 2), moved)
}

/**
 * Indices of the k highest scores, best first; equal scores in the order of their indices.
 *
 * @param scores f64[n]; NaN are never chosen
 * @param k ≥ 0
 * @param output u32[k]
 * @returns how many were found: less than k where fewer scores are numbers
 */
export function top_k_f64(scores: usize, count: i32, k: i32, output: usize): i32 {
  if (k <= 0) return 0
  let size = 0
  let index = 0
  for (; index < count && size < k; index++) {
    const score = load<f64>(scores + (<usize>index << 3))
    if (score != score) continue
    store<u32>(output + (<usize>size << 2), index)
    size++
  }
  for (let parent = (size >> 1) - 1; parent >= 0; parent--) siftDown(scores, output, size, parent)
  if (size == k) {
    let worst = load<f64>(scores + (<usize>load<u32>(output) << 3))
    while (index < count) {
      // Most scores are no better than the worst kept one: pass over four at a time.
      if (index + 4 <= count) {
        const four = scores + (<usize>index << 3)
        const worst_f64x2 = f64x2.splat(worst)
        const better = v128.or(
          f64x2.gt(v128.load(four), worst_f64x2),
          f64x2.gt(v128.load(four, 16), worst_f64x2),
        )
        if (!v128.any_true(better)) {
          index += 4
          continue
        }
      }
      const end = index + 4 < count ? index + 4 : count
      for (; index < end; index++) {
        if (!(load<f64>(scores + (<usize>index << 3)) > worst)) continue
        store<u32>(output, index)
        siftDown(scores, output, size, 0)
        worst = load<f64>(scores + (<usize>load<u32>(output) << 3))
      }
    }
  }
  for (let last = size - 1; last > 0; last--) {
    const best = load<u32>(output + (<usize>last << 2))
    store<u32>(output + (<usize>last << 2), load<u32>(output))
    store<u32>(output, best)
    siftDown(scores, output, last, 0)
  }
  return size
}
