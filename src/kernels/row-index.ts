import { type Hold, SCRATCH_BYTES } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'
import { readScores } from './similarity.ts'

type Vector = Float64Array | Float32Array

/** What an index holds at most where its owner does not say. */
export const INDEX_BYTES_MAX = 16 * 1024 * 1024

/** Products of i8 are added in i32: more would overflow. */
export const I8_DIMS_MAX = 131_072

const CHUNK_BYTES = 256 * 1024
/** Scale and Σq² of one i8 row. */
const PROPERTIES_BYTES = 16

export interface RowIndexOptions {
  /** i8 takes a quarter of the memory and half the time; its cosines are those of the rounded rows. */
  readonly dtype?: 'f32' | 'i8'
  readonly bytesMax?: number
}

/** The rows nearest to one query, best first; equal scores in the order of their indices. */
export interface Matches {
  readonly indices: Uint32Array<ArrayBuffer>
  /** Cosines in [−1, 1]. */
  readonly scores: Float64Array<ArrayBuffer>
}

/**
 * Rows kept in the kernels' memory, brought to length 1 once, so that the cosine with a query is one
 * dot product and no copy. It stays there until free(); rows that are zero or hold NaN or ±Inf score
 * NaN and are never found.
 *
 * Accuracy: |error| ≤ ACCURACY.cosine_f32, dims ≤ 4 096, at any finite magnitude. As i8:
 * ≤ e + f + e·f, e = √dims · max|x| / (253 · ‖x‖) of the query and f the same of the row.
 */
export class RowIndex {
  readonly dims: number
  readonly count: number
  readonly dtype: 'f32' | 'i8'
  readonly sizeBytes: number
  readonly #kernels: Kernels
  readonly #hold: Hold
  #isFree = false

  /**
   * @param rows [count][dims], kept as f32 or i8
   * @throws RangeError when dims does not divide the length, or the rows are beyond bytesMax
   * @throws ArenaExhaustedError when the kernels' memory has no room for them
   */
  constructor(rows: Vector, dims: number, options: RowIndexOptions = {}) {
    const { dtype = 'f32', bytesMax = INDEX_BYTES_MAX } = options
    if (!Number.isInteger(dims) || dims < 1) throw new RangeError(`dims ${dims} is not positive`)
    if (rows.length % dims !== 0) throw new RangeError(`${rows.length} is no multiple of ${dims}`)
    if (dtype === 'i8' && dims > I8_DIMS_MAX) {
      throw new RangeError(`dims ${dims} is above ${I8_DIMS_MAX}, the most for i8`)
    }
    this.dims = dims
    this.count = rows.length / dims
    this.dtype = dtype
    this.sizeBytes = this.#propertiesAt(0) + (dtype === 'i8' ? this.count * PROPERTIES_BYTES : 0)
    if (this.sizeBytes > bytesMax) {
      throw new RangeError(`${this.sizeBytes} bytes of rows are above ${bytesMax}`)
    }
    this.#kernels = getKernels()
    this.#hold = this.#kernels.arena.hold(this.sizeBytes)
    try {
      this.#fill(rows)
    } catch (error) {
      this.free()
      throw error
    }
  }

  /** Where the properties of i8 rows begin, behind the rows: aligned to 16. */
  #propertiesAt(pointer: number): number {
    const rowsBytes = this.count * this.dims * (this.dtype === 'i8' ? 1 : 4)
    return pointer + Math.ceil(rowsBytes / 16) * 16
  }

  #fill(rows: Vector): void {
    const { arena, exports } = this.#kernels
    const { dims, count } = this
    const { pointer } = this.#hold
    const together = Math.max(1, Math.floor(CHUNK_BYTES / 4 / dims))
    arena.lease((lease) => {
      const chunk = lease.allocate(Math.min(together, count) * dims * 4)
      for (let start = 0; start < count; start += together) {
        const rowCount = Math.min(together, count - start)
        const part = rows.subarray(start * dims, (start + rowCount) * dims)
        arena.f32(chunk, part.length).set(part)
        if (this.dtype === 'f32') {
          exports.normalize_f32(chunk, rowCount, dims, pointer + start * dims * 4)
        } else {
          const properties = this.#propertiesAt(pointer) + start * PROPERTIES_BYTES
          exports.quantise_i8(chunk, rowCount, dims, pointer + start * dims, properties)
        }
      }
    })
  }

  /** Runs `use`, which leaves the scratch memory alone, with the address of f64[queries][count] of cosines. */
  #withScores<T>(queries: Vector, use: (scores: number, queryCount: number) => T): T {
    if (this.#isFree) throw new Error('the index was freed')
    const { dims, count } = this
    if (queries.length % dims !== 0) {
      throw new RangeError(`queries: ${queries.length} is no multiple of ${dims}`)
    }
    const { arena, exports } = this.#kernels
    const queryCount = queries.length / dims
    const { pointer } = this.#hold
    const isF32 = this.dtype === 'f32'
    const given = Math.ceil((queries.length * 4) / 16) * 16
    const brought = isF32 ? 0 : Math.ceil(queries.length / 16) * 16
    const properties = isF32 ? 0 : queryCount * PROPERTIES_BYTES
    // One block: the queries as they came, what i8 makes of them, the scores. Little needs no lease.
    const sizeBytes = given + brought + properties + queryCount * count * 8
    const lease = sizeBytes <= SCRATCH_BYTES ? undefined : arena.openLease()
    try {
      const first = lease?.allocate(sizeBytes) ?? arena.scratch
      const scores = first + given + brought + properties
      if (queries instanceof Float32Array) arena.write(first, queries)
      else arena.f32(first, queries.length).set(queries)
      if (isF32) {
        exports.normalize_f32(first, queryCount, dims, first)
        exports.dots_f32(first, queryCount, pointer, count, dims, scores)
      } else {
        const [values, own] = [first + given, first + given + brought]
        const others = this.#propertiesAt(pointer)
        exports.quantise_i8(first, queryCount, dims, values, own)
        exports.cosines_i8(values, own, queryCount, pointer, others, count, dims, scores)
      }
      exports.clamp_f64(scores, queryCount * count, -1, 1, scores)
      return use(scores, queryCount)
    } finally {
      lease?.close()
    }
  }

  /**
   * @param queries [queries][dims], read as f32
   * @returns f64[queries][count] in [−1, 1]; NaN where query or row has no direction
   * @throws RangeError when dims does not divide the length; Error after free()
   */
  cosines(queries: Vector): Float64Array<ArrayBuffer> {
    return this.#withScores(queries, (scores, queryCount) =>
      readScores(this.#kernels.arena, scores, queryCount * this.count),
    )
  }

  /**
   * The k best rows for each query; fewer where fewer have a direction, none where the query has none.
   * Throws as cosines(), and RangeError when k is not a whole number ≥ 0.
   */
  search(queries: Vector, k: number): Matches[] {
    if (!Number.isInteger(k) || k < 0) throw new RangeError(`k = ${k} is not a whole number ≥ 0`)
    const { arena, exports } = this.#kernels
    const most = Math.min(k, this.count)
    return this.#withScores(queries, (scores, queryCount) =>
      arena.lease((lease) => {
        const output = lease.allocate(most * 4)
        return Array.from({ length: queryCount }, (_, query): Matches => {
          const from = scores + query * this.count * 8
          const found = exports.top_k_f64(from, this.count, most, output)
          const indices = arena.u32(output, found).slice()
          const all = arena.f64(from, this.count)
          return { indices, scores: Float64Array.from(indices, (i) => all[i] ?? Number.NaN) }
        })
      }),
    )
  }

  /** Gives the memory back; a second call does nothing. */
  free(): void {
    this.#isFree = true
    this.#hold.free()
  }
}
