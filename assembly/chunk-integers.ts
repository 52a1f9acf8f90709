/**
 * A column of whole numbers: what a predictor leaves of it, coded. The predictor is chosen by the bits
 * its remainders have.
 *
 * ```
 * byte: predictor (0…5)        byte: first Rice parameter        varint: zigzag of the base
 * bits of chunk-rice, to the next whole byte
 * ```
 */
import { readVarint, unzigzag, writeVarint, zigzag } from './chunk-bits'
import { putNumbers, takeNumbers } from './chunk-rice'

// What is taken from a number: the base, the number before it, the line through the two before it, or
// the level, an exponentially weighted mean whose newest member weighs 2^(LEVEL − 1 − predictor).
const BASE: i32 = 0
const BEFORE: i32 = 1
const LINE: i32 = 2
const LEVEL: i32 = 2
const PREDICTORS: i32 = 6

/** Levels are kept times 2^3. */
const LEVEL_SCALE: i64 = 3

/** Bits of a remainder, one for the 0. */
// @ts-ignore: decorator
@inline
function lengthOf(remainder: i64): i64 {
  return 64 - <i64>clz(zigzag(remainder) | 1)
}

/** What most numbers are if one is most of them; else one of them. */
function majority(numbers: usize, count: i32): i64 {
  let candidate: i64 = 0
  let votes = 0
  for (let i = 0; i < count; i++) {
    const x = load<i64>(numbers + (<usize>i << 3))
    if (votes == 0) candidate = x
    votes += x == candidate ? 1 : -1
  }
  return candidate
}

function meanOf(numbers: usize, count: i32): i64 {
  let total: f64 = 0
  for (let i = 0; i < count; i++) total += <f64>load<i64>(numbers + (<usize>i << 3))
  return <i64>nearest(total / <f64>count)
}

/** Bits that the remainders from a fixed base have in all. */
function costOfBase(numbers: usize, count: i32, base: i64): i64 {
  let bits: i64 = 0
  for (let i = 0; i < count; i++) bits += lengthOf(load<i64>(numbers + (<usize>i << 3)) - base)
  return bits
}

/** The number, of `base` and the sums of remainder lengths, in one pass for all other predictors. */
function cheapest(numbers: usize, count: i32, base: i64, costBase: i64): i32 {
  let before = load<i64>(numbers)
  let slope: i64 = 0
  let half = before << LEVEL_SCALE
  let quarter = half
  let eighth = half
  let costBefore = lengthOf(before - base)
  let costLine = costBefore
  let costHalf = costBefore
  let costQuarter = costBefore
  let costEighth = costBefore
  for (let i = 1; i < count; i++) {
    const x = load<i64>(numbers + (<usize>i << 3))
    const scaled = x << LEVEL_SCALE
    const delta = x - before
    costBefore += lengthOf(delta)
    costLine += lengthOf(delta - slope)
    costHalf += lengthOf(x - (half >> LEVEL_SCALE))
    costQuarter += lengthOf(x - (quarter >> LEVEL_SCALE))
    costEighth += lengthOf(x - (eighth >> LEVEL_SCALE))
    half += (scaled - half) >> 1
    quarter += (scaled - quarter) >> 2
    eighth += (scaled - eighth) >> 3
    slope = delta
    before = x
  }
  let predictor = BASE
  let cost = costBase
  if (costBefore < cost) { cost = costBefore; predictor = BEFORE }
  if (costLine < cost) { cost = costLine; predictor = LINE }
  if (costHalf < cost) { cost = costHalf; predictor = LEVEL + 1 }
  if (costQuarter < cost) { cost = costQuarter; predictor = LEVEL + 2 }
  if (costEighth < cost) predictor = LEVEL + 3
  return predictor
}

/** Numbers become remainders, in place. */
function takePrediction(numbers: usize, count: i32, predictor: i32, base: i64): void {
  let before = base
  let slope: i64 = 0
  let level = load<i64>(numbers) << LEVEL_SCALE
  const shift = <i64>(predictor - LEVEL)
  for (let i = 0; i < count; i++) {
    const at = numbers + (<usize>i << 3)
    const x = load<i64>(at)
    if (predictor == BASE) {
      store<i64>(at, x - base)
    } else if (predictor <= LINE || i == 0) {
      store<i64>(at, x - before - (i > 1 ? slope : 0))
      slope = predictor == LINE ? x - before : 0
      before = x
    } else {
      store<i64>(at, x - (level >> LEVEL_SCALE))
      level += ((x << LEVEL_SCALE) - level) >> shift
    }
  }
}

/** Remainders become numbers, in place. */
function addPrediction(numbers: usize, count: i32, predictor: i32, base: i64): void {
  const end = numbers + (<usize>count << 3)
  if (predictor == BASE) {
    if (base != 0) for (let at = numbers; at < end; at += 8) store<i64>(at, load<i64>(at) + base)
    return
  }
  let x = load<i64>(numbers) + base
  store<i64>(numbers, x)
  if (predictor == BEFORE) {
    for (let at = numbers + 8; at < end; at += 8) {
      x += load<i64>(at)
      store<i64>(at, x)
    }
  } else if (predictor == LINE) {
    let slope: i64 = 0
    for (let at = numbers + 8; at < end; at += 8) {
      slope += load<i64>(at)
      x += slope
      store<i64>(at, x)
    }
  } else {
    const shift = <i64>(predictor - LEVEL)
    let level = x << LEVEL_SCALE
    for (let at = numbers + 8; at < end; at += 8) {
      x = load<i64>(at) + (level >> LEVEL_SCALE)
      store<i64>(at, x)
      level += ((x << LEVEL_SCALE) - level) >> shift
    }
  }
}

/** @param numbers i64[count ≥ 1], used up  @returns the address behind */
export function encodeIntegers(numbers: usize, count: i32, output: usize): usize {
  let base = majority(numbers, count)
  let cost = costOfBase(numbers, count, base)
  const mean = meanOf(numbers, count)
  const costOfMean = costOfBase(numbers, count, mean)
  if (costOfMean < cost) {
    base = mean
    cost = costOfMean
  }
  const predictor = cheapest(numbers, count, base, cost)
  if (predictor != BASE) base = load<i64>(numbers)
  takePrediction(numbers, count, predictor, base)
  // The bits that half of a typical remainder has.
  let lengths: i64 = 0
  for (let i = 0; i < count; i++) lengths += lengthOf(load<i64>(numbers + (<usize>i << 3))) - 1
  const rice = max(<i32>(lengths / <i64>count) - 1, 0)
  store<u8>(output, <u8>predictor)
  store<u8>(output, <u8>min(rice, 52), 1)
  const at = writeVarint(output + 2, zigzag(base))
  store<u8>(at, 0)
  const bits = putNumbers(numbers, count, min(rice, 52), at, 0)
  return at + ((bits + 7) >> 3)
}

/**
 * @param numbers i64[count ≥ 1], written        @param scratch u64
 * @returns the address behind; 0 where the bytes are no such column
 */
export function decodeIntegers(
  numbers: usize, count: i32, input: usize, end: usize, scratch: usize,
): usize {
  if (input + 3 > end) return 0
  const predictor = <i32>load<u8>(input)
  const rice = <i32>load<u8>(input, 1)
  if (predictor >= PREDICTORS || rice > 52) return 0
  const at = readVarint(input + 2, end, scratch)
  if (at == 0) return 0
  const bits = takeNumbers(numbers, count, rice, at, 0, (end - at) << 3)
  // No number takes no bit at all, so 0 says that the bits ran out.
  if (bits == 0) return 0
  addPrediction(numbers, count, predictor, unzigzag(load<u64>(scratch)))
  return at + ((bits + 7) >> 3)
}
