import { evaluateWindows, type WindowFunction, type WindowOptions } from '../../kernels/windows.ts'
import type { Label } from '../series/labels.ts'
import type { Selector, Subquery } from './ast.ts'
import { type Column, FLOAT, floatColumn, isEmpty, withoutName } from './column.ts'
import { boundPoints, type Context } from './context.ts'
import type { Grid } from './grid.ts'
import { histogramWindows } from './histogram-windows.ts'
import { decodeHistogram } from './native-histogram.ts'
import type { Span } from './query-error.ts'
import { innerGrid, LOOKBACK_MS, shifted } from './selection.ts'
import type { Samples, StoredSeries } from './source.ts'
import { STALE_HIGH, STALE_LOW, staleMask } from './stale-marker.ts'

/** A series whose windows are to be evaluated. */
export interface RangeSeries {
  readonly labels: readonly Label[]
  /** The column of a window function over the series' samples, under other labels. */
  window(name: WindowFunction, labels: readonly Label[], windows: WindowOptions): Column
  read(): Samples
}

/** A column of one step under each of the steps. */
const repeated = (column: Column, steps: number): Column => ({
  labels: column.labels,
  values: new Float64Array(steps).fill(column.values[0] ?? 0),
  present: new Uint8Array(steps).fill(column.present[0] ?? 0),
  histograms: column.histograms && new Array(steps).fill(column.histograms[0] ?? null),
})

/** The columns of a grid that `@` made one step long, under all steps of the expression's grid. */
const onGrid = (columns: readonly Column[], grid: Grid): Column[] =>
  columns
    .filter((column) => !isEmpty(column))
    .map((column) => (column.values.length === grid.steps ? column : repeated(column, grid.steps)))

/** One window function over samples: a column, with histograms where there are some. */
const windowColumn = (
  name: WindowFunction,
  labels: readonly Label[],
  samples: Samples,
  windows: WindowOptions,
): Column => {
  const { values, present } = evaluateWindows(name, samples.timestamps, samples.values, windows)
  if (samples.histograms.length === 0) return floatColumn(labels, values, present)
  return { labels, ...histogramWindows(name, samples, { values, present }, windows) }
}

/** A stored series as one whose windows are to be evaluated. */
const storedRange = ({ budget }: Context, series: StoredSeries, at: Span): RangeSeries => ({
  labels: series.labels,
  window: (name, labels, windows) => {
    const found = series.evaluate?.(name, windows)
    if (!found) return windowColumn(name, labels, budget.read(series, at), windows)
    budget.spend(found.samples, at)
    return floatColumn(labels, found.values, found.present)
  },
  read: () => budget.read(series, at),
})

/** The instant vector of a selector. */
export const instantColumns = (context: Context, selector: Selector): Column[] => {
  const series = context.series.get(selector) ?? []
  const windows = shifted(selector, context.grid, context.query)
  boundPoints(series.length, context.grid.steps, selector)
  const { leftOpen } = context.semantics
  const columns = series.map((one) =>
    storedRange(context, one, selector).window('instant', one.labels, {
      ...windows,
      rangeMs: LOOKBACK_MS,
      leftOpen,
    }),
  )
  return onGrid(columns, context.grid)
}

/** The samples with their own times, in seconds, as values; stale markers stay what they are. */
const timesAsValues = ({ timestamps, values, histograms }: Samples) => {
  const isStale = new Map<number, boolean>()
  const stale = staleMask(values)
  timestamps.forEach((time, index) => {
    isStale.set(time, stale[index] === 1)
  })
  for (const { timestamp, bytes } of histograms)
    isStale.set(timestamp, decodeHistogram(bytes)?.isStale ?? true)
  const times = Float64Array.from(isStale.keys()).sort()
  const marked = new Float64Array(times.length)
  const bits = new Uint32Array(marked.buffer)
  times.forEach((time, index) => {
    if (isStale.get(time)) bits.set([STALE_LOW, STALE_HIGH], 2 * index)
    else marked[index] = time / 1_000
  })
  return { times, marked }
}

/** `timestamp()` of a selector: when each sample was taken, in seconds. */
export const timestampColumns = (context: Context, selector: Selector): Column[] => {
  const series = context.series.get(selector) ?? []
  const windows = shifted(selector, context.grid, context.query)
  boundPoints(series.length, context.grid.steps, selector)
  const columns = series.map((one) => {
    const { times, marked } = timesAsValues(context.budget.read(one, selector))
    const floats = evaluateWindows('instant', times, marked, {
      ...windows,
      rangeMs: LOOKBACK_MS,
      leftOpen: context.semantics.leftOpen,
    })
    return { labels: withoutName(one.labels), ...floats, histograms: null }
  })
  return onGrid(columns, context.grid)
}

const samplesOf = (column: Column, grid: Grid): Samples => {
  const count = column.present.reduce((sum, kind) => sum + (kind === FLOAT ? 1 : 0), 0)
  const timestamps = new Float64Array(count)
  const values = new Float64Array(count)
  let next = 0
  for (let step = 0; step < grid.steps; step++) {
    if (column.present[step] !== FLOAT) continue
    timestamps[next] = grid.startMs + step * grid.stepMs
    values[next++] = column.values[step] as number
  }
  return { timestamps, values, histograms: [] }
}

/** The series of a range vector, and the ends of its windows before offset and `@`. */
export const rangeSeries = (
  context: Context,
  range: Selector | Subquery,
  evaluateVector: (context: Context, subquery: Subquery) => readonly Column[],
): { readonly series: readonly RangeSeries[]; readonly windows: Grid } => {
  const windows = shifted(range, context.grid, context.query)
  if (range.kind === 'selector') {
    const found = context.series.get(range) ?? []
    return { series: found.map((one) => storedRange(context, one, range)), windows }
  }
  const grid = innerGrid(range, windows)
  if (grid.steps === 0) return { series: [], windows }
  const columns = evaluateVector({ ...context, grid }, range)
  context.budget.spend(columns.length * grid.steps, range)
  const series = columns.map((column): RangeSeries => {
    const read = () => samplesOf(column, grid)
    return {
      labels: column.labels,
      window: (name, labels, windows) => windowColumn(name, labels, read(), windows),
      read,
    }
  })
  return { series, windows }
}

/** The columns of a window function that every series is given to, on the expression's grid. */
export const windowColumns = (
  context: Context,
  found: ReturnType<typeof rangeSeries>,
  at: Span,
  columnOf: (series: RangeSeries, windows: Grid) => Column,
): Column[] => {
  boundPoints(found.series.length, context.grid.steps, at)
  return onGrid(
    found.series.map((one) => columnOf(one, found.windows)),
    context.grid,
  )
}
