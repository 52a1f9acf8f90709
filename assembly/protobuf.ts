/** Protobuf's wire format, read field by field: depth and time are bounded by the reader's own code. */

// Faults, in Reader.fault.
export const UNEXPECTED_END: i32 = 1 // a field, or a length, passes the end of its message
export const LONG_VARINT: i32 = 2 // more than 64 bits
export const BAD_TAG: i32 = 3 // field 0, a group or a wire type that there is not
export const WRONG_TYPE: i32 = 4 // a known field with another wire type

// Wire types.
export const VARINT: u32 = 0
export const FIXED64: u32 = 1
export const BYTES: u32 = 2
const FIXED32: u32 = 5

/** Where a fault puts `at`: behind every end, so that every loop is over. */
const NOWHERE: usize = 0xffffffff

@unmanaged
export class Reader {
  at: usize
  fault: i32
  faultAt: usize
}

/** Ends all reading, unless a fault did so before. */
export function fail(reader: Reader, fault: i32, at: usize): void {
  if (reader.fault == 0) {
    reader.fault = fault
    reader.faultAt = at
  }
  reader.at = NOWHERE
}

/** Up to 64 bits; higher ones in the tenth byte are a fault. */
export function readVarint(reader: Reader, end: usize): u64 {
  const start = reader.at
  let value: u64 = 0
  let shift: u64 = 0
  for (let at = start; at < end; at++) {
    const byte = <u64>load<u8>(at)
    if (shift == 63 && byte > 1) {
      fail(reader, LONG_VARINT, start)
      return 0
    }
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      reader.at = at + 1
      return value
    }
    shift += 7
  }
  fail(reader, UNEXPECTED_END, start)
  return 0
}

/** The next field's number · 8 + wire type; 0 with a fault. */
// @ts-ignore: decorator
@inline
export function readTag(reader: Reader, end: usize): u32 {
  const at = reader.at
  if (at < end) {
    const byte = <u32>load<u8>(at)
    if (byte - 8 < 0x78) {
      reader.at = at + 1
      return byte
    }
  }
  return readLongTag(reader, end)
}

function readLongTag(reader: Reader, end: usize): u32 {
  const start = reader.at
  const tag = readVarint(reader, end)
  if (tag - 8 <= <u64>(0xffffffff - 8)) return <u32>tag
  fail(reader, BAD_TAG, start)
  return 0
}

/** Reads a length; gives where what it measures ends, which is `end` at most. */
// @ts-ignore: decorator
@inline
export function readEnd(reader: Reader, end: usize): usize {
  const at = reader.at
  if (at < end) {
    const length = <usize>load<u8>(at)
    if (length < 0x80 && length < end - at) {
      reader.at = at + 1
      return at + 1 + length
    }
  }
  return readLongEnd(reader, end)
}

function readLongEnd(reader: Reader, end: usize): usize {
  const start = reader.at
  const length = readVarint(reader, end)
  if (reader.fault != 0) return end
  if (length > <u64>(end - reader.at)) {
    fail(reader, UNEXPECTED_END, start)
    return end
  }
  return reader.at + <usize>length
}

export function readFixed64(reader: Reader, end: usize): u64 {
  const at = reader.at
  if (at > end || end - at < 8) {
    fail(reader, UNEXPECTED_END, at)
    return 0
  }
  reader.at = at + 8
  return load<u64>(at)
}

/** Passes a field's value. Groups, which no message here has, are a fault. */
export function skipField(reader: Reader, tag: u32, end: usize): void {
  const type = tag & 7
  if (type == VARINT) {
    readVarint(reader, end)
  } else if (type == BYTES) {
    const next = readEnd(reader, end)
    if (reader.fault == 0) reader.at = next
  } else if (type == FIXED64) {
    readFixed64(reader, end)
  } else if (type == FIXED32) {
    if (reader.at > end || end - reader.at < 4) fail(reader, UNEXPECTED_END, reader.at)
    else reader.at += 4
  } else {
    fail(reader, BAD_TAG, reader.at)
  }
}

/** Passes what is left of a message, whose fields all have to end within it. */
export function skipMessage(reader: Reader, end: usize): void {
  while (reader.at < end) {
    const tag = readTag(reader, end)
    if (tag != 0) skipField(reader, tag, end)
  }
}

/**
 * A varint of at most 8 bytes as a number, whatever stands behind it; the bytes that it takes are
 * `varintBytes`.
 */
// @ts-ignore: decorator
@inline
export function joinVarint(bytes: u64, sizeBytes: i32): u64 {
  let x = bytes & (<u64>-1 >>> <u64>(64 - (sizeBytes << 3)))
  x &= 0x7f7f7f7f7f7f7f7f
  x = ((x & 0x7f007f007f007f00) >>> 1) | (x & 0x007f007f007f007f)
  x = ((x & 0x3fff00003fff0000) >>> 2) | (x & 0x00003fff00003fff)
  return ((x & 0x0fffffff00000000) >>> 4) | (x & 0x000000000fffffff)
}

/** Bytes of the varint whose first 8 bytes these are; 9 where it is longer. */
// @ts-ignore: decorator
@inline
export function varintBytes(bytes: u64): i32 {
  const ends = ~bytes & 0x8080808080808080
  return (<i32>ctz(ends) >>> 3) + 1
}
