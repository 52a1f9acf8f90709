import { type Arena, CHUNK_ELEMENTS, type Lease, Resident, SCRATCH_BYTES } from './memory.ts'
import { getKernels } from './module.ts'

type Vector = Float64Array | Float32Array

/** Elements of both vectors that the arena's scratch holds at a time. */
const DOT_CHUNK = CHUNK_ELEMENTS / 2
const SCRATCH_HEAD_BYTES = 1024

/** Rows copied at a time before one query meets them: they stay in the second cache. */
const ROWS_CHUNK_BYTES = 128 * 1024

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
 * Accuracy: |error| ≤ ACCURACY.dot_f32 · Σ|a[i]·b[i]| + n·2^−149 where both are f32; else
 * ACCURACY.dot_f64 · Σ|a[i]·b[i]|.
 */
export function dot(a: Vector, b: Vector): number {
  if (a.length !== b.length) throw new RangeError(`lengths differ: ${a.length} and ${b.length}`)
  const { arena, exports } = getKernels()
  const isF32 = a instanceof Float32Array && b instanceof Float32Array
  const kernel = isF32 ? exports.dot_f32 : exports.dot_f64
  const output = arena.scratch
  const first = output + SCRATCH_HEAD_BYTES
  const second = first + DOT_CHUNK * 8
  const copy = (pointer: number, part: Vector): void => {
    if (isF32 || part instanceof Float64Array) arena.write(pointer, part)
    else arena.f64(pointer, part.length).set(part)
  }
  // A chunk of both is read while it is still in the first cache.
  let total = 0
  for (let start = 0; start < a.length; start += DOT_CHUNK) {
    const end = Math.min(a.length, start + DOT_CHUNK)
    const isWhole = end - start === a.length
    copy(first, isWhole ? a : a.subarray(start, end))
    copy(second, isWhole ? b : b.subarray(start, end))
    kernel(first, second, end - start, output)
    total += arena.readF64(output)
  }
  return total
}

/** How many vectors of `dims` there are. Throws RangeError where the length is no multiple of it. */
function countOf(what: string, values: { readonly length: number }, dims: number): number {
  if (!Number.isInteger(dims) || dims < 1) throw new RangeError(`dims ${dims} is not positive`)
  if (values.length % dims !== 0) {
    throw new RangeError(`${what}: ${values.length} is no multiple of ${dims}`)
  }
  return values.length / dims
}

type PairKernel = (
  queries: number,
  queryCount: number,
  rows: number,
  rowCount: number,
  dims: number,
  output: number,
) => void

/** As everyPair() of so few that a lease would cost more than they do; undefined for more. */
function everyPairInScratch(
  queries: Vector,
  queryCount: number,
  rows: Vector,
  rowCount: number,
  dims: number,
  kernels: { readonly f32: PairKernel; readonly f64: PairKernel },
): Float64Array<ArrayBuffer> | undefined {
  const { arena } = getKernels()
  const isF32 = queries instanceof Float32Array && rows instanceof Float32Array
  const widthBytes = isF32 ? 4 : 8
  const first = arena.scratch
  const others = (first + queries.length * widthBytes + 15) & ~15
  const output = (others + rows.length * widthBytes + 15) & ~15
  if (output + queryCount * rowCount * 8 > first + SCRATCH_BYTES) return undefined
  const copy = (pointer: number, vectors: Vector): void => {
    if (isF32 || vectors instanceof Float64Array) arena.write(pointer, vectors)
    else arena.f64(pointer, vectors.length).set(vectors)
  }
  copy(first, queries)
  copy(others, rows)
  const kernel = isF32 ? kernels.f32 : kernels.f64
  kernel(first, queryCount, others, rowCount, dims, output)
  return readScores(arena, output, queryCount * rowCount)
}

/** A view and its copy cost as much as reading this many one by one. */
const READ_SINGLY_MAX = 32

/** A copy of f64[count]. */
export function readScores(
  arena: Arena,
  pointer: number,
  count: number,
): Float64Array<ArrayBuffer> {
  if (count > READ_SINGLY_MAX) return arena.f64(pointer, count).slice()
  const scores = new Float64Array(count)
  for (let i = 0; i < count; i++) scores[i] = arena.readF64(pointer, i)
  return scores
}

/** f64[queries][rows] of a kernel that takes every query with every row. */
function everyPair(
  queries: Vector | Resident,
  rows: Vector | Resident,
  dims: number,
  kernels: { readonly f32: PairKernel; readonly f64: PairKernel },
): Float64Array<ArrayBuffer> {
  const queryCount = countOf('queries', queries, dims)
  const rowCount = countOf('rows', rows, dims)
  const { arena } = getKernels()
  if (!(queries instanceof Resident || rows instanceof Resident)) {
    const found = everyPairInScratch(queries, queryCount, rows, rowCount, dims, kernels)
    if (found) return found
  }
  return arena.lease((lease) => {
    const output = lease.allocate(queryCount * rowCount * 8)
    // The results of several queries lie a whole row of results apart.
    const together =
      queryCount === 1 && !(rows instanceof Resident)
        ? Math.max(8, Math.floor(ROWS_CHUNK_BYTES / dims / 64) * 8)
        : rowCount
    if (together >= rowCount || rows instanceof Resident) {
      const input = copyBoth(lease, queries, rows)
      const kernel = input.isF32 ? kernels.f32 : kernels.f64
      kernel(input.a, queryCount, input.b, rowCount, dims, output)
    } else {
      const isF32 = queries instanceof Float32Array && rows instanceof Float32Array
      const query = isF32 ? lease.copyIn(queries) : lease.copyInAsF64(queries)
      const chunk = lease.allocate(together * dims * (isF32 ? 4 : 8))
      for (let start = 0; start < rowCount; start += together) {
        const end = Math.min(rowCount, start + together)
        const part = rows.subarray(start * dims, end * dims)
        if (isF32 || part instanceof Float64Array) arena.write(chunk, part)
        else arena.f64(chunk, part.length).set(part)
        const kernel = isF32 ? kernels.f32 : kernels.f64
        kernel(query, 1, chunk, end - start, dims, output + start * 8)
      }
    }
    return readScores(arena, output, queryCount * rowCount)
  })
}

/**
 * Dot product of every query with every row; NaN and ±Inf propagate.
 *
 * @param queries f32[queries][dims] or f64[queries][dims]        @param rows [rows][dims]
 * @returns f64[queries][rows]
 * @throws RangeError when dims does not divide a length
 * Accuracy: |error| ≤ ACCURACY.dot_f32 · Σ|q·x| + dims·2^−149 where both are f32; else
 * ACCURACY.dot_f64 · Σ|q·x|.
 */
export function dots(
  queries: Vector | Resident,
  rows: Vector | Resident,
  dims: number,
): Float64Array<ArrayBuffer> {
  const { exports } = getKernels()
  return everyPair(queries, rows, dims, { f32: exports.dots_f32, f64: exports.dots_f64 })
}

/**
 * Euclidean distance of every query from every row. NaN propagates, and so does ±Inf, but for
 * Inf − Inf, which is NaN.
 *
 * @param queries f32[queries][dims] or f64[queries][dims]        @param rows [rows][dims]
 * @returns f64[queries][rows] ≥ 0
 * @throws RangeError when dims does not divide a length
 * Accuracy: relative error ≤ ACCURACY.distance_f32 where both are f32, else ACCURACY.distance_f64, at
 * any magnitude whose result is finite and not subnormal.
 */
export function distances(
  queries: Vector | Resident,
  rows: Vector | Resident,
  dims: number,
): Float64Array<ArrayBuffer> {
  const { exports } = getKernels()
  return everyPair(queries, rows, dims, { f32: exports.distances_f32, f64: exports.distances_f64 })
}

/**
 * Squared Euclidean distances Σ(q − x)². As distances(), with relative error ≤
 * ACCURACY.squaredDistance_f32 or _f64; squares of f64 overflow and underflow as IEEE has it.
 */
export function squaredDistances(
  queries: Vector | Resident,
  rows: Vector | Resident,
  dims: number,
): Float64Array<ArrayBuffer> {
  const { squared_distances_f32: f32, squared_distances_f64: f64 } = getKernels().exports
  return everyPair(queries, rows, dims, { f32, f64 })
}

/**
 * Cosine of every query with every row.
 *
 * @param queries f32[queries][dims] or f64[queries][dims]        @param rows [rows][dims]
 * @returns f64[queries][rows] in [−1, 1]; NaN where query or row is zero, or holds NaN or ±Inf
 * @throws RangeError when dims does not divide a length
 * Accuracy: |error| ≤ ACCURACY.cosine_f32 where both are f32, dims ≤ 4 096, else
 * ACCURACY.cosine_f64, at any finite magnitude. RowIndex is faster where rows are searched again.
 */
export function cosine(
  queries: Vector | Resident,
  rows: Vector | Resident,
  dims: number,
): Float64Array<ArrayBuffer> {
  const { exports } = getKernels()
  const each =
    (kernel: typeof exports.cosine_f32, widthBytes: number): PairKernel =>
    (first, queryCount, others, rowCount, _dims, output) => {
      for (let query = 0; query < queryCount; query++) {
        const at = first + query * dims * widthBytes
        kernel(at, others, rowCount, dims, output + query * rowCount * 8)
      }
    }
  return everyPair(queries, rows, dims, {
    f32: each(exports.cosine_f32, 4),
    f64: each(exports.cosine_f64, 8),
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

/**
 * Indices of the k smallest values, e.g. distances, least first; equal ones in the order of their
 * indices. As topK() of the values' negatives.
 */
export function nearest(distances: Float64Array, k: number): Uint32Array<ArrayBuffer> {
  if (!Number.isInteger(k) || k < 0) throw new RangeError(`k = ${k} is not a whole number ≥ 0`)
  const most = Math.min(k, distances.length)
  const { arena, exports } = getKernels()
  return arena.lease((lease) => {
    const input = lease.copyIn(distances)
    const output = lease.allocate(most * 4)
    exports.scale_f64(input, distances.length, -1, input)
    const found = exports.top_k_f64(input, distances.length, most, output)
    return arena.u32(output, found).slice()
  })
}
