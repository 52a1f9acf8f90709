/**
 * Dot products and distances of every query with every row, and rows brought to length 1. One query
 * meets eight rows at once, two meet four: a load of one side then serves four or eight of the other.
 * f32 is added in f32, in chunks whose sums go to f64.
 */
import { loadOne, loadPair, multiplyAddOf, sumLanes, sumLanesOf } from './lanes'
import { CHUNK_ELEMENTS, dotWide } from './similarity'

/** Elements that one running sum of four lanes takes. */
const SHORT_CHUNK_ELEMENTS: i32 = CHUNK_ELEMENTS / 8

// What is computed of a pair.
const DOT: i32 = 0
const SQUARED_DISTANCE: i32 = 1
const DISTANCE: i32 = 2

/** Sums of f32 squares beyond these bounds are taken again in f64. */
const F32_SQUARE_MIN: f64 = 1e-20
/** Sums of f64 squares beyond these bounds are taken again with a scale, where the root is asked. */
const F64_SQUARE_MIN: f64 = 1e-200
const F64_SQUARE_MAX: f64 = 1e200

/** sum + q·x, or sum + (q − x)². */
// @ts-ignore: decorator
@inline
function addTerm<T>(sum: v128, q: v128, x: v128, isDot: bool): v128 {
  if (isDot) return multiplyAddOf<T>(q, x, sum)
  const d = v128.sub<T>(q, x)
  return multiplyAddOf<T>(d, d, sum)
}

// @ts-ignore: decorator
@inline
function termOf<T>(query: usize, row: usize, isDot: bool): f64 {
  const q = loadOne<T>(query)
  const x = loadOne<T>(row)
  if (isDot) return q * x
  return (q - x) * (q - x)
}

/** Σ((q − x)·scale)² in f64. */
function squaredDistanceWide<T>(query: usize, row: usize, count: i32, scale: f64): f64 {
  const width = sizeof<T>()
  const scales = f64x2.splat(scale)
  let sum = f64x2.splat(0)
  let at: usize = 0
  const end = <usize>count * width
  for (const endOf2 = <usize>(count & ~1) * width; at < endOf2; at += 2 * width) {
    const d = f64x2.mul(f64x2.sub(loadPair<T>(query + at), loadPair<T>(row + at)), scales)
    sum = f64x2.add(sum, f64x2.mul(d, d))
  }
  let total = sumLanes(sum)
  for (; at < end; at += width) {
    const d = (loadOne<T>(query + at) - loadOne<T>(row + at)) * scale
    total += d * d
  }
  return total
}

/** Distance of f64 vectors whose squares overflow or vanish. */
function distanceScaled(query: usize, row: usize, count: i32): f64 {
  let max = 0.0
  for (let i = 0; i < count; i++) {
    const at = <usize>i << 3
    const d = abs(load<f64>(query + at) - load<f64>(row + at))
    if (d != d) return NaN
    if (d > max) max = d
  }
  if (max == 0 || max == Infinity) return max
  const exponent = <i64>(reinterpret<u64>(max) >> 52) - 1023
  const inverse: i64 = exponent < -1022 ? 1022 : exponent > 1022 ? -1022 : -exponent
  const scale = reinterpret<f64>(<u64>(inverse + 1023) << 52)
  return sqrt(squaredDistanceWide<f64>(query, row, count, scale)) / scale
}

/** Takes the sums again that T could not hold, and gives their roots where distances are asked. */
function settle<T>(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, kind: i32, output: usize,
): void {
  const rowBytes = <usize>dims * sizeof<T>()
  let at = output
  for (let query = 0; query < queryCount; query++) {
    for (let index = 0; index < rowCount; index++, at += 8) {
      const total = load<f64>(at)
      const q = queries + <usize>query * rowBytes
      const row = rows + <usize>index * rowBytes
      if (sizeof<T>() == 4) {
        let result = total
        if (kind == DOT) {
          if (isFinite(total)) continue
          result = dotWide<T>(q, row, dims, 1, 1)
        } else if (!(total >= F32_SQUARE_MIN && total < Infinity)) {
          result = squaredDistanceWide<T>(q, row, dims, 1)
        }
        store<f64>(at, kind == DISTANCE ? sqrt(result) : result)
      } else if (kind == DISTANCE) {
        const isPlain = total >= F64_SQUARE_MIN && total <= F64_SQUARE_MAX
        store<f64>(at, isPlain ? sqrt(total) : distanceScaled(q, row, dims))
      }
    }
  }
}

/** One query and one row: four running sums. */
// @ts-ignore: decorator
@inline
function oneByOne<T>(query: usize, row: usize, dims: i32, isDot: bool): f64 {
  const width = sizeof<T>()
  const lanes: i32 = 16 / <i32>sizeof<T>()
  const end = <usize>dims * width
  const endOf4 = <usize>(dims & ~(4 * lanes - 1)) * width
  const endOf1 = <usize>(dims & ~(lanes - 1)) * width
  let total = 0.0
  let at: usize = 0
  while (at < endOf1) {
    let sum0 = v128.splat<T>(<T>0)
    let sum1 = v128.splat<T>(<T>0)
    let sum2 = v128.splat<T>(<T>0)
    let sum3 = v128.splat<T>(<T>0)
    const chunkEnd = at + <usize>CHUNK_ELEMENTS * width
    for (const stop = chunkEnd < endOf4 ? chunkEnd : endOf4; at < stop; at += 64) {
      sum0 = addTerm<T>(sum0, v128.load(query + at), v128.load(row + at), isDot)
      sum1 = addTerm<T>(sum1, v128.load(query + at, 16), v128.load(row + at, 16), isDot)
      sum2 = addTerm<T>(sum2, v128.load(query + at, 32), v128.load(row + at, 32), isDot)
      sum3 = addTerm<T>(sum3, v128.load(query + at, 48), v128.load(row + at, 48), isDot)
    }
    for (const stop = chunkEnd < endOf1 ? chunkEnd : endOf1; at < stop; at += 16) {
      sum0 = addTerm<T>(sum0, v128.load(query + at), v128.load(row + at), isDot)
    }
    total += sumLanesOf<T>(v128.add<T>(v128.add<T>(sum0, sum1), v128.add<T>(sum2, sum3)))
  }
  for (; at < end; at += width) total += termOf<T>(query + at, row + at, isDot)
  return total
}

/** One query and eight rows: one running sum a row. Results lie side by side. */
// @ts-ignore: decorator
@inline
function oneByEight<T>(query: usize, row: usize, dims: i32, isDot: bool, output: usize): void {
  const width = sizeof<T>()
  const rowBytes = <usize>dims * width
  const endOf1 = <usize>(dims & ~(16 / <i32>sizeof<T>() - 1)) * width
  const row1 = row + rowBytes
  const row2 = row1 + rowBytes
  const row3 = row2 + rowBytes
  const row4 = row3 + rowBytes
  const row5 = row4 + rowBytes
  const row6 = row5 + rowBytes
  const row7 = row6 + rowBytes
  let total0 = 0.0
  let total1 = 0.0
  let total2 = 0.0
  let total3 = 0.0
  let total4 = 0.0
  let total5 = 0.0
  let total6 = 0.0
  let total7 = 0.0
  let at: usize = 0
  while (at < endOf1) {
    let sum0 = v128.splat<T>(<T>0)
    let sum1 = v128.splat<T>(<T>0)
    let sum2 = v128.splat<T>(<T>0)
    let sum3 = v128.splat<T>(<T>0)
    let sum4 = v128.splat<T>(<T>0)
    let sum5 = v128.splat<T>(<T>0)
    let sum6 = v128.splat<T>(<T>0)
    let sum7 = v128.splat<T>(<T>0)
    const chunkEnd = at + <usize>SHORT_CHUNK_ELEMENTS * width
    for (const stop = chunkEnd < endOf1 ? chunkEnd : endOf1; at < stop; at += 16) {
      const q = v128.load(query + at)
      sum0 = addTerm<T>(sum0, q, v128.load(row + at), isDot)
      sum1 = addTerm<T>(sum1, q, v128.load(row1 + at), isDot)
      sum2 = addTerm<T>(sum2, q, v128.load(row2 + at), isDot)
      sum3 = addTerm<T>(sum3, q, v128.load(row3 + at), isDot)
      sum4 = addTerm<T>(sum4, q, v128.load(row4 + at), isDot)
      sum5 = addTerm<T>(sum5, q, v128.load(row5 + at), isDot)
      sum6 = addTerm<T>(sum6, q, v128.load(row6 + at), isDot)
      sum7 = addTerm<T>(sum7, q, v128.load(row7 + at), isDot)
    }
    total0 += sumLanesOf<T>(sum0)
    total1 += sumLanesOf<T>(sum1)
    total2 += sumLanesOf<T>(sum2)
    total3 += sumLanesOf<T>(sum3)
    total4 += sumLanesOf<T>(sum4)
    total5 += sumLanesOf<T>(sum5)
    total6 += sumLanesOf<T>(sum6)
    total7 += sumLanesOf<T>(sum7)
  }
  for (; at < rowBytes; at += width) {
    total0 += termOf<T>(query + at, row + at, isDot)
    total1 += termOf<T>(query + at, row1 + at, isDot)
    total2 += termOf<T>(query + at, row2 + at, isDot)
    total3 += termOf<T>(query + at, row3 + at, isDot)
    total4 += termOf<T>(query + at, row4 + at, isDot)
    total5 += termOf<T>(query + at, row5 + at, isDot)
    total6 += termOf<T>(query + at, row6 + at, isDot)
    total7 += termOf<T>(query + at, row7 + at, isDot)
  }
  store<f64>(output, total0)
  store<f64>(output, total1, 8)
  store<f64>(output, total2, 16)
  store<f64>(output, total3, 24)
  store<f64>(output, total4, 32)
  store<f64>(output, total5, 40)
  store<f64>(output, total6, 48)
  store<f64>(output, total7, 56)
}

/** Two queries and four rows: one running sum a pair. The second query's results are `stride` on. */
// @ts-ignore: decorator
@inline
function twoByFour<T>(
  query: usize, row: usize, dims: i32, isDot: bool, output: usize, stride: usize,
): void {
  const width = sizeof<T>()
  const rowBytes = <usize>dims * width
  const endOf1 = <usize>(dims & ~(16 / <i32>sizeof<T>() - 1)) * width
  const next = query + rowBytes
  const row1 = row + rowBytes
  const row2 = row1 + rowBytes
  const row3 = row2 + rowBytes
  let total0 = 0.0
  let total1 = 0.0
  let total2 = 0.0
  let total3 = 0.0
  let other0 = 0.0
  let other1 = 0.0
  let other2 = 0.0
  let other3 = 0.0
  let at: usize = 0
  while (at < endOf1) {
    let sum0 = v128.splat<T>(<T>0)
    let sum1 = v128.splat<T>(<T>0)
    let sum2 = v128.splat<T>(<T>0)
    let sum3 = v128.splat<T>(<T>0)
    let also0 = v128.splat<T>(<T>0)
    let also1 = v128.splat<T>(<T>0)
    let also2 = v128.splat<T>(<T>0)
    let also3 = v128.splat<T>(<T>0)
    const chunkEnd = at + <usize>SHORT_CHUNK_ELEMENTS * width
    for (const stop = chunkEnd < endOf1 ? chunkEnd : endOf1; at < stop; at += 16) {
      const q = v128.load(query + at)
      const p = v128.load(next + at)
      const x0 = v128.load(row + at)
      const x1 = v128.load(row1 + at)
      sum0 = addTerm<T>(sum0, q, x0, isDot)
      also0 = addTerm<T>(also0, p, x0, isDot)
      sum1 = addTerm<T>(sum1, q, x1, isDot)
      also1 = addTerm<T>(also1, p, x1, isDot)
      const x2 = v128.load(row2 + at)
      const x3 = v128.load(row3 + at)
      sum2 = addTerm<T>(sum2, q, x2, isDot)
      also2 = addTerm<T>(also2, p, x2, isDot)
      sum3 = addTerm<T>(sum3, q, x3, isDot)
      also3 = addTerm<T>(also3, p, x3, isDot)
    }
    total0 += sumLanesOf<T>(sum0)
    total1 += sumLanesOf<T>(sum1)
    total2 += sumLanesOf<T>(sum2)
    total3 += sumLanesOf<T>(sum3)
    other0 += sumLanesOf<T>(also0)
    other1 += sumLanesOf<T>(also1)
    other2 += sumLanesOf<T>(also2)
    other3 += sumLanesOf<T>(also3)
  }
  for (; at < rowBytes; at += width) {
    total0 += termOf<T>(query + at, row + at, isDot)
    total1 += termOf<T>(query + at, row1 + at, isDot)
    total2 += termOf<T>(query + at, row2 + at, isDot)
    total3 += termOf<T>(query + at, row3 + at, isDot)
    other0 += termOf<T>(next + at, row + at, isDot)
    other1 += termOf<T>(next + at, row1 + at, isDot)
    other2 += termOf<T>(next + at, row2 + at, isDot)
    other3 += termOf<T>(next + at, row3 + at, isDot)
  }
  store<f64>(output, total0)
  store<f64>(output + 8, total1)
  store<f64>(output + 16, total2)
  store<f64>(output + 24, total3)
  store<f64>(output + stride, other0)
  store<f64>(output + stride + 8, other1)
  store<f64>(output + stride + 16, other2)
  store<f64>(output + stride + 24, other3)
}

// @ts-ignore: decorator
@inline
function everyPair<T>(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, isDot: bool, output: usize,
): void {
  const rowBytes = <usize>dims * sizeof<T>()
  const stride = <usize>rowCount << 3
  const pairs = queryCount & ~1
  const last = queries + <usize>pairs * rowBytes
  const lastOutput = output + <usize>pairs * stride
  let index = 0
  for (; index + 8 <= rowCount; index += 8) {
    const row = rows + <usize>index * rowBytes
    const to = output + (<usize>index << 3)
    for (let half = 0; half < 8; half += 4) {
      for (let query = 0; query < pairs; query += 2) {
        twoByFour<T>(
          queries + <usize>query * rowBytes, row + <usize>half * rowBytes, dims, isDot,
          to + <usize>query * stride + (<usize>half << 3), stride,
        )
      }
    }
    if (pairs < queryCount) oneByEight<T>(last, row, dims, isDot, lastOutput + (<usize>index << 3))
  }
  for (; index < rowCount; index++) {
    const row = rows + <usize>index * rowBytes
    for (let query = 0; query < queryCount; query++) {
      store<f64>(
        output + <usize>query * stride + (<usize>index << 3),
        oneByOne<T>(queries + <usize>query * rowBytes, row, dims, isDot),
      )
    }
  }
}

/** Distances or their squares: one set of loops for both. */
function everyDistance<T>(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, kind: i32, output: usize,
): void {
  everyPair<T>(queries, queryCount, rows, rowCount, dims, false, output)
  settle<T>(queries, queryCount, rows, rowCount, dims, kind, output)
}

/**
 * Dot product of every query with every row; NaN and ±Inf propagate.
 *
 * @param queries f32[queryCount][dims]        @param rows f32[rowCount][dims]
 * @param output f64[queryCount][rowCount]
 * Accuracy: |error| ≤ ACCURACY.dot_f32 · Σ|q·x| + dims·2^−149. Added in f32, and again in f64 where that
 * leaves the range of f32.
 */
export function dots_f32(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyPair<f32>(queries, queryCount, rows, rowCount, dims, true, output)
  settle<f32>(queries, queryCount, rows, rowCount, dims, DOT, output)
}

/** Dot products of f64. As dots_f32; IEEE where they overflow, |error| ≤ ACCURACY.dot_f64 · Σ|q·x|. */
export function dots_f64(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyPair<f64>(queries, queryCount, rows, rowCount, dims, true, output)
}

/**
 * Squared Euclidean distance Σ(q − x)² of every query from every row; NaN propagates, and so does
 * ±Inf, but for Inf − Inf, which is NaN.
 *
 * @param queries f32[queryCount][dims]        @param rows f32[rowCount][dims]
 * @param output f64[queryCount][rowCount]
 * Accuracy: relative error ≤ ACCURACY.squaredDistance_f32 at any finite magnitude.
 */
export function squared_distances_f32(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyDistance<f32>(queries, queryCount, rows, rowCount, dims, SQUARED_DISTANCE, output)
}

/**
 * Squared distances of f64. As squared_distances_f32; IEEE where they overflow or underflow, relative
 * error ≤ ACCURACY.squaredDistance_f64.
 */
export function squared_distances_f64(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyDistance<f64>(queries, queryCount, rows, rowCount, dims, SQUARED_DISTANCE, output)
}

/** Euclidean distances. As squared_distances_f32, with relative error ≤ ACCURACY.distance_f32. */
export function distances_f32(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyDistance<f32>(queries, queryCount, rows, rowCount, dims, DISTANCE, output)
}

/**
 * Euclidean distances of f64. Relative error ≤ ACCURACY.distance_f64 at any magnitude whose result is
 * finite and not subnormal.
 */
export function distances_f64(
  queries: usize, queryCount: i32, rows: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyDistance<f64>(queries, queryCount, rows, rowCount, dims, DISTANCE, output)
}

/**
 * Rows divided by their length, so that a cosine is one dot product.
 *
 * @param rows f32[count][dims]
 * @param output f32[count][dims], may be rows; all NaN for a row that is zero or holds NaN or ±Inf
 * Accuracy: each element is within 2^−23 of its value, at any finite magnitude.
 */
export function normalize_f32(rows: usize, count: i32, dims: i32, output: usize): void {
  const rowBytes = <usize>dims << 2
  for (let index = 0; index < count; index++) {
    const row = rows + <usize>index * rowBytes
    // Squares of f32 neither overflow nor vanish in f64.
    const square = dotWide<f32>(row, row, dims, 1, 1)
    const factor = square > 0 && square < Infinity ? 1 / sqrt(square) : NaN
    const factors = f64x2.splat(factor)
    const to = output + <usize>index * rowBytes
    let at: usize = 0
    for (const endOf2 = <usize>(dims & ~1) << 2; at < endOf2; at += 8) {
      const x = f64x2.promote_low_f32x4(v128.load64_zero(row + at))
      v128.store64_lane(to + at, f32x4.demote_f64x2_zero(f64x2.mul(x, factors)), 0)
    }
    if (at < rowBytes) store<f32>(to + at, <f32>(<f64>load<f32>(row + at) * factor))
  }
}
