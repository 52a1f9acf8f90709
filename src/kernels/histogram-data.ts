import type { Buckets } from './buckets.ts'
import { BUCKETS_MAX_DEFAULT, Histogram, SCALE_MIN } from './histogram.ts'
import type { ExponentialData, SparseBuckets } from './histogram-formats.ts'

function sparse(buckets: Buckets): SparseBuckets {
  const indices: number[] = []
  const counts: number[] = []
  for (let index = buckets.low; index <= buckets.high; index++) {
    const count = buckets.at(index)
    if (count === 0) continue
    indices.push(index)
    counts.push(count)
  }
  return { indices, counts }
}

/** A histogram for the formats of histogram-formats.ts. `sum` is NaN where it is not known. */
export const dataOf = (histogram: Histogram, sum = Number.NaN): ExponentialData => ({
  scale: histogram.scale,
  zeroThreshold: 0,
  zeroCount: histogram.zeroCount,
  unbucketedCount: histogram.nonFiniteCount,
  positive: sparse(histogram.positive),
  negative: sparse(histogram.negative),
  sum,
})

/** Halvings of the scale until a side fits into bucketsMax. */
function excess({ indices }: SparseBuckets, bucketsMax: number): number {
  const [low = 0, high = 0] = [indices[0], indices.at(-1)]
  let by = 0
  while ((high >> by) - (low >> by) >= bucketsMax) by++
  return by
}

/**
 * A histogram of the same observations. What was taken for zero beyond 0 itself stays a zero; an
 * observation in the bucket behind the largest double was an infinity and is counted as not finite.
 *
 * @throws RangeError when bucketsMax is too small
 */
export function histogramOf(data: ExponentialData, bucketsMax = BUCKETS_MAX_DEFAULT): Histogram {
  const by = Math.min(
    data.scale - SCALE_MIN,
    Math.max(excess(data.positive, bucketsMax), excess(data.negative, bucketsMax)),
  )
  const histogram = new Histogram(data.scale - by, bucketsMax)
  const end = 2 ** data.scale * 1024
  histogram.zeroCount = data.zeroCount
  histogram.nonFiniteCount = data.unbucketedCount
  histogram.count = data.zeroCount
  for (const [buckets, { indices, counts }] of [
    [histogram.positive, data.positive],
    [histogram.negative, data.negative],
  ] as const) {
    indices.forEach((index, i) => {
      const count = counts[i] ?? 0
      if (index >= end) {
        histogram.nonFiniteCount += count
        return
      }
      buckets.add(index >> by, count)
      histogram.count += count
    })
  }
  return histogram
}
