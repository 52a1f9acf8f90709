/**
 * JSON numbers from UTF-8 text (RFC 8259) to f64. The commas of a block of text are found first; the digits
 * of each number are then taken from its comma backwards, 16 at a time, without a branch on their count
 * or on the place of the point; then all are rounded. What is no plain decimal of up to 32 bytes is read
 * byte by byte.
 */
import {
  DECIMAL_WORK_BYTES, EXACT_MAX, INFINITY_BITS, TENS_F64, roundLong, roundNear, roundShort,
} from './decimal'

// What parse_numbers_f64 returns. The offset in the result says where.
const DONE: i32 = 0 // after the closing bracket
const UNEXPECTED_BYTE: i32 = 1 // at a byte that no array of numbers has there
const UNEXPECTED_END: i32 = 2 // at the text's end, within the array
const NOT_FINITE: i32 = 3 // at a number beyond the range of f64
const NOT_A_NUMBER: i32 = 4 // at an element that begins as another JSON value does
const TOO_MANY: i32 = 5 // at the first number that the output has no room for

// The result: i32 count, i32 nulls, i32 offset; then working space.
const RESULT_NULLS: usize = 4
const RESULT_OFFSET: usize = 8
const RESULT_CODE: usize = 12
const RESULT_WORK: usize = 16
const RESULT_INDEX: usize = RESULT_WORK + <usize>DECIMAL_WORK_BYTES

/** Bytes of text whose commas are found before their numbers are read. */
const TEXT_BLOCK: usize = 1024

/**
 * Mean length from which all numbers of a block are taken as 32 bytes, though some may fit 16: twice the
 * work for those costs less than a jump that nothing foretells.
 */
const WIDE_BYTES: usize = 12

const PLUS: u8 = 0x2b
const MINUS: u8 = 0x2d
const POINT: u8 = 0x2e
const ZERO: u8 = 0x30
const QUOTE: u8 = 0x22
const OPEN: u8 = 0x5b
const CLOSE: u8 = 0x5d
const OPEN_BRACE: u8 = 0x7b
const LETTER_E: u8 = 0x65
const LETTER_N: u8 = 0x6e
const NULL_TEXT: u32 = 0x6c6c756e

/** Bytes behind the text that parse_numbers_f64 may read; they must be 0. */
export function parse_padding_bytes(): i32 {
  return 64
}

/** Size of the result of parse_numbers_f64. */
export function parse_result_bytes(): i32 {
  return <i32>RESULT_INDEX + (<i32>TEXT_BLOCK + 8) * 4
}

/**
 * Vector constants. A compiler that sees their values makes each anew where it is used; loaded once,
 * they stay in registers, which halves the instructions for a short number.
 */
const CONSTANTS: usize = memory.data<u64>([
  0x3030303030303030, 0x3030303030303030, // '0'
  0x7676767676767676, 0x7676767676767676, // 0x80 − 10
  0x0a010a010a010a01, 0x0a010a010a010a01, // 10 · 256 + 1
  0x0001006400010064, 0x0001006400010064, // 100, 1
  0x0001271000012710, 0x0001271000012710, // 10000, 1
  0x2c2c2c2c2c2c2c2c, 0x2c2c2c2c2c2c2c2c, // ','
])

/** 32 bytes from LAST_LANES + n: a mask of the last n ≤ 32 lanes. In one line of the cache, as the next. */
const LAST_LANES: usize = memory.data<u64>([0, 0, 0, 0, -1, -1, -1, -1], 64)

/** 16 bytes from FIRST_LANES + n: a mask of the first 32 − n lanes, of all 16 up to n = 16. */
const FIRST_LANES: usize = memory.data<u64>([-1, -1, -1, -1, 0, 0, 0, 0, 0, 0], 64)

// @ts-ignore: decorator
@inline
function isDigit(byte: u8): bool {
  return <u32>byte - 0x30 < 10
}

/** One of the four white-space bytes of JSON. */
// @ts-ignore: decorator
@inline
function isSpace(byte: u8): bool {
  // The bits of 0x09, 0x0a, 0x0d and 0x20.
  return byte <= 0x20 && ((<u64>0x100002600 >> <u64>byte) & 1) != 0
}

/** First byte that is no white space. */
function skipSpace(pointer: usize): usize {
  let p = pointer
  while (isSpace(load<u8>(p))) p++
  return p
}

/** Whether eight bytes are digits. */
// @ts-ignore: decorator
@inline
function areDigits(text: u64): bool {
  const upper = text & 0xf0f0f0f0f0f0f0f0
  const carried = ((text + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4
  return (upper | carried) == 0x3333333333333333
}

/** Value of eight digits, the first in the lowest byte. */
// @ts-ignore: decorator
@inline
function valueOf8(text: u64): u64 {
  let value = text - 0x3030303030303030
  value = (value * 10 + (value >> 8)) & 0x00ff00ff00ff00ff
  value = (value * 100 + (value >> 16)) & 0x0000ffff0000ffff
  return (value * 10000 + (value >> 32)) & 0xffffffff
}

/** Values of each four of 16 digits, as i32x4: pairs first, as d0 · 10 + d1 in the upper byte. */
// @ts-ignore: decorator
@inline
function foursOf(digits: v128, toPairs: v128, toFours: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.shr_u(i16x8.mul(digits, toPairs), 8), toFours)
}

// @ts-ignore: decorator
@inline
function maskOf(v0: v128, v1: v128, v2: v128, v3: v128): u64 {
  return <u64>i8x16.bitmask(v0) | (<u64>i8x16.bitmask(v1) << 16) |
    (<u64>i8x16.bitmask(v2) << 32) | (<u64>i8x16.bitmask(v3) << 48)
}

/**
 * Addresses of the commas among the bytes from `from` to `until`.
 *
 * @param index u32[until − from + 8]        @returns behind the last address
 */
function indexCommas(from: usize, until: usize, index: usize): usize {
  const comma = v128.load(CONSTANTS, 80)
  let filled = index
  for (let p = from; p < until; p += 64) {
    let mask = maskOf(
      i8x16.eq(v128.load(p), comma), i8x16.eq(v128.load(p, 16), comma),
      i8x16.eq(v128.load(p, 32), comma), i8x16.eq(v128.load(p, 48), comma),
    )
    const next = filled + (<usize>popcnt(mask) << 2)
    // Four at a time, whether there are as many or not.
    while (mask != 0) {
      store<u32>(filled, <u32>p + <u32>ctz(mask))
      mask &= mask - 1
      store<u32>(filled, <u32>p + <u32>ctz(mask), 4)
      mask &= mask - 1
      store<u32>(filled, <u32>p + <u32>ctz(mask), 8)
      mask &= mask - 1
      store<u32>(filled, <u32>p + <u32>ctz(mask), 12)
      mask &= mask - 1
      filled += 16
    }
    filled = next
  }
  return filled
}

/** Keeps a fault's code for parse_numbers_f64 and returns its place. */
// @ts-ignore: decorator
@inline
function refuse(code: i32, at: usize, result: usize): usize {
  store<i32>(result, code, RESULT_CODE)
  return at
}

/**
 * A number of any length after its sign; stores its magnitude.
 *
 * @returns behind the number, or the place of the fault, whose code is then in the result
 */
function parseAny(start: usize, output: usize, result: usize): usize {
  let p = start
  let w: u64 = 0 // the digits, where there are at most 19
  for (; isDigit(load<u8>(p)); p++) w = w * 10 + load<u8>(p) - 0x30
  if (p == start || (load<u8>(start) == ZERO && p > start + 1)) {
    return refuse(UNEXPECTED_BYTE, p == start ? p : start + 1, result)
  }
  let fraction: i64 = 0
  if (load<u8>(p) == POINT) {
    const first = ++p
    for (; areDigits(load<u64>(p)); p += 8) w = w * 100000000 + valueOf8(load<u64>(p))
    for (; isDigit(load<u8>(p)); p++) w = w * 10 + load<u8>(p) - 0x30
    fraction = <i64>(p - first)
    if (p == first) return refuse(UNEXPECTED_BYTE, p, result)
  }
  const end = p
  let exponent: i64 = 0
  if ((load<u8>(p) | 0x20) == LETTER_E) {
    const sign = load<u8>(++p)
    if (sign == MINUS || sign == PLUS) p++
    const first = p
    for (; isDigit(load<u8>(p)); p++) {
      // Far beyond the digits that a text can hold.
      if (exponent < 100000000000) exponent = exponent * 10 + <i64>(load<u8>(p) - 0x30)
    }
    if (p == first) {
      return refuse(UNEXPECTED_BYTE, p, result)
    }
    if (sign == MINUS) exponent = -exponent
  }
  const power = exponent - fraction
  let bits: u64 = 0
  if (<i32>(end - start) <= 19 + i32(fraction > 0) && power > -10000 && power < 10000) {
    bits = roundShort(w, <i32>power)
  } else {
    let digit = start
    while (digit < end && (load<u8>(digit) == ZERO || load<u8>(digit) == POINT)) digit++
    if (digit < end) {
      const hasPoint = fraction > 0 && digit < end - <usize>fraction
      const digits = <i32>(end - digit) - i32(hasPoint)
      bits = roundLong(digit, end, digits, power, result + RESULT_WORK)
    }
  }
  store<u64>(output, bits)
  return p
}

/**
 * One element of the array with the white space before it, byte by byte; stores its value.
 *
 * @returns the next byte that is no white space, or the place of the fault, whose code is then in the
 * result
 */
function parseElement(pointer: usize, output: usize, result: usize): usize {
  const start = skipSpace(pointer)
  if (load<u32>(start) == NULL_TEXT) {
    store<f64>(output, NaN)
    store<i32>(result, load<i32>(result, RESULT_NULLS) + 1, RESULT_NULLS)
    return skipSpace(start + 4)
  }
  const byte = load<u8>(start)
  // A string, an array, an object, true or false.
  if (byte == QUOTE || byte == OPEN || byte == OPEN_BRACE || byte == 0x74 || byte == 0x66) {
    return refuse(NOT_A_NUMBER, start, result)
  }
  if (byte == LETTER_N) {
    let p = start + 1
    for (let rest = NULL_TEXT >> 8; load<u8>(p) == <u8>rest; rest >>= 8) p++
    return refuse(UNEXPECTED_BYTE, p, result)
  }
  const negative = byte == MINUS
  const after = parseAny(start + <usize>negative, output, result)
  if (load<i32>(result, RESULT_CODE) != DONE) return after
  const bits = load<u64>(output)
  if (bits == INFINITY_BITS) return refuse(NOT_FINITE, start, result)
  store<u64>(output, bits | (<u64>negative << 63))
  return skipSpace(after)
}

/** Digits behind the point, of what roundBlock takes. */
const BEHIND_MASK: u32 = 63

/**
 * Makes digits to numbers, in a loop of its own: its steps depend on one another, and so short a loop has
 * several numbers on the way at once.
 *
 * @param from u32[(until − from) / 4], a number each: digits behind the point (32 where there is no point),
 * the sign in the upper bit        @param end behind the numbers: u64 digits, then f64
 * @param isNarrow whether most have digits that f64 holds exactly
 */
function roundBlock(from: usize, until: usize, end: usize, isNarrow: bool): void {
  let target = end - ((until - from) << 1)
  if (isNarrow) {
    for (let p = from; p < until; p += 4) {
      const shape = load<u32>(p)
      const w = load<u64>(target)
      const behind = shape & BEHIND_MASK
      const bits = w <= EXACT_MAX
        ? reinterpret<u64>(<f64><i64>w / load<f64>(TENS_F64 + (<usize>behind << 3)))
        : roundNear(w, behind & 31)
      store<u64>(target, bits | (<u64>(shape >> 31) << 63))
      target += 8
    }
    return
  }
  for (let p = from; p < until; p += 4) {
    const shape = load<u32>(p)
    store<u64>(target, roundNear(load<u64>(target), shape & 31) | (<u64>(shape >> 31) << 63))
    target += 8
  }
}

/**
 * The elements of an array from `start` on and its closing bracket; the result as parse_numbers_f64's,
 * whose first two words and code must be 0.
 */
function parseElements(
  start: usize, input: usize, end: usize, output: usize, capacity: i32, result: usize,
): i32 {
  const index = result + RESULT_INDEX
  const zeros = v128.load(CONSTANTS)
  const toSigns = v128.load(CONSTANTS, 16)
  const toPairs = v128.load(CONSTANTS, 32)
  const toFours = v128.load(CONSTANTS, 48)
  const toEights = v128.load(CONSTANTS, 64)
  let rest = capacity
  let target = output
  let after: usize = 0
  let isOpen = true
  for (let scanned = start; isOpen && rest > 0 && scanned < end; scanned += TEXT_BLOCK) {
    const until = scanned + TEXT_BLOCK < end ? scanned + TEXT_BLOCK : end
    let filled = indexCommas(scanned, until, index)
    if (<i32>((filled - index) >> 2) > rest) filled = index + (<usize>rest << 2)
    rest -= <i32>((filled - index) >> 2)
    // Bytes up to which a number is taken from 16; 0 where all are taken from 32.
    const narrowMax: u32 = ((filled - index) >> 2) * WIDE_BYTES > until - scanned ? 16 : 0
    let pending = index
    for (let separator = index; separator < filled; separator += 4) {
      const stop = <usize>load<u32>(separator)
      let first = start
      if (load<u8>(first) <= 0x20) first = skipSpace(first)
      const negative = <u32>(load<u8>(first) == MINUS)
      first += <usize>negative
      // Everything below counts from the last byte: bit 31 − i of a mask stands for i bytes before it.
      const size = <i32>(stop - first)
      const before = stop - 33
      const text = v128.load(before, 17)
      const digits = i8x16.sub(text, zeros)
      let others = i8x16.bitmask(i8x16.add_sat_u(digits, toSigns)) << 16
      const firstBit = 1 << -size
      const inside = -firstBit
      let w: u64 = 0
      let behind = 0 // digits after the point; 32 where there is no point
      let fault = 0
      if (<u32>(size - 1) < narrowMax) {
        others &= inside
        behind = clz(others)
        const moved = v128.load(FIRST_LANES + <usize>behind, 16)
        const joined = v128.bitselect(v128.load(before, 16), text, moved)
        const wanted = v128.load(LAST_LANES + <usize>(size - i32(others != 0)), 16)
        const all = v128.and(i8x16.sub(joined, zeros), wanted)
        const fours = foursOf(all, toPairs, toFours)
        const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_s(fours, fours), toEights)
        const value = <u64>i64x2.extract_lane(eights, 0)
        w = (value & 0xffffffff) * 100000000 + (value >> 32)
      } else if (<u32>(size - 1) < 32) {
        const text0 = v128.load(before, 1)
        const digits0 = i8x16.sub(text0, zeros)
        others |= i8x16.bitmask(i8x16.add_sat_u(digits0, toSigns))
        others &= inside
        behind = clz(others)
        const moved = v128.load(FIRST_LANES + <usize>behind, 16)
        const moved0 = v128.load(FIRST_LANES + <usize>behind)
        const joined = v128.bitselect(v128.load(before, 16), text, moved)
        const joined0 = v128.bitselect(v128.load(before), text0, moved0)
        const wanted = LAST_LANES + <usize>(size - i32(others != 0))
        const all0 = v128.and(i8x16.sub(joined0, zeros), v128.load(wanted))
        const all = v128.and(i8x16.sub(joined, zeros), v128.load(wanted, 16))
        const fours0 = foursOf(all0, toPairs, toFours)
        const fours = foursOf(all, toPairs, toFours)
        const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_s(fours0, fours), toEights)
        // The eight digits before the last eight of these in the upper half.
        const high = rotr<u64>(i64x2.extract_lane(eights, 0), 32)
        const low = <u64>i64x2.extract_lane(eights, 1)
        w = high * 10000000000000000 + (low & 0xffffffff) * 100000000 + (low >> 32)
        // 10^19 and what is above does not fit, and 10^23 is no f64.
        fault = i32(high >= 1000) | i32(<u32>(behind - 23) < 9)
      } else {
        fault = 1
      }
      // At most one byte is no digit, it is a point, and neither first nor last.
      const isOther = i32(load<u8>(stop - 1 - <usize>(behind & 31)) != POINT)
      fault |= (i32(others != 0) & isOther) | (others & (others - 1)) |
        (others & (firstBit | 0x80000000))
      // A zero comes first only where the point is next, or nothing.
      fault |= (others ^ (firstBit << 1)) & -i32(load<u8>(first) == ZERO)
      if (fault != 0) {
        roundBlock(pending, separator, target, narrowMax != 0)
        pending = separator + 4
        after = parseElement(start, target, result)
        isOpen = after == stop && load<i32>(result, RESULT_CODE) == DONE
        if (!isOpen) break
      } else {
        store<u64>(target, w)
        store<u32>(separator, <u32>behind | (negative << 31))
      }
      target += 8
      start = stop + 1
    }
    if (isOpen) roundBlock(pending, filled, target, narrowMax != 0)
  }
  // Behind the last comma, or where the output ends.
  const isFull = target == output + (<usize>capacity << 3)
  if (isOpen) after = parseElement(start, isFull ? index : target, result)
  let code = load<i32>(result, RESULT_CODE)
  if (code == DONE && isFull) {
    code = TOO_MANY
    after = skipSpace(start)
  }
  if (code == DONE) {
    target += 8
    if (load<u8>(after) == CLOSE) after++
    else code = UNEXPECTED_BYTE
  }
  store<i32>(result, <i32>((target - output) >> 3))
  // At or behind the end there is nothing that could be unexpected.
  if (code == UNEXPECTED_BYTE && after >= end) code = UNEXPECTED_END
  store<i32>(result, <i32>((after < end ? after : end) - input), RESULT_OFFSET)
  return code
}

/**
 * A JSON array of numbers and nulls, as JSON.parse accepts it, from text to f64; null becomes NaN.
 *
 * @param input u8[length + parse_padding_bytes()], white space and then '['; the bytes after
 * length are 0, what follows the closing bracket within length is not looked at
 * @param output f64[capacity]        @param result u8[parse_result_bytes()], aligned to 8 = i32
 * numbers and nulls stored, i32 nulls among them, i32 offset; the rest is working space
 * @returns 0 done, offset behind ']'; 1 unexpected byte; 2 unexpected end; 3 not finite (rounds to
 * an infinity); 4 not a number (a string, object, array, true or false); 5 more than capacity.
 * offset is then that of the fault, for 3, 4 and 5 that of the element
 * Accuracy: correctly rounded, −0 kept.
 * Source: Lemire 2021, doi:10.1002/spe.2984; Clinger 1990, doi:10.1145/93542.93557; separators
 * first, values then: Langdale & Lemire 2019, doi:10.1007/s00778-019-00578-5.
 */
export function parse_numbers_f64(
  input: usize, length: i32, output: usize, capacity: i32, result: usize,
): i32 {
  const end = input + <usize>length
  store<i64>(result, 0)
  store<i64>(result, 0, RESULT_OFFSET)
  let start = skipSpace(input)
  if (load<u8>(start) != OPEN) {
    store<i32>(result, <i32>(start - input), RESULT_OFFSET)
    return start < end ? UNEXPECTED_BYTE : UNEXPECTED_END
  }
  start = skipSpace(start + 1)
  if (load<u8>(start) == CLOSE) {
    store<i32>(result, <i32>(start + 1 - input), RESULT_OFFSET)
    return DONE
  }
  return parseElements(start, input, end, output, capacity, result)
}

/**
 * As parse_numbers_f64, from an element of an array on. A text that ends with a comma between two elements
 * gives 2 with the text's length as offset, and all elements that it has.
 */
export function parse_elements_f64(
  input: usize, length: i32, output: usize, capacity: i32, result: usize,
): i32 {
  store<i64>(result, 0)
  store<i64>(result, 0, RESULT_OFFSET)
  return parseElements(input, input, input + <usize>length, output, capacity, result)
}
