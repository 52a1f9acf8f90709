/**
 * Sample-bracket selection: with brackets around the wanted ranks, guessed from a sample, one pass
 * counts what lies below each bracket and keeps what lies inside. What is kept is some percent of all,
 * and order_statistics_f64 finds the ranks in it. Source: Floyd & Rivest 1975,
 * doi:10.1145/360680.360691.
 *
 * Comparison is by order words: the high half of a double, or a float's bits, with the magnitude of
 * negative ones inverted, so that signed order of i32 is the order of the values. Four fit a vector; of
 * more than one bracket the words are made coarser, (word >> shift) − base clamped to i16, and eight fit.
 *
 *    0  i32[4][2]  smallest and largest word inside, apart and ascending; unused ones the largest twice
 *   32  u32[4]     counts below each bracket, continued
 *   48  u32[3]     counts inside the first three (where there is more than one), continued
 *   60  u32        1 once a NaN, an infinity or, where there should be none, a sign bit came
 *   64  i32 shift ≥ 1, i32 base (where there is more than one bracket)
 */

const BELOW: usize = 32
const INSIDE: usize = 48
const SPECIAL: usize = 60
const SHIFT: usize = 64
const BASE: usize = 68

// @ts-ignore: decorator
@inline
function orderWords(bits: v128): v128 {
  return v128.xor(bits, i32x4.shr_u(i32x4.shr_s(bits, 31), 1))
}

/** Of four elements, what is ordered: the high halves of doubles, or floats. */
// @ts-ignore: decorator
@inline
function highBits<T>(pointer: usize): v128 {
  return sizeof<T>() == 8
    ? v128.shuffle<i32>(v128.load(pointer), v128.load(pointer, 16), 1, 3, 5, 7)
    : v128.load(pointer)
}

/** Elements whose places in a bracket are found before any is kept: one bit each. */
const GROUP_ELEMENTS: i32 = 64

/** Whether a NaN, an infinity or, where none should be, a sign bit was among the bits. */
// @ts-ignore: decorator
@inline
function noteSpecial<T>(most: v128, isPositive: bool, brackets: usize): void {
  const infinity: u32 = sizeof<T>() == 8 ? 0x7ff00000 : 0x7f800000
  const limit = i32x4.splat(isPositive ? infinity - 1 : (infinity << 1) - 1)
  if (v128.any_true(i32x4.gt_u(most, limit))) store<u32>(brackets, 1, SPECIAL)
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

/** One bracket. `isPositive` is a literal: values without a sign bit have a loop of their own. */
// @ts-ignore: decorator
@inline
function collectOne<T>(
  values: usize, count: i32, brackets: usize, isPositive: bool, candidates: usize,
): usize {
  const low = v128.load32_splat(brackets)
  const high = v128.load32_splat(brackets, 4)
  let below = i32x4.splat(0)
  let most = below
  let target = candidates
  const end = values + <usize>count * sizeof<T>()
  for (let group = values; group < end; group += GROUP_ELEMENTS * sizeof<T>()) {
    let places: u64 = 0
    for (let i = 0; i < GROUP_ELEMENTS; i += 4) {
      const bits = highBits<T>(group + <usize>i * sizeof<T>())
      most = i32x4.max_u(most, isPositive ? bits : i32x4.shl(bits, 1))
      const word = isPositive ? bits : orderWords(bits)
      const under = i32x4.lt_s(word, low)
      below = i32x4.sub(below, under)
      // No word is both under and over the bracket, so equal masks mean neither.
      const inside = i32x4.eq(under, i32x4.gt_s(word, high))
      places |= (<u64>i32x4.bitmask(inside)) << i
    }
    target = keep<T>(group, places, target)
  }
  addLanes(below, brackets + BELOW)
  noteSpecial<T>(most, isPositive, brackets)
  return target
}

/** The order words of eight elements, coarser so that they fit 16 bits where it matters. */
// @ts-ignore: decorator
@inline
function coarseWords(bits0: v128, bits1: v128, isPositive: bool, shift: i32, base: v128): v128 {
  const word0 = isPositive ? bits0 : orderWords(bits0)
  const word1 = isPositive ? bits1 : orderWords(bits1)
  return i16x8.narrow_i32x4_s(
    i32x4.sub(i32x4.shr_s(word0, shift), base),
    i32x4.sub(i32x4.shr_s(word1, shift), base),
  )
}

/** Two to four brackets, eight elements at a time. `isPositive` as of collectOne. */
// @ts-ignore: decorator
@inline
function collectSome<T>(
  values: usize, count: i32, brackets: usize, isPositive: bool, candidates: usize,
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
      const bits0 = highBits<T>(group + <usize>i * sizeof<T>())
      const bits1 = highBits<T>(group + <usize>(i + 4) * sizeof<T>())
      const magnitude0 = isPositive ? bits0 : i32x4.shl(bits0, 1)
      const magnitude1 = isPositive ? bits1 : i32x4.shl(bits1, 1)
      most = i32x4.max_u(most, i32x4.max_u(magnitude0, magnitude1))
      const word = coarseWords(bits0, bits1, isPositive, shift, base)
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
  noteSpecial<T>(most, isPositive, brackets)
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
  values: usize, count: i32, brackets: usize, bracketCount: i32, isPositive: bool, candidates: usize,
): usize {
  if (bracketCount == 1) {
    return isPositive
      ? collectOne<T>(values, count, brackets, true, candidates)
      : collectOne<T>(values, count, brackets, false, candidates)
  }
  return isPositive
    ? collectSome<T>(values, count, brackets, true, candidates)
    : collectSome<T>(values, count, brackets, false, candidates)
}

/**
 * Appends what lies in a bracket to the candidates, and counts what lies below and inside each.
 *
 * @param values f64[n], n a multiple of 64, n ≤ 65 536
 * @param brackets the structure above
 * @param bracketCount 1…4
 * @param isPositive 1 where no sign bit is expected
 * @param candidates f64[]: room for n more
 * @returns address behind the last candidate
 */
export function bracket_f64(
  values: usize, count: i32, brackets: usize, bracketCount: i32, isPositive: bool, candidates: usize,
): usize {
  return collect<f64>(values, count, brackets, bracketCount, isPositive, candidates)
}

/** Brackets of f32[n] by their own bits; candidates are f64. As bracket_f64. */
export function bracket_f32(
  values: usize, count: i32, brackets: usize, bracketCount: i32, isPositive: bool, candidates: usize,
): usize {
  return collect<f32>(values, count, brackets, bracketCount, isPositive, candidates)
}
