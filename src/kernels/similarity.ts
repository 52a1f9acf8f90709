import type { Lease, Resident } from './memory.ts'
import { getKernels } from './module.ts'

type Vector = Float64Array | Float32Array

/** Both arrays as the kernel of one dtype wants them: f32 where both are f32, else f64. */
function copyBoth(
  lease: Lease,
  a: Vector | Resident,
  b: Vector | Resident,
): { isF32: boolean; a: number; b: number } {
  const isF32 = a instanceof Float32Array && b instanceof Float32Array
  return isF32
    ? { isF32, a: lease.copyIn(a), b: lease.copyIn(b) }
    : { isF32, a: lease.copyInAsF64(a), b: lease.copyInAsF64(b) }
}

/**
 * Dot product Σ a[i]·b[i]; NaN and ±Inf propagate. 0 for n = 0.
 *
 * @param a f32[n] or f64[n]        @param b the same n
 * @throws RangeError when lengths differ
 * Accuracy: |error| ≤ ACCURACY.dot_f32 · Σ|a[i]·b[i]| where both are f32, n ≤ 4 096, within the f32
 * range; else ACCURACY.dot_f64 · Σ|a[i]·b[i]|.
 */
export function dot(a: Vector, b: Vector): number {
  if (a.length !== b.length) throw new RangeError(`lengths differ: ${a.length} and ${b.length}`)
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const input = copyBoth(lease, a, b)
    const output = lease.allocate(8)
    const kernel = input.isF32 ? exports.dot_f32 : exports.dot_f64
    kernel(input.a, input.b, a.length, output)
    return arena.f64(output, 1)[0] ?? Number.NaN
  })
}

/**
 * Cosine of one query against many rows.
 *
 * @param query f32[dims] or f64[dims]        @param rows [count][dims], one after the other
 * @returns f64[count] in [−1, 1]; NaN where query or row is zero, or holds NaN or ±Inf
 * @throws RangeError when dims is not the query's length or does not divide that of rows
 * Accuracy: |error| ≤ ACCURACY.cosine_f32 where both are f32, dims ≤ 4 096, else
 * ACCURACY.cosine_f64, at any finite magnitude.
 */
export function cosine(
  query: Vector | Resident,
  rows: Vector | Resident,
  dims: number,
): Float64Array<ArrayBuffer> {
  if (!Number.isInteger(dims) || dims < 1) throw new RangeError(`dims ${dims} is not positive`)
  if (query.length !== dims) throw new RangeError(`the query has ${query.length}, not ${dims}`)
  if (rows.length % dims !== 0) throw new RangeError(`${rows.length} is no multiple of ${dims}`)
  const count = rows.length / dims
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const input = copyBoth(lease, query, rows)
    const output = lease.allocate(count * 8)
    const kernel = input.isF32 ? exports.cosine_f32 : exports.cosine_f64
    kernel(input.a, input.b, count, dims, output)
    return arena.f64(output, count).slice()
  })
}

/**
 * Indices of the k highest scores, best first; equal scores in the order of their indices.
 *
 * @param scores f64[n]; NaN are never chosen
 * @returns u32[≤ k]: less than k where fewer scores are numbers
 * @throws RangeError when k is not a whole number ≥ 0
 */
export function topK(scores: Float64Array, k: number): Uint32Array<ArrayBuffer> {
  if (!Number.isInteger(k) || k < 0) throw new RangeError(`k = ${k} is not a whole number ≥ 0`)
  const most = Math.min(k, scores.length)
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const input = lease.copyIn(scores)
    const output = lease.allocate(most * 4)
    const found = exports.top_k_f64(input, scores.length, most, output)
    return arena.u32(output, found).slice()
  })
}
