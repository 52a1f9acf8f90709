/**
 * Vectors as i8 with one scale a row: x ≈ scale · q, q in −127…127. Products of q are added exactly,
 * in i32; only the scales round. Beside the rows lie their properties, f64[count][2]: scale and Σq².
 */

// What is computed of a pair; each is a literal in its export.
const DOT: i32 = 0
const COSINE: i32 = 1
const SQUARED_DISTANCE: i32 = 2

/** max|x| of a row; Infinity where one is NaN or ±Inf. */
function largest(row: usize, count: i32): f64 {
  let max = f32x4.splat(0)
  let wrong = f32x4.splat(0)
  let at: usize = 0
  const end = <usize>count << 2
  for (const endOf4 = <usize>(count & ~3) << 2; at < endOf4; at += 16) {
    const x = v128.load(row + at)
    // 0 for what is finite, NaN for the rest.
    wrong = v128.or(wrong, f32x4.sub(x, x))
    max = f32x4.pmax(max, f32x4.abs(x))
  }
  if (v128.any_true(f32x4.ne(wrong, wrong))) return Infinity
  let most: f32 = f32x4.extract_lane(max, 0)
  if (f32x4.extract_lane(max, 1) > most) most = f32x4.extract_lane(max, 1)
  if (f32x4.extract_lane(max, 2) > most) most = f32x4.extract_lane(max, 2)
  if (f32x4.extract_lane(max, 3) > most) most = f32x4.extract_lane(max, 3)
  for (; at < end; at += 4) {
    const x = abs(load<f32>(row + at))
    if (!(x < Infinity)) return Infinity
    if (x > most) most = x
  }
  return <f64>most
}

/**
 * Rounds rows to i8: scale = max|x| / 127, q = x / scale to the nearest, ties to even.
 *
 * @param rows f32[count][dims]
 * @param output i8[count][dims]
 * @param properties f64[count][2] = scale, Σq²; 0, 0 for a zero row; NaN, 0 for one with NaN or ±Inf
 * Accuracy: |x − scale·q| ≤ 0.5000001 · scale.
 */
export function quantise_i8(
  rows: usize, count: i32, dims: i32, output: usize, properties: usize,
): void {
  for (let index = 0; index < count; index++) {
    const row = rows + ((<usize>index * <usize>dims) << 2)
    const to = output + <usize>index * <usize>dims
    const max = largest(row, dims)
    const isFinite = max < Infinity
    const factor = isFinite && max > 0 ? 127 / max : 0
    const factors = f64x2.splat(factor)
    let square: i32 = 0
    let at: usize = 0
    for (const endOf2 = <usize>(dims & ~1); at < endOf2; at += 2) {
      const x = f64x2.promote_low_f32x4(v128.load64_zero(row + (at << 2)))
      // NaN · 0 and Inf · 0 are NaN, which become 0.
      const q = i32x4.trunc_sat_f64x2_s_zero(f64x2.nearest(f64x2.mul(x, factors)))
      const q0 = i32x4.extract_lane(q, 0)
      const q1 = i32x4.extract_lane(q, 1)
      store<i16>(to + at, <i16>((q0 & 255) | (q1 << 8)))
      square += q0 * q0 + q1 * q1
    }
    if (at < <usize>dims) {
      const q = factor == 0 ? 0 : <i32>nearest(<f64>load<f32>(row + (at << 2)) * factor)
      store<i8>(to + at, <i8>q)
      square += q * q
    }
    store<f64>(properties + (<usize>index << 4), isFinite ? max / 127 : NaN)
    store<f64>(properties + (<usize>index << 4), <f64>square, 8)
  }
}

// @ts-ignore: decorator
@inline
function sumLanesI32(x: v128): i32 {
  const pairs = i32x4.add(x, i32x4.shuffle(x, x, 2, 3, 0, 1))
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1)
}

// @ts-ignore: decorator
@inline
function addTerms(sum: v128, low: v128, high: v128, row: usize): v128 {
  return i32x4.add(sum, i32x4.add(
    i32x4.dot_i16x8_s(low, v128.load8x8_s(row)),
    i32x4.dot_i16x8_s(high, v128.load8x8_s(row, 8)),
  ))
}

// @ts-ignore: decorator
@inline
function settle(product: i32, query: usize, row: usize, kind: i32, output: usize): void {
  const scale = load<f64>(query)
  const otherScale = load<f64>(row)
  const square = load<f64>(query, 8)
  const otherSquare = load<f64>(row, 8)
  if (kind == DOT) {
    store<f64>(output, scale * otherScale * <f64>product)
  } else if (kind == COSINE) {
    store<f64>(output, <f64>product / (sqrt(square) * sqrt(otherSquare)))
  } else {
    const distance = scale * scale * square + otherScale * otherScale * otherSquare -
      2 * scale * otherScale * <f64>product
    store<f64>(output, distance < 0 ? 0 : distance)
  }
}

// @ts-ignore: decorator
@inline
function everyPair(
  queries: usize, queryProperties: usize, queryCount: i32,
  rows: usize, rowProperties: usize, rowCount: i32, dims: i32, kind: i32, output: usize,
): void {
  const width = <usize>dims
  const endOf16 = width & ~15
  for (let index = 0; index < rowCount;) {
    const together = rowCount - index >= 4 ? 4 : 1
    const row = rows + <usize>index * width
    // Where fewer than four are left the same row stands in for all four.
    const step = together == 4 ? width : 0
    const row1 = row + step
    const row2 = row1 + step
    const row3 = row2 + step
    for (let q = 0; q < queryCount; q++) {
      const query = queries + <usize>q * width
      let sum0 = i32x4.splat(0)
      let sum1 = i32x4.splat(0)
      let sum2 = i32x4.splat(0)
      let sum3 = i32x4.splat(0)
      let at: usize = 0
      if (together == 4) {
        for (; at < endOf16; at += 16) {
          const low = v128.load8x8_s(query + at)
          const high = v128.load8x8_s(query + at, 8)
          sum0 = addTerms(sum0, low, high, row + at)
          sum1 = addTerms(sum1, low, high, row1 + at)
          sum2 = addTerms(sum2, low, high, row2 + at)
          sum3 = addTerms(sum3, low, high, row3 + at)
        }
      } else {
        for (; at < endOf16; at += 16) {
          sum0 = addTerms(sum0, v128.load8x8_s(query + at), v128.load8x8_s(query + at, 8), row + at)
        }
      }
      let product0 = sumLanesI32(sum0)
      let product1 = sumLanesI32(sum1)
      let product2 = sumLanesI32(sum2)
      let product3 = sumLanesI32(sum3)
      for (; at < width; at++) {
        const x = <i32>load<i8>(query + at)
        product0 += x * <i32>load<i8>(row + at)
        product1 += x * <i32>load<i8>(row1 + at)
        product2 += x * <i32>load<i8>(row2 + at)
        product3 += x * <i32>load<i8>(row3 + at)
      }
      const properties = queryProperties + (<usize>q << 4)
      const others = rowProperties + (<usize>index << 4)
      const to = output + ((<usize>q * <usize>rowCount + <usize>index) << 3)
      settle(product0, properties, others, kind, to)
      if (together == 4) {
        settle(product1, properties, others + 16, kind, to + 8)
        settle(product2, properties, others + 32, kind, to + 16)
        settle(product3, properties, others + 48, kind, to + 24)
      }
    }
    index += together
  }
}

/**
 * Dot product of every query with every row, both as quantise_i8 gives them.
 *
 * @param queries i8[queryCount][dims], dims ≤ 131 072        @param rows i8[rowCount][dims]
 * @param output f64[queryCount][rowCount]; NaN where a scale is NaN
 * Accuracy: exact in q; the two scales round twice.
 */
export function dots_i8(
  queries: usize, queryProperties: usize, queryCount: i32,
  rows: usize, rowProperties: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyPair(
    queries, queryProperties, queryCount, rows, rowProperties, rowCount, dims, DOT, output,
  )
}

/** Cosines of i8 vectors, scales cancelling. As dots_i8; NaN where one is zero or was not finite. */
export function cosines_i8(
  queries: usize, queryProperties: usize, queryCount: i32,
  rows: usize, rowProperties: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyPair(
    queries, queryProperties, queryCount, rows, rowProperties, rowCount, dims, COSINE, output,
  )
}

/** Squared Euclidean distances of i8 vectors, ≥ 0. As dots_i8. */
export function squared_distances_i8(
  queries: usize, queryProperties: usize, queryCount: i32,
  rows: usize, rowProperties: usize, rowCount: i32, dims: i32, output: usize,
): void {
  everyPair(
    queries, queryProperties, queryCount, rows, rowProperties, rowCount, dims,
    SQUARED_DISTANCE, output,
  )
}
