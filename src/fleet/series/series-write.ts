import type { Label } from './labels.ts'

/** Why a series, or some of what was sent for it, was not stored. */
export type SeriesRefusalReason =
  /** Names unsorted (remote write), repeated or empty, no metric name, or beyond the bounds. */
  | 'invalid-labels'
  | 'invalid-utf8'
  /** The organisation has as many series as it may. */
  | 'series-limit'
  | 'timestamp-in-future'
  | 'timestamp-too-old'
  /** No time that a computer's clock shows: beyond ±2^53 ms. */
  | 'timestamp-out-of-range'
  /** Another value is stored for the same moment. */
  | 'duplicate-timestamp'
  | 'not-finite'
  | 'unsupported-histogram'
  | 'unknown-vm'
  | 'rate-exceeded'
  /** A line, data point or message of a protocol that cannot be read by itself. */
  | 'invalid-line'

export interface SeriesRefusal {
  /** Position in the request: of the series, line or data point, from 0. */
  readonly index: number
  readonly reason: SeriesRefusalReason
  readonly detail: string
  /** How much was refused with it. */
  readonly samples: number
  readonly histograms: number
  readonly exemplars: number
}

export interface HistogramSample {
  readonly series: number
  /** ms since the epoch. */
  readonly timestamp: number
  /** Protobuf message Histogram; remote write 1.0 and 2.0 have the same fields. A view: copy to keep. */
  readonly bytes: Uint8Array
}

export interface Exemplar {
  readonly series: number
  /** ms since the epoch. */
  readonly timestamp: number
  readonly value: number
  readonly labels: readonly Label[]
}

export type MetricType =
  | 'unknown'
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'gaugehistogram'
  | 'summary'
  | 'info'
  | 'stateset'

export interface MetricMetadata {
  readonly metric: string
  readonly type: MetricType
  readonly help: string
  readonly unit: string
}

/**
 * What a request of any protocol asks to store, in columns. Series whose labels were refused are in
 * `refused` and nowhere else.
 */
export interface SeriesWrite {
  readonly seriesCount: number
  /** u32[4 · seriesCount], see kernels/series-identity.ts. */
  readonly identity: Uint32Array
  /** u32[seriesCount]: the series' position in the request, for refusals. */
  readonly positions: Uint32Array
  /** Canonical bytes of a series' labels. A view: copy to keep. */
  labelsOf(series: number): Uint8Array
  /** u32[samples]: the series of each sample, ascending. */
  readonly sampleSeries: Uint32Array
  /** f64[samples]: whole ms since the epoch, within ±2^53. */
  readonly timestamps: Float64Array
  /**
   * f64[samples]. NaN payloads have a meaning (STALE_MARKER_BITS): move values with set, slice and
   * subarray, and compare bits, for a JS number may lose them.
   */
  readonly values: Float64Array
  readonly histograms: readonly HistogramSample[]
  readonly exemplars: readonly Exemplar[]
  readonly metadata: readonly MetricMetadata[]
  readonly refused: readonly SeriesRefusal[]
}

/** The NaN that ends a series until its next sample (Prometheus: value.StaleNaN). */
export const STALE_MARKER_BITS = 0x7ff0000000000002n

export interface SeriesOutcome {
  /** Duplicates are written too: sending the same again is harmless. */
  readonly samplesWritten: number
  readonly histogramsWritten: number
  readonly exemplarsWritten: number
  readonly duplicates: number
  /** Those of the write, and those that storing it added. */
  readonly refused: readonly SeriesRefusal[]
}
