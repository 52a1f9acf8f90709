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
import { extremes_f64 } from './reduce'

const FRACTION: u64 = 0x000fffffffffffff
const SMALLEST_NORMAL_WORD: u32 = 0x00100000
const INFINITE_WORD: u32 = 0x7ff00000

/** Values whose order words are looked at together: in the first cache at the second look. */
const BLOCK_ELEMENTS: i32 = 1024
const SCALE_MAX: i32 = 10

/** A counter's number takes the twelve bits above a fraction. */
const PLAIN_BUCKETS_MAX: i32 = 4000

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
 * Continues the extremes in output f64[2] with a block's; false where not all of its values are
 * positive, normal and finite, and the extremes may then be those of none. As in min_max_f64, high
 * words tell whether the block must be looked at as doubles.
 */
function addPlainRange(values: usize, count: i32, output: usize): bool {
  let least = i32x4.splat(-1)
  let most = i32x4.splat(0)
  let pointer = values
  const end = values + (<usize>count << 3)
  const endOf8 = values + (<usize>(count & ~7) << 3)
  for (; pointer < endOf8; pointer += 64) {
    const words0 = v128.shuffle<i32>(v128.load(pointer), v128.load(pointer, 16), 1, 3, 5, 7)
    const words1 = v128.shuffle<i32>(v128.load(pointer, 32), v128.load(pointer, 48), 1, 3, 5, 7)
    least = i32x4.min_u(least, i32x4.min_u(words0, words1))
    most = i32x4.max_u(most, i32x4.max_u(words0, words1))
  }
  for (; pointer < end; pointer += 8) {
    const word = i32x4.splat(load<u32>(pointer, 4))
    least = i32x4.min_u(least, word)
    most = i32x4.max_u(most, word)
  }
  if (v128.any_true(i32x4.lt_u(least, i32x4.splat(SMALLEST_NORMAL_WORD)))) return false
  if (v128.any_true(i32x4.ge_u(most, i32x4.splat(INFINITE_WORD)))) return false
  if (
    v128.any_true(i32x4.le_u(least, i32x4.splat(load<u32>(output, 4)))) ||
    v128.any_true(i32x4.ge_u(most, i32x4.splat(load<u32>(output, 12)))) ||
    load<f64>(output, 8) < 0
  ) {
    extremes_f64(values, count, output)
  }
  return true
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
  store<f64>(output, Infinity)
  store<f64>(output, -Infinity, 8)
  const end = values + (<usize>count << 3)
  let plain = true
  for (let block = values; plain && block < end; block += BLOCK_ELEMENTS << 3) {
    const rest = <i32>((end - block) >> 3)
    plain = addPlainRange(block, rest < BLOCK_ELEMENTS ? rest : BLOCK_ELEMENTS, output)
  }
  let min = load<f64>(output)
  let max = load<f64>(output, 8)
  let negativeMin = Infinity
  let negativeMax = 0.0
  let zeros = 0
  let skipped = 0
  if (!plain) {
    min = Infinity
    max = 0
    for (let pointer = values; pointer < end; pointer += 8) {
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

/**
 * All values positive, normal, finite. The cells of every octave that the buckets touch stand in one
 * table, so the bits above a cell's are its index. With the bucket and the boundary's own bits in its
 * entry one addition gives the counter:
 *
 *   entry = (bucket below − offset) · 2^52 + 2^52 − 1 − boundary
 *   (bits + entry) >> 52 = bucket below − offset + (bits > boundary ? 1 : 0)
 *
 * Two counters a bucket are used in turn, so that equal neighbours do not wait, then added up.
 */
function insertPlain(
  values: usize, count: i32, scale: i32, offset: i32, counts: usize, bucketCount: i32, work: usize,
): void {
  const rows = work
  const table = rows + (<usize>bucketCount << 3)
  memory.fill(rows, 0, <usize>bucketCount << 3)
  const octave = offset >> scale
  // A power of two is the last of its bucket and the first of its octave.
  const octaves = ((offset + bucketCount - 1) >> scale) - octave + 2
  const octaveBytes = <usize>2 << scale << 3
  fillCells(scale, table)
  store<u64>(table, FRACTION + 1)
  const first = i64x2.splat(((<i64>((octave << scale) - offset - 1 - (octave + 1023))) << 52) - 1)
  for (let cell = table; cell < table + octaveBytes; cell += 16) {
    v128.store(cell, i64x2.add(v128.load(cell), first))
  }
  const step = i64x2.splat((<i64>((1 << scale) - 1)) << 52)
  const tableEnd = table + octaveBytes * <usize>octaves
  for (let cell = table + octaveBytes; cell < tableEnd; cell += 16) {
    v128.store(cell, i64x2.add(v128.load(cell - octaveBytes), step))
  }
  const base = table - ((<usize>(octave + 1023) << (scale + 1)) << 3)
  const shift = <u64>(48 - scale)
  const end = values + (<usize>count << 3)
  const endOf4 = values + (<usize>(count & ~3) << 3)
  let pointer = values
  for (; pointer < endOf4; pointer += 32) {
    const bits0 = load<u64>(pointer)
    const bits1 = load<u64>(pointer, 8)
    const bits2 = load<u64>(pointer, 16)
    const bits3 = load<u64>(pointer, 24)
    const bucket0 = (bits0 + load<u64>(base + (<usize>(bits0 >> shift) & ~7))) >> 52
    const bucket1 = (bits1 + load<u64>(base + (<usize>(bits1 >> shift) & ~7))) >> 52
    const bucket2 = (bits2 + load<u64>(base + (<usize>(bits2 >> shift) & ~7))) >> 52
    const bucket3 = (bits3 + load<u64>(base + (<usize>(bits3 >> shift) & ~7))) >> 52
    increment(rows + (<usize>bucket0 << 3))
    increment(rows + (<usize>bucket1 << 3) + 4)
    increment(rows + (<usize>bucket2 << 3))
    increment(rows + (<usize>bucket3 << 3) + 4)
  }
  for (; pointer < end; pointer += 8) {
    const bits = load<u64>(pointer)
    const bucket = (bits + load<u64>(base + (<usize>(bits >> shift) & ~7))) >> 52
    increment(rows + (<usize>bucket << 3))
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
  if (plain && scale > 0 && positiveCount <= PLAIN_BUCKETS_MAX) {
    insertPlain(values, count, scale, positiveOffset, positive, positiveCount, work)
    return
  }
  if (scale > 0) fillCells(scale, work)
  const end = values + (<usize>count << 3)
  for (let pointer = values; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    if (x - x != 0 || x == 0) continue
    const bucket = bucketOf(reinterpret<u64>(abs(x)), scale, work)
    if (x > 0) increment(positive + (<usize>(bucket - positiveOffset) << 2))
    else increment(negative + (<usize>(bucket - negativeOffset) << 2))
  }
}

/** Bytes of working space that histogram_insert_f64 and histogram_bucket_f64 need. */
export function histogram_work_bytes(bucketCount: i32): i32 {
  // Counters, and the cells of the octaves that the buckets fill and of three more.
  return (bucketCount << 3) + (bucketCount << 4) + 3 * (2 << SCALE_MAX << 3)
}
