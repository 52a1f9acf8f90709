import type { Lease } from './memory.ts'
import { getKernels } from './module.ts'

/** Why a text is no array of numbers. */
export type ParseReason =
  | 'unexpected-byte'
  | 'unexpected-end'
  /** A number beyond the range of f64. */
  | 'not-finite'
  /** A string, an object, an array, true or false where a number belongs. */
  | 'not-a-number'
  /** More numbers than there is room for. */
  | 'too-many'

/** The codes of parse_numbers_f64 and parse_elements_f64 from 1 on. */
const REASONS: readonly ParseReason[] = [
  'unexpected-byte',
  'unexpected-end',
  'not-finite',
  'not-a-number',
  'too-many',
]

/** Why, by what a kernel returned; undefined for success. */
export const reasonOf = (code: number): ParseReason | undefined => REASONS[code - 1]

export interface ParseFault {
  readonly ok: false
  readonly error: ParseReason
  /** Byte of the fault, from the start of the text; the text's length where it ends too soon. */
  readonly offset: number
}

/** Where an array's numbers went. */
export interface ParsedArray {
  readonly ok: true
  /** Numbers and nulls. */
  readonly count: number
  readonly nullCount: number
  /** Byte behind the closing bracket. */
  readonly end: number
}

/** UTF-8 text in the kernels' memory, in an open lease. */
export class JsonText {
  readonly length: number
  readonly #pointer: number
  readonly #result: number

  /** Copies the text and the zeros that must follow it. */
  constructor(lease: Lease, bytes: Uint8Array) {
    const { arena, exports } = getKernels()
    const padding = exports.parse_padding_bytes()
    this.length = bytes.length
    this.#pointer = lease.allocate(bytes.length + padding)
    this.#result = lease.allocate(exports.parse_result_bytes())
    const text = arena.u8(this.#pointer, bytes.length + padding)
    text.set(bytes)
    text.fill(0, bytes.length)
  }

  /**
   * The array of numbers and nulls that begins at `offset`, after white space, into f64.
   *
   * @param output address of f64[capacity]; null becomes NaN
   * Accuracy: correctly rounded, −0 kept. Exactly the arrays of numbers and nulls that JSON.parse
   * accepts are read; a number that rounds to an infinity is a fault.
   * Source: Lemire 2021, doi:10.1002/spe.2984; Clinger 1990, doi:10.1145/93542.93557.
   */
  parseNumbers(offset: number, output: number, capacity: number): ParsedArray | ParseFault {
    const { arena, exports } = getKernels()
    const code = exports.parse_numbers_f64(
      this.#pointer + offset,
      this.length - offset,
      output,
      capacity,
      this.#result,
    )
    const [count = 0, nullCount = 0, at = 0] = arena.u32(this.#result, 3)
    const error = reasonOf(code)
    if (error !== undefined) return { ok: false, error, offset: offset + at }
    return { ok: true, count, nullCount, end: offset + at }
  }
}

export type ParsedNumbers =
  | {
      readonly ok: true
      /** NaN where the text has null. */
      readonly values: Float64Array<ArrayBuffer>
      readonly nullCount: number
      /** Byte behind the closing bracket. */
      readonly end: number
    }
  | ParseFault

/**
 * A JSON array of numbers and nulls straight from UTF-8 text. As JsonText.parseNumbers.
 *
 * @param bytes u8[n]; what follows the array is not looked at
 * @param offset of the array or of white space before it
 * @throws RangeError when offset is outside the text
 */
export function parseNumbers(bytes: Uint8Array, offset = 0): ParsedNumbers {
  if (!Number.isInteger(offset) || offset < 0 || offset > bytes.length) {
    throw new RangeError(`offset ${offset} is outside the ${bytes.length} bytes`)
  }
  const { arena } = getKernels()
  return arena.lease((lease) => {
    // An element and what follows it are two bytes at least.
    const capacity = (bytes.length - offset) >>> 1
    const output = lease.allocate(capacity * 8)
    const found = new JsonText(lease, bytes).parseNumbers(offset, output, capacity)
    if (!found.ok) return found
    const values = arena.f64(output, found.count).slice()
    return { ok: true, values, nullCount: found.nullCount, end: found.end }
  })
}
