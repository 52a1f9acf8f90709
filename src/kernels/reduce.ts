import type { Resident } from './memory.ts'
import { getKernels } from './module.ts'

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
}

export const EMPTY_SUMMARY: Summary = {
  count: 0,
  sum: 0,
  min: Number.NaN,
  max: Number.NaN,
  mean: Number.NaN,
  m2: 0,
  nanCount: 0,
}

type Values = Float64Array | Float32Array

/** Runs a kernel (values, count, output) and gives the first `length` f64 of its output. */
function reduce(
  values: Values | Resident,
  kernel: (values: number, count: number, output: number) => void,
  outputBytes: number,
): Float64Array {
  const { arena } = getKernels()
  return arena.lease((lease) => {
    const input = lease.copyIn(values)
    const output = lease.allocate(outputBytes)
    kernel(input, values.length, output)
    return arena.f64(output, outputBytes / 8).slice()
  })
}

const at = (output: Float64Array, index: number): number => output[index] ?? Number.NaN

/**
 * Sum in f64; NaN and ±Inf propagate as in IEEE addition. 0 for an empty array.
 *
 * @param values f64[n] or f32[n]
 * Accuracy: |error| ≤ ACCURACY.sum · Σ|x| (16 partial sums, not in the order of the array).
 */
export function sum(values: Values): number {
  const { exports } = getKernels()
  const kernel = values instanceof Float64Array ? exports.sum_f64 : exports.sum_f32
  return at(reduce(values, kernel, 8), 0)
}

/**
 * Compensated sum: as if added in twice the precision, then rounded. 0 for an empty array.
 *
 * @param values f64[n]
 * Accuracy: |error| ≤ ACCURACY.sumCompensated · |sum| + n²·2^−105 · Σ|x| for finite input.
 * Where a partial sum leaves the finite range the plain IEEE sum is given.
 * Source: Ogita, Rump & Oishi 2005, Sum2, doi:10.1137/030601818.
 */
export function sumCompensated(values: Float64Array): number {
  return at(reduce(values, getKernels().exports.sum_compensated_f64, 8), 0)
}

/**
 * Smallest and largest value; NaN are left out, and both are NaN where nothing else came. −0 and
 * +0 are equal: either may be given.
 *
 * @param values f64[n] or f32[n]
 * Accuracy: exact.
 */
export function minMax(values: Values): { min: number; max: number } {
  const { exports } = getKernels()
  const kernel = values instanceof Float64Array ? exports.min_max_f64 : exports.min_max_f32
  const output = reduce(values, kernel, 16)
  const min = at(output, 0)
  const max = at(output, 1)
  return min > max ? { min: Number.NaN, max: Number.NaN } : { min, max }
}

/**
 * Count, sum, min, max, mean, M2 = Σ(x − mean)² and the number of NaN in one pass.
 *
 * NaN are counted and left out. ±Inf are values: they are min or max, sum and mean are IEEE's
 * (+Inf with −Inf gives NaN) and M2 is NaN. Without values: sum 0, M2 0, min, max and mean NaN.
 *
 * @param values f64[n] or f32[n], computed in f64
 * Accuracy: sum |error| ≤ ACCURACY.summarySum · Σ|x|; mean |error| ≤ ACCURACY.summaryMean · max|x|;
 * M2 relative error ≤ ACCURACY.summaryM2 where |x| < 2^500; min, max and the counts are exact.
 * Source: blocks around a provisional mean, merged by Chan, Golub & LeVeque 1979, eq. 2.1.
 */
export function summary(values: Values | Resident): Summary {
  const { exports } = getKernels()
  const kernel = values instanceof Float32Array ? exports.summary_f32 : exports.summary_f64
  const output = reduce(values, kernel, 128)
  return {
    count: at(output, 0),
    sum: at(output, 1),
    min: at(output, 2),
    max: at(output, 3),
    mean: at(output, 4),
    m2: at(output, 5),
    nanCount: at(output, 6),
  }
}

/**
 * The summary of two arrays put together, from their summaries.
 * Source: Chan, Golub & LeVeque 1979, eq. 2.1. Counts, min and max are exact in any order of
 * merging; sum, mean and M2 round once a merge.
 */
export function mergeSummaries(a: Summary, b: Summary): Summary {
  const nanCount = a.nanCount + b.nanCount
  if (b.count === 0) return { ...a, nanCount }
  if (a.count === 0) return { ...b, nanCount }
  const count = a.count + b.count
  const sum = a.sum + b.sum
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
  }
}
