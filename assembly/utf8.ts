/** Validity of UTF-8 (Unicode, table 3-7). */

/** Bytes of the well-formed sequence at `at`; 0 where there is none. */
// @ts-ignore: decorator
@inline
function sequenceBytes(at: usize, end: usize): i32 {
  const first = <u32>load<u8>(at)
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const left = end - at
  if (left < 2) return 0
  const second = <u32>load<u8>(at, 1)
  if (first < 0xe0) return (second & 0xc0) == 0x80 ? 2 : 0
  // The second byte's range says no to overlong forms, surrogates and what is beyond U+10FFFF.
  let low: u32 = 0x80
  let high: u32 = 0xbf
  if (first == 0xe0) low = 0xa0
  else if (first == 0xed) high = 0x9f
  else if (first == 0xf0) low = 0x90
  else if (first == 0xf4) high = 0x8f
  if (second < low || second > high) return 0
  if (left < 3 || (load<u8>(at, 2) & 0xc0) != 0x80) return 0
  if (first < 0xf0) return 3
  return left >= 4 && (load<u8>(at, 3) & 0xc0) == 0x80 ? 4 : 0
}

/**
 * Whether texts, each before one byte 0xFF, are well-formed UTF-8.
 *
 * @param bytes u8[count], then 16 bytes of zeros        @param texts how many bytes 0xFF stand there
 */
export function areTextsValid(bytes: usize, count: i32, texts: i32): bool {
  const end = bytes + <usize>count
  // Where all is ASCII, nothing but these bytes has the high bit.
  let high = 0
  for (let at = bytes; at < end; at += 16) high += popcnt(i8x16.bitmask(v128.load(at)))
  if (high == texts) return true
  for (let at = bytes; at < end; ) {
    if (load<u8>(at) == 0xff) {
      // One within a text ends it too early, and one is left over.
      if (--texts < 0) return false
      at++
      continue
    }
    const sizeBytes = sequenceBytes(at, end)
    if (sizeBytes == 0) return false
    at += <usize>sizeBytes
  }
  return true
}
