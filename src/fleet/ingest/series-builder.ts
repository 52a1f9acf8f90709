import { identitiesOf } from '../../kernels/series-identity.ts'
import { encodeLabels, type Label, labelFault, METRIC_NAME } from '../series/labels.ts'
import {
  type Exemplar,
  type HistogramSample,
  type MetricMetadata,
  type SeriesRefusal,
  type SeriesRefusalReason,
  type SeriesWrite,
  STALE_MARKER_BITS,
} from '../series/series-write.ts'

/** Samples and histograms of one request; a request with more is refused whole. */
export const WRITE_SAMPLES_MAX = 1_000_000
/** Refusals kept apart; behind them equal ones share an entry, and the rest share the last. */
const REFUSALS_MAX = 10_000
const METADATA_MAX = 10_000
const CAPACITY_MIN = 256

/** Why a label set names no series. */
export interface LabelsFault {
  readonly reason: SeriesRefusalReason
  readonly detail: string
}

const faultOf = (labels: readonly Label[]): LabelsFault | null => {
  const detail = labelFault(labels)
  if (detail === null) return null
  const isText = labels.every(([name, value]) => name.isWellFormed() && value.isWellFormed())
  return { reason: isText ? 'invalid-labels' : 'invalid-utf8', detail }
}

const keyOf = (labels: readonly Label[]): string => {
  let key = ''
  for (const [name, value] of labels)
    if (value !== '') key += `${name.length}:${value.length}:${name}${value}`
  return key
}

const SEPARATOR = 0xff

/**
 * encodeLabels of labels that are sorted and ASCII, which most are: a call of TextEncoder for each of them
 * would be a third of all that decoding takes. null where one is not ASCII.
 */
const asciiLabels = (sorted: readonly Label[]): Uint8Array | null => {
  let sizeBytes = 0
  for (const [name, value] of sorted) if (value !== '') sizeBytes += name.length + value.length + 2
  const bytes = new Uint8Array(sizeBytes)
  let at = 0
  for (const label of sorted) {
    if (label[1] === '') continue
    for (const part of label) {
      for (let i = 0; i < part.length; i++) {
        const unit = part.charCodeAt(i)
        if (unit > 0x7f) return null
        bytes[at++] = unit
      }
      bytes[at++] = SEPARATOR
    }
  }
  return bytes
}

/** Label bytes that go through the kernel at once; a series has a few hundred. */
const PIECE_BYTES_MAX = 1024 * 1024

const identitiesInPieces = (bytes: Uint8Array, ends: Uint32Array): Uint32Array => {
  const identity = new Uint32Array(4 * ends.length)
  let start = 0
  for (let first = 0; first < ends.length; ) {
    let last = first + 1
    while (last < ends.length && (ends[last] ?? 0) - start <= PIECE_BYTES_MAX) last++
    const end = ends[last - 1] ?? 0
    const relative = ends.subarray(first, last).map((at) => at - start)
    identity.set(identitiesOf(bytes.subarray(start, end), relative), 4 * first)
    first = last
    start = end
  }
  return identity
}

const grown = <T extends Float64Array | Uint32Array>(column: T, into: T): T => {
  into.set(column)
  return into
}

/** Collects what a decoder reads, in any order, and brings it into the columns of a SeriesWrite. */
export class SeriesWriteBuilder {
  readonly #known = new Map<string, number | LabelsFault>()
  readonly #labels: Uint8Array[] = []
  readonly #positions: number[] = []
  #series = new Uint32Array(CAPACITY_MIN)
  #timestamps = new Float64Array(CAPACITY_MIN)
  #values = new Float64Array(CAPACITY_MIN)
  #samples = 0
  readonly #histograms: HistogramSample[] = []
  readonly #exemplars: Exemplar[] = []
  readonly #metadata = new Map<string, MetricMetadata>()
  readonly #refused: SeriesRefusal[] = []
  readonly #refusedAlike = new Map<string, number>()

  /** Whether the request has more than may be stored at once. */
  get isFull(): boolean {
    return this.#samples + this.#histograms.length > WRITE_SAMPLES_MAX
  }

  get refusals(): number {
    return this.#refused.length
  }

  /**
   * The number of the series with these labels, in any order.
   *
   * @param position of the series, line or data point in the request
   */
  seriesOf(labels: readonly Label[], position: number): number | LabelsFault {
    const asGiven = keyOf(labels)
    const known = this.#known.get(asGiven)
    if (known !== undefined) return known
    const found = faultOf(labels) ?? this.#seriesInOrder(labels, position)
    this.#known.set(asGiven, found)
    return found
  }

  #seriesInOrder(labels: readonly Label[], position: number): number | LabelsFault {
    const sorted = [...labels].sort(([a], [b]) => (a < b ? -1 : 1))
    const key = keyOf(sorted)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    this.#positions.push(position)
    const series = this.#labels.push(asciiLabels(sorted) ?? encodeLabels(labels)) - 1
    this.#known.set(key, series)
    return series
  }

  /** @param timestamp whole ms since the epoch, within ±2^53   @param value NaN is a value */
  sample(series: number, timestamp: number, value: number): void {
    if (this.#samples === this.#series.length) this.#grow(2 * this.#samples)
    this.#series[this.#samples] = series
    this.#timestamps[this.#samples] = timestamp
    // Whatever its payload, a NaN that was sent as a number is no stale marker.
    this.#values[this.#samples] = Number.isNaN(value) ? Number.NaN : value
    this.#samples++
  }

  /** Ends the series until its next sample. */
  stale(series: number, timestamp: number): void {
    this.sample(series, timestamp, 0)
    const bits = new BigUint64Array(this.#values.buffer)
    bits[this.#samples - 1] = STALE_MARKER_BITS
  }

  #grow(capacity: number): void {
    this.#series = grown(this.#series, new Uint32Array(capacity))
    this.#timestamps = grown(this.#timestamps, new Float64Array(capacity))
    this.#values = grown(this.#values, new Float64Array(capacity))
  }

  histogram(histogram: HistogramSample): void {
    this.#histograms.push(histogram)
  }

  exemplar(exemplar: Exemplar): void {
    this.#exemplars.push(exemplar)
  }

  /** The first that is told of a metric stays. */
  metadata(metadata: MetricMetadata): void {
    if (this.#metadata.size < METADATA_MAX && !this.#metadata.has(metadata.metric))
      this.#metadata.set(metadata.metric, metadata)
  }

  refuse(
    index: number,
    { reason, detail }: LabelsFault,
    { samples = 1, histograms = 0, exemplars = 0 } = {},
  ): void {
    if (this.#refused.length < REFUSALS_MAX) {
      const kind = `${reason} ${detail}`
      if (!this.#refusedAlike.has(kind)) this.#refusedAlike.set(kind, this.#refused.length)
      this.#refused.push({ index, reason, detail, samples, histograms, exemplars })
      return
    }
    const at = this.#refusedAlike.get(`${reason} ${detail}`) ?? REFUSALS_MAX - 1
    const like = this.#refused[at]
    if (!like) return
    this.#refused[at] = {
      ...like,
      samples: like.samples + samples,
      histograms: like.histograms + histograms,
      exemplars: like.exemplars + exemplars,
    }
  }

  build(): SeriesWrite {
    const bytes = new Uint8Array(this.#labels.reduce((sum, { length }) => sum + length, 0))
    const ends = new Uint32Array(this.#labels.length)
    let end = 0
    this.#labels.forEach((labels, series) => {
      bytes.set(labels, end)
      end += labels.length
      ends[series] = end
    })
    return {
      seriesCount: ends.length,
      identity: identitiesInPieces(bytes, ends),
      positions: Uint32Array.from(this.#positions),
      labelsOf: (series) =>
        bytes.subarray(series === 0 ? 0 : (ends[series - 1] ?? 0), ends[series] ?? 0),
      ...this.#columns(),
      histograms: this.#histograms,
      exemplars: this.#exemplars,
      metadata: [...this.#metadata.values()],
      refused: this.#refused,
    }
  }

  /** The samples by series, and within a series as they came. */
  #columns(): Pick<SeriesWrite, 'sampleSeries' | 'timestamps' | 'values'> {
    const count = this.#samples
    const series = this.#series.subarray(0, count)
    if (series.every((value, i) => i === 0 || value >= (series[i - 1] ?? 0)))
      return {
        sampleSeries: series,
        timestamps: this.#timestamps.subarray(0, count),
        values: this.#values.subarray(0, count),
      }
    const next = new Uint32Array(this.#labels.length + 1)
    for (const value of series) next[value + 1] = (next[value + 1] ?? 0) + 1
    for (let i = 1; i < next.length; i++) next[i] = (next[i] ?? 0) + (next[i - 1] ?? 0)
    const sampleSeries = new Uint32Array(count)
    const timestamps = new Float64Array(count)
    // Bits, not numbers: a stale marker must not lose its payload.
    const from = new Uint32Array(this.#values.buffer)
    const values = new Uint32Array(2 * count)
    series.forEach((value, i) => {
      const to = next[value] ?? 0
      next[value] = to + 1
      sampleSeries[to] = value
      timestamps[to] = this.#timestamps[i] ?? 0
      values[2 * to] = from[2 * i] ?? 0
      values[2 * to + 1] = from[2 * i + 1] ?? 0
    })
    return { sampleSeries, timestamps, values: new Float64Array(values.buffer) }
  }
}

/** The labels with the metric's name among them. */
export const named = (name: string, labels: readonly Label[]): Label[] => [
  [METRIC_NAME, name],
  ...labels,
]
