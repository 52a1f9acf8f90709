import type { Selector } from './ast.ts'
import type { Grid } from './grid.ts'
import { MADE_LABEL_LENGTH_MAX, MADE_LABELS_LENGTH_MAX, POINTS_MAX, SAMPLES_MAX } from './limits.ts'
import { limitFault, type Span } from './query-error.ts'
import type { Samples, StoredSeries } from './source.ts'

/** Where Prometheus 2 and 3 answer differently. */
export interface Semantics {
  /** Whether a sample exactly as old as a range is outside of it (Prometheus 3). */
  readonly leftOpen: boolean
  /** Whether quantiles inside a bucket of a native histogram grow exponentially (Prometheus 3), not linearly. */
  readonly exponentialBuckets: boolean
}

export const PROMETHEUS_2: Semantics = { leftOpen: false, exponentialBuckets: false }
export const PROMETHEUS_3: Semantics = { leftOpen: true, exponentialBuckets: true }

/** What one query has read and made so far. */
export class Budget {
  samples = 0
  #madeLength = 0

  /** The series' samples. Throws QueryFault when the query has read more than `SAMPLES_MAX`. */
  read(series: StoredSeries, at: Span): Samples {
    const samples = series.read()
    this.spend(samples.timestamps.length + samples.histograms.length, at)
    return samples
  }

  spend(samples: number, at: Span): void {
    this.samples += samples
    if (this.samples > SAMPLES_MAX)
      throw limitFault(
        `query processing would load too many samples into memory: more than ${SAMPLES_MAX}`,
        at,
      )
  }

  /** Counts a label's value before it is made, of `length` UTF-16 units. Throws QueryFault when it is too long. */
  make(length: number, at: Span): void {
    this.#madeLength += length
    if (length > MADE_LABEL_LENGTH_MAX || this.#madeLength > MADE_LABELS_LENGTH_MAX)
      throw limitFault(
        `a query makes label values of at most ${MADE_LABEL_LENGTH_MAX} characters, ${MADE_LABELS_LENGTH_MAX} together`,
        at,
      )
  }
}

/** What an expression is evaluated with. */
export interface Context {
  /** The expression's own grid: a subquery's inside of one. */
  readonly grid: Grid
  /** The whole query's grid, for `@ start()` and `@ end()`. */
  readonly query: Grid
  readonly series: ReadonlyMap<Selector, readonly StoredSeries[]>
  readonly semantics: Semantics
  readonly budget: Budget
}

/** Throws QueryFault where a vector of that many series has more than `POINTS_MAX` points. */
export const boundPoints = (series: number, steps: number, at: Span): void => {
  if (series * steps > POINTS_MAX)
    throw limitFault(
      `${series} series at ${steps} steps are more than the ${POINTS_MAX} points that are held at a time; ask for fewer series or a longer step`,
      at,
    )
}
