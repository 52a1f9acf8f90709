import type { EvaluatedWindows, WindowCall } from './evaluation.ts'
import type { Label } from './labels.ts'
import type { Matcher } from './matchers.ts'
import type { Exemplar, HistogramSample, MetricMetadata } from './series-write.ts'

/** What is seldom in a write, beside the batch of samples; `series` is a position in the batch. */
export interface SeriesExtras {
  readonly histograms: readonly HistogramSample[]
  readonly exemplars: readonly Exemplar[]
  readonly metadata: readonly MetricMetadata[]
}

/** What became of a batch. Positions are those of the batch. */
export type SeriesAppendResult =
  | {
      readonly stored: true
      /** u32: positions of series that the shard does not know: send them again with their labels. */
      readonly unknown: Uint32Array
      /** u32: positions of series refused because the shard has `seriesMax`. */
      readonly overLimit: Uint32Array
      /** u32: positions of series refused because the shard has labels of LABEL_BYTES_PER_SHARD_MAX. */
      readonly overLabelBytes: Uint32Array
      readonly seriesMax: number
      /** u32: positions of samples for whose moment another value is stored. */
      readonly conflicts: Uint32Array
      readonly duplicates: number
      /** Positions in the histograms for whose moment another one is stored. */
      readonly histogramConflicts: readonly number[]
    }
  | {
      readonly stored: false
      readonly unflushedSamples: number
      readonly retryAfterSeconds: number
    }

/** Which series: those that all matchers take and that have something in [from, to], ms since the epoch. */
export interface SeriesFilter {
  readonly matchers: readonly Matcher[]
  readonly from: number
  readonly to: number
}

export interface SeriesSelection extends SeriesFilter {
  /** Series one shard may answer with; more is an error. */
  readonly seriesMax: number
  /** Samples one shard may answer with, or evaluate; more is an error. */
  readonly samplesMax: number
  /** To be evaluated in the shard where the result is smaller than the samples. */
  readonly call?: WindowCall | null
}

/** Of a series that was evaluated there are labels alone. Samples of one may stand at one time twice (late ones): sort by time, keep the one in front. */
export interface SelectedSeries {
  /** Canonical bytes. */
  readonly labels: Uint8Array
  /** Encoded (kernels/chunk.ts), the first written in front; may reach beyond the range. */
  readonly chunks: readonly Uint8Array[]
  /** Not sealed yet, ascending; written after the chunks. */
  readonly head: { readonly timestamps: Float64Array; readonly values: Float64Array }
  readonly histograms: readonly { readonly timestamp: number; readonly bytes: Uint8Array }[]
  /** What the selection's call makes of the samples, in place of them. */
  readonly evaluated?: EvaluatedWindows
}

export type SelectionFault =
  | { readonly reason: 'invalid-pattern'; readonly name: string; readonly detail: string }
  | { readonly reason: 'too-many-series'; readonly max: number }
  | { readonly reason: 'too-many-samples'; readonly max: number }

/** One exemplar of a selected series. */
export interface SelectedExemplar {
  /** Canonical bytes of the series' labels. */
  readonly series: Uint8Array
  readonly timestamp: number
  readonly value: number
  readonly labels: readonly Label[]
}
