import { lowerBoundOf, upperBoundOf } from './histogram-arithmetic.ts'
import { CUSTOM_SCHEMA, type FloatHistogram } from './native-histogram.ts'

/** A bucket of either sign or the one around zero, with its observations. */
export interface RangeBucket {
  lower: number
  upper: number
  readonly count: number
  /** Which bounds belong to it, as Prometheus' API numbers them. */
  readonly boundaries: 0 | 1 | 3
  readonly isZero: boolean
}

/** The populated buckets, ascending. */
export const bucketsOf = (histogram: FloatHistogram): RangeBucket[] => {
  const { negative, positive, zeroCount, zeroThreshold, schema } = histogram
  const found: RangeBucket[] = []
  for (let position = negative.index.length - 1; position >= 0; position--) {
    const index = negative.index[position] ?? 0
    found.push({
      lower: -upperBoundOf(histogram, index),
      upper: -lowerBoundOf(histogram, index),
      count: negative.count[position] ?? 0,
      boundaries: 1,
      isZero: false,
    })
  }
  if (schema !== CUSTOM_SCHEMA)
    found.push({
      lower: -zeroThreshold,
      upper: zeroThreshold,
      count: zeroCount,
      boundaries: 3,
      isZero: true,
    })
  positive.index.forEach((index, position) => {
    found.push({
      lower: lowerBoundOf(histogram, index),
      upper: upperBoundOf(histogram, index),
      count: positive.count[position] ?? 0,
      boundaries: 0,
      isZero: false,
    })
  })
  return found.filter((bucket) => bucket.count !== 0)
}

/** The zero bucket of a histogram without negative observations begins at 0, and the other way round. */
const clampZero = (bucket: RangeBucket, histogram: FloatHistogram): void => {
  if (!bucket.isZero) return
  if (histogram.negative.index.length === 0 && histogram.positive.index.length > 0) bucket.lower = 0
  if (histogram.positive.index.length === 0 && histogram.negative.index.length > 0) bucket.upper = 0
}

const within = (bucket: RangeBucket, fraction: number, exponential: boolean): number => {
  const { lower, upper } = bucket
  if (lower === Number.NEGATIVE_INFINITY) return upper
  if (upper === Number.POSITIVE_INFINITY) return lower
  if (!exponential || bucket.isZero || lower <= 0 === upper > 0)
    return lower + (upper - lower) * fraction
  const [low, high] = [Math.log2(Math.abs(lower)), Math.log2(Math.abs(upper))]
  const magnitude = 2 ** (low + (high - low) * fraction)
  return lower > 0 ? magnitude : -magnitude
}

/**
 * The quantile of a native histogram, interpolated inside its bucket: linearly, or exponentially as in
 * Prometheus 3. NaN of an empty histogram, ±∞ outside of [0, 1].
 */
export const nativeQuantile = (
  q: number,
  histogram: FloatHistogram,
  exponential: boolean,
): number => {
  if (q < 0) return Number.NEGATIVE_INFINITY
  if (q > 1) return Number.POSITIVE_INFINITY
  if (Number.isNaN(q) || !(histogram.count > 0)) return Number.NaN
  const isExponential = exponential && histogram.schema !== CUSTOM_SCHEMA
  const rank = q * histogram.count
  const buckets = bucketsOf(histogram)
  let below = 0
  for (const bucket of buckets) {
    if (below + bucket.count < rank && bucket !== buckets.at(-1)) {
      below += bucket.count
      continue
    }
    clampZero(bucket, histogram)
    return within(bucket, Math.min(1, (rank - below) / bucket.count), isExponential)
  }
  return Number.NaN
}

/** The part of a native histogram's observations in [lower, upper], interpolated linearly inside buckets. */
export const nativeFraction = (lower: number, upper: number, histogram: FloatHistogram): number => {
  if (Number.isNaN(lower) || Number.isNaN(upper) || !(histogram.count > 0)) return Number.NaN
  if (lower >= upper) return 0
  const below = (limit: number): number => {
    let rank = 0
    for (const bucket of bucketsOf(histogram)) {
      clampZero(bucket, histogram)
      if (bucket.upper <= limit) rank += bucket.count
      else if (bucket.lower < limit)
        rank += (bucket.count * (limit - bucket.lower)) / (bucket.upper - bucket.lower)
    }
    return rank
  }
  return (below(upper) - below(lower)) / histogram.count
}
