import { type Buckets, CUSTOM_SCHEMA, type FloatHistogram, NO_BUCKETS } from './native-histogram.ts'

/** The upper bound of bucket `index` of a positive side. */
export const upperBoundOf = (
  { schema, customBounds }: Pick<FloatHistogram, 'schema' | 'customBounds'>,
  index: number,
): number => {
  if (schema !== CUSTOM_SCHEMA) return 2 ** (index * 2 ** -schema)
  if (index < 0) return Number.NEGATIVE_INFINITY
  return customBounds[index] ?? Number.POSITIVE_INFINITY
}

/** The lower bound of bucket `index`; the lowest bucket of a custom schema reaches to −∞. */
export const lowerBoundOf = (
  histogram: Pick<FloatHistogram, 'schema' | 'customBounds'>,
  index: number,
): number => upperBoundOf(histogram, index - 1)

const merged = (a: Buckets, b: Buckets, sign: number): Buckets => {
  const index: number[] = []
  const count: number[] = []
  let i = 0
  let j = 0
  while (i < a.index.length || j < b.index.length) {
    const left = a.index[i] ?? Number.POSITIVE_INFINITY
    const right = b.index[j] ?? Number.POSITIVE_INFINITY
    index.push(Math.min(left, right))
    let sum = 0
    if (left <= right) sum += a.count[i++] ?? 0
    if (right <= left) sum += sign * (b.count[j++] ?? 0)
    count.push(sum)
  }
  return { index, count }
}

/** Buckets of a coarser schema: 2^levels neighbours become one. */
const coarser = (buckets: Buckets, levels: number): Buckets => {
  const index: number[] = []
  const count: number[] = []
  buckets.index.forEach((fine, position) => {
    const coarse = Math.floor((fine - 1) / 2 ** levels) + 1
    const last = index.length - 1
    if (index[last] === coarse) count[last] = (count[last] ?? 0) + (buckets.count[position] ?? 0)
    else {
      index.push(coarse)
      count.push(buckets.count[position] ?? 0)
    }
  })
  return { index, count }
}

/** The histogram at a schema no finer than `schema`. */
export const atSchema = (histogram: FloatHistogram, schema: number): FloatHistogram =>
  histogram.schema <= schema
    ? histogram
    : {
        ...histogram,
        schema,
        positive: coarser(histogram.positive, histogram.schema - schema),
        negative: coarser(histogram.negative, histogram.schema - schema),
      }

/** The smallest zero bucket of at least `threshold` that cuts through no populated bucket. */
const wholeThreshold = (histogram: FloatHistogram, threshold: number): number => {
  let whole = threshold
  for (const { index, count } of [histogram.positive, histogram.negative])
    index.forEach((bucket, position) => {
      const upper = upperBoundOf(histogram, bucket)
      if (count[position] !== 0 && lowerBoundOf(histogram, bucket) < whole && upper > whole)
        whole = upper
    })
  return whole
}

const withThreshold = (histogram: FloatHistogram, threshold: number): FloatHistogram => {
  if (threshold <= histogram.zeroThreshold) return histogram
  let zeroCount = histogram.zeroCount
  const outside = ({ index, count }: Buckets): Buckets => {
    const kept = { index: [] as number[], count: [] as number[] }
    index.forEach((bucket, position) => {
      if (upperBoundOf(histogram, bucket) <= threshold) zeroCount += count[position] ?? 0
      else {
        kept.index.push(bucket)
        kept.count.push(count[position] ?? 0)
      }
    })
    return kept
  }
  const positive = outside(histogram.positive)
  const negative = outside(histogram.negative)
  return { ...histogram, zeroThreshold: threshold, zeroCount, positive, negative }
}

/** The smallest zero bucket that suits both. */
const commonThreshold = (a: FloatHistogram, b: FloatHistogram): number => {
  let threshold = Math.max(a.zeroThreshold, b.zeroThreshold)
  for (;;) {
    const wider = Math.max(wholeThreshold(a, threshold), wholeThreshold(b, threshold))
    if (wider === threshold) return threshold
    threshold = wider
  }
}

const sameBounds = (a: FloatHistogram, b: FloatHistogram): boolean =>
  a.customBounds.length === b.customBounds.length &&
  a.customBounds.every((bound, index) => bound === b.customBounds[index])

/**
 * a + sign · b, at the coarser schema and the wider zero bucket of both; null where one has bounds of
 * its own and the other has not the same.
 */
export const combined = (
  a: FloatHistogram,
  b: FloatHistogram,
  sign: 1 | -1,
): FloatHistogram | null => {
  if (a.schema === CUSTOM_SCHEMA || b.schema === CUSTOM_SCHEMA) {
    if (a.schema !== b.schema || !sameBounds(a, b)) return null
  }
  const schema = Math.min(a.schema, b.schema)
  const threshold = schema === CUSTOM_SCHEMA ? 0 : commonThreshold(a, b)
  const left = atSchema(withThreshold(a, threshold), schema)
  const right = atSchema(withThreshold(b, threshold), schema)
  return {
    ...left,
    zeroCount: left.zeroCount + sign * right.zeroCount,
    count: left.count + sign * right.count,
    sum: left.sum + sign * right.sum,
    positive: merged(left.positive, right.positive, sign),
    negative: merged(left.negative, right.negative, sign),
  }
}

export const scaled = (histogram: FloatHistogram, factor: number): FloatHistogram => {
  const times = ({ index, count }: Buckets): Buckets => ({
    index,
    count: count.map((observations) => observations * factor),
  })
  return {
    ...histogram,
    zeroCount: histogram.zeroCount * factor,
    count: histogram.count * factor,
    sum: histogram.sum * factor,
    positive: times(histogram.positive),
    negative: times(histogram.negative),
  }
}

const countsAt = (buckets: Buckets): Map<number, number> =>
  new Map(buckets.index.map((index, position) => [index, buckets.count[position] ?? 0]))

/** Whether a counter was reset between two histograms: a count fell, or the buckets became finer. */
export const isReset = (previous: FloatHistogram, current: FloatHistogram): boolean => {
  if (current.count < previous.count || current.schema > previous.schema) return true
  if (current.zeroThreshold < previous.zeroThreshold) return true
  if ((current.schema === CUSTOM_SCHEMA) !== (previous.schema === CUSTOM_SCHEMA)) return true
  const before = atSchema(withThreshold(previous, current.zeroThreshold), current.schema)
  if (current.zeroCount < before.zeroCount) return true
  return (['positive', 'negative'] as const).some((side) => {
    const now = countsAt(current[side])
    return before[side].index.some(
      (index, position) => (now.get(index) ?? 0) < (before[side].count[position] ?? 0),
    )
  })
}

export const EMPTY_HISTOGRAM: FloatHistogram = {
  isStale: false,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positive: NO_BUCKETS,
  negative: NO_BUCKETS,
  customBounds: [],
}
