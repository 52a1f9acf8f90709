import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './context.ts'
import { ProblemError, problem } from './problem.ts'

const tooLarge = (sizeBytesMax: number) =>
  new ProblemError(
    problem(413, 'body-too-large', `at most ${sizeBytesMax} bytes are read; send smaller batches`, {
      extensions: { sizeBytesMax },
    }),
  )

/**
 * Awaits a read of a body. What it fails with is the sender's: its connection was lost before the end that
 * Content-Length promised, or its chunks are malformed.
 *
 * Throws ProblemError 400.
 */
export const whileReading = async <T>(read: Promise<T>): Promise<T> => {
  try {
    return await read
  } catch {
    throw new ProblemError(problem(400, 'bad-request', 'the body ended before it was complete'))
  }
}

/**
 * The whole request body, read under a bound whatever Content-Length says.
 *
 * @returns u8[n], n ≤ sizeBytesMax   @throws ProblemError 413 beyond the bound, 400 where it is cut short
 */
export const readBody = async (request: Request, sizeBytesMax: number): Promise<Uint8Array> => {
  const declared = Number(request.headers.get('content-length') ?? Number.NaN)
  if (declared > sizeBytesMax) throw tooLarge(sizeBytesMax)
  if (!request.body) return new Uint8Array(0)
  // With a truthful length inside the bound the platform's own reader copies least.
  if (Number.isInteger(declared)) {
    const bytes = new Uint8Array(await whileReading(request.arrayBuffer()))
    if (bytes.byteLength > sizeBytesMax) throw tooLarge(sizeBytesMax)
    return bytes
  }
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  const reader = (request.body as ReadableStream<Uint8Array>).getReader()
  for (;;) {
    const { done, value } = await whileReading(reader.read())
    if (done) break
    sizeBytes += value.byteLength
    if (sizeBytes > sizeBytesMax) {
      // The rest stays for `drainRefused`.
      reader.releaseLock()
      throw tooLarge(sizeBytesMax)
    }
    chunks.push(value)
  }
  const body = new Uint8Array(sizeBytes)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.byteLength
  }
  return body
}

/** The media type without parameters, in lower case; '' where the header is absent. */
export const mediaType = (request: Request): string =>
  (request.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

/**
 * Throws ProblemError 415 unless the request's media type is one of `accepted`, without a content coding:
 * compressed bytes read as numbers would give an answer, a wrong one (RFC 9110 §15.5.16).
 */
export const requireMediaType = (request: Request, accepted: readonly string[]): string => {
  const coding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  if (coding !== '' && coding !== 'identity')
    throw new ProblemError(
      problem(
        415,
        'media-type-unsupported',
        `content encoding ${coding.slice(0, 100)} is not read here; send the body as it is`,
        { headers: { 'accept-encoding': 'identity' } },
      ),
    )
  const type = mediaType(request)
  if (!accepted.includes(type))
    throw new ProblemError(
      problem(
        415,
        'media-type-unsupported',
        `${type === '' ? 'no content type was sent' : `${type.slice(0, 100)} is not read here`}; send ${accepted.join(' or ')}`,
        { headers: { accept: accepted.join(', ') } },
      ),
    )
  return type
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** UTF-8 text of a body. Throws ProblemError 400 where the bytes are not UTF-8. */
export const decodeText = (bytes: Uint8Array): string => {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new ProblemError(problem(400, 'bad-request', 'the body is not valid UTF-8'))
  }
}

/** Parsed JSON of a body. Throws ProblemError 400 with the parser's own position. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : 'syntax error'
    throw new ProblemError(problem(400, 'bad-request', `the body is not valid JSON: ${reason}`))
  }
}

/** Bytes and time that a refused request may still take. */
const DRAIN_BYTES_MAX = 256 * 1024 * 1024
const DRAIN_MS_MAX = 10_000

/**
 * Reads away what a refused request still sends. The runtime resets a connection whose body nobody
 * read, and a client that is still sending would see the reset in place of the answer.
 */
export const drainRefused: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  const body = c.req.raw.body as ReadableStream<Uint8Array> | null
  if (c.res.status < 400 || !body || body.locked) return
  const reader = body.getReader()
  const deadline = Date.now() + DRAIN_MS_MAX
  let sizeBytes = 0
  try {
    while (sizeBytes < DRAIN_BYTES_MAX && Date.now() < deadline) {
      const { done, value } = await reader.read()
      if (done) return
      sizeBytes += value.byteLength
    }
  } catch {
    // The client went away, or the body was read to its end before.
  }
}
