import { readBody } from './body.ts'
import { ProblemError, problem } from './problem.ts'

/**
 * Compressed bytes that are inflated at once. Deflate makes at most 1,032 bytes of one, so what lies inflated and
 * unread stays within tens of megabytes, whatever was sent.
 */
const PIECE_BYTES = 16 * 1024

/** What deflate makes of a byte at most. */
const RATIO_MAX = 1_032

/**
 * The size that the last four bytes tell (RFC 1952, ISIZE), as far as it can be true: with it the body is
 * held once, and not a second time in pieces.
 */
const sizeHint = (compressed: Uint8Array, sizeBytesMax: number): number => {
  if (compressed.length < 4) return 0
  const view = new DataView(compressed.buffer, compressed.byteOffset + compressed.length - 4, 4)
  return Math.min(view.getUint32(0, true), compressed.length * RATIO_MAX, sizeBytesMax)
}

const notGzip = () =>
  new ProblemError(problem(400, 'bad-request', 'the body is not gzip, or ends too early'))

const beyond = (sizeBytesMax: number) =>
  new ProblemError(
    problem(
      413,
      'body-too-large',
      `at most ${sizeBytesMax} bytes are read, decompressed; send smaller batches`,
      { extensions: { sizeBytesMax } },
    ),
  )

/**
 * Decompresses gzip, one member, under a bound that runs along.
 *
 * @param compressed u8[n]
 * @returns u8[m], m ≤ sizeBytesMax   @throws ProblemError 413 beyond the bound, 400 where it is not gzip
 */
export const gunzip = async (compressed: Uint8Array, sizeBytesMax: number): Promise<Uint8Array> => {
  const stream = new DecompressionStream('gzip')
  const writer = stream.writable.getWriter()
  const reader = (stream.readable as ReadableStream<Uint8Array>).getReader()
  const feed = async () => {
    for (let at = 0; at < compressed.length; at += PIECE_BYTES)
      await writer.write(compressed.slice(at, at + PIECE_BYTES))
    await writer.close()
  }
  // A fault of the stream is told by the read that it ends.
  feed().catch(() => {})
  let body = new Uint8Array(sizeHint(compressed, sizeBytesMax))
  let sizeBytes = 0
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw notGzip()
    })
    if (done) return body.subarray(0, sizeBytes)
    const end = sizeBytes + value.byteLength
    if (end > sizeBytesMax) {
      writer.abort().catch(() => {})
      reader.cancel().catch(() => {})
      throw beyond(sizeBytesMax)
    }
    if (end > body.length) {
      const larger = new Uint8Array(Math.min(sizeBytesMax, 2 * end))
      larger.set(body.subarray(0, sizeBytes))
      body = larger
    }
    body.set(value, sizeBytes)
    sizeBytes = end
  }
}

/**
 * The request body, decompressed where it is gzip.
 *
 * @returns u8[n], n ≤ sizeBytesMax
 * @throws ProblemError 413 beyond the bound, 415 under another content coding, 400 where it cannot be read
 */
export const readGzipBody = async (request: Request, sizeBytesMax: number): Promise<Uint8Array> => {
  const coding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  if (coding === '' || coding === 'identity') return readBody(request, sizeBytesMax)
  if (coding !== 'gzip' && coding !== 'x-gzip')
    throw new ProblemError(
      problem(
        415,
        'media-type-unsupported',
        `content encoding ${coding.slice(0, 100)} is not read here; send gzip, or the body as it is`,
        { headers: { 'accept-encoding': 'gzip, identity' } },
      ),
    )
  return gunzip(await readBody(request, sizeBytesMax), sizeBytesMax)
}
