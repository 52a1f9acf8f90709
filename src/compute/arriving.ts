import { readBody, whileReading } from '../http/body.ts'
import { skipSpace } from '../kernels/json-object.ts'
import type { Resident } from '../kernels/memory.ts'
import { NumberStream, type StreamState } from '../kernels/parse-stream.ts'
import { VALUES_MAX } from './numbers.ts'

/** Less is not worth a turn: the sender's next packets are on their way. */
const ARRIVED_BYTES_MIN = 64 * 1024

/** `readAtLeast` is workerd's own. */
type BodyReader = ReadableStreamBYOBReader &
  Partial<{
    readAtLeast(
      bytesMin: number,
      view: Uint8Array<ArrayBuffer>,
    ): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>
  }>

const byteReaderOf = (body: ReadableStream<Uint8Array>): BodyReader | undefined => {
  try {
    return body.getReader({ mode: 'byob' })
  } catch {
    // TypeError: no stream of bytes, but one of chunks.
    return undefined
  }
}

/**
 * The whole body as readBody() gives it; where its length is known beforehand, `onArrived` sees what has
 * come so far after each read, so that work on the start overlaps with the sending of the rest.
 *
 * Throws ProblemError as readBody().
 */
export const readArriving = async (
  request: Request,
  sizeBytesMax: number,
  onArrived: (bytes: Uint8Array) => void,
): Promise<Uint8Array> => {
  const declared = Number(request.headers.get('content-length') ?? Number.NaN)
  const isKnown = Number.isInteger(declared) && declared > 0 && declared <= sizeBytesMax
  const reader = isKnown && request.body ? byteReaderOf(request.body) : undefined
  if (!reader) return readBody(request, sizeBytesMax)
  try {
    let buffer = new ArrayBuffer(declared)
    let sizeBytes = 0
    while (sizeBytes < declared) {
      const rest = new Uint8Array(buffer, sizeBytes)
      const bytesMin = Math.min(ARRIVED_BYTES_MIN, rest.byteLength)
      const read = reader.readAtLeast?.(bytesMin, rest) ?? reader.read(rest)
      const { done, value } = await whileReading(read)
      if (value) {
        buffer = value.buffer
        sizeBytes += value.byteLength
      }
      if (done) break
      onArrived(new Uint8Array(buffer, 0, sizeBytes))
    }
    return new Uint8Array(buffer, 0, sizeBytes)
  } finally {
    // What a refused request still sends stays for `drainRefused`.
    reader.releaseLock()
  }
}

const utf8 = new TextEncoder()
const NAME = utf8.encode('"values"')
const COLON = 0x3a
const OPEN = 0x5b
const CLOSE = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Byte of the first element in `{"values":[`; undefined where the body begins otherwise, or has no element. */
const firstElementOf = (bytes: Uint8Array): number | undefined => {
  let at = skipSpace(bytes, 0)
  if (bytes[at] !== OPEN_BRACE) return undefined
  at = skipSpace(bytes, at + 1)
  if (!NAME.every((byte, i) => bytes[at + i] === byte)) return undefined
  at = skipSpace(bytes, at + NAME.length)
  if (bytes[at] !== COLON) return undefined
  at = skipSpace(bytes, at + 1)
  if (bytes[at] !== OPEN) return undefined
  at = skipSpace(bytes, at + 1)
  return at < bytes.length && bytes[at] !== CLOSE ? at : undefined
}

/**
 * The numbers of a body `{"values":[…]}`, handed on while it arrives. Bodies of any other shape, and faulty
 * ones, are left to withJson(), which knows all of JSON and tells faults.
 */
export class ArrivingValues {
  readonly #consume: (values: Resident) => void
  /** undefined before the first bytes; null where the body is left to others. */
  #stream: NumberStream | null | undefined
  #found: StreamState = { state: 'open' }

  /** @param consume as NumberStream's; what it took counts for nothing where finish() says no. */
  constructor(consume: (values: Resident) => void) {
    this.#consume = consume
  }

  /** @param bytes all that has arrived */
  read(bytes: Uint8Array, isWhole = false): void {
    if (this.#stream === undefined) {
      const first = firstElementOf(bytes)
      this.#stream = first === undefined ? null : new NumberStream(first, this.#consume)
    }
    if (this.#stream === null || this.#found.state !== 'open') return
    this.#found = this.#stream.read(bytes, isWhole)
    if (this.#stream.count > VALUES_MAX) this.#stream = null
  }

  /** Whether `consume` has taken the values of the whole body. */
  finish(bytes: Uint8Array): boolean {
    this.read(bytes, true)
    if (!this.#stream || this.#found.state !== 'done') return false
    const close = skipSpace(bytes, this.#found.end)
    return bytes[close] === CLOSE_BRACE && skipSpace(bytes, close + 1) === bytes.length
  }
}
