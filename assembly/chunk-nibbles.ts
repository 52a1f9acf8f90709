/**
 * Whole numbers near 0 by adaptive probabilities of their lengths and leading bits: smaller than
 * chunk-rice, whatever their distribution, and slower.
 *
 * A number (zigzag) of b bits is the symbol b; after it, by b, the four bits below its leading one;
 * then, by both, four more where b ≤ MODELLED_BITS_MAX; the rest as it is. Symbols of sixteen values have
 * cumulative frequencies that move towards what was seen, all sixteen at once. Two range asymmetric
 * numeral systems, one of lengths and one of the other bits, write 16-bit words into one stream, so that
 * neither waits for the other. A coder's first state is free below its lower bound: it carries `extra`.
 * Source: Duda 2013, arXiv:1311.2540; Giesen 2014, arXiv:1402.3392, and his "Mixing discrete
 * probability distributions", 2015.
 *
 * ```
 * 72 bits: both states        varint: twice the words, 1 more where a length is above 15
 * u16 each: words             bits that no symbol says
 * ```
 */
import { peek, put, readVarint, unzigzag, writeVarint, zigzag } from './chunk-bits'

/** Frequencies of a model add up to 2^PROBABILITY_BITS: they are compared as signed 16-bit lanes. */
const PROBABILITY_BITS: u64 = 15
const TOTAL: u32 = 1 << 15

/** A state is in [2^EXTRA_BITS, 2^STATE_BITS): at most one word goes out or in a symbol. */
export const EXTRA_BITS: u64 = 20
const STATE_BITS: u64 = 36
const LOWER: u64 = 1 << 20

/** The longest numbers all of whose bits are modelled. */
const MODELLED_BITS_MAX: usize = 9

// A model: u16[16] cumulative frequencies, their total, how many symbols it has seen.
const MODEL_BYTES: usize = 48
const SEEN: usize = 40

// Models: lengths / 16; lengths % 16 by that; bits after the leading one by length; then by both.
const LOW_LENGTHS: usize = MODEL_BYTES
const UPPER_BITS: usize = LOW_LENGTHS + 5 * MODEL_BYTES
const LOWER_BITS: usize = UPPER_BITS + 65 * MODEL_BYTES
const LOWER_LENGTH_MIN: usize = 6
const MODELS: usize = 1 + 5 + 65 + 16 * (9 - 6 + 1)
const MODELS_BYTES: usize = MODELS * MODEL_BYTES

/** How far a model moves towards the symbol it sees, in 1 / 2^15: 1 / (2 + seen), to 1 / 2^6. */
const SEEN_MAX: u32 = 62
const RATES: usize = memory.data<u16>([
  16384, 10923, 8192, 6554, 5461, 4681, 4096, 3641, 3277, 2979, 2731, 2521, 2341, 2185, 2048, 1928,
  1820, 1725, 1638, 1560, 1489, 1425, 1365, 1311, 1260, 1214, 1170, 1130, 1092, 1057, 1024, 993,
  964, 936, 910, 886, 862, 840, 819, 799, 780, 762, 745, 728, 712, 697, 683, 669,
  655, 643, 630, 618, 607, 596, 585, 575, 565, 555, 546, 537, 529, 520, 512,
])

/** Models, and a word for each of at most four symbols of a number. */
export function nibblesWorkBytes(count: i32): i32 {
  return <i32>MODELS_BYTES + count * 16
}

function resetModels(models: usize): void {
  const low = i16x8(0, 2048, 4096, 6144, 8192, 10240, 12288, 14336)
  const high = i16x8(16384, 18432, 20480, 22528, 24576, 26624, 28672, 30720)
  for (let at = models; at < models + MODELS_BYTES; at += MODEL_BYTES) {
    v128.store(at, low)
    v128.store(at, high, 16)
    v128.store(at, i32x4(TOTAL, 0, 0, 0), 32)
  }
}

/** Moves a model towards a symbol. Every frequency stays at least 1. */
// @ts-ignore: decorator
@inline
function adapt(model: usize, symbol: u32): void {
  const seen = load<u32>(model, SEEN)
  const rate = v128.load16_splat(RATES + (<usize>seen << 1))
  if (seen < SEEN_MAX) store<u32>(model, seen + 1, SEEN)
  const lanes = i16x8(0, 1, 2, 3, 4, 5, 6, 7)
  const lanesHigh = i16x8(8, 9, 10, 11, 12, 13, 14, 15)
  const at = i16x8.splat(<i16>symbol)
  // Below and at the symbol lane i, above it 2^15 − 16 + i: each other symbol keeps a frequency of 1.
  const above = i16x8.splat(32752)
  const target = i16x8.add(lanes, v128.and(i16x8.gt_s(lanes, at), above))
  const targetHigh = i16x8.add(lanesHigh, v128.and(i16x8.gt_s(lanesHigh, at), above))
  const low = v128.load(model)
  const high = v128.load(model, 16)
  v128.store(model, i16x8.add(low, i16x8.q15mulr_sat_s(i16x8.sub(target, low), rate)))
  v128.store(model, i16x8.add(high, i16x8.q15mulr_sat_s(i16x8.sub(targetHigh, high), rate)), 16)
}

/** The symbol whose range holds a value below TOTAL. */
// @ts-ignore: decorator
@inline
function symbolAt(model: usize, value: u32): u32 {
  const wanted = i16x8.splat(<i16>value)
  const mask = i8x16.bitmask(
    i8x16.narrow_i16x8_s(
      i16x8.le_s(v128.load(model), wanted), i16x8.le_s(v128.load(model, 16), wanted),
    ),
  )
  return 31 - clz(mask)
}

/** Notes a symbol's range, for the coder that goes backwards, and which of the two codes it. */
// @ts-ignore: decorator
@inline
function note(model: usize, symbol: u32, isBits: u32, at: usize): void {
  const start = <u32>load<u16>(model + (<usize>symbol << 1))
  const frequency = <u32>load<u16>(model + (<usize>symbol << 1), 2) - start
  store<u32>(at, (isBits << 31) | (start << 16) | frequency)
  adapt(model, symbol)
}

/**
 * @param numbers i64[parts][count]; the models of one part are not those of another
 * @param extra below 2^(2 · EXTRA_BITS)
 * @param work nibblesWorkBytes(parts · count)
 * @returns the address behind
 */
export function encodeNibbles(
  numbers: usize, count: i32, parts: i32, extra: u64, work: usize, output: usize,
): usize {
  const notes = work + MODELS_BYTES
  let all: u64 = 0
  for (let i = 0; i < count * parts; i++) all |= zigzag(load<i64>(numbers + (<usize>i << 3)))
  const isLong = all >= 1 << 15
  // Bits that no symbol says wait behind the numbers' notes until the words' room is known.
  let noted = notes
  for (let part = 0; part < parts; part++) {
    resetModels(work)
    for (let i = 0; i < count; i++) {
      const u = zigzag(load<i64>(numbers + (<usize>(part * count + i) << 3)))
      const bits: usize = 64 - <usize>clz(u)
      if (isLong) {
        note(work, <u32>(bits >> 4), 0, noted)
        noted += 4
      }
      note(work + LOW_LENGTHS + (bits >> 4) * MODEL_BYTES, <u32>(bits & 15), 0, noted)
      noted += 4
      if (bits < 2) continue
      const below = bits - 1
      const rest = u ^ ((<u64>1) << below)
      const shift = below > 4 ? below - 4 : 0
      const upper = <usize>(rest >> shift)
      note(work + UPPER_BITS + bits * MODEL_BYTES, <u32>upper, 1, noted)
      noted += 4
      if (shift == 0 || bits > MODELLED_BITS_MAX) continue
      const lower = rest & (((<u64>1) << shift) - 1)
      const model = LOWER_BITS + (((bits - LOWER_LENGTH_MIN) << 4) + upper) * MODEL_BYTES
      note(work + model, <u32>lower, 1, noted)
      noted += 4
    }
  }
  // Words are written from their last, from the end of the room that they may need.
  const room = output + 24 + ((noted - notes) >> 1)
  let word = room
  let lengths = LOWER | (extra & (LOWER - 1))
  let rests = LOWER | (extra >> EXTRA_BITS)
  while (noted > notes) {
    noted -= 4
    const range = load<u32>(noted)
    const frequency = <u64>(range & 0xffff)
    let state = range >> 31 ? rests : lengths
    if (state >= frequency << (STATE_BITS - PROBABILITY_BITS)) {
      word -= 2
      store<u16>(word, <u16>state)
      state >>= 16
    }
    // Exact: both are whole and below 2^36, and a quotient is 2^−15 or more from the next whole one.
    const quotient = <u64>(<f64>state / <f64>frequency)
    state = (quotient << PROBABILITY_BITS) + (state - quotient * frequency) + ((range >> 16) & 0x7fff)
    if (range >> 31) rests = state
    else lengths = state
  }
  store<u8>(output, 0)
  put(output, 0, lengths)
  put(output, <usize>STATE_BITS, rests)
  const words = (room - word) >> 1
  let at = writeVarint(output + 9, (words << 1) | <u64>isLong)
  memory.copy(at, word, words << 1)
  at += words << 1
  store<u8>(at, 0)
  let position: usize = 0
  for (let i = 0; i < count * parts; i++) {
    const u = zigzag(load<i64>(numbers + (<usize>i << 3)))
    const bits: usize = 64 - <usize>clz(u)
    if (bits <= MODELLED_BITS_MAX) continue
    const left = bits - 5
    const rest = u & (((<u64>1) << left) - 1)
    if (left > 32) {
      put(at, position, rest & 0xffffffff)
      put(at, position + 32, rest >> 32)
    } else {
      put(at, position, rest)
    }
    position += left
  }
  return at + ((position + 7) >> 3)
}

/**
 * @param numbers i64[parts][count], written        @param work nibblesWorkBytes(0)
 * @param extra address of u64, written
 * @returns the address behind; 0 where the bytes are no such numbers
 */
export function decodeNibbles(
  numbers: usize, count: i32, parts: i32, input: usize, end: usize, extra: usize, work: usize,
): usize {
  if (end < input + 10) return 0
  let lengths = peek(input, 0) & (((<u64>1) << STATE_BITS) - 1)
  let rests = peek(input, <usize>STATE_BITS) & (((<u64>1) << STATE_BITS) - 1)
  let word = readVarint(input + 9, end, extra)
  if (word == 0) return 0
  const isLong = load<u64>(extra) & 1
  const words = load<u64>(extra) >> 1
  if (words > <u64>(end - word) >> 1) return 0
  const wordsEnd = word + (<usize>words << 1)
  const tail = wordsEnd
  const stop = <usize>(end - tail) << 3
  let position: usize = 0
  let at = numbers
  for (let part = 0; part < parts; part++) {
    resetModels(work)
    const partEnd = at + (<usize>count << 3)
    for (; at < partEnd; at += 8) {
      let high: usize = 0
      if (isLong) {
        const value = <u32>lengths & (TOTAL - 1)
        const symbol = symbolAt(work, value)
        if (symbol > 4) return 0
        const start = <u32>load<u16>(work + (<usize>symbol << 1))
        const frequency = <u32>load<u16>(work + (<usize>symbol << 1), 2) - start
        lengths = <u64>frequency * (lengths >> PROBABILITY_BITS) + (value - start)
        if (lengths < LOWER) {
          lengths = (lengths << 16) | load<u16>(word)
          word += 2
        }
        adapt(work, symbol)
        high = <usize>symbol
      }
      const lengthModel = work + LOW_LENGTHS + high * MODEL_BYTES
      const value = <u32>lengths & (TOTAL - 1)
      const low = symbolAt(lengthModel, value)
      const start = <u32>load<u16>(lengthModel + (<usize>low << 1))
      const frequency = <u32>load<u16>(lengthModel + (<usize>low << 1), 2) - start
      lengths = <u64>frequency * (lengths >> PROBABILITY_BITS) + (value - start)
      if (lengths < LOWER) {
        lengths = (lengths << 16) | load<u16>(word)
        word += 2
      }
      adapt(lengthModel, low)
      const bits = (high << 4) + <usize>low
      if (bits < 2) {
        store<i64>(at, -<i64>bits)
        if (word > wordsEnd) return 0
        continue
      }
      if (bits > 64) return 0
      const below = bits - 1
      const shift = below > 4 ? below - 4 : 0
      const upperModel = work + UPPER_BITS + bits * MODEL_BYTES
      const upperValue = <u32>rests & (TOTAL - 1)
      const upper = symbolAt(upperModel, upperValue)
      const upperStart = <u32>load<u16>(upperModel + (<usize>upper << 1))
      const upperFrequency = <u32>load<u16>(upperModel + (<usize>upper << 1), 2) - upperStart
      rests = <u64>upperFrequency * (rests >> PROBABILITY_BITS) + (upperValue - upperStart)
      if (rests < LOWER) {
        rests = (rests << 16) | load<u16>(word)
        word += 2
      }
      adapt(upperModel, upper)
      let u = ((<u64>1) << below) | (<u64>upper << shift)
      if (bits > MODELLED_BITS_MAX) {
        const mask = ((<u64>1) << shift) - 1
        u |= (shift > 32
          ? (peek(tail, position) & 0xffffffff) | (peek(tail, position + 32) << 32)
          : peek(tail, position)) & mask
        position += shift
        if (position > stop) return 0
      } else if (shift > 0) {
        const model = work + LOWER_BITS +
          (((bits - LOWER_LENGTH_MIN) << 4) + <usize>upper) * MODEL_BYTES
        const lowerValue = <u32>rests & (TOTAL - 1)
        const lower = symbolAt(model, lowerValue)
        const lowerStart = <u32>load<u16>(model + (<usize>lower << 1))
        const lowerFrequency = <u32>load<u16>(model + (<usize>lower << 1), 2) - lowerStart
        rests = <u64>lowerFrequency * (rests >> PROBABILITY_BITS) + (lowerValue - lowerStart)
        if (rests < LOWER) {
          rests = (rests << 16) | load<u16>(word)
          word += 2
        }
        adapt(model, lower)
        u |= lower
      }
      if (word > wordsEnd) return 0
      store<i64>(at, unzigzag(u))
    }
  }
  // Whoever decodes all symbols is back at the encoder's first states.
  if (word != wordsEnd || lengths >> EXTRA_BITS != 1 || rests >> EXTRA_BITS != 1) return 0
  store<u64>(extra, (lengths & (LOWER - 1)) | ((rests & (LOWER - 1)) << EXTRA_BITS))
  return tail + ((position + 7) >> 3)
}
