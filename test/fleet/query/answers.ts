/** Answers of the Prometheus API, compared up to rounding. */
export interface Answer {
  readonly status: 'success' | 'error'
  readonly error?: string
  readonly data?: { readonly resultType: string; readonly result: unknown }
}

type Point = readonly [number, unknown]

interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value?: Point
  readonly histogram?: Point
  readonly values?: readonly Point[]
  readonly histograms?: readonly Point[]
}

const numberOf = (text: unknown): number => Number(String(text).replace('Inf', 'Infinity'))

/** Whether two values are the same, or differ relatively by no more than `tolerance`. */
export const isClose = (a: unknown, b: unknown, tolerance: number): boolean => {
  const [x, y] = [numberOf(a), numberOf(b)]
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y)
  if (x === y) return true
  return Math.abs(x - y) <= tolerance * Math.max(Math.abs(x), Math.abs(y))
}

const metricKey = (metric: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)))

const histogramDifference = (a: unknown, b: unknown, tolerance: number): string | null => {
  const [x, y] = [a, b] as { count: string; sum: string; buckets?: unknown[][] }[]
  if (!isClose(x?.count, y?.count, tolerance)) return `count ${x?.count} instead of ${y?.count}`
  if (!isClose(x?.sum, y?.sum, tolerance)) return `sum ${x?.sum} instead of ${y?.sum}`
  const [left, right] = [x?.buckets ?? [], y?.buckets ?? []]
  const same =
    left.length === right.length &&
    left.every((bucket, index) =>
      bucket.every((part, member) => isClose(part, right[index]?.[member], tolerance)),
    )
  return same ? null : `buckets ${JSON.stringify(left)} instead of ${JSON.stringify(right)}`
}

const pointsDifference = (
  a: readonly Point[],
  b: readonly Point[],
  tolerance: number,
  differ: (a: unknown, b: unknown) => string | null,
): string | null => {
  if (a.length !== b.length) return `${a.length} points instead of ${b.length}`
  for (const [index, [time, value]] of a.entries()) {
    const [otherTime, other] = b[index] as Point
    if (!isClose(time, otherTime, tolerance)) return `time ${time} instead of ${otherTime}`
    const difference = differ(value, other)
    if (difference) return `at ${time}: ${difference}`
  }
  return null
}

/** What is different between two answers in a sentence; null where they say the same. */
export const difference = (ours: Answer, theirs: Answer, tolerance: number): string | null => {
  if (ours.status !== theirs.status)
    return `${ours.status} (${ours.error ?? ''}) instead of ${theirs.status} (${theirs.error ?? ''})`
  if (ours.status === 'error') return null
  if (ours.data?.resultType !== theirs.data?.resultType)
    return `a ${ours.data?.resultType} instead of a ${theirs.data?.resultType}`
  const floats = (a: unknown, b: unknown) =>
    isClose(a, b, tolerance) ? null : `${a} instead of ${b}`
  const histograms = (a: unknown, b: unknown) => histogramDifference(a, b, tolerance)
  const [left, right] = [ours.data?.result, theirs.data?.result]
  if (ours.data?.resultType === 'scalar' || ours.data?.resultType === 'string')
    return pointsDifference([left as Point], [right as Point], tolerance, floats)
  const known = new Map((right as Series[]).map((series) => [metricKey(series.metric), series]))
  if ((left as Series[]).length !== known.size)
    return `${(left as Series[]).length} series instead of ${known.size}`
  for (const series of left as Series[]) {
    const other = known.get(metricKey(series.metric))
    if (!other) return `no series ${metricKey(series.metric)} is wanted`
    const pointsOf = ({ value, values }: Series) => values ?? (value ? [value] : [])
    const nativesOf = ({ histogram, histograms }: Series) =>
      histograms ?? (histogram ? [histogram] : [])
    const found =
      pointsDifference(pointsOf(series), pointsOf(other), tolerance, floats) ??
      pointsDifference(nativesOf(series), nativesOf(other), tolerance, histograms)
    if (found) return `${metricKey(series.metric)} ${found}`
  }
  return null
}
