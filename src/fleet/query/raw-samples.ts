import type { Result } from '../../result.ts'
import type { Label } from '../series/labels.ts'
import type { Expression, Selector, Subquery } from './ast.ts'
import { compareLabels } from './column.ts'
import type { Context } from './context.ts'
import { type QueryOptions, vectorColumns, withContext } from './evaluate.ts'
import { HISTOGRAMS_MAX, RAW_SAMPLES_MAX } from './limits.ts'
import { decodeHistogram, type FloatHistogram } from './native-histogram.ts'
import { limitFault, type QueryError } from './query-error.ts'
import { rangeSeries } from './selector-columns.ts'
import type { Samples, SeriesSource } from './source.ts'
import { staleMask } from './stale-marker.ts'

/** The samples of a series in a range: f64[n] ms and values, and its histograms. */
export interface RawSeries {
  readonly labels: readonly Label[]
  readonly timestamps: Float64Array
  readonly values: Float64Array
  readonly histograms: ReadonlyArray<{
    readonly timestamp: number
    readonly histogram: FloatHistogram
  }>
}

const within = (
  labels: readonly Label[],
  { timestamps, values, histograms }: Samples,
  holds: (time: number) => boolean,
): RawSeries => {
  const stale = staleMask(values)
  const isKept = (time: number, index: number) => holds(time) && stale[index] === 0
  return {
    labels,
    timestamps: timestamps.filter(isKept),
    values: values.filter((_, index) => isKept(timestamps[index] as number, index)),
    histograms: histograms.flatMap(({ timestamp, bytes }) => {
      const histogram = holds(timestamp) ? decodeHistogram(bytes) : null
      return histogram && !histogram.isStale ? [{ timestamp, histogram }] : []
    }),
  }
}

const collect = (context: Context, range: Selector | Subquery): RawSeries[] => {
  const found = rangeSeries(context, range, vectorColumns)
  const toMs = found.windows.startMs
  const fromMs = toMs - (range.rangeMs ?? 0)
  const { leftOpen } = context.semantics
  const holds = (time: number) => time <= toMs && (leftOpen ? time > fromMs : time >= fromMs)
  let samples = 0
  let natives = 0
  const series = found.series.flatMap((one) => {
    const raw = within(one.labels, one.read(), holds)
    samples += raw.timestamps.length
    natives += raw.histograms.length
    if (samples > RAW_SAMPLES_MAX || natives > HISTOGRAMS_MAX)
      throw limitFault(
        `the answer has more than ${RAW_SAMPLES_MAX} samples or ${HISTOGRAMS_MAX} histograms`,
        range,
      )
    return raw.timestamps.length + raw.histograms.length > 0 ? [raw] : []
  })
  return series.sort((a, b) => compareLabels(a.labels, b.labels))
}

/** The samples that a range selector or subquery selects at a moment, in ms; stale markers are left out. */
export const rawSamples = (
  range: Expression & { readonly type: 'matrix' },
  momentMs: number,
  source: SeriesSource,
  options: QueryOptions = {},
): Promise<Result<RawSeries[], QueryError>> =>
  withContext(range, { startMs: momentMs, stepMs: 1, steps: 1 }, source, options, (context) =>
    collect(context, range as Selector | Subquery),
  )
