import {
  METRICS,
  type Metric,
  type MetricPoints,
  type MetricsAnswer,
  type MetricValues,
} from './types.ts'

const BUCKET_MS = { raw: 0, minute: 60_000, 'five-minutes': 300_000, hour: 3_600_000 } as const

/** A silence longer than this many usual intervals is drawn as a gap, not as a line across it. */
const GAP_INTERVALS = 4
/** Below this a gap is jitter of the agent, not an absence. */
const GAP_MS_MIN = 15_000

/**
 * The samples of one VM over a sliding range, at the resolution in which the service answered.
 * Live samples are appended: as they are at raw resolution, else into the running mean of their
 * bucket, so that a range of a day does not grow by a point a second.
 */
export class Series {
  readonly #rangeMs: number
  readonly #bucketMs: number
  #timestamps: number[]
  readonly #columns: Record<Metric, (number | null)[]>
  #version = 0
  /** Live samples in the last bucket, by metric; what the service put there counts as one. */
  #bucketCounts: Record<Metric, number>

  constructor(answer: Pick<MetricsAnswer, 'columns' | 'resolution'>, rangeMs: number) {
    this.#rangeMs = rangeMs
    this.#bucketMs = BUCKET_MS[answer.resolution]
    this.#timestamps = [...answer.columns.timestamp]
    this.#columns = recordOf((metric) =>
      this.#timestamps.map((_, i) => answer.columns[metric]?.[i] ?? null),
    )
    this.#bucketCounts = recordOf(() => 1)
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version
  }

  get length(): number {
    return this.#timestamps.length
  }

  /** Time of the newest sample in ms, or null where there is none. */
  get lastTimestamp(): number | null {
    return this.#timestamps.at(-1) ?? null
  }

  /** The newest sample's values, or null where there is none. */
  get latest(): MetricValues | null {
    const last = this.#timestamps.length - 1
    return last < 0 ? null : recordOf((metric) => this.#columns[metric][last] ?? null)
  }

  /** Appends live samples; those not newer than what is held are dropped. */
  append(points: MetricPoints): void {
    this.#version += 1
    points.timestamp.forEach((timestampMs, i) => {
      const read = (metric: Metric) => points[metric]?.[i] ?? null
      if (this.#bucketMs === 0) this.#push(timestampMs, read)
      else this.#pushIntoBucket(timestampMs, read)
    })
  }

  /** Forgets what has left the range that ends now. */
  trim(nowMs: number): void {
    const from = nowMs - this.#rangeMs
    let gone = 0
    while (gone < this.#timestamps.length && (this.#timestamps[gone] ?? 0) < from) gone += 1
    if (gone === 0) return
    this.#version += 1
    this.#timestamps = this.#timestamps.slice(gone)
    for (const metric of METRICS) this.#columns[metric].splice(0, gone)
  }

  /**
   * Columns for the chart: times in seconds, then the metrics asked for. A null row stands in each
   * long silence, so that the line breaks there.
   */
  chartData(metrics: readonly Metric[]): [number[], ...(number | null)[][]] {
    const gapMs = this.#gapMs()
    const seconds: number[] = []
    const columns: (number | null)[][] = metrics.map(() => [])
    this.#timestamps.forEach((timestampMs, i) => {
      const previousMs = this.#timestamps[i - 1]
      if (previousMs !== undefined && timestampMs - previousMs > gapMs) {
        seconds.push((previousMs + timestampMs) / 2000)
        for (const column of columns) column.push(null)
      }
      seconds.push(timestampMs / 1000)
      metrics.forEach((metric, m) => {
        columns[m]?.push(this.#columns[metric][i] ?? null)
      })
    })
    return [seconds, ...columns]
  }

  #gapMs(): number {
    if (this.#bucketMs > 0) return this.#bucketMs * GAP_INTERVALS
    const intervals = this.#timestamps.slice(1).map((t, i) => t - (this.#timestamps[i] ?? t))
    intervals.sort((a, b) => a - b)
    const median = intervals[intervals.length >> 1] ?? 0
    return Math.max(GAP_MS_MIN, median * GAP_INTERVALS)
  }

  #push(timestampMs: number, read: (metric: Metric) => number | null): void {
    const last = this.lastTimestamp
    if (last !== null && timestampMs <= last) return
    this.#timestamps.push(timestampMs)
    for (const metric of METRICS) this.#columns[metric].push(read(metric))
  }

  #pushIntoBucket(timestampMs: number, read: (metric: Metric) => number | null): void {
    const bucket = Math.floor(timestampMs / this.#bucketMs) * this.#bucketMs
    const last = this.lastTimestamp
    if (last === null || bucket > last) {
      this.#push(bucket, read)
      this.#bucketCounts = recordOf((metric) => (read(metric) === null ? 0 : 1))
      return
    }
    if (bucket < last) return
    const index = this.#timestamps.length - 1
    for (const metric of METRICS) {
      const value = read(metric)
      if (value === null) continue
      const samples = this.#bucketCounts[metric] + 1
      const mean = this.#columns[metric][index] ?? value
      this.#columns[metric][index] = mean + (value - mean) / samples
      this.#bucketCounts[metric] = samples
    }
  }
}

const recordOf = <T>(read: (metric: Metric) => T): Record<Metric, T> =>
  Object.fromEntries(METRICS.map((metric) => [metric, read(metric)])) as Record<Metric, T>
