import { readBody, requireMediaType } from '../http/body.ts'
import type { AppContext } from '../http/context.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { cutOff, type Dtype, decodeNumbers, dtypeOf } from './binary.ts'

/** A body that is read whole. */
export const COMPUTE_BODY_BYTES_MAX = 8 * 1024 * 1024

const BINARY = 'application/octet-stream'

/** How the request's body comes. */
export type BodyKind =
  | { readonly kind: 'json' }
  | { readonly kind: 'binary'; readonly dtype: Dtype; readonly isLong: boolean }

/** The bytes of a JSON body, or the numbers of a binary one. */
export type ComputeBody =
  | { readonly kind: 'json'; readonly bytes: Uint8Array }
  | { readonly kind: 'binary'; readonly values: Float64Array | Float32Array }

/** Throws ProblemError 415. `isLong` says that the body is not known to fit COMPUTE_BODY_BYTES_MAX. */
export const bodyKindOf = ({ req: { raw: request } }: AppContext): BodyKind => {
  if (requireMediaType(request, ['application/json', BINARY]) !== BINARY) return { kind: 'json' }
  const declared = Number(request.headers.get('content-length') ?? Number.NaN)
  return {
    kind: 'binary',
    dtype: dtypeOf(request.headers.get('content-type') ?? ''),
    isLong: !(declared <= COMPUTE_BODY_BYTES_MAX),
  }
}

/** Reads a body of JSON or of little-endian numbers whole. Throws ProblemError 400, 413 or 415. */
export const readComputeBody = async (
  c: AppContext,
  bodyKind: BodyKind = bodyKindOf(c),
): Promise<ComputeBody> => {
  const bytes = await readBody(c.req.raw, COMPUTE_BODY_BYTES_MAX)
  if (bodyKind.kind === 'json') return { kind: 'json', bytes }
  const { dtype } = bodyKind
  const values = decodeNumbers(bytes, dtype)
  if (!values.ok) throw cutOff(values.error.byteOffset, bytes.byteLength, dtype)
  return { kind: 'binary', values: values.value }
}

/** A number as JSON writes it, RFC 8259 § 6. */
const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/**
 * A number of a query string, in decimal digits: Number() alone reads 0x10, white space and nothing at all
 * as numbers too.
 *
 * Throws ProblemError 400 at `pointer`.
 */
export const queryNumber = (text: string, pointer: string): number => {
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  if (Number.isFinite(value)) return value
  const detail = 'must be a decimal number'
  throw new ProblemError(
    problem(400, 'bad-request', `query: ${detail}`, { errors: [{ pointer, detail }] }),
  )
}
