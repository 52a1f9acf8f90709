import type { Call } from './ast.ts'
import { classicQuantile } from './classic-histogram.ts'
import {
  ABSENT,
  type Column,
  FLOAT,
  floatColumn,
  HISTOGRAM,
  keyOf,
  labelValue,
  united,
  withLabel,
  withoutName,
} from './column.ts'
import type { Context } from './context.ts'
import { nativeFraction, nativeQuantile } from './histogram-buckets.ts'
import type { FloatHistogram } from './native-histogram.ts'

/** The histograms through `apply`; floats are left out. */
const mapHistograms = (
  column: Column,
  apply: (histogram: FloatHistogram, step: number) => number,
): Column => {
  const steps = column.values.length
  const values = new Float64Array(steps)
  const present = new Uint8Array(steps)
  for (let step = 0; step < steps; step++) {
    const histogram = column.histograms?.[step]
    if (column.present[step] !== HISTOGRAM || !histogram) continue
    values[step] = apply(histogram, step)
    present[step] = FLOAT
  }
  return floatColumn(withoutName(column.labels), values, present)
}

/** Columns with `le` by the labels they share, each with its bound. */
const bucketGroups = (columns: readonly Column[]) => {
  const groups = new Map<
    string,
    {
      readonly labels: Column['labels']
      readonly buckets: Array<{ bound: number; column: Column }>
    }
  >()
  for (const column of columns) {
    const bound = boundOf(labelValue(column.labels, 'le'))
    if (bound === null) continue
    const labels = withLabel(withoutName(column.labels), 'le', '')
    const key = keyOf(labels)
    const group = groups.get(key) ?? { labels, buckets: [] }
    group.buckets.push({ bound, column })
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** The number that `le` says, with infinity as Prometheus writes it; null where it says none. */
const boundOf = (text: string): number | null => {
  if (/^\+?inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY
  if (/^-inf(inity)?$/i.test(text)) return Number.NEGATIVE_INFINITY
  if (text.trim() === '' || text !== text.trim()) return null
  const value = Number(text)
  return Number.isNaN(value) ? null : value
}

const classicColumns = (columns: readonly Column[], q: Float64Array): Column[] =>
  bucketGroups(columns).map(({ labels, buckets }) => {
    buckets.sort((a, b) => a.bound - b.bound)
    const steps = q.length
    const values = new Float64Array(steps)
    const present = new Uint8Array(steps)
    const bounds = new Float64Array(buckets.length)
    const counts = new Float64Array(buckets.length)
    for (let step = 0; step < steps; step++) {
      let found = 0
      for (const { bound, column } of buckets) {
        if (column.present[step] !== FLOAT) continue
        bounds[found] = bound
        counts[found++] = column.values[step] as number
      }
      if (found === 0) continue
      present[step] = FLOAT
      values[step] = classicQuantile(
        q[step] as number,
        bounds.subarray(0, found),
        counts.subarray(0, found),
      )
    }
    return floatColumn(labels, values, present)
  })

/** At a step where a classic and a native histogram have the same labels, neither has a quantile. */
const withoutBoth = (classic: readonly Column[], native: readonly Column[]): Column[] => {
  const byKey = new Map(native.map((column) => [keyOf(column.labels), column.present]))
  const except = (column: Column, other: Uint8Array | undefined): Column =>
    other
      ? {
          ...column,
          present: column.present.map((kind, step) => (other[step] === ABSENT ? kind : ABSENT)),
        }
      : column
  const classicByKey = new Map(classic.map((column) => [keyOf(column.labels), column.present]))
  return [
    ...classic.map((column) => except(column, byKey.get(keyOf(column.labels)))),
    ...native.map((column) => except(column, classicByKey.get(keyOf(column.labels)))),
  ]
}

/** A call of a function of histograms; null where it is another kind of function. */
export const histogramCall = (
  context: Context,
  call: Call,
  columns: readonly Column[],
  scalars: readonly Float64Array[],
): Column[] | null => {
  const native = (apply: (histogram: FloatHistogram, step: number) => number) =>
    united(
      columns.filter((column) => column.histograms).map((column) => mapHistograms(column, apply)),
      call,
    )
  const [first = new Float64Array(0), second = new Float64Array(0)] = scalars
  switch (call.name) {
    case 'histogram_count':
      return native((histogram) => histogram.count)
    case 'histogram_sum':
      return native((histogram) => histogram.sum)
    case 'histogram_avg':
      return native((histogram) => histogram.sum / histogram.count)
    case 'histogram_fraction':
      return native((histogram, step) =>
        nativeFraction(first[step] as number, second[step] as number, histogram),
      )
    case 'histogram_quantile': {
      const { exponentialBuckets } = context.semantics
      const natives = native((histogram, step) =>
        nativeQuantile(first[step] as number, histogram, exponentialBuckets),
      )
      return united(withoutBoth(classicColumns(columns, first), natives), call)
    }
    default:
      return null
  }
}
