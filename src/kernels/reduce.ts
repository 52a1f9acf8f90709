import { CHUNK_ELEMENTS, Resident } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'
import { pieceOf } from './pieces.ts'

/**
 * What one pass over an array yields. Mergeable; population variance is m2 / count.
 * Without values: count 0, sum 0, m2 0, and min, max and mean are NaN.
 */
export interface Summary {
  /** Values that are not NaN. */
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly mean: number
  /** Σ(x − mean)². */
  readonly m2: number
  readonly nanCount: number
  /** What rounding `sum` left out, so that merged sums lose nothing; 0 where sum is not finite. */
  readonly sumLow: number
}

export const EMPTY_SUMMARY: Summary = {
  count: 0,
  sum: 0,
  min: Number.NaN,
  max: Number.NaN,
  mean: Number.NaN,
  m2: 0,
  nanCount: 0,
  sumLow: 0,
}

export type Values = Float64Array | Float32Array | Resident

const isF32 = (values: Values): values is Float32Array => values instanceof Float32Array

type Kernel = (values: number, count: number, state: number) => void

/** A kernel's state lies at the scratch address, its input behind this. */
const STATE_BYTES = 1024

/** A piece of this size and where it is copied from stay in the first cache together. */
const PIECE_ELEMENTS = CHUNK_ELEMENTS / 2

/**
 * Continues the state at the scratch address with values of any length. Values outside the kernels'
 * memory are copied a piece at a time, which is read while it is in the first cache, so no length needs
 * memory.
 *
 * @param first takes the first piece, which may be empty, where it is not `kernel`
 */
function feed({ arena }: Kernels, values: Values, kernel: Kernel, first = kernel): void {
  const { scratch } = arena
  const input = scratch + STATE_BYTES
  const { length } = values
  if (length <= PIECE_ELEMENTS) {
    const pointer = values instanceof Resident ? values.pointer : input
    if (!(values instanceof Resident)) arena.write(input, values)
    first(pointer, length, scratch)
    return
  }
  let next = first
  for (let start = 0; start < length; start += PIECE_ELEMENTS) {
    const count = Math.min(PIECE_ELEMENTS, length - start)
    // What lies in the memory comes in the same pieces: the error of a plain sum grows with theirs.
    const pointer = values instanceof Resident ? values.pointer + start * 8 : input
    if (!(values instanceof Resident)) arena.write(input, pieceOf(values, start, count))
    next(pointer, count, scratch)
    next = kernel
  }
}

/** A sum and what rounding left out of it; the first alone where it left the finite range. */
const roundedSum = (high: number, low: number): number =>
  Number.isFinite(high + low) ? high + low : high

function sumWith(kernels: Kernels, values: Values, kernel: Kernel): number {
  const { arena } = kernels
  arena.writeF64(arena.scratch, 0, 0)
  arena.writeF64(arena.scratch, 1, 0)
  feed(kernels, values, kernel)
  return roundedSum(arena.readF64(arena.scratch), arena.readF64(arena.scratch, 1))
}

/**
 * Sum in f64; NaN and ±Inf propagate as in IEEE addition. 0 for an empty array.
 *
 * @param values f64[n] or f32[n]
 * Accuracy: |error| ≤ ACCURACY.sum · Σ|x| (16 partial sums, not in the order of the array) where
 * Σ|x| < 2^1023; beyond it finite values may sum to an infinity or NaN, as in IEEE.
 */
export function sum(values: Values): number {
  const kernels = getKernels()
  const { sum_f64, sum_f32 } = kernels.exports
  return sumWith(kernels, values, isF32(values) ? sum_f32 : sum_f64)
}

/**
 * Compensated sum: as if added in twice the precision, then rounded. 0 for an empty array.
 *
 * @param values f64[n]
 * Accuracy: |error| ≤ ACCURACY.sumCompensated · |sum| + n²·2^−105 · Σ|x| for finite input.
 * Where a partial sum leaves the finite range the plain IEEE sum is given.
 * Source: Ogita, Rump & Oishi 2005, Sum2, doi:10.1137/030601818.
 */
export function sumCompensated(values: Float64Array | Resident): number {
  const kernels = getKernels()
  return sumWith(kernels, values, kernels.exports.sum_compensated_f64)
}

/**
 * Smallest and largest value; NaN are left out, and both are NaN where nothing else came. −0 and
 * +0 are equal: either may be given.
 *
 * @param values f64[n] or f32[n]
 * Accuracy: exact.
 */
export function minMax(values: Values): { min: number; max: number } {
  const kernels = getKernels()
  const { arena, exports } = kernels
  arena.writeF64(arena.scratch, 0, Number.POSITIVE_INFINITY)
  arena.writeF64(arena.scratch, 1, Number.NEGATIVE_INFINITY)
  feed(kernels, values, isF32(values) ? exports.min_max_f32 : exports.min_max_f64)
  const min = arena.readF64(arena.scratch)
  const max = arena.readF64(arena.scratch, 1)
  return min > max ? { min: Number.NaN, max: Number.NaN } : { min, max }
}

const SUMMARY_STATE_ELEMENTS = 16

const summaryKernel = ({ exports }: Kernels, values: Values): Kernel =>
  isF32(values) ? exports.summary_add_f32 : exports.summary_add_f64

/** The summary that the state at the scratch address holds. */
function readSummary({ arena }: Kernels): Summary {
  const state = arena.scratch
  const count = arena.readF64(state)
  return {
    count,
    sum: arena.readF64(state, 1),
    min: count > 0 ? arena.readF64(state, 2) : Number.NaN,
    max: count > 0 ? arena.readF64(state, 3) : Number.NaN,
    mean: count > 0 ? arena.readF64(state, 4) : Number.NaN,
    m2: arena.readF64(state, 5),
    nanCount: arena.readF64(state, 6),
    sumLow: arena.readF64(state, 7),
  }
}

/**
 * Count, sum, min, max, mean, M2 = Σ(x − mean)² and the number of NaN in one pass.
 *
 * NaN are counted and left out. ±Inf are values: they are min or max, sum and mean are IEEE's
 * (+Inf with −Inf gives NaN) and M2 is NaN. Without values: sum 0, M2 0, min, max and mean NaN.
 *
 * @param values f64[n] or f32[n], computed in f64
 * Accuracy: sum |error| ≤ ACCURACY.summarySum · Σ|x|; mean |error| ≤ ACCURACY.summaryMean · max|x|,
 * both where Σ|x| < 2^1023, beyond which sum and mean may be infinite or NaN as in IEEE; M2 relative error ≤ ACCURACY.summaryM2 where |x| < 2^500; min, max and the counts are exact.
 * Source: blocks, around a provisional mean where they need one, merged by Chan, Golub & LeVeque
 * 1979, eq. 2.1.
 */
export function summary(values: Values): Summary {
  const kernels = getKernels()
  const { exports } = kernels
  const first = isF32(values) ? exports.summary_f32 : exports.summary_f64
  feed(kernels, values, summaryKernel(kernels, values), first)
  return readSummary(kernels)
}

/**
 * A summary of what comes piece by piece, in constant memory: whole or in pieces of a multiple of
 * 1024 values the result is the same, bit for bit; in other pieces within the bounds of summary().
 */
export class SummaryStream {
  readonly #state = new Float64Array(SUMMARY_STATE_ELEMENTS)

  /** @param values f64[n] or f32[n] */
  add(values: Values): void {
    const kernels = getKernels()
    const { arena } = kernels
    arena.write(arena.scratch, this.#state)
    feed(kernels, values, summaryKernel(kernels, values))
    this.#state.set(arena.f64(arena.scratch, SUMMARY_STATE_ELEMENTS))
  }

  /** The summary of all that came so far. */
  get summary(): Summary {
    const kernels = getKernels()
    kernels.arena.write(kernels.arena.scratch, this.#state)
    return readSummary(kernels)
  }
}

/**
 * The summary of two arrays put together, from their summaries.
 * Source: Chan, Golub & LeVeque 1979, eq. 2.1; the sums by Knuth's TwoSum. Counts, min and max are
 * exact in any order of merging; sum with sumLow loses 2^−106 of itself, mean and M2 round once a
 * merge.
 */
export function mergeSummaries(a: Summary, b: Summary): Summary {
  const nanCount = a.nanCount + b.nanCount
  if (b.count === 0) return { ...a, nanCount }
  if (a.count === 0) return { ...b, nanCount }
  const count = a.count + b.count
  const high = a.sum + b.sum
  const part = high - a.sum
  const low = a.sum - (high - part) + (b.sum - part) + (a.sumLow + b.sumLow)
  const sum = roundedSum(high, low)
  const sumLow = Number.isFinite(sum) ? high - sum + low : 0
  const min = Math.min(a.min, b.min)
  const max = Math.max(a.max, b.max)
  const infinite = min === Number.NEGATIVE_INFINITY || max === Number.POSITIVE_INFINITY
  const delta = b.mean - a.mean
  const share = b.count / count
  return {
    count,
    sum,
    min,
    max,
    mean: infinite ? sum / count : a.mean + delta * share,
    m2: infinite ? Number.NaN : a.m2 + b.m2 + delta * delta * a.count * share,
    nanCount,
    sumLow,
  }
}
