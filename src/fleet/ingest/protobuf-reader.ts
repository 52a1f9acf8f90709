import { PbfReader } from 'pbf'

/** The protobuf message is not one: truncated, overlong, or with a wire type that proto3 has not. */
export class ProtobufError extends Error {}
/** More messages than a request may have. */
export class ProtobufBudgetError extends Error {}

const BYTES = 2
const ASCII_LENGTH_MAX = 24

/**
 * Text that is not UTF-8 becomes a lone surrogate: the message goes on, and the one series whose label it
 * would be is refused.
 */
export const NOT_TEXT = '\ud800'
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * pbf's reader with bounds: pbf itself reads past the end of a nested message, and takes lengths as they
 * are told. Fields are told apart by number and wire type together, so a field of another type is skipped as
 * unknown, which the format demands.
 */
export class ProtobufReader extends PbfReader {
  #messagesLeft: number

  constructor(bytes: Uint8Array, messagesMax: number) {
    super(bytes)
    this.#messagesLeft = messagesMax
  }

  /**
   * Calls `read` with the tag (number · 8 + wire type) of each field up to `end`; a field that `read` does
   * not take is skipped.
   */
  eachField(end: number, read: (tag: number) => void): void {
    while (this.pos < end) {
      const tag = this.readVarint()
      if (tag < 8 || tag > 0xffff_ffff) throw new ProtobufError(`${tag} is the tag of no field`)
      this.type = tag & 7
      const start = this.pos
      read(tag)
      // Every value has at least one byte.
      if (this.pos === start) this.skip(tag)
      if (this.pos > end) throw new ProtobufError('a field ends behind its message')
    }
  }

  /** The end of the length-delimited value that comes, inside `end`. */
  lengthUpTo(end: number): number {
    const length = this.readVarint()
    const valueEnd = this.pos + length
    if (!(valueEnd <= end)) throw new ProtobufError('a length leads behind the message')
    return valueEnd
  }

  /** Reads a nested message; `read` gets its end. */
  message(end: number, read: (end: number) => void): void {
    if (this.#messagesLeft-- <= 0) throw new ProtobufBudgetError('too many messages')
    const messageEnd = this.lengthUpTo(end)
    read(messageEnd)
    if (this.pos !== messageEnd) throw new ProtobufError('a message ends before its fields do')
  }

  /** Goes back, to read a message a second time. */
  seek(position: number): void {
    this.pos = position
  }

  text(end: number): string {
    const textEnd = this.lengthUpTo(end)
    const start = this.pos
    this.pos = textEnd
    if (textEnd - start <= ASCII_LENGTH_MAX) {
      let text = ''
      let i = start
      for (; i < textEnd; i++) {
        const unit = this.buf[i] ?? 0
        if (unit > 0x7f) break
        text += String.fromCharCode(unit)
      }
      if (i === textEnd) return text
    }
    try {
      return utf8.decode(this.buf.subarray(start, textEnd))
    } catch {
      // TypeError: the bytes are not UTF-8.
      return NOT_TEXT
    }
  }

  bytes(end: number): Uint8Array {
    const bytesEnd = this.lengthUpTo(end)
    const bytes = this.buf.subarray(this.pos, bytesEnd)
    this.pos = bytesEnd
    return bytes
  }

  /** int64 as a varint, exactly. */
  int64(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buf[this.pos++]
      if (byte === undefined) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw new ProtobufError('a number has no end')
  }

  /** sfixed64, rounded to the nearest double. */
  signed64(): number {
    const value = this.dataView.getBigInt64(this.pos, true)
    this.pos += 8
    return Number(value)
  }

  /**
   * fixed64 nanoseconds as whole milliseconds, rounded down. With n = high · 2^32 + low and
   * 2^32 = 4294 · 10^6 + 967296 every intermediate number is an integer below 2^53.
   */
  milliseconds(): number {
    const low = this.dataView.getUint32(this.pos, true)
    const high = this.dataView.getUint32(this.pos + 4, true)
    this.pos += 8
    return high * 4_294 + Math.floor((high * 967_296 + low) / 1e6)
  }

  /** One of a repeated number, or all of them where they are packed. */
  numbers(end: number, into: number[], read: () => number): void {
    if (this.type !== BYTES) {
      into.push(read())
      return
    }
    const packedEnd = this.lengthUpTo(end)
    while (this.pos < packedEnd) into.push(read())
    if (this.pos !== packedEnd) throw new ProtobufError('a packed list ends inside a number')
  }
}
