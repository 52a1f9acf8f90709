/**
 * Sample-bracket selection: with brackets around the wanted ranks, guessed from a sample, one pass
 * counts what lies below each bracket and keeps what lies inside. What is kept is some percent of all,
 * and order_statistics_f64 finds the ranks in it. Source: Floyd & Rivest 1975,
 * doi:10.1145/360680.360691.
 *
 * Comparison is by order words: the high half of a double, or a float's bits, as signed i32. Bounds
 * have no sign bit, and below them the order does not matter. Where many values share a word, or a
 * bound is negative, the words are those of x − origin: rounding keeps the order, and the origin is
 * the lowest bound. Four words fit a vector; for more than one bracket they are made coarser,
 * (word >> shift) − base clamped to i16, and eight fit.
 *
 *    0  i32[4][2]  smallest and largest word inside, apart and ascending; the last one repeated
 *   32  u32[4]     counts below each bracket, continued
 *   48  u32[3]     counts inside the first three (where there is more than one), continued
 *   60  u32        1 once a NaN came: then what was counted and kept is of no use
 *   64  i32 shift ≥ 1, i32 base (where there is more than one bracket)
 *   72  f64        origin, a float where the values are (where they are shifted)
 */
const BELOW: usize = 32
const INSIDE: usize = 48
const SPECIAL: usize = 60
const SHIFT: usize = 64
const BASE: usize = 68
const ORIGIN: usize = 72

/** Four elements' high halves, or floats, where asked less the origin. */
// @ts-ignore: decorator
@inline
function words<T>(pointer: usize, isShifted: bool, origin: v128): v128 {
  if (sizeof<T>() == 8) {
    let x0 = v128.load(pointer)
    let x1 = v128.load(pointer, 16)
    if (isShifted) {
      x0 = f64x2.sub(x0, origin)
      x1 = f64x2.sub(x1, origin)
    }
    return v128.shuffle<i32>(x0, x1, 1, 3, 5, 7)
  }
  const x = v128.load(pointer)
  return isShifted ? f32x4.sub(x, origin) : x
}

// @ts-ignore: decorator
@inline
function originOf<T>(brackets: usize): v128 {
  const origin = load<f64>(brackets, ORIGIN)
  return sizeof<T>() == 8 ? f64x2.splat(origin) : f32x4.splat(<f32>origin)
}

/** Elements whose places in a bracket are found before any is kept: one bit each. */
const GROUP_ELEMENTS: i32 = 64

/**
 * Notes a NaN among the values. `most` is the largest of their words without sign, doubled: less than
 * that of an infinity is no NaN.
 */
// @ts-ignore: decorator
@inline
function noteNaN<T>(values: usize, count: i32, most: v128, brackets: usize): void {
  const infinity: u32 = sizeof<T>() == 8 ? 0x7ff00000 : 0x7f800000
  if (!v128.any_true(i32x4.ge_u(most, i32x4.splat(infinity << 1)))) return
  const end = values + <usize>count * sizeof<T>()
  for (let pointer = values; pointer < end; pointer += sizeof<T>()) {
    const x = load<T>(pointer)
    if (x != x) store<u32>(brackets, 1, SPECIAL)
  }
}

/** Appends the elements of a group whose bits are set. */
// @ts-ignore: decorator
@inline
function keep<T>(group: usize, places: u64, target: usize): usize {
  for (; places != 0; places &= places - 1) {
    store<f64>(target, <f64>load<T>(group + <usize>ctz(places) * sizeof<T>()))
    target += 8
  }
  return target
}

/** One bracket. `isShifted` is a literal, so that each of its values has a loop of its own. */
// @ts-ignore: decorator
@inline
function collectOne<T>(
  values: usize, count: i32, brackets: usize, isShifted: bool, candidates: usize,
): usize {
  const low = v128.load32_splat(brackets)
  const high = v128.load32_splat(brackets, 4)
  const origin = originOf<T>(brackets)
  let below = i32x4.splat(0)
  let most = below
  let target = candidates
  const end = values + <usize>count * sizeof<T>()
  for (let group = values; group < end; group += GROUP_ELEMENTS * sizeof<T>()) {
    let places: u64 = 0
    for (let i = 0; i < GROUP_ELEMENTS; i += 4) {
      const word = words<T>(group + <usize>i * sizeof<T>(), isShifted, origin)
      most = i32x4.max_u(most, i32x4.shl(word, 1))
      const under = i32x4.lt_s(word, low)
      below = i32x4.sub(below, under)
      // No word is both under and over the bracket, so equal masks mean neither.
      const inside = i32x4.eq(under, i32x4.gt_s(word, high))
      places |= (<u64>i32x4.bitmask(inside)) << i
    }
    target = keep<T>(group, places, target)
  }
  addLanes(below, brackets + BELOW)
  noteNaN<T>(values, count, most, brackets)
  return target
}

/** Two to four brackets, eight elements at a time. `isShifted` as of collectOne. */
// @ts-ignore: decorator
@inline
function collectSome<T>(
  values: usize, count: i32, brackets: usize, isShifted: bool, candidates: usize,
): usize {
  const low0 = v128.load16_splat(brackets)
  const high0 = v128.load16_splat(brackets, 4)
  const low1 = v128.load16_splat(brackets, 8)
  const high1 = v128.load16_splat(brackets, 12)
  const low2 = v128.load16_splat(brackets, 16)
  const high2 = v128.load16_splat(brackets, 20)
  const low3 = v128.load16_splat(brackets, 24)
  const high3 = v128.load16_splat(brackets, 28)
  const shift = load<i32>(brackets, SHIFT)
  const base = v128.load32_splat(brackets, BASE)
  const origin = originOf<T>(brackets)
  const zero = i32x4.splat(0)
  let below0 = zero
  let below1 = zero
  let below2 = zero
  let below3 = zero
  let kept0 = zero
  let kept1 = zero
  let kept2 = zero
  let most = zero
  let target = candidates
  const end = values + <usize>count * sizeof<T>()
  for (let group = values; group < end; group += GROUP_ELEMENTS * sizeof<T>()) {
    let places: u64 = 0
    for (let i = 0; i < GROUP_ELEMENTS; i += 8) {
      const word0 = words<T>(group + <usize>i * sizeof<T>(), isShifted, origin)
      const word1 = words<T>(group + <usize>(i + 4) * sizeof<T>(), isShifted, origin)
      most = i32x4.max_u(most, i32x4.max_u(i32x4.shl(word0, 1), i32x4.shl(word1, 1)))
      const word = i16x8.narrow_i32x4_s(
        i32x4.sub(i32x4.shr_s(word0, shift), base),
        i32x4.sub(i32x4.shr_s(word1, shift), base),
      )
      const under0 = i16x8.lt_s(word, low0)
      const under1 = i16x8.lt_s(word, low1)
      const under2 = i16x8.lt_s(word, low2)
      const under3 = i16x8.lt_s(word, low3)
      below0 = i16x8.sub(below0, under0)
      below1 = i16x8.sub(below1, under1)
      below2 = i16x8.sub(below2, under2)
      below3 = i16x8.sub(below3, under3)
      const inside0 = i16x8.eq(under0, i16x8.gt_s(word, high0))
      const inside1 = i16x8.eq(under1, i16x8.gt_s(word, high1))
      const inside2 = i16x8.eq(under2, i16x8.gt_s(word, high2))
      const inside3 = i16x8.eq(under3, i16x8.gt_s(word, high3))
      kept0 = i16x8.sub(kept0, inside0)
      kept1 = i16x8.sub(kept1, inside1)
      kept2 = i16x8.sub(kept2, inside2)
      const inside = v128.or(v128.or(inside0, inside1), v128.or(inside2, inside3))
      places |= (<u64>i16x8.bitmask(inside)) << i
    }
    target = keep<T>(group, places, target)
  }
  addLanes(widen(below0), brackets + BELOW)
  addLanes(widen(below1), brackets + BELOW + 4)
  addLanes(widen(below2), brackets + BELOW + 8)
  addLanes(widen(below3), brackets + BELOW + 12)
  addLanes(widen(kept0), brackets + INSIDE)
  addLanes(widen(kept1), brackets + INSIDE + 4)
  addLanes(widen(kept2), brackets + INSIDE + 8)
  noteNaN<T>(values, count, most, brackets)
  return target
}

// @ts-ignore: decorator
@inline
function widen(lanes: v128): v128 {
  return i32x4.extadd_pairwise_i16x8_u(lanes)
}

// @ts-ignore: decorator
@inline
function addLanes(lanes: v128, counter: usize): void {
  store<u32>(
    counter,
    load<u32>(counter) + i32x4.extract_lane(lanes, 0) + i32x4.extract_lane(lanes, 1) +
      i32x4.extract_lane(lanes, 2) + i32x4.extract_lane(lanes, 3),
  )
}

// @ts-ignore: decorator
@inline
function collect<T>(
  values: usize, count: i32, brackets: usize, bracketCount: i32, isShifted: bool, candidates: usize,
): usize {
  if (bracketCount == 1) {
    return isShifted
      ? collectOne<T>(values, count, brackets, true, candidates)
      : collectOne<T>(values, count, brackets, false, candidates)
  }
  return isShifted
    ? collectSome<T>(values, count, brackets, true, candidates)
    : collectSome<T>(values, count, brackets, false, candidates)
}

/**
 * Appends what lies in a bracket to the candidates, and counts what lies below and inside each.
 *
 * @param values f64[n], n a multiple of 64, n ≤ 65 536
 * @param brackets the structure above
 * @param bracketCount 1…4
 * @param isShifted 1 where words are those of x − origin
 * @param candidates f64[]: room for n more
 * @returns address behind the last candidate
 */
export function bracket_f64(
  values: usize, count: i32, brackets: usize, bracketCount: i32, isShifted: bool, candidates: usize,
): usize {
  return collect<f64>(values, count, brackets, bracketCount, isShifted, candidates)
}

/** Brackets of f32[n] by their own bits; candidates are f64. As bracket_f64. */
export function bracket_f32(
  values: usize, count: i32, brackets: usize, bracketCount: i32, isShifted: bool, candidates: usize,
): usize {
  return collect<f32>(values, count, brackets, bracketCount, isShifted, candidates)
}

// @ts-ignore: decorator
@inline
function countAround<T>(values: usize, count: i32, pivot: f64, output: usize): void {
  const lanes = 16 / sizeof<T>()
  const pivots = v128.splat<T>(<T>pivot)
  let below = i32x4.splat(0)
  let above = below
  let equal = below
  let pointer = values
  const end = values + <usize>count * sizeof<T>()
  const endOfLanes = values + <usize>(count - (count % lanes)) * sizeof<T>()
  for (; pointer < endOfLanes; pointer += 16) {
    const x = v128.load(pointer)
    // A mask is minus one in every i32 it covers: two of them for a double.
    below = i32x4.sub(below, v128.lt<T>(x, pivots))
    above = i32x4.sub(above, v128.gt<T>(x, pivots))
    equal = i32x4.sub(equal, v128.eq<T>(x, pivots))
  }
  const words: f64 = sizeof<T>() == 8 ? 0.5 : 1
  let belowCount = words * sumWords(below)
  let aboveCount = words * sumWords(above)
  let equalCount = words * sumWords(equal)
  for (; pointer < end; pointer += sizeof<T>()) {
    const x = <f64>load<T>(pointer)
    belowCount += <f64>(x < pivot)
    aboveCount += <f64>(x > pivot)
    equalCount += <f64>(x == pivot)
  }
  store<f64>(output, load<f64>(output) + belowCount)
  store<f64>(output, load<f64>(output, 8) + equalCount, 8)
  store<f64>(output, load<f64>(output, 16) + aboveCount, 16)
}

// @ts-ignore: decorator
@inline
function sumWords(words: v128): f64 {
  return (
    <f64>i32x4.extract_lane(words, 0) + <f64>i32x4.extract_lane(words, 1) +
    <f64>i32x4.extract_lane(words, 2) + <f64>i32x4.extract_lane(words, 3)
  )
}

/**
 * How many values are less than a pivot, equal to it, and greater; a NaN is none of these.
 *
 * @param values f64[n]
 * @param output f64[3], continued from what it holds
 * Accuracy: exact.
 */
export function count_around_f64(values: usize, count: i32, pivot: f64, output: usize): void {
  countAround<f64>(values, count, pivot, output)
}

/** Of f32[n]; the pivot is a float. As count_around_f64. */
export function count_around_f32(values: usize, count: i32, pivot: f64, output: usize): void {
  countAround<f32>(values, count, pivot, output)
}
