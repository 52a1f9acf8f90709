/**
 * Dot product of two vectors, cosine of one query against many rows. f32 rows are added in f32 (16
 * running sums a row), f64 rows in f64. Rows lie one after the other, `dims` elements each.
 */
import { loadOne, loadPair, multiplyAddOf, sumLanes, sumLanesOf } from './lanes'

/** Squared norms beyond these bounds are taken again without overflow or underflow. */
const F32_SQUARE_MIN: f64 = 1e-20
const F32_SQUARE_MAX: f64 = 1e20
const F64_SQUARE_MIN: f64 = 1e-200
const F64_SQUARE_MAX: f64 = 1e200

/** Elements that are added in T before their sum goes to f64: rounding does not grow with n. */
export const CHUNK_ELEMENTS: i32 = 4096

/** Σ a[i]·b[i] in T, the sums of chunks in f64. */
// @ts-ignore: decorator
@inline
function dot<T>(a: usize, b: usize, count: i32): f64 {
  const width = sizeof<T>()
  const lanes: i32 = 16 / <i32>sizeof<T>()
  const end = <usize>count * width
  const endOf4 = <usize>(count & ~(4 * lanes - 1)) * width
  const endOf1 = <usize>(count & ~(lanes - 1)) * width
  let total = 0.0
  let at: usize = 0
  while (at < endOf1) {
    let sum0 = v128.splat<T>(<T>0)
    let sum1 = v128.splat<T>(<T>0)
    let sum2 = v128.splat<T>(<T>0)
    let sum3 = v128.splat<T>(<T>0)
    const chunkEnd = at + <usize>CHUNK_ELEMENTS * width
    for (const stop = chunkEnd < endOf4 ? chunkEnd : endOf4; at < stop; at += 64) {
      sum0 = multiplyAddOf<T>(v128.load(a + at), v128.load(b + at), sum0)
      sum1 = multiplyAddOf<T>(v128.load(a + at, 16), v128.load(b + at, 16), sum1)
      sum2 = multiplyAddOf<T>(v128.load(a + at, 32), v128.load(b + at, 32), sum2)
      sum3 = multiplyAddOf<T>(v128.load(a + at, 48), v128.load(b + at, 48), sum3)
    }
    for (const stop = chunkEnd < endOf1 ? chunkEnd : endOf1; at < stop; at += 16) {
      sum0 = multiplyAddOf<T>(v128.load(a + at), v128.load(b + at), sum0)
    }
    total += sumLanesOf<T>(v128.add<T>(v128.add<T>(sum0, sum1), v128.add<T>(sum2, sum3)))
  }
  for (; at < end; at += width) total += loadOne<T>(a + at) * loadOne<T>(b + at)
  return total
}

/** Dot product in f64 of elements stored as T; each factor is scaled first. */
// @ts-ignore: decorator
@inline
export function dotWide<T>(a: usize, b: usize, count: i32, scaleA: f64, scaleB: f64): f64 {
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

/**
 * Dot product Σ a[i]·b[i]; NaN and ±Inf propagate.
 *
 * @param a f32[n]        @param b f32[n]
 * @param output f64[1]; 0 for n = 0
 * Accuracy: |error| ≤ ACCURACY.dot_f32 · Σ|a[i]·b[i]| + n·2^−149. Added in f32, and again in f64 where
 * that leaves the range of f32.
 */
export function dot_f32(a: usize, b: usize, count: i32, output: usize): void {
  const total = dot<f32>(a, b, count)
  store<f64>(output, isFinite(total) ? total : dotWide<f32>(a, b, count, 1, 1))
}

/** Dot product of f64[n]; IEEE where it overflows. |error| ≤ ACCURACY.dot_f64 · Σ|a[i]·b[i]|. */
export function dot_f64(a: usize, b: usize, count: i32, output: usize): void {
  store<f64>(output, dot<f64>(a, b, count))
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
      dot0 = multiplyAddOf<f32>(v128.load(query + at), x0, dot0)
      dot1 = multiplyAddOf<f32>(v128.load(query + at, 16), x1, dot1)
      dot2 = multiplyAddOf<f32>(v128.load(query + at, 32), x2, dot2)
      dot3 = multiplyAddOf<f32>(v128.load(query + at, 48), x3, dot3)
      square0 = multiplyAddOf<f32>(x0, x0, square0)
      square1 = multiplyAddOf<f32>(x1, x1, square1)
      square2 = multiplyAddOf<f32>(x2, x2, square2)
      square3 = multiplyAddOf<f32>(x3, x3, square3)
    }
    for (; at < endOf4; at += 16) {
      const x = v128.load(row + at)
      dot0 = multiplyAddOf<f32>(v128.load(query + at), x, dot0)
      square0 = multiplyAddOf<f32>(x, x, square0)
    }
    let dot = sumLanesOf<f32>(f32x4.add(f32x4.add(dot0, dot1), f32x4.add(dot2, dot3)))
    let square = sumLanesOf<f32>(f32x4.add(f32x4.add(square0, square1), f32x4.add(square2, square3)))
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
  const querySquare = dot<f64>(query, query, dims)
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
      dot0 = multiplyAddOf<f64>(v128.load(query + at), x0, dot0)
      dot1 = multiplyAddOf<f64>(v128.load(query + at, 16), x1, dot1)
      square0 = multiplyAddOf<f64>(x0, x0, square0)
      square1 = multiplyAddOf<f64>(x1, x1, square1)
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
