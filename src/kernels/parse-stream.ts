import { Resident } from './memory.ts'
import { getKernels } from './module.ts'
import { type ParseReason, reasonOf } from './parse.ts'

/** Bytes of text that are read at a time: text and numbers stay in the second cache. */
const PIECE_BYTES = 64 * 1024

/** Values are handed on in multiples of this, which makes sums independent of how the text was cut. */
const GROUP_VALUES = 1024

const COMMA = 0x2c

/** Where the reading of an array stands. */
export type StreamState =
  /** Within the array; what is behind the last comma waits for more. */
  | { readonly state: 'open' }
  /** `end` is the byte behind the closing bracket. */
  | { readonly state: 'done'; readonly end: number }
  | { readonly state: 'fault'; readonly error: ParseReason; readonly offset: number }

/**
 * A JSON array of numbers and nulls, read as its text arrives, in constant memory. As
 * JsonText.parseNumbers, for an array that has an element.
 */
export class NumberStream {
  readonly #consume: (values: Resident) => void
  readonly #kept = new Float64Array(GROUP_VALUES)
  #keptCount = 0
  #at: number
  /** Up to here no comma was found. */
  #searched = 0
  #count = 0
  #current: StreamState = { state: 'open' }

  /**
   * @param offset of the first element or of white space before it
   * @param consume takes the numbers in order, whatever the pieces; null is NaN. They are valid until
   * it returns
   */
  constructor(offset: number, consume: (values: Resident) => void) {
    this.#at = offset
    this.#consume = consume
  }

  /** Numbers and nulls so far. */
  get count(): number {
    return this.#count
  }

  /**
   * Reads on.
   *
   * @param bytes all of the text that has arrived, from its start
   * @param isWhole whether nothing comes after it
   */
  read(bytes: Uint8Array, isWhole: boolean): StreamState {
    while (this.#current.state === 'open') {
      const piece = bytes.subarray(this.#at, this.#at + PIECE_BYTES)
      const end = this.#at + piece.lastIndexOf(COMMA) + 1
      if (end > this.#at) {
        // An element and what follows it are two bytes at least.
        this.#parse(bytes.subarray(this.#at, end), (end - this.#at) >>> 1, true)
        continue
      }
      const comma = bytes.indexOf(COMMA, Math.max(this.#searched, this.#at))
      this.#searched = bytes.length
      if (comma >= 0) this.#parse(bytes.subarray(this.#at, comma + 1), 1, true)
      else if (isWhole) this.#parse(bytes.subarray(this.#at), 1, false)
      else break
    }
    return this.#current
  }

  #parse(text: Uint8Array, capacity: number, endsWithComma: boolean): void {
    const { arena, exports } = getKernels()
    arena.lease((lease) => {
      const paddedBytes = text.length + exports.parse_padding_bytes()
      const input = lease.allocate(paddedBytes)
      const result = lease.allocate(exports.parse_result_bytes())
      const output = lease.allocate((GROUP_VALUES + capacity) * 8)
      const padded = arena.u8(input, paddedBytes)
      padded.set(text)
      padded.fill(0, text.length)
      const target = output + this.#keptCount * 8
      const code = exports.parse_elements_f64(input, text.length, target, capacity, result)
      const [count = 0, , offset = 0] = arena.u32(result, 3)
      const error = reasonOf(code)
      const at = this.#at + offset
      const goesOn = endsWithComma && error === 'unexpected-end' && offset === text.length
      if (error && !goesOn) this.#current = { state: 'fault', error, offset: at }
      else if (!error) this.#current = { state: 'done', end: at }
      this.#at = at
      this.#count += count
      this.#handOn(output, this.#keptCount + count)
    })
  }

  /** Gives whole groups away and keeps the rest, or gives all where the array has ended. */
  #handOn(output: number, count: number): void {
    const { arena } = getKernels()
    arena.write(output, this.#kept.subarray(0, this.#keptCount))
    const given = this.#current.state === 'open' ? count - (count % GROUP_VALUES) : count
    this.#keptCount = count - given
    this.#kept.set(arena.f64(output + given * 8, this.#keptCount))
    if (given > 0) this.#consume(new Resident(output, given))
  }
}
