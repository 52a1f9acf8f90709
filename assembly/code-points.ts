/** UTF-8 and what kind of character a code point is, as far as text features need it. */

/** Kinds of code points. */
export const MARK: i32 = 0 // punctuation, symbols, controls, emoji, U+FFFD
export const SPACE: i32 = 1
export const DIGIT: i32 = 2 // 0–9
export const LATIN: i32 = 3
export const CYRILLIC: i32 = 4
export const OTHER: i32 = 5 // letters of every other script
export const CJK: i32 = 6 // Han, kana, bopomofo, Hangul

// Kinds of ASCII, one byte each.
const ASCII_KINDS: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0,
  0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0,
  0, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0,
])

// @ts-ignore: decorator
@inline
export function kindOfAscii(byte: i32): i32 {
  return load<u8>(ASCII_KINDS + <usize>byte)
}

// @ts-ignore: decorator
@inline
function within(point: i32, first: i32, last: i32): bool {
  return <u32>(point - first) <= <u32>(last - first)
}

/** Kind of a code point ≥ U+0080; src/kernels/text.ts has the same ranges in words. */
// @ts-ignore: decorator
@inline
export function kindOfPoint(point: i32): i32 {
  // Most of what is asked.
  return within(point, 0x3040, 0x9fff) ? CJK : kindOfOther(point)
}

function kindOfOther(point: i32): i32 {
  if (point < 0x250) {
    if (point == 0x85 || point == 0xa0) return SPACE
    if (point < 0xc0) return point == 0xaa || point == 0xba ? LATIN : MARK
    return point == 0xd7 || point == 0xf7 ? MARK : LATIN
  }
  if (within(point, 0x400, 0x52f)) return CYRILLIC
  if (point < 0x1100) return OTHER
  if (point < 0x2000) {
    if (point <= 0x11ff) return CJK
    if (point == 0x1680) return SPACE
    if (within(point, 0x1c80, 0x1c8f)) return CYRILLIC
    return within(point, 0x1e00, 0x1eff) ? LATIN : OTHER
  }
  if (point < 0x2c00) {
    const isSpace = point <= 0x200a || point == 0x2028 || point == 0x2029 || point == 0x202f
    return isSpace || point == 0x205f ? SPACE : MARK
  }
  if (point < 0x2e80) {
    if (within(point, 0x2de0, 0x2dff)) return CYRILLIC
    return point >= 0x2e00 ? MARK : OTHER
  }
  if (point < 0xa000) {
    if (point == 0x3000) return SPACE
    if (within(point, 0x3001, 0x3004) || within(point, 0x3008, 0x303f)) return MARK
    return CJK
  }
  if (within(point, 0xa640, 0xa69f)) return CYRILLIC
  if (within(point, 0xac00, 0xd7ff) || within(point, 0xf900, 0xfaff)) return CJK
  if (within(point, 0xe000, 0xf8ff)) return MARK
  if (within(point, 0xfe00, 0xfe6f)) return MARK
  if (within(point, 0xfeff, 0xffff)) {
    if (within(point, 0xff66, 0xffdc)) return CJK
    const isLatin = within(point, 0xff21, 0xff3a) || within(point, 0xff41, 0xff5a)
    return isLatin ? LATIN : MARK
  }
  if (within(point, 0x1f000, 0x1faff) || point >= 0xe0000) return MARK
  if (within(point, 0x20000, 0x3ffff)) return CJK
  return OTHER
}

/** Code points of mathematics, whatever their kind: ± × ÷, super- and subscripts, operators, … */
export function isMathSymbol(point: i32): bool {
  if (point < 0x2070) {
    return (
      point == 0xb1 || point == 0xb2 || point == 0xb3 || point == 0xb9 || point == 0xd7 ||
      point == 0xf7
    )
  }
  return (
    within(point, 0x2070, 0x209f) || within(point, 0x2100, 0x214f) ||
    within(point, 0x2200, 0x22ff) || within(point, 0x27c0, 0x27ef) ||
    within(point, 0x2980, 0x2aff) || within(point, 0x1d400, 0x1d7ff)
  )
}

// @ts-ignore: decorator
@inline
function isContinuation(at: usize, end: usize, low: u32, high: u32): bool {
  return at < end && <u32>load<u8>(at) - low <= high - low
}

/** What malformed bytes stand for. */
const REPLACEMENT: i32 = 0xfffd

/**
 * The code point whose first byte, ≥ 0x80, is at `at`: bytes it takes · 2^24 + the code point; the
 * sign bit where they are malformed, which gives U+FFFD for each longest start of a sequence.
 * Source: WHATWG Encoding, "UTF-8 decoder"; Unicode 15, table 3-7.
 */
// @ts-ignore: decorator
@inline
export function decode(at: usize, end: usize): i32 {
  // Three bytes from U+1000 to U+CFFF, whose continuations have no bounds of their own.
  if (at + 2 < end) {
    const lead = <u32>load<u8>(at)
    const rest = <u32>load<u16>(at, 1)
    if (lead - 0xe1 < 12 && (rest & 0xc0c0) == 0x8080) {
      return (3 << 24) | <i32>(((lead & 0xf) << 12) | ((rest & 0x3f) << 6) | ((rest >>> 8) & 0x3f))
    }
  }
  return decodeAny(at, end)
}

function decodeAny(at: usize, end: usize): i32 {
  const malformed = <i32>0x80000000 | REPLACEMENT
  const lead = <i32>load<u8>(at)
  if (lead < 0xc2 || lead > 0xf4) return malformed | (1 << 24)
  const low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80
  const high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf
  if (!isContinuation(at + 1, end, low, high)) return malformed | (1 << 24)
  const second = <i32>load<u8>(at, 1) & 0x3f
  if (lead < 0xe0) return (2 << 24) | ((lead & 0x1f) << 6) | second
  if (!isContinuation(at + 2, end, 0x80, 0xbf)) return malformed | (2 << 24)
  const third = <i32>load<u8>(at, 2) & 0x3f
  if (lead < 0xf0) return (3 << 24) | ((lead & 0xf) << 12) | (second << 6) | third
  if (!isContinuation(at + 3, end, 0x80, 0xbf)) return malformed | (3 << 24)
  const fourth = <i32>load<u8>(at, 3) & 0x3f
  return (4 << 24) | ((lead & 0x7) << 18) | (second << 12) | (third << 6) | fourth
}
