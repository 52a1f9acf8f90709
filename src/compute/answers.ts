import type { z } from '@hono/zod-openapi'
import { transform } from '../kernels/elementwise.ts'
import { Histogram } from '../kernels/histogram.ts'
import { Resident } from '../kernels/memory.ts'
import { getKernels } from '../kernels/module.ts'
import { quantiles } from '../kernels/quantile.ts'
import { type Summary, summary } from '../kernels/reduce.ts'
import { cosine, topK } from '../kernels/similarity.ts'
import { err, ok, type Result } from '../result.ts'
import type { Numbers } from './numbers.ts'
import type * as schema from './schemas.ts'

/** JSON has no NaN and no infinities: null stands for what is not finite. */
const orNull = (x: number): number | null => (Number.isFinite(x) ? x : null)

/** The numbers as f64, wherever they are; those of the kernels' memory until it grows. */
export const asF64 = (values: Numbers): Float64Array => {
  if (values instanceof Resident) return getKernels().arena.f64(values.pointer, values.length)
  return values instanceof Float64Array ? values : new Float64Array(values)
}

export const summaryAnswerOf = (found: Summary): z.infer<typeof schema.summaryAnswer> => {
  const { count, sum, min, max, mean, m2, nanCount } = found
  const variance = m2 / count
  return {
    count,
    sum: orNull(sum),
    min: orNull(min),
    max: orNull(max),
    mean: orNull(mean),
    variance: orNull(variance),
    stddev: orNull(Math.sqrt(variance)),
    nanCount,
  }
}

export const answerSummary = ({
  values,
}: z.infer<typeof schema.summaryRequest>): z.infer<typeof schema.summaryAnswer> =>
  summaryAnswerOf(summary(values))

const named = (percentiles: readonly number[], found: ArrayLike<number>) =>
  Object.fromEntries(percentiles.map((p, i) => [String(p), orNull(found[i] ?? Number.NaN)]))

export const sketchAnswerOf = (
  histogram: Histogram,
  percentiles: readonly number[],
): z.infer<typeof schema.percentilesAnswer> => ({
  percentiles: named(
    percentiles,
    percentiles.map((percentile) => histogram.quantile(percentile / 100)),
  ),
  method: 'sketch',
  relativeErrorMax: histogram.relativeErrorMax,
})

export const answerPercentiles = ({
  values,
  percentiles,
  method,
}: z.infer<typeof schema.percentilesRequest>): z.infer<typeof schema.percentilesAnswer> => {
  if (method === 'exact') {
    const qs = percentiles.map((percentile) => percentile / 100)
    const found = quantiles(values, qs)
    return { percentiles: named(percentiles, found), method, relativeErrorMax: 0 }
  }
  const histogram = new Histogram()
  histogram.insert(values instanceof Resident ? values : asF64(values))
  return sketchAnswerOf(histogram, percentiles)
}

/** Why vectors cannot be compared. */
export type SimilarityError =
  | { readonly reason: 'query-without-direction' }
  | { readonly reason: 'ragged'; readonly index: number; readonly length: number; dims: number }

/** Candidates one after the other; the first that is not `dims` long is the error. */
export const packCandidates = (
  candidates: readonly Numbers[],
  dims: number,
): Result<Float64Array, SimilarityError> => {
  const index = candidates.findIndex(({ length }) => length !== dims)
  const ragged = candidates[index]
  if (ragged) return err({ reason: 'ragged', index, length: ragged.length, dims })
  const rows = new Float64Array(candidates.length * dims)
  candidates.forEach((candidate, i) => {
    rows.set(asF64(candidate), i * dims)
  })
  return ok(rows)
}

/** Best first; candidates without a direction come last with the score null, in their order. */
export const answerSimilarity = (
  query: Numbers,
  rows: Numbers,
  k: number | undefined,
): Result<z.infer<typeof schema.similarityAnswer>, SimilarityError> => {
  const numbers = asF64(query)
  if (!numbers.every(Number.isFinite) || numbers.every((x) => x === 0)) {
    return err({ reason: 'query-without-direction' })
  }
  const scores = cosine(query, rows, query.length)
  const wanted = Math.min(k ?? scores.length, scores.length)
  const matches: z.infer<typeof schema.similarityAnswer>['matches'] = Array.from(
    topK(scores, wanted),
    (index) => ({ index, score: scores[index] ?? null }),
  )
  for (let index = 0; index < scores.length && matches.length < wanted; index++) {
    if (Number.isNaN(scores[index])) matches.push({ index, score: null })
  }
  return ok({ matches })
}

export const answerPipeline = ({
  values,
  operations,
}: z.infer<typeof schema.pipelineRequest>): z.infer<typeof schema.pipelineAnswer> => ({
  values: Array.from(transform(values, operations), orNull),
  tier: 'kernel',
})
