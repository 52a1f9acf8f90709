import { ProblemError, problem } from '../http/problem.ts'
import { err, ok, type Result } from '../result.ts'

export type Dtype = 'f64' | 'f32'

const WIDTH_BYTES = { f64: 8, f32: 4 } as const

/** `dtype` of a binary body's content type: f64 where it is absent. Throws ProblemError 415. */
export const dtypeOf = (contentType: string): Dtype => {
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
 * Little-endian numbers of a binary body, without a copy where it is aligned; where the last one is cut
 * off, its offset.
 */
export const decodeNumbers = (
  bytes: Uint8Array,
  dtype: Dtype,
): Result<Float64Array | Float32Array, { readonly byteOffset: number }> => {
  const widthBytes = WIDTH_BYTES[dtype]
  const restBytes = bytes.byteLength % widthBytes
  if (restBytes > 0) return err({ byteOffset: bytes.byteLength - restBytes })
  const aligned = bytes.byteOffset % widthBytes === 0 ? bytes : bytes.slice()
  const count = aligned.byteLength / widthBytes
  return ok(
    dtype === 'f64'
      ? new Float64Array(aligned.buffer, aligned.byteOffset, count)
      : new Float32Array(aligned.buffer, aligned.byteOffset, count),
  )
}

/** 400 for a body of `sizeBytes` that ends within the number at `byteOffset`. */
export const cutOff = (byteOffset: number, sizeBytes: number, dtype: Dtype): ProblemError => {
  const widthBytes = WIDTH_BYTES[dtype]
  const detail = `the number at byte ${byteOffset} has ${sizeBytes - byteOffset} of its ${widthBytes} bytes`
  return new ProblemError(
    problem(400, 'bad-request', detail, {
      errors: [{ pointer: `#/values/${byteOffset / widthBytes}`, detail }],
      extensions: { byteOffset },
    }),
  )
}
