/**
 * Exact order statistics by radix selection. Any number of ranks shares every pass.
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

/** Below this 64 bins are. */
const TINY_REGION: i32 = 192

/** Two counters a bin, used in turn, so that equal neighbours do not wait for one another. */
function binBytes(count: i32): usize {
  return count < SMALL_REGION ? 256 * 2 * 4 : 2048 * 2 * 4
}

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

/**
 * Moves what is not NaN to the front, in its order.
 *
 * @param values f64[n]
 * @returns how many values are not NaN
 */
export function remove_nan_f64(values: usize, count: i32): i32 {
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

/**
 * Copies what is not NaN of f32[n] as f64.
 *
 * @param values f32[n]        @param output f64[n]
 * @returns how many values are not NaN
 */
export function widen_valid_f32(values: usize, count: i32, output: usize): i32 {
  let target = output
  const end = values + (<usize>count << 2)
  for (let pointer = values; pointer < end; pointer += 4) {
    const x = <f64>load<f32>(pointer)
    store<f64>(target, x)
    target += <usize>(x == x) << 3
  }
  return <i32>((target - output) >> 3)
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

/**
 * Counts keys by bin and returns with both counters of each bin added into the first. `isPositive` is
 * a literal: keys of values without a sign differ as their bits do.
 */
// @ts-ignore: decorator
@inline
function countInBins(
  region: usize, count: i32, low: u64, shift: u64, bins: usize, isPositive: bool,
): void {
  const end = region + (<usize>count << 3)
  const endOf2 = region + (<usize>(count & ~1) << 3)
  let pointer = region
  if (isPositive) {
    const low_i64x2 = i64x2.splat(<i64>(low ^ 0x8000000000000000))
    const bins_i64x2 = i64x2.splat(<i64>bins)
    for (; pointer < endOf2; pointer += 16) {
      const distance = i64x2.sub(v128.load(pointer), low_i64x2)
      const slot = i64x2.add(i64x2.shl(i64x2.shr_u(distance, <i32>shift), 3), bins_i64x2)
      const bin0 = <usize>i64x2.extract_lane(slot, 0)
      const bin1 = <usize>i64x2.extract_lane(slot, 1)
      store<u32>(bin0, load<u32>(bin0) + 1)
      store<u32>(bin1, load<u32>(bin1, 4) + 1, 4)
    }
  } else {
    for (; pointer < endOf2; pointer += 16) {
      const bin0 = bins + (<usize>((keyOf(load<f64>(pointer)) - low) >> shift) << 3)
      const bin1 = bins + (<usize>((keyOf(load<f64>(pointer, 8)) - low) >> shift) << 3)
      store<u32>(bin0, load<u32>(bin0) + 1)
      store<u32>(bin1, load<u32>(bin1, 4) + 1, 4)
    }
  }
  if (pointer < end) {
    const bin = bins + (<usize>((keyOf(load<f64>(pointer)) - low) >> shift) << 3)
    store<u32>(bin, load<u32>(bin) + 1)
  }
}

function countBins(region: usize, count: i32, low: u64, shift: u64, bins: usize, binCount: i32): void {
  // memory.fill is a call out of the module: more than a few bins cost by themselves.
  if (binCount > 256) memory.fill(bins, 0, <usize>binCount << 3)
  else {
    const end = bins + (<usize>binCount << 3)
    for (let bin = bins; bin < end; bin += 16) v128.store(bin, i64x2.splat(0))
  }
  if (low >> 63) countInBins(region, count, low, shift, bins, true)
  else countInBins(region, count, low, shift, bins, false)
}

/** Copies what lies between two values, both included; −0 and 0 are one. */
function copyRange(region: usize, count: i32, least: f64, most: f64, target: usize): void {
  const least_f64x2 = f64x2.splat(least)
  const most_f64x2 = f64x2.splat(most)
  const end = region + (<usize>count << 3)
  const endOf32 = region + (<usize>(count & ~31) << 3)
  let group = region
  for (; group < endOf32; group += 256) {
    let places: u32 = 0
    for (let i = 0; i < 32; i += 4) {
      const x0 = v128.load(group + (<usize>i << 3))
      const x1 = v128.load(group + (<usize>i << 3), 16)
      const inside0 = v128.and(f64x2.ge(x0, least_f64x2), f64x2.le(x0, most_f64x2))
      const inside1 = v128.and(f64x2.ge(x1, least_f64x2), f64x2.le(x1, most_f64x2))
      places |= <u32>i32x4.bitmask(v128.shuffle<i32>(inside0, inside1, 0, 2, 4, 6)) << i
    }
    for (; places != 0; places &= places - 1) {
      store<f64>(target, load<f64>(group + (<usize>ctz(places) << 3)))
      target += 8
    }
  }
  for (; group < end; group += 8) {
    const x = load<f64>(group)
    if (least <= x && x <= most) {
      store<f64>(target, x)
      target += 8
    }
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
  let signs = min_f64x2
  const last = region + (<usize>(count - 2) << 3)
  for (let pointer = region + 16; pointer < last; pointer += 16) {
    const x = v128.load(pointer)
    min_f64x2 = f64x2.pmin(min_f64x2, x)
    max_f64x2 = f64x2.pmax(max_f64x2, x)
    signs = v128.or(signs, x)
  }
  const tail = v128.load(last)
  const hasSign = i64x2.bitmask(v128.or(signs, tail)) != 0
  const min = minLanes(f64x2.pmin(min_f64x2, tail))
  const max = maxLanes(f64x2.pmax(max_f64x2, tail))
  if (min == max) {
    for (let i = from; i < to; i++) store<f64>(statistics + (<usize>i << 3), min)
    return
  }
  // min and max take −0 and +0 for equal, the keys do not: the range must hold both.
  const low = min == 0 ? keyOf(hasSign ? -0.0 : 0.0) : keyOf(min)
  const high = max == 0 ? keyOf(0.0) : keyOf(max)
  const binBits: i64 = count < TINY_REGION ? 6 : count < SMALL_REGION ? 8 : 11
  const rangeBits = 64 - <i64>clz(high - low)
  const shift: u64 = rangeBits > binBits ? rangeBits - binBits : 0
  countBins(region, count, low, shift, bins, <i32>((high - low) >> shift) + 1)

  // Walk the bins once along the ranks; a wanted bin's counter becomes its write cursor.
  let group = groups
  let cursor = spare
  let bin = bins
  let before: u32 = base
  let kept = load<u32>(bin) + load<u32>(bin, 4)
  let singleBin: u64 = 0
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
    singleBin = <u64>((bin - bins) >> 3)
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

  // A single bin is a range of values. Zeros of both signs are one value but two keys.
  let isCopied = false
  if (group == groups + GROUP_BYTES) {
    const first = low + (singleBin << shift)
    const width = ((<u64>1) << shift) - 1
    const least = valueOf(first)
    const most = valueOf(high - first < width ? high : first + width)
    if (!hasSign || (least != 0 && most != 0)) {
      copyRange(region, count, least, most, spare)
      isCopied = true
    }
  }
  const end = region + (<usize>count << 3)
  for (let pointer = region; !isCopied && pointer < end; pointer += 8) {
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

/**
 * Order statistics: output[i] is the value that stands at ranks[i] when all are sorted.
 *
 * @param values f64[n] without NaN, used up: its order and content are lost
 * @param ranks u32[rankCount], ascending without repetition, each < n
 * @param work order_statistics_work_bytes(n, rankCount) bytes, aligned to 16
 * @param output f64[rankCount]
 * Accuracy: exact; of −0 and +0 the first stands before the second. O(n) in any order of the input.
 */
export function order_statistics_f64(
  values: usize, count: i32, ranks: usize, rankCount: i32, work: usize, output: usize,
): void {
  // work: bins | f64 spare[n] | groups
  const spare = work + binBytes(count)
  const groups = spare + (<usize>count << 3)
  select(values, spare, count, ranks, 0, rankCount, 0, output, work, groups)
}

/** Bytes of working space that order_statistics_f64 needs. */
export function order_statistics_work_bytes(count: i32, rankCount: i32): i32 {
  const passes = 9
  return <i32>binBytes(count) + (count << 3) + rankCount * passes * <i32>GROUP_BYTES
}

/** numpy's `_lerp`; ±Inf at one end alone gives that infinity. */
function between(low: f64, high: f64, t: f64): f64 {
  if (t == 0 || low == high) return low
  const step = high - low
  if (!isFinite(step)) {
    return isFinite(low) && isFinite(high) ? low * (1 - t) + high * t : low + high
  }
  return t < 0.5 ? low + step * t : high - step * (1 - t)
}

/** Puts a rank into ascending u32[count], where it is not there yet. Returns how many there are. */
function insertRank(ranks: usize, count: i32, rank: u32): i32 {
  let hole = ranks + (<usize>count << 2)
  while (hole > ranks && load<u32>(hole - 4) > rank) hole -= 4
  if (hole > ranks && load<u32>(hole - 4) == rank) return count
  for (let last = ranks + (<usize>count << 2); last > hole; last -= 4) {
    store<u32>(last, load<u32>(last - 4))
  }
  store<u32>(hole, rank)
  return count + 1
}

/** The order statistic of a rank that is among the ranks. */
// @ts-ignore: decorator
@inline
function statisticOf(rank: u32, ranks: usize, statistics: usize): f64 {
  let index: usize = 0
  while (load<u32>(ranks + (index << 2)) != rank) index++
  return load<f64>(statistics + (index << 3))
}

/**
 * Quantiles by linear interpolation between order statistics (numpy's `linear`), of values so few that
 * a call costs more than they do.
 *
 * @param values f64[n], used up; NaN are left out        @param qs f64[qCount] in [0, 1], any order
 * @param work quantiles_work_bytes(n, qCount) bytes, aligned to 16
 * @param output f64[qCount], may be qs; NaN without values
 * Accuracy: exact order statistics, interpolated as numpy does, to the last bit.
 */
export function quantiles_f64(
  values: usize, count: i32, qs: usize, qCount: i32, work: usize, output: usize,
): void {
  const valid = remove_nan_f64(values, count)
  if (valid == 0) {
    for (let i = 0; i < qCount; i++) store<f64>(output + (<usize>i << 3), NaN)
    return
  }
  // work: f64 statistics[2 · qCount] | u32 ranks[2 · qCount] | that of order_statistics_f64
  const statistics = work
  const ranks = statistics + (<usize>qCount << 4)
  const inner = (ranks + (<usize>qCount << 3) + 15) & ~15
  let rankCount = 0
  for (let i = 0; i < qCount; i++) {
    const position = load<f64>(qs + (<usize>i << 3)) * <f64>(valid - 1)
    const rank = <u32>position
    rankCount = insertRank(ranks, rankCount, rank)
    if (position > <f64>rank) rankCount = insertRank(ranks, rankCount, rank + 1)
  }
  order_statistics_f64(values, valid, ranks, rankCount, inner, statistics)
  for (let i = 0; i < qCount; i++) {
    const at = <usize>i << 3
    const position = load<f64>(qs + at) * <f64>(valid - 1)
    const rank = <u32>position
    const t = position - <f64>rank
    const low = statisticOf(rank, ranks, statistics)
    store<f64>(output + at, t > 0 ? between(low, statisticOf(rank + 1, ranks, statistics), t) : low)
  }
}

/** Bytes of working space that quantiles_f64 needs. */
export function quantiles_work_bytes(count: i32, qCount: i32): i32 {
  return order_statistics_work_bytes(count, 2 * qCount) + 24 * qCount + 16
}
