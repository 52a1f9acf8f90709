import type { WindowFunction, WindowOptions } from '../../kernels/windows.ts'
import type { EvaluatedWindows, WindowCall } from '../series/evaluation.ts'
import type { Label } from '../series/labels.ts'
import type { Matcher } from '../series/matchers.ts'

/** A sample whose value is a histogram: `bytes` is `prometheus.Histogram` in protobuf. */
export interface StoredHistogram {
  /** ms */
  readonly timestamp: number
  readonly bytes: Uint8Array
}

export interface Samples {
  /** f64[n], ms, ascending and unique. */
  readonly timestamps: Float64Array
  /** f64[n]; stale markers are among them, told by their bits. */
  readonly values: Float64Array
  /** Ascending and unique. */
  readonly histograms: readonly StoredHistogram[]
}

export interface StoredSeries {
  /** Ascending by name. */
  readonly labels: readonly Label[]
  /** The samples, decoded when asked for: a query reads one series after the other. */
  read(): Samples
  /**
   * One window function over the samples without taking them out of the kernels' memory. Null where that
   * cannot be done, as with histograms: then `read` them.
   */
  evaluate?(name: WindowFunction, windows: WindowOptions): EvaluatedWindows | null
}

/** Where a query reads from. */
export interface SeriesSource {
  /**
   * Series with samples in [fromMs, toMs]; there may be samples around it too.
   *
   * @param call all that the query makes of these series: a source may evaluate it where they are stored, and
   * answer series that know nothing else
   */
  select(
    matchers: readonly Matcher[],
    fromMs: number,
    toMs: number,
    call?: WindowCall | null,
  ): Promise<readonly StoredSeries[]>
}
