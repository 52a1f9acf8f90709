/**
 * Exact quantiles by radix selection. Any number of quantiles shares every pass.
 *
 * A pass looks at the order keys of a region, spreads their range over at most 2048 bins, counts
 * them, and copies only the values of those bins that hold a wanted rank. The range of a kept bin
 * has at least 8 bits less, so 64-bit keys end after at most 8 passes whatever the input's order.
 */
import { maxLanes, minLanes } from './lanes'

/** Regions up to this size are sorted by insertion. */
const SORT_MAX: i32 = 24

/** Below this size 256 bins are enough and cheaper to clear and to walk. */
const SMALL_REGION: i32 = 4096

/** Two counters a bin, used in turn, so that equal neighbours do not wait for one another. */
const BIN_BYTES: usize = 2048 * 2 * 4

/** A kept bin: u32 region, u32 count, u32 first rank, u32 end of its wanted ranks. */
const GROUP_BYTES: usize = 16

/** Unsigned order of the keys is the order of the values, with −0 before +0. */
// @ts-ignore: decorator
@inline
function keyOf(value: f64): u64 {
  const bits = reinterpret<u64>(value)
  return bits ^ (<u64>(<i64>bits >> 63) | 0x8000000000000000)
}

// @ts-ignore: decorator
@inline
function valueOf(key: u64): f64 {
  return reinterpret<f64>(key ^ (key >> 63 ? 0x8000000000000000 : 0xffffffffffffffff))
}

/** Moves what is not NaN to the front and returns its count. */
function removeNaN(values: usize, count: i32): i32 {
  const end = values + (<usize>count << 3)
  const endOf4 = values + (<usize>(count & ~3) << 3)
  let ordered = f64x2.eq(f64x2.splat(0), f64x2.splat(0))
  let pointer = values
  for (; pointer < endOf4; pointer += 32) {
    const x0 = v128.load(pointer)
    const x1 = v128.load(pointer, 16)
    ordered = v128.and(ordered, v128.and(f64x2.eq(x0, x0), f64x2.eq(x1, x1)))
  }
  let clean = i64x2.all_true(ordered)
  for (; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    if (x != x) clean = false
  }
  if (clean) return count
  let target = values
  for (pointer = values; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    store<f64>(target, x)
    target += <usize>(x == x) << 3
  }
  return <i32>((target - values) >> 3)
}

function sortSmall(values: usize, count: i32): void {
  const end = values + (<usize>count << 3)
  for (let pointer = values + 8; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    let hole = pointer
    while (hole > values && load<f64>(hole - 8) > x) {
      store<f64>(hole, load<f64>(hole - 8))
      hole -= 8
    }
    store<f64>(hole, x)
  }
}

/** Counts keys by bin and returns with both counters of each bin added into the first. */
function countBins(region: usize, count: i32, low: u64, shift: u64, bins: usize, binCount: i32): void {
  memory.fill(bins, 0, <usize>binCount << 3)
  const end = region + (<usize>count << 3)
  const endOf2 = region + (<usize>(count & ~1) << 3)
  let pointer = region
  for (; pointer < endOf2; pointer += 16) {
    const bin0 = bins + (<usize>((keyOf(load<f64>(pointer)) - low) >> shift) << 3)
    const bin1 = bins + (<usize>((keyOf(load<f64>(pointer, 8)) - low) >> shift) << 3)
    store<u32>(bin0, load<u32>(bin0) + 1)
    store<u32>(bin1, load<u32>(bin1, 4) + 1, 4)
  }
  if (pointer < end) {
    const bin = bins + (<usize>((keyOf(load<f64>(pointer)) - low) >> shift) << 3)
    store<u32>(bin, load<u32>(bin) + 1)
  }
}

/**
 * Writes the order statistics of ranks[from, to) into statistics[from, to).
 *
 * @param region f64[count] without NaN, used up     @param spare f64[count], written over
 * @param ranks u32[], ascending                     @param base rank of the region's smallest value
 * @param groups working space for this pass and those below
 */
function select(
  region: usize, spare: usize, count: i32, ranks: usize, from: i32, to: i32, base: u32,
  statistics: usize, bins: usize, groups: usize,
): void {
  if (count <= SORT_MAX) {
    sortSmall(region, count)
    for (let i = from; i < to; i++) {
      const rank = load<u32>(ranks + (<usize>i << 2)) - base
      store<f64>(statistics + (<usize>i << 3), load<f64>(region + (<usize>rank << 3)))
    }
    return
  }

  let min_f64x2 = v128.load(region)
  let max_f64x2 = min_f64x2
  const last = region + (<usize>(count - 2) << 3)
  for (let pointer = region + 16; pointer < last; pointer += 16) {
    const x = v128.load(pointer)
    min_f64x2 = f64x2.pmin(min_f64x2, x)
    max_f64x2 = f64x2.pmax(max_f64x2, x)
  }
  const tail = v128.load(last)
  const min = minLanes(f64x2.pmin(min_f64x2, tail))
  const max = maxLanes(f64x2.pmax(max_f64x2, tail))
  if (min == max) {
    for (let i = from; i < to; i++) store<f64>(statistics + (<usize>i << 3), min)
    return
  }
  // min and max take −0 and +0 for equal, the keys do not: the range must hold both.
  const low = min == 0 ? keyOf(-0.0) : keyOf(min)
  const high = max == 0 ? keyOf(0.0) : keyOf(max)
  const binBits: i64 = count < SMALL_REGION ? 8 : 11
  const rangeBits = 64 - <i64>clz(high - low)
  const shift: u64 = rangeBits > binBits ? rangeBits - binBits : 0
  countBins(region, count, low, shift, bins, <i32>((high - low) >> shift) + 1)

  // Walk the bins once along the ranks; a wanted bin's counter becomes its write cursor.
  let group = groups
  let cursor = spare
  let bin = bins
  let before: u32 = base
  let kept = load<u32>(bin) + load<u32>(bin, 4)
  for (let i = from; i < to; ) {
    const rank = load<u32>(ranks + (<usize>i << 2))
    while (rank - before >= kept) {
      store<u32>(bin, 0)
      before += kept
      bin += 8
      kept = load<u32>(bin) + load<u32>(bin, 4)
    }
    let end = i + 1
    while (end < to && load<u32>(ranks + (<usize>end << 2)) - before < kept) end++
    if (shift == 0) {
      const value = valueOf(low + <u64>((bin - bins) >> 3))
      for (; i < end; i++) store<f64>(statistics + (<usize>i << 3), value)
    }
    store<u32>(group, <u32>cursor)
    store<u32>(group, kept, 4)
    store<u32>(group, before, 8)
    store<u32>(group, <u32>end, 12)
    group += GROUP_BYTES
    store<u32>(bin, <u32>cursor)
    cursor += <usize>kept << 3
    before += kept
    bin += 8
    i = end
    if (i < to) kept = load<u32>(bin) + load<u32>(bin, 4)
  }
  if (shift == 0) return
  const binEnd = bins + ((<usize>((high - low) >> shift) + 1) << 3)
  for (; bin < binEnd; bin += 8) store<u32>(bin, 0)

  const end = region + (<usize>count << 3)
  for (let pointer = region; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    const slot = bins + (<usize>((keyOf(x) - low) >> shift) << 3)
    const target = load<u32>(slot)
    if (target) {
      store<f64>(<usize>target, x)
      store<u32>(slot, target + 8)
    }
  }

  let first = from
  for (let kept = groups; kept < group; kept += GROUP_BYTES) {
    const start = <usize>load<u32>(kept)
    const groupEnd = <i32>load<u32>(kept, 12)
    select(
      start, region + (start - spare), <i32>load<u32>(kept, 4), ranks, first, groupEnd,
      load<u32>(kept, 8), statistics, bins, group,
    )
    first = groupEnd
  }
}

/** Between two order statistics, as numpy's `_lerp`; ±Inf at one end alone gives that infinity. */
function interpolate(low: f64, high: f64, t: f64): f64 {
  if (t == 0 || low == high) return low
  const step = high - low
  if (!isFinite(step)) {
    if (isFinite(low) && isFinite(high)) return low * (1 - t) + high * t
    return low + high
  }
  return t < 0.5 ? low + step * t : high - step * (1 - t)
}

/**
 * Exact quantiles by linear interpolation between order statistics (numpy's `linear`): with m
 * values that are not NaN and h = q·(m − 1), the value at h between the ranks ⌊h⌋ and ⌊h⌋ + 1.
 *
 * NaN are left out. ±Inf are values; between a finite value and an infinity lies that infinity,
 * between −Inf and +Inf NaN. Without values every quantile is NaN.
 *
 * @param values f64[n], used up: its order and content are lost
 * @param qs f64[qCount], ascending, each in [0, 1]
 * @param work quantiles_work_bytes(n, qCount) bytes, aligned to 16
 * @param output f64[qCount]
 * @returns m
 * Accuracy: equal to numpy's formula to the last bit. Time is O(n) in any order of the input.
 */
export function quantiles_f64(
  values: usize, count: i32, qs: usize, qCount: i32, work: usize, output: usize,
): i32 {
  const valid = removeNaN(values, count)
  if (valid == 0) {
    for (let i = 0; i < qCount; i++) store<f64>(output + (<usize>i << 3), NaN)
    return 0
  }
  // work: bins | f64 spare[n] | f64 statistics[2q] | u32 ranks[2q] | groups
  const spare = work + BIN_BYTES
  const statistics = spare + (<usize>count << 3)
  const ranks = statistics + (<usize>qCount << 4)
  const groups = ranks + (<usize>qCount << 3)
  let rankCount = 0
  let top: i64 = -1
  for (let i = 0; i < qCount; i++) {
    const rank = <i64>floor(load<f64>(qs + (<usize>i << 3)) * <f64>(valid - 1))
    for (let wanted = rank; wanted <= rank + 1 && wanted < valid; wanted++) {
      if (wanted <= top) continue
      store<u32>(ranks + (<usize>rankCount << 2), <u32>wanted)
      rankCount++
      top = wanted
    }
  }
  select(values, spare, valid, ranks, 0, rankCount, 0, statistics, work, groups)

  let at = 0
  for (let i = 0; i < qCount; i++) {
    const position = load<f64>(qs + (<usize>i << 3)) * <f64>(valid - 1)
    const rank = <u32>floor(position)
    while (load<u32>(ranks + (<usize>at << 2)) < rank) at++
    const low = load<f64>(statistics + (<usize>at << 3))
    const t = position - <f64>rank
    const high = t > 0 ? load<f64>(statistics + (<usize>at << 3), 8) : low
    store<f64>(output + (<usize>i << 3), interpolate(low, high, t))
  }
  return valid
}

/** Bytes of working space that quantiles_f64 needs. */
export function quantiles_work_bytes(count: i32, qCount: i32): i32 {
  const passes = 9
  const perQuantile = 2 * (8 + 4 + passes * <i32>GROUP_BYTES)
  return <i32>BIN_BYTES + (count << 3) + qCount * perQuantile
}
