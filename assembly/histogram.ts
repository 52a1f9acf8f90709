/**
 * Base-2 exponential histogram: γ = 2^(2^−scale), bucket i holds γ^i < |x| ≤ γ^(i+1). Boundaries are
 * upper-inclusive and exact. Source: OpenTelemetry data model, ExponentialHistogram; the same
 * buckets are Prometheus' native histogram (its index is i + 1) and a DDSketch (Masson 2019).
 *
 * A fraction's leading scale + 1 bits name a cell, which holds at most one boundary (they lie
 * ≥ ln 2 · 2^−scale apart, cells are 2^−(scale+1) wide). The bits of a double, read as an integer,
 * grow by 2^(52−scale) or more from one boundary to the next but one cell, so one addition decides:
 *
 *   cell entry = k · 2^(52−scale) − (fraction of boundary k + 1)     boundary k in the cell
 *                k · 2^(52−scale) − fraction where the cell begins   the last one before it is k
 *   (bits + entry) >> (52 − scale) = biased exponent · 2^scale + boundaries below the value − 1
 *
 * "Below", not "at": boundary k itself is one short of a multiple of 2^(52−scale).
 */
import { BOUNDARY_FRACTIONS } from './boundaries'
import { extremes_f64 } from './reduce'

const FRACTION: u64 = 0x000fffffffffffff
const SMALLEST_NORMAL_WORD: u32 = 0x00100000
const INFINITE_WORD: u32 = 0x7ff00000

/** Values whose order words are looked at together: in the first cache at the second look. */
const BLOCK_ELEMENTS: i32 = 1024
export const SCALE_MAX: i32 = 10

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

/** Fills u64[2^(scale+1)] with the cell entries described above, `first` buckets less; scale 0…10. */
export function fillCells(scale: i32, first: i32, cells: usize): void {
  const unit = <u64>(52 - scale)
  const cellBits = <u64>(51 - scale)
  let k = 0
  let fraction: u64 = 0 // of boundary k
  const cellCount = 2 << scale
  for (let cell = 0; cell < cellCount; cell++) {
    const start = <u64>cell << cellBits
    const next = boundaryFraction(k + 1, scale)
    if (next - start < <u64>1 << cellBits) {
      k++
      fraction = next
    }
    const at = fraction >= start ? fraction + 1 : start
    store<u64>(cells + (<usize>cell << 3), (<u64>(k - first) << unit) - at)
  }
}

/** Bits of a normal number → bucket, counted from `first` buckets on. */
// @ts-ignore: decorator
@inline
function lookUp(bits: u64, scale: i32, cells: usize): i32 {
  const cell = <usize>(bits >> <u64>(48 - scale)) & (((2 << scale) - 1) << 3)
  return <i32>((bits + load<u64>(cells + cell)) >> <u64>(52 - scale))
}

/** Bucket of a magnitude's bits: any positive finite f64, subnormal ones too. */
// @ts-ignore: decorator
@inline
function bucketOf(bits: u64, scale: i32, cells: usize): i32 {
  let normal = bits
  let bias = 1023
  if (bits <= FRACTION) {
    // Subnormal: 2^52 times the value is exact and normal.
    normal = reinterpret<u64>(reinterpret<f64>(bits) * 4503599627370496.0)
    bias = 1075
  }
  if (scale <= 0) return (<i32>((normal - 1) >> 52) - bias) >> -scale
  return lookUp(normal, scale, cells) - (bias << scale)
}

/** Whether the order words of a block, all bits of the sign included, lie in [low, high). */
function areWordsWithin(values: usize, count: i32, low: u32, high: u32): bool {
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
  return !v128.any_true(
    v128.or(i32x4.lt_u(least, i32x4.splat(low)), i32x4.ge_u(most, i32x4.splat(high))),
  )
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
    const length = rest < BLOCK_ELEMENTS ? rest : BLOCK_ELEMENTS
    plain = areWordsWithin(block, length, SMALLEST_NORMAL_WORD, INFINITE_WORD)
    if (plain) extremes_f64(block, length, output)
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
  if (scale > 0) fillCells(scale, 0, cells)
  return bucketOf(reinterpret<u64>(value), scale, cells)
}

// @ts-ignore: decorator
@inline
function increment(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1)
}

/**
 * Adds a batch to bucket counts. Zeros, NaN and ±Inf are passed over: histogram_range_f64 counted
 * them. Counter i of an array belongs to bucket offset + i.
 *
 * @param values f64[n]
 * @param scale −4…10
 * @param positive u32[], its first bucket positiveOffset; must span every positive value
 * @param negative u32[], its first bucket negativeOffset, of the magnitudes of negative values
 * @param work histogram_work_bytes() bytes, aligned to 16
 * Accuracy: every value lands in its bucket, also one ulp off a boundary.
 */
export function histogram_insert_f64(
  values: usize, count: i32, scale: i32, positive: usize, positiveOffset: i32, negative: usize,
  negativeOffset: i32, work: usize,
): void {
  if (scale > 0) fillCells(scale, 0, work)
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
export function histogram_work_bytes(): i32 {
  return 2 << SCALE_MAX << 3
}
