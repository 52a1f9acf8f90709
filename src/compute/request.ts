import { decodeText, parseJson, readBody, requireMediaType } from '../http/body.ts'
import type { AppContext } from '../http/context.ts'
import { ProblemError, problem } from '../http/problem.ts'
import type { Numbers } from './numbers.ts'

export const COMPUTE_BODY_BYTES_MAX = 8 * 1024 * 1024

const BINARY = 'application/octet-stream'

/** The request's numbers from a binary body, or the object of a JSON body. */
export type ComputeBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'binary'; readonly values: Numbers }

/** `dtype` of a binary body's content type: f64 where it is absent. Throws ProblemError 415. */
const dtypeOf = (contentType: string): 'f64' | 'f32' => {
  const dtype = /;\s*dtype\s*=\s*"?([^";\s]*)"?/i.exec(contentType)?.[1]?.toLowerCase() ?? 'f64'
  if (dtype === 'f64' || dtype === 'f32') return dtype
  throw new ProblemError(
    problem(
      415,
      'media-type-unsupported',
      `dtype ${dtype.slice(0, 20)} is not read; send f64 or f32`,
    ),
  )
}

/**
 * Little-endian numbers of a binary body, without a copy where it is aligned.
 * Throws ProblemError 400 with the offset of a number that is cut off.
 */
const decodeNumbers = (bytes: Uint8Array, dtype: 'f64' | 'f32'): Numbers => {
  const widthBytes = dtype === 'f64' ? 8 : 4
  const restBytes = bytes.byteLength % widthBytes
  if (restBytes > 0) {
    const byteOffset = bytes.byteLength - restBytes
    const detail = `the number at byte ${byteOffset} has ${restBytes} of its ${widthBytes} bytes`
    throw new ProblemError(
      problem(400, 'bad-request', detail, {
        errors: [{ pointer: `#/values/${byteOffset / widthBytes}`, detail }],
        extensions: { byteOffset },
      }),
    )
  }
  const aligned = bytes.byteOffset % widthBytes === 0 ? bytes : bytes.slice()
  const count = aligned.byteLength / widthBytes
  return dtype === 'f64'
    ? new Float64Array(aligned.buffer, aligned.byteOffset, count)
    : new Float32Array(aligned.buffer, aligned.byteOffset, count)
}

/** Reads a body of JSON or of little-endian numbers. Throws ProblemError 400, 413 or 415. */
export const readComputeBody = async (c: AppContext): Promise<ComputeBody> => {
  const request = c.req.raw
  const isBinary = requireMediaType(request, ['application/json', BINARY]) === BINARY
  const dtype = isBinary ? dtypeOf(request.headers.get('content-type') ?? '') : 'f64'
  const bytes = await readBody(request, COMPUTE_BODY_BYTES_MAX)
  return isBinary
    ? { kind: 'binary', values: decodeNumbers(bytes, dtype) }
    : { kind: 'json', value: parseJson(decodeText(bytes)) }
}

/** A number of a query string; NaN, which no schema takes, where it is none. */
export const queryNumber = (text: string): number =>
  text.trim() === '' ? Number.NaN : Number(text)
