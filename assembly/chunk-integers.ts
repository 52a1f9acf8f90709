/**
 * Columns of whole numbers: of the first, what a predictor leaves, chosen by the bits of its remainders;
 * of a second, the numbers themselves. Both in one code.
 *
 * ```
 * byte: predictor (0…5), IS_SCALED, IS_NIBBLES, HAS_BASE
 *   IS_SCALED   varint: scale; varint: offset. Numbers are offset + scale · what follows says
 *   IS_NIBBLES  varint where HAS_BASE: zigzag of the base; else it is the nibbles' extra
 *               nibbles (chunk-nibbles)
 *   else        varint: zigzag of the base; byte for each column: first Rice parameter
 *               bits of chunk-rice, to the next whole byte
 * ```
 */
import { readVarint, unzigzag, writeVarint, zigzag } from './chunk-bits'
import { decodeNibbles, encodeNibbles, EXTRA_BITS } from './chunk-nibbles'
import { putNumbers, takeNumbers } from './chunk-rice'

const PREDICTOR_MASK: u8 = 7
const IS_SCALED: u8 = 8
const IS_NIBBLES: u8 = 16
const HAS_BASE: u8 = 32

// What is taken from a number: the base, the number before it, the line through the two before it, or
// the level, an exponentially weighted mean whose newest member weighs 2^(LEVEL − 1 − predictor).
const BASE: i32 = 0
const BEFORE: i32 = 1
const LINE: i32 = 2
const LEVEL: i32 = 2
const PREDICTORS: i32 = 6

/** Levels are kept times 2^3. */
const LEVEL_SCALE: i64 = 3

const RICE_MAX: i32 = 52

/** Numbers, from the first on, that choose the predictor. */
const LOOKED_MAX: i32 = 160

/** Bits of a remainder, one for the 0. */
// @ts-ignore: decorator
@inline
function lengthOf(remainder: i64): i64 {
  return 64 - <i64>clz(zigzag(remainder) | 1)
}

/** Bits that the remainders from a fixed base have in all. */
function costOfBase(numbers: usize, count: i32, base: i64): i64 {
  let bits: i64 = 0
  for (let i = 0; i < count; i++) bits += lengthOf(load<i64>(numbers + (<usize>i << 3)) - base)
  return bits
}

/** What most numbers are if one is most of them, or their mean: of which less remains. */
function baseOf(numbers: usize, count: i32): i64 {
  let candidate: i64 = 0
  let votes = 0
  let total: f64 = 0
  for (let i = 0; i < count; i++) {
    const x = load<i64>(numbers + (<usize>i << 3))
    if (votes == 0) candidate = x
    votes += x == candidate ? 1 : -1
    total += <f64>x
  }
  const mean = <i64>nearest(total / <f64>count)
  const looked = min(count, LOOKED_MAX)
  return costOfBase(numbers, looked, mean) < costOfBase(numbers, looked, candidate)
    ? mean
    : candidate
}

/** The predictor whose remainders have the fewest bits. */
function cheapest(numbers: usize, count: i32, base: i64): i32 {
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
  let cost = costOfBase(numbers, count, base)
  if (costBefore < cost) { cost = costBefore; predictor = BEFORE }
  if (costLine < cost) { cost = costLine; predictor = LINE }
  if (costHalf < cost) { cost = costHalf; predictor = LEVEL + 1 }
  if (costQuarter < cost) { cost = costQuarter; predictor = LEVEL + 2 }
  if (costEighth < cost) predictor = LEVEL + 3
  return predictor
}

/** Numbers become remainders, in place. */
function takePrediction(numbers: usize, count: i32, predictor: i32, base: i64): void {
  const end = numbers + (<usize>count << 3)
  if (predictor == BASE) {
    for (let at = numbers; at < end; at += 8) store<i64>(at, load<i64>(at) - base)
    return
  }
  let before = load<i64>(numbers)
  store<i64>(numbers, before - base)
  if (predictor <= LINE) {
    let slope: i64 = 0
    for (let at = numbers + 8; at < end; at += 8) {
      const x = load<i64>(at)
      store<i64>(at, x - before - slope)
      if (predictor == LINE) slope = x - before
      before = x
    }
  } else {
    const shift = <i64>(predictor - LEVEL)
    let level = before << LEVEL_SCALE
    for (let at = numbers + 8; at < end; at += 8) {
      const x = load<i64>(at)
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

/** Greatest common divisor of all distances; 0 where there are none. */
function scaleOf(numbers: usize, count: i32): u64 {
  const first = load<i64>(numbers)
  let divisor: u64 = 0
  for (let i = 1; i < count && divisor != 1; i++) {
    let rest = load<i64>(numbers + (<usize>i << 3)) - first
    let other = <u64>(rest < 0 ? -rest : rest)
    while (other != 0) {
      const next = divisor % other
      divisor = other
      other = next
    }
  }
  return divisor
}

/** A Rice parameter that suits a column from its first number on. */
function riceOf(numbers: usize, count: i32): i32 {
  let lengths: i64 = 0
  for (let i = 0; i < count; i++) lengths += lengthOf(load<i64>(numbers + (<usize>i << 3))) - 1
  return min(max(<i32>(lengths / <i64>count) - 1, 0), RICE_MAX)
}

function encodeRice(
  numbers: usize, count: i32, parts: i32, base: u64, output: usize,
): usize {
  let at = writeVarint(output, base)
  for (let part = 0; part < parts; part++) {
    store<u8>(at++, <u8>riceOf(numbers + (<usize>(part * count) << 3), count))
  }
  store<u8>(at, 0)
  let position: usize = 0
  for (let part = 0; part < parts; part++) {
    const rice = <i32>load<u8>(at + part - parts)
    position = putNumbers(numbers + (<usize>(part * count) << 3), count, rice, at, position)
  }
  return at + ((position + 7) >> 3)
}

/** Its flags in a byte, then what follows the byte of the column. */
function encodeAsNibbles(
  numbers: usize, count: i32, parts: i32, base: u64, work: usize, output: usize,
): usize {
  const isLarge = base >> (2 * EXTRA_BITS) != 0
  store<u8>(output, IS_NIBBLES | (isLarge ? HAS_BASE : 0))
  const at = isLarge ? writeVarint(output + 1, base) : output + 1
  return encodeNibbles(numbers, count, parts, isLarge ? 0 : base, work, at)
}

/**
 * @param numbers i64[parts][count ≥ 1], used up        @param parts 1 or 2
 * @param isSmall nibbles where they are shorter than Rice code        @param work nibblesWorkBytes(parts · count)
 * @returns the address behind
 */
export function encodeIntegers(
  numbers: usize, count: i32, parts: i32, isSmall: bool, work: usize, output: usize,
): usize {
  let flags: u8 = 0
  let at = output + 1
  const scale = scaleOf(numbers, count)
  if (scale > 1) {
    flags |= IS_SCALED
    const first = load<i64>(numbers)
    let offset = first % <i64>scale
    if (offset < 0) offset += scale
    at = writeVarint(writeVarint(at, scale), offset)
    // Distances are multiples of the scale also where the numbers themselves went beyond 64 bits.
    const firstScaled = (first - offset) / <i64>scale
    for (let i = 0; i < count; i++) {
      const place = numbers + (<usize>i << 3)
      store<i64>(place, (load<i64>(place) - first) / <i64>scale + firstScaled)
    }
  }
  let base = baseOf(numbers, count)
  const predictor = cheapest(numbers, min(count, LOOKED_MAX), base)
  if (predictor != BASE) base = load<i64>(numbers)
  takePrediction(numbers, count, predictor, base)
  store<u8>(output, <u8>predictor | flags)
  const end = encodeRice(numbers, count, parts, zigzag(base), at)
  if (!isSmall) return end
  const length = encodeAsNibbles(numbers, count, parts, zigzag(base), work, end) - end
  if (length >= end - at) return end
  store<u8>(output, load<u8>(output) | load<u8>(end))
  memory.copy(at, end + 1, length - 1)
  return at + length - 1
}

/**
 * @param numbers i64[parts][count ≥ 1], written        @param work nibblesWorkBytes(0) + 16
 * @returns the address behind; 0 where the bytes are no such columns
 */
export function decodeIntegers(
  numbers: usize, count: i32, parts: i32, input: usize, end: usize, work: usize,
): usize {
  if (input + 3 > end) return 0
  const flags = load<u8>(input)
  const predictor = <i32>(flags & PREDICTOR_MASK)
  if (predictor >= PREDICTORS) return 0
  let at = input + 1
  let scale: i64 = 1
  let offset: i64 = 0
  if (flags & IS_SCALED) {
    at = readVarint(at, end, work)
    if (at == 0) return 0
    scale = <i64>load<u64>(work)
    at = readVarint(at, end, work)
    if (at == 0) return 0
    offset = <i64>load<u64>(work)
  }
  let base: u64 = 0
  if (!(flags & IS_NIBBLES) || flags & HAS_BASE) {
    at = readVarint(at, end, work)
    if (at == 0) return 0
    base = load<u64>(work)
  }
  if (flags & IS_NIBBLES) {
    at = decodeNibbles(numbers, count, parts, at, end, work, work + 16)
    if (at == 0) return 0
    if (!(flags & HAS_BASE)) base = load<u64>(work)
  } else {
    const rices = at
    at += parts
    if (at >= end) return 0
    let position: usize = 0
    for (let part = 0; part < parts; part++) {
      const rice = <i32>load<u8>(rices + part)
      if (rice > RICE_MAX) return 0
      position = takeNumbers(
        numbers + (<usize>(part * count) << 3), count, rice, at, position, (end - at) << 3,
      )
      // No number takes no bit at all, so 0 says that the bits ran out.
      if (position == 0) return 0
    }
    at += (position + 7) >> 3
  }
  addPrediction(numbers, count, predictor, unzigzag(base))
  if (flags & IS_SCALED) {
    const stop = numbers + (<usize>count << 3)
    for (let place = numbers; place < stop; place += 8) {
      store<i64>(place, load<i64>(place) * scale + offset)
    }
  }
  return at
}
