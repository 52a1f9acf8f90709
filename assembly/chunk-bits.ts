/**
 * Bits and variable-length integers of a chunk, least significant bit first.
 *
 * A position counts bits from `base`. Whoever writes lets eight bytes follow the last one, and sets the
 * first to 0; every put() then leaves zeros behind what it wrote, so that the next may add to them.
 * Whoever reads lets READ_MARGIN_BYTES follow, and compares the position with the end himself.
 */


/** No sample is longer, whatever the bits say; a reader who checks after each stays within. */
export const READ_MARGIN_BYTES: i32 = 64

/** Adds a value of at most 56 bits, so that the byte of the next position is among those stored. */
// @ts-ignore: decorator
@inline
export function put(base: usize, position: usize, value: u64): void {
  const at = base + (position >> 3)
  store<u64>(at, <u64>load<u8>(at) | (value << (position & 7)))
}

/** All 64 bits of a value. */
// @ts-ignore: decorator
@inline
export function putWord(base: usize, position: usize, value: u64): void {
  put(base, position, value & 0xffffffff)
  put(base, position + 32, value >> 32)
}

/** At least 57 bits from a position on. */
// @ts-ignore: decorator
@inline
export function peek(base: usize, position: usize): u64 {
  return load<u64>(base + (position >> 3)) >> (position & 7)
}

// @ts-ignore: decorator
@inline
export function peekWord(base: usize, position: usize): u64 {
  return (peek(base, position) & 0xffffffff) | (peek(base, position + 32) << 32)
}

/** Whole numbers of either sign as whole numbers: 0, −1, 1, −2, … */
// @ts-ignore: decorator
@inline
export function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63))
}

// @ts-ignore: decorator
@inline
export function unzigzag(value: u64): i64 {
  return <i64>(value >> 1) ^ -<i64>(value & 1)
}

/** LEB128.  @returns the address behind it */
export function writeVarint(at: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(at++, <u8>value | 0x80)
    value >>= 7
  }
  store<u8>(at, <u8>value)
  return at + 1
}

/**
 * @param value address of u64
 * @returns the address behind it; 0 where it is cut off at `end` or longer than ten bytes
 */
export function readVarint(at: usize, end: usize, value: usize): usize {
  let result: u64 = 0
  for (let shift: u64 = 0; at < end && shift < 70; shift += 7) {
    const byte = load<u8>(at++)
    result |= <u64>(byte & 0x7f) << shift
    if (byte < 0x80) {
      store<u64>(value, result)
      return at
    }
  }
  return 0
}
