/**
 * Base-2 exponential histogram: γ = 2^(2^−scale), bucket i holds γ^i < |x| ≤ γ^(i+1). Boundaries are
 * upper-inclusive and exact. Source: OpenTelemetry data model, ExponentialHistogram; the same
 * buckets are Prometheus' native histogram (its index is i + 1) and a DDSketch (Masson 2019).
 *
 * With bits b of |x| less one ulp, the rule "≤ upper bound" becomes "< next boundary": bucket 2^e
 * itself falls into the bucket below without a special case. The fraction's leading scale + 1 bits
 * name a cell that holds at most one boundary (boundaries lie ≥ ln 2 · 2^−scale apart, cells are
 * 2^−(scale+1) wide), so one addition decides:
 *
 *   cell entry   63        52 51                      0
 *               |  boundaries | 2^52 − next boundary's |      (fraction + entry) >> 52
 *               |  below cell | fraction               |       = boundaries at or below fraction
 */
import { BOUNDARY_FRACTIONS } from './boundaries'
import { maxLanes, minLanes } from './lanes'

const FRACTION: u64 = 0x000fffffffffffff
const SMALLEST_NORMAL: f64 = 2.2250738585072014e-308
const SCALE_MAX: i32 = 10

/** Address of the 1024 boundary fractions of scale 10 (u64), for the host's single insertions. */
export function histogram_boundaries(): usize {
  return BOUNDARY_FRACTIONS
}

/** Fraction of boundary k of a scale; 2^52 (the next power of two) for k = 2^scale. */
// @ts-ignore: decorator
@inline
function boundaryFraction(k: i32, scale: i32): u64 {
  if (k >= 1 << scale) return FRACTION + 1
  return load<u64>(BOUNDARY_FRACTIONS + (<usize>(k << (SCALE_MAX - scale)) << 3))
}

/** Fills u64[2^(scale+1)] with the cell entries described above; scale 1…10. */
function fillCells(scale: i32, cells: usize): void {
  let below = 1 // boundary 0 is the power of two itself: at or below every fraction
  let next = boundaryFraction(1, scale)
  const cellCount = 2 << scale
  for (let cell = 0; cell < cellCount; cell++) {
    const start = <u64>cell << (51 - scale)
    while (next <= start && below < 1 << scale) {
      below++
      next = boundaryFraction(below, scale)
    }
    store<u64>(cells + (<usize>cell << 3), (<u64>below << 52) + (FRACTION + 1 - next))
  }
}

/** Bucket of a magnitude's bits: any positive finite f64, subnormal ones too. */
// @ts-ignore: decorator
@inline
function bucketOf(bits: u64, scale: i32, cells: usize): i32 {
  let below = bits - 1
  let exponent = <i32>(below >> 52) - 1023
  if (exponent == -1023 && below != FRACTION) {
    // Subnormal: 2^52 times the value is exact and normal.
    below = reinterpret<u64>(reinterpret<f64>(bits) * 4503599627370496.0) - 1
    exponent = <i32>(below >> 52) - 1075
  }
  if (scale <= 0) return exponent >> -scale
  const fraction = below & FRACTION
  const cell = fraction >> <u64>(51 - scale)
  const count = (fraction + load<u64>(cells + (<usize>cell << 3))) >> 52
  return (exponent << scale) + <i32>count - 1
}

/**
 * What a batch spans, so that the host can choose scale and buckets before inserting.
 *
 * @param values f64[n]
 * @param output f64[8]: smallest and largest positive value, smallest and largest magnitude of the
 *   negative ones (+Inf and 0 where there are none), number of zeros, number of NaN and ±Inf,
 *   1 where every value is positive, normal and finite (else 0)
 */
export function histogram_range_f64(values: usize, count: i32, output: usize): void {
  const infinity = f64x2.splat(Infinity)
  const zero = f64x2.splat(0)
  let min_f64x2 = infinity
  let max_f64x2 = f64x2.splat(-Infinity)
  let ordered = f64x2.eq(zero, zero)
  const end = values + (<usize>count << 3)
  const endOf4 = values + (<usize>(count & ~3) << 3)
  let pointer = values
  for (; pointer < endOf4; pointer += 32) {
    const x0 = v128.load(pointer)
    const x1 = v128.load(pointer, 16)
    min_f64x2 = f64x2.pmin(f64x2.pmin(min_f64x2, x0), x1)
    max_f64x2 = f64x2.pmax(f64x2.pmax(max_f64x2, x0), x1)
    ordered = v128.and(ordered, v128.and(f64x2.eq(x0, x0), f64x2.eq(x1, x1)))
  }
  let min = minLanes(min_f64x2)
  let max = maxLanes(max_f64x2)
  let clean = i64x2.all_true(ordered)
  for (; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    if (x < min) min = x
    if (max < x) max = x
    if (x != x) clean = false
  }
  let negativeMin = Infinity
  let negativeMax = 0.0
  let zeros = 0
  let skipped = 0
  const plain = clean && min >= SMALLEST_NORMAL && max < Infinity
  if (!plain) {
    min = Infinity
    max = 0
    for (pointer = values; pointer < end; pointer += 8) {
      const x = load<f64>(pointer)
      if (x - x != 0) skipped++
      else if (x > 0) {
        if (x < min) min = x
        if (max < x) max = x
      } else if (x < 0) {
        if (-x < negativeMin) negativeMin = -x
        if (negativeMax < -x) negativeMax = -x
      } else zeros++
    }
  }
  store<f64>(output, min)
  store<f64>(output, max, 8)
  store<f64>(output, negativeMin, 16)
  store<f64>(output, negativeMax, 24)
  store<f64>(output, <f64>zeros, 32)
  store<f64>(output, <f64>skipped, 40)
  store<f64>(output, plain ? 1 : 0, 48)
}

/** Bucket of one positive finite value at a scale −4…10; `cells` as for histogram_insert_f64. */
export function histogram_bucket_f64(value: f64, scale: i32, cells: usize): i32 {
  if (scale > 0) fillCells(scale, cells)
  return bucketOf(reinterpret<u64>(value), scale, cells)
}

// @ts-ignore: decorator
@inline
function increment(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1)
}

/** All values positive, normal, finite: two counters a bucket, used in turn, then added up. */
function insertPlain(
  values: usize, count: i32, scale: i32, offset: i32, counts: usize, bucketCount: i32, cells: usize,
): void {
  const rows = cells + (<usize>2 << <usize>SCALE_MAX << 3)
  memory.fill(rows, 0, <usize>bucketCount << 3)
  const shift = <u64>(51 - scale)
  const bias = (1023 << scale) + 1 + offset
  const one = i64x2.splat(1)
  const fraction_i64x2 = i64x2.splat(<i64>FRACTION)
  const end = values + (<usize>count << 3)
  const endOf2 = values + (<usize>(count & ~1) << 3)
  let pointer = values
  for (; pointer < endOf2; pointer += 16) {
    const below = i64x2.sub(v128.load(pointer), one)
    const fraction = v128.and(below, fraction_i64x2)
    const exponent = i64x2.shl(i64x2.shr_u(below, 52), scale)
    const cell = i64x2.shl(i64x2.shr_u(fraction, <i32>shift), 3)
    const entry = v128.load64_lane(
      cells + <usize>i64x2.extract_lane(cell, 1),
      v128.load64_zero(cells + <usize>i64x2.extract_lane(cell, 0)),
      1,
    )
    const bucket = i64x2.add(exponent, i64x2.shr_u(i64x2.add(fraction, entry), 52))
    const bucket0 = <usize>(<i32>i64x2.extract_lane(bucket, 0) - bias)
    const bucket1 = <usize>(<i32>i64x2.extract_lane(bucket, 1) - bias)
    increment(rows + (bucket0 << 3))
    increment(rows + (bucket1 << 3) + 4)
  }
  if (pointer < end) {
    increment(rows + (<usize>(bucketOf(load<u64>(pointer), scale, cells) - offset) << 3))
  }
  for (let i = 0; i < bucketCount; i++) {
    const row = rows + (<usize>i << 3)
    const counter = counts + (<usize>i << 2)
    store<u32>(counter, load<u32>(counter) + load<u32>(row) + load<u32>(row, 4))
  }
}

/**
 * Adds a batch to bucket counts. Zeros, NaN and ±Inf are passed over: histogram_range_f64 counted
 * them. Counter i of an array belongs to bucket offset + i.
 *
 * @param values f64[n]
 * @param scale −4…10
 * @param positive u32[positiveCount], offset positiveOffset; must span every positive value
 * @param negative u32[negativeCount], offset negativeOffset, of the magnitudes of negative values
 * @param work histogram_work_bytes(positiveCount) bytes, aligned to 16
 * @param plain 1 where histogram_range_f64 said that every value is positive, normal and finite
 * Accuracy: every value lands in its bucket, also one ulp off a boundary.
 */
export function histogram_insert_f64(
  values: usize, count: i32, scale: i32,
  positive: usize, positiveOffset: i32, positiveCount: i32,
  negative: usize, negativeOffset: i32, plain: i32, work: usize,
): void {
  if (scale > 0) {
    fillCells(scale, work)
    if (plain) {
      insertPlain(values, count, scale, positiveOffset, positive, positiveCount, work)
      return
    }
  }
  const end = values + (<usize>count << 3)
  for (let pointer = values; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    if (x - x != 0 || x == 0) continue
    const bucket = bucketOf(reinterpret<u64>(abs(x)), scale, work)
    if (x > 0) increment(positive + (<usize>(bucket - positiveOffset) << 2))
    else increment(negative + (<usize>(bucket - negativeOffset) << 2))
  }
}

/** Bytes of working space that histogram_insert_f64 needs. */
export function histogram_work_bytes(bucketCount: i32): i32 {
  return (2 << SCALE_MAX << 3) + (bucketCount << 3)
}
