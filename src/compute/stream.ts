import { whileReading } from '../http/body.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { cutOff, type Dtype, decodeNumbers } from './binary.ts'

/** A streamed body at most: 2^30 f64. */
export const STREAM_BODY_BYTES_MAX = 8 * 2 ** 30

/** Numbers are summed up in blocks of this size: the only memory that a stream of any length takes. */
const BLOCK_BYTES = 256 * 1024

const tooLarge = (): ProblemError =>
  new ProblemError(
    problem(413, 'body-too-large', `at most ${STREAM_BODY_BYTES_MAX} bytes are streamed`, {
      extensions: { sizeBytesMax: STREAM_BODY_BYTES_MAX },
    }),
  )

/** Fills a block from `filledBytes` on; fewer bytes than it takes only at the end of the body. */
type Fill = (block: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>

/** `readAtLeast` is workerd's own. */
type BlockReader = Pick<ReadableStreamBYOBReader, 'read' | 'releaseLock'> &
  Partial<Pick<ReadableStreamBYOBReader, 'readAtLeast'>>

/** Reads straight into the block, many small packets at one call where the runtime can. */
const fillFrom = (reader: BlockReader): Fill => {
  const readSome = async (view: Uint8Array<ArrayBuffer>) =>
    reader.readAtLeast?.(view.byteLength, view) ?? reader.read(view)
  return async (block) => {
    let buffer = block.buffer
    let filledBytes = 0
    while (filledBytes < BLOCK_BYTES) {
      const { done, value } = await readSome(new Uint8Array(buffer, filledBytes))
      if (value) {
        buffer = value.buffer as ArrayBuffer
        filledBytes += value.byteLength
      }
      if (done) break
    }
    return new Uint8Array(buffer, 0, filledBytes)
  }
}

/** For streams that give chunks of their own. */
const fillFromChunks = (reader: ReadableStreamDefaultReader<Uint8Array>): Fill => {
  let chunk: Uint8Array = new Uint8Array(0)
  return async (block) => {
    const buffer = block.buffer
    let filledBytes = 0
    while (filledBytes < BLOCK_BYTES) {
      if (chunk.byteLength === 0) {
        const { done, value } = await reader.read()
        if (done) break
        chunk = value
      }
      const part = chunk.subarray(0, BLOCK_BYTES - filledBytes)
      new Uint8Array(buffer).set(part, filledBytes)
      filledBytes += part.byteLength
      chunk = chunk.subarray(part.byteLength)
    }
    return new Uint8Array(buffer, 0, filledBytes)
  }
}

type ByteReader = ReadableStreamBYOBReader | ReadableStreamDefaultReader<Uint8Array>

const readerOf = (body: ReadableStream<Uint8Array>): { reader: ByteReader; fill: Fill } => {
  try {
    const reader = body.getReader({ mode: 'byob' })
    return { reader, fill: fillFrom(reader) }
  } catch {
    // TypeError: no stream of bytes, but one of chunks.
    const reader = body.getReader()
    return { reader, fill: fillFromChunks(reader) }
  }
}

/**
 * Gives the little-endian numbers of a body to `consume`, block by block, in constant memory. Where the
 * packets of the network begin and end makes no difference. The values are `consume`'s until it returns.
 *
 * Throws ProblemError 400 with the offset of a number that is cut off or where the sender went away, 413 beyond STREAM_BODY_BYTES_MAX.
 */
export const readBlocks = async (
  request: Request,
  dtype: Dtype,
  consume: (values: Float64Array | Float32Array) => void,
): Promise<void> => {
  if (Number(request.headers.get('content-length')) > STREAM_BODY_BYTES_MAX) throw tooLarge()
  if (!request.body) return
  const { reader, fill } = readerOf(request.body as ReadableStream<Uint8Array>)
  try {
    let block = new Uint8Array(BLOCK_BYTES)
    let sizeBytes = 0
    for (;;) {
      const filled = await whileReading(fill(block))
      const startBytes = sizeBytes
      sizeBytes += filled.byteLength
      if (sizeBytes > STREAM_BODY_BYTES_MAX) throw tooLarge()
      const decoded = decodeNumbers(filled, dtype)
      if (!decoded.ok) throw cutOff(startBytes + decoded.error.byteOffset, sizeBytes, dtype)
      consume(decoded.value)
      if (filled.byteLength < BLOCK_BYTES) return
      block = new Uint8Array(filled.buffer)
    }
  } finally {
    // What a refused request still sends stays for `drainRefused`.
    reader.releaseLock()
  }
}
