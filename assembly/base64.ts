/** Base64 (RFC 4648) to bytes: 16 characters at a time, the last ones singly. */

// What base64_decode returns. The offset in the result says where.
const DONE: i32 = 0
const UNEXPECTED_BYTE: i32 = 1 // no character of the alphabet, or padding before the end
const UNEXPECTED_END: i32 = 2 // the last group is cut off, or lacks its padding
const LOOSE_BITS: i32 = 3 // the last character holds bits that no byte takes

const PADDING: u8 = 0x3d

/** Six bits of a character; 0xff for none. `last` is the character 62 in the low byte, 63 above. */
// @ts-ignore: decorator
@inline
function valueOf(byte: u8, last: u32): u32 {
  const letter = <u32>(byte | 0x20) - 0x61
  if (letter < 26) return letter + (byte & 0x20 ? 26 : 0)
  const digit = <u32>byte - 0x30
  if (digit < 10) return digit + 52
  if (byte == <u8>last) return 62
  return byte == <u8>(last >> 8) ? 63 : 0xff
}

/** Lanes from `low` on, `count` of them, moved by `by`; other lanes 0. */
// @ts-ignore: decorator
@inline
function moveRange(text: v128, low: u8, count: u8, by: u8): v128 {
  const inRange = i8x16.lt_u(i8x16.sub(text, i8x16.splat(low)), i8x16.splat(count))
  return v128.and(inRange, i8x16.add(text, i8x16.splat(by)))
}

/**
 * Decodes base64.
 *
 * Canonical text only: no white space, and the bits that no byte takes must be 0. The standard
 * alphabet (+ /) needs its padding; the URL alphabet (- _) may leave it out, all of it.
 *
 * @param input u8[length]        @param isUrl 0 standard, 1 URL
 * @param output u8[⌈length / 4⌉ · 3]        @param result i32[2] = bytes written, offset of the fault
 * @returns 0 done; 1 unexpected byte; 2 unexpected end (offset = length); 3 loose bits
 * Source: RFC 4648 §§ 3.5, 4, 5.
 */
export function base64_decode(
  input: usize, length: i32, isUrl: i32, output: usize, result: usize,
): i32 {
  const last: u32 = isUrl ? 0x5f2d : 0x2f2b
  let end = input + <usize>length
  let p = input
  let target = output
  let code = DONE
  // Three bytes more than the 12 that count are stored: eight characters must follow.
  for (; p + 24 <= end; p += 16) {
    const text = v128.load(p)
    const is62 = i8x16.eq(text, i8x16.splat(<i8>last))
    const is63 = i8x16.eq(text, i8x16.splat(<i8>(last >> 8)))
    const letters = v128.or(
      moveRange(text, 0x41, 26, 1 - 0x41), moveRange(text, 0x61, 26, 27 - 0x61),
    )
    const marks = v128.or(
      v128.and(is62, i8x16.splat(63)), v128.and(is63, i8x16.splat(64)),
    )
    // One more than the value, so that 0 is no character.
    const found = v128.or(v128.or(letters, moveRange(text, 0x30, 10, 53 - 0x30)), marks)
    if (!i8x16.all_true(found)) break
    const values = i8x16.sub(found, i8x16.splat(1))
    // Pairs of six bits, then fours: 24 bits a lane, whose bytes are then turned around.
    const pairs = v128.or(
      i16x8.shl(v128.and(values, i16x8.splat(0xff)), 6), i16x8.shr_u(values, 8),
    )
    const fours = i32x4.dot_i16x8_s(pairs, i32x4.splat(0x00011000))
    const bytes = i8x16.swizzle(
      fours, i8x16(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1),
    )
    v128.store(target, bytes)
    target += 12
  }
  // Padding fills the last group; what is left is a group of two or three characters.
  const rest = length & 3
  if (rest == 0 && length >= 4 && load<u8>(end - 1) == PADDING) {
    end -= load<u8>(end - 2) == PADDING ? 2 : 1
  } else if (!isUrl && rest != 0) {
    code = UNEXPECTED_END
  }
  let bits: u32 = 0
  let held = 0
  for (; p < end; p++) {
    const value = valueOf(load<u8>(p), last)
    if (value == 0xff) break
    bits = (bits << 6) | value
    held += 6
    if (held >= 8) {
      held -= 8
      store<u8>(target++, <u8>(bits >> held))
    }
  }
  let offset = <i32>(p - input)
  if (p < end) {
    code = UNEXPECTED_BYTE
  } else if (code != DONE || held == 6) {
    // Without padding, one character alone is no byte; with it, it stands before the padding.
    code = end == input + <usize>length ? UNEXPECTED_END : UNEXPECTED_BYTE
  } else if (held > 0 && (bits & ((1 << held) - 1)) != 0) {
    code = LOOSE_BITS
    offset--
  }
  store<i32>(result, <i32>(target - output))
  store<i32>(result, offset, 4)
  return code
}
