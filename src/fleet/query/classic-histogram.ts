/**
 * The quantile of a histogram of cumulative buckets, interpolated linearly inside its bucket.
 *
 * @param bounds f64[n], upper bounds, ascending; equal ones are added up  @param counts f64[n], cumulative
 * @returns NaN without a bucket to +∞, with one bucket alone or without observations; ±∞ for q outside of
 * [0, 1]; the second highest bound where the quantile lies in the highest bucket. Changes its arguments.
 * A count below an earlier one, as scrapes that are not atomic leave it, counts as the earlier one.
 * Source: `histogram_quantile` of Prometheus.
 */
export const classicQuantile = (q: number, bounds: Float64Array, counts: Float64Array): number => {
  if (Number.isNaN(q)) return Number.NaN
  if (q < 0) return Number.NEGATIVE_INFINITY
  if (q > 1) return Number.POSITIVE_INFINITY
  if (bounds[bounds.length - 1] !== Number.POSITIVE_INFINITY) return Number.NaN
  let last = 0
  for (let index = 1; index < bounds.length; index++) {
    if (bounds[index] === bounds[last])
      counts[last] = (counts[last] as number) + (counts[index] as number)
    else {
      last++
      bounds[last] = bounds[index] as number
      counts[last] = counts[index] as number
    }
  }
  for (let index = 1, highest = counts[0] as number; index <= last; index++) {
    highest = Math.max(highest, counts[index] as number)
    counts[index] = highest
  }
  const observations = counts[last] as number
  if (last < 1 || observations === 0 || Number.isNaN(observations)) return Number.NaN
  const rank = q * observations
  let bucket = 0
  while (bucket < last && !((counts[bucket] as number) >= rank)) bucket++
  const upper = bounds[bucket] as number
  if (bucket === last) return bounds[last - 1] as number
  if (bucket === 0 && upper <= 0) return upper
  const lower = bucket === 0 ? 0 : (bounds[bucket - 1] as number)
  const below = bucket === 0 ? 0 : (counts[bucket - 1] as number)
  return lower + (upper - lower) * ((rank - below) / ((counts[bucket] as number) - below))
}
