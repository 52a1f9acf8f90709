/**
 * Sample-bracket selection: with brackets around the wanted ranks, guessed from a sample, one pass
 * counts what lies below each bracket and keeps what lies inside. What is kept is some percent of all,
 * and order_statistics_f64 finds the ranks in it. Source: Floyd & Rivest 1975,
 * doi:10.1145/360680.360691.
 *
 * Comparison is by order words: the high half of a double, or a float's bits, as signed i32. Bounds
 * have no sign bit, and below them the order does not matter. Where many values share a word, or a
 * bound is negative, the words are those of x − origin: rounding keeps the order, and no bound is below
 * the origin. Four words fit a vector; for more than one bracket they are made coarser,
 * (word >> shift) − base clamped to i16 or i8, and eight or sixteen fit.
 *
 *    0  i32[4][2]  smallest and largest word inside, apart and ascending; the last one repeated
 *   32  u32[4]     counts below each bracket, continued
 *   48  u32[3]     counts inside the first three (where there is more than one), continued
 *   64  i32 shift ≥ 1, i32 base (where there is more than one bracket)
 *   72  f64        origin, a float where the values are (where they are shifted)
 *  128  u8[512]    a block's coarse words, while the kernel runs
 */
const BELOW: usize = 32
const INSIDE: usize = 48
const SHIFT: usize = 64
const BASE: usize = 68
const ORIGIN: usize = 72
const WORDS: usize = 128

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

/** Coarse words that are made before any is placed. */
const BLOCK_BYTES: usize = 512

/**
 * Whether there is a NaN among the values. `most` is the largest of their words without sign, doubled:
 * less than that of an infinity is no NaN.
 */
// @ts-ignore: decorator
@inline
function hasNaN<T>(values: usize, count: i32, most: v128): bool {
  const infinity: u32 = sizeof<T>() == 8 ? 0x7ff00000 : 0x7f800000
  if (!v128.any_true(i32x4.ge_u(most, i32x4.splat(infinity << 1)))) return false
  const end = values + <usize>count * sizeof<T>()
  for (let pointer = values; pointer < end; pointer += sizeof<T>()) {
    const x = load<T>(pointer)
    if (x != x) return true
  }
  return false
}

/** Appends the elements of a group whose bits are set, four at a time: what is one too many is written over. */
// @ts-ignore: decorator
@inline
function keep<T>(group: usize, places: u64, target: usize): usize {
  const next = target + (<usize>popcnt(places) << 3)
  for (; places != 0; target += 32) {
    const rest1 = places & (places - 1)
    const rest2 = rest1 & (rest1 - 1)
    const rest3 = rest2 & (rest2 - 1)
    store<f64>(target, <f64>load<T>(group + <usize>ctz(places) * sizeof<T>()))
    store<f64>(target, <f64>load<T>(group + <usize>(ctz(rest1) & 63) * sizeof<T>()), 8)
    store<f64>(target, <f64>load<T>(group + <usize>(ctz(rest2) & 63) * sizeof<T>()), 16)
    store<f64>(target, <f64>load<T>(group + <usize>(ctz(rest3) & 63) * sizeof<T>()), 24)
    places = rest3 & (rest3 - 1)
  }
  return next
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
  if (hasNaN<T>(values, count, most)) return 0
  addLanes(below, brackets + BELOW)
  return target
}

/** Eight elements' words as 16 bits. */
// @ts-ignore: decorator
@inline
function coarse(word0: v128, word1: v128, shift: i32, base: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.sub(i32x4.shr_s(word0, shift), base),
    i32x4.sub(i32x4.shr_s(word1, shift), base),
  )
}

/** One of eight bounds, in every lane. */
// @ts-ignore: decorator
@inline
function bound<W>(brackets: usize, index: usize): v128 {
  return v128.splat<W>(load<W>(brackets + (index << 2)))
}

/**
 * Two to four brackets by words of type W, i16 or i8: first the words of a block, then their places,
 * for the bounds and counters of both would not fit the registers. `isShifted` as of collectOne.
 */
// @ts-ignore: decorator
@inline
function collectSome<T, W>(
  values: usize, count: i32, brackets: usize, isShifted: bool, candidates: usize,
): usize {
  const shift = load<i32>(brackets, SHIFT)
  const base = v128.load32_splat(brackets, BASE)
  const origin = originOf<T>(brackets)
  const low0 = bound<W>(brackets, 0)
  const high0 = bound<W>(brackets, 1)
  const low1 = bound<W>(brackets, 2)
  const high1 = bound<W>(brackets, 3)
  const low2 = bound<W>(brackets, 4)
  const high2 = bound<W>(brackets, 5)
  const low3 = bound<W>(brackets, 6)
  const high3 = bound<W>(brackets, 7)
  const zero = i32x4.splat(0)
  let all0 = zero
  let all1 = zero
  let all2 = zero
  let all3 = zero
  let most = zero
  let target = candidates
  const end = values + <usize>count * sizeof<T>()
  const blockBytes = (BLOCK_BYTES / sizeof<W>()) * sizeof<T>()
  const lanes: i32 = 16 / <i32>sizeof<W>()
  for (let block = values; block < end; block += blockBytes) {
    const blockEnd = min(end, block + blockBytes)
    let slot = brackets + WORDS
    for (let pointer = block; pointer < blockEnd; pointer += 16 * sizeof<T>()) {
      const word0 = words<T>(pointer, isShifted, origin)
      const word1 = words<T>(pointer + 4 * sizeof<T>(), isShifted, origin)
      const word2 = words<T>(pointer + 8 * sizeof<T>(), isShifted, origin)
      const word3 = words<T>(pointer + 12 * sizeof<T>(), isShifted, origin)
      const half0 = coarse(word0, word1, shift, base)
      const half1 = coarse(word2, word3, shift, base)
      if (sizeof<W>() == 1) v128.store(slot, i8x16.narrow_i16x8_s(half0, half1))
      else {
        v128.store(slot, half0)
        v128.store(slot, half1, 16)
      }
      slot += 16 * sizeof<W>()
      most = i32x4.max_u(most, i32x4.max_u(
        i32x4.max_u(i32x4.shl(word0, 1), i32x4.shl(word1, 1)),
        i32x4.max_u(i32x4.shl(word2, 1), i32x4.shl(word3, 1)),
      ))
    }
    slot = brackets + WORDS
    let below0 = zero
    let below1 = zero
    let below2 = zero
    let below3 = zero
    for (let group = block; group < blockEnd; group += GROUP_ELEMENTS * sizeof<T>()) {
      let places: u64 = 0
      for (let i = 0; i < GROUP_ELEMENTS; i += lanes) {
        const word = v128.load(slot)
        slot += 16
        const under0 = v128.lt<W>(word, low0)
        const under1 = v128.lt<W>(word, low1)
        const under2 = v128.lt<W>(word, low2)
        const under3 = v128.lt<W>(word, low3)
        below0 = v128.sub<W>(below0, under0)
        below1 = v128.sub<W>(below1, under1)
        below2 = v128.sub<W>(below2, under2)
        below3 = v128.sub<W>(below3, under3)
        // No word is both under and over a bracket, so equal masks mean neither.
        const inside = v128.or(
          v128.or(
            v128.eq<W>(under0, v128.gt<W>(word, high0)), v128.eq<W>(under1, v128.gt<W>(word, high1)),
          ),
          v128.or(
            v128.eq<W>(under2, v128.gt<W>(word, high2)), v128.eq<W>(under3, v128.gt<W>(word, high3)),
          ),
        )
        places |= (<u64>v128.bitmask<W>(inside)) << i
      }
      target = keep<T>(group, places, target)
    }
    // At most 32 of a block's words fall to one lane.
    all0 = i32x4.add(all0, widen<W>(below0))
    all1 = i32x4.add(all1, widen<W>(below1))
    all2 = i32x4.add(all2, widen<W>(below2))
    all3 = i32x4.add(all3, widen<W>(below3))
  }
  if (hasNaN<T>(values, count, most)) return 0
  addLanes(all0, brackets + BELOW)
  addLanes(all1, brackets + BELOW + 4)
  addLanes(all2, brackets + BELOW + 8)
  addLanes(all3, brackets + BELOW + 12)
  countInside<T>(candidates, target, brackets, isShifted)
  return target
}

/**
 * Counts the new candidates of the first three brackets: few, so that the loop over all need not. Reads
 * up to three beyond them.
 */
// @ts-ignore: decorator
@inline
function countInside<T>(from: usize, to: usize, brackets: usize, isShifted: bool): void {
  const shift = load<i32>(brackets, SHIFT)
  const base = v128.load32_splat(brackets, BASE)
  const origin = originOf<T>(brackets)
  const low1 = v128.load32_splat(brackets, 8)
  const low2 = v128.load32_splat(brackets, 16)
  const low3 = v128.load32_splat(brackets, 24)
  const count = <i32>((to - from) >> 3)
  let left = i32x4.sub(i32x4.splat(count), i32x4(0, 1, 2, 3))
  let under1 = i32x4.splat(0)
  let under2 = under1
  let under3 = under1
  for (let pointer = from; pointer < to; pointer += 32) {
    const word = sizeof<T>() == 8
      ? words<f64>(pointer, isShifted, origin)
      : narrowed(pointer, isShifted, origin)
    const place = i32x4.sub(i32x4.shr_s(word, shift), base)
    const valid = i32x4.gt_s(left, i32x4.splat(0))
    under1 = i32x4.sub(under1, v128.and(valid, i32x4.lt_s(place, low1)))
    under2 = i32x4.sub(under2, v128.and(valid, i32x4.lt_s(place, low2)))
    under3 = i32x4.sub(under3, v128.and(valid, i32x4.lt_s(place, low3)))
    left = i32x4.sub(left, i32x4.splat(4))
  }
  addLanes(under1, brackets + INSIDE)
  addLanes(i32x4.sub(under2, under1), brackets + INSIDE + 4)
  addLanes(i32x4.sub(under3, under2), brackets + INSIDE + 8)
}

/** The words of four floats that were widened. */
// @ts-ignore: decorator
@inline
function narrowed(pointer: usize, isShifted: bool, origin: v128): v128 {
  const low = f32x4.demote_f64x2_zero(v128.load(pointer))
  const high = f32x4.demote_f64x2_zero(v128.load(pointer, 16))
  const x = v128.shuffle<i32>(low, high, 0, 1, 4, 5)
  return isShifted ? f32x4.sub(x, origin) : x
}

// @ts-ignore: decorator
@inline
function widen<W>(lanes: v128): v128 {
  const pairs = sizeof<W>() == 1 ? i16x8.extadd_pairwise_i8x16_u(lanes) : lanes
  return i32x4.extadd_pairwise_i16x8_u(pairs)
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
  values: usize, count: i32, brackets: usize, wordBits: i32, isShifted: bool, candidates: usize,
): usize {
  if (wordBits == 32) {
    return isShifted
      ? collectOne<T>(values, count, brackets, true, candidates)
      : collectOne<T>(values, count, brackets, false, candidates)
  }
  if (wordBits == 16) {
    return isShifted
      ? collectSome<T, i16>(values, count, brackets, true, candidates)
      : collectSome<T, i16>(values, count, brackets, false, candidates)
  }
  return isShifted
    ? collectSome<T, i8>(values, count, brackets, true, candidates)
    : collectSome<T, i8>(values, count, brackets, false, candidates)
}

/**
 * Appends what lies in a bracket to the candidates, and counts what lies below and inside each.
 *
 * @param values f64[n], n a multiple of 64
 * @param brackets the structure above
 * @param wordBits 32 for one bracket, 16 or 8 for up to four
 * @param isShifted 1 where words are those of x − origin
 * @param candidates f64[]: room for n + 3 more
 * @returns address behind the last candidate; 0 where there is a NaN, and then no count has changed
 */
export function bracket_f64(
  values: usize, count: i32, brackets: usize, wordBits: i32, isShifted: bool, candidates: usize,
): usize {
  return collect<f64>(values, count, brackets, wordBits, isShifted, candidates)
}

/** Brackets of f32[n] by their own bits; candidates are f64. As bracket_f64. */
export function bracket_f32(
  values: usize, count: i32, brackets: usize, wordBits: i32, isShifted: bool, candidates: usize,
): usize {
  return collect<f32>(values, count, brackets, wordBits, isShifted, candidates)
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
