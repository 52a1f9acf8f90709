import type { Label } from '../series/labels.ts'
import { type Column, compareLabels, FLOAT, HISTOGRAM, type QueryValue } from './column.ts'
import { formatTime, formatValue } from './format.ts'
import type { Grid } from './grid.ts'
import { bucketsOf } from './histogram-buckets.ts'
import type { FloatHistogram } from './native-histogram.ts'
import type { RawSeries } from './raw-samples.ts'

/** UTF-16 units after which a piece of an answer is handed on. */
const PIECE_LENGTH = 65_536

const labelsJson = (labels: readonly Label[]): string =>
  `{${labels.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`

const histogramJson = (histogram: FloatHistogram): string => {
  const buckets = bucketsOf(histogram).map(
    ({ boundaries, lower, upper, count }) =>
      `[${boundaries},"${formatValue(lower)}","${formatValue(upper)}","${formatValue(count)}"]`,
  )
  const list = buckets.length > 0 ? `,"buckets":[${buckets.join(',')}]` : ''
  return `{"count":"${formatValue(histogram.count)}","sum":"${formatValue(histogram.sum)}"${list}}`
}

/** `[time,` of every step. */
const timesOf = (grid: Grid): string[] =>
  Array.from(
    { length: grid.steps },
    (_, step) => `[${formatTime(grid.startMs + step * grid.stepMs)},`,
  )

const matrixSeries = (column: Column, times: readonly string[]): string => {
  const { labels, values, present, histograms } = column
  let floats = ''
  let natives = ''
  for (let step = 0; step < times.length; step++) {
    if (present[step] === FLOAT)
      floats += `${floats === '' ? '' : ','}${times[step]}"${formatValue(values[step] as number)}"]`
    const histogram = present[step] === HISTOGRAM && histograms?.[step]
    if (histogram)
      natives += `${natives === '' ? '' : ','}${times[step]}${histogramJson(histogram)}]`
  }
  const members = [`"metric":${labelsJson(labels)}`]
  if (floats !== '') members.push(`"values":[${floats}]`)
  if (natives !== '') members.push(`"histograms":[${natives}]`)
  return `{${members.join(',')}}`
}

const vectorSeries = (column: Column, time: string): string => {
  const histogram = column.histograms?.[0]
  const sample =
    column.present[0] === HISTOGRAM && histogram
      ? `"histogram":${time}${histogramJson(histogram)}]`
      : `"value":${time}"${formatValue(column.values[0] as number)}"]`
  return `{"metric":${labelsJson(column.labels)},${sample}}`
}

const rawSeries = ({ labels, timestamps, values, histograms }: RawSeries): string => {
  const floats: string[] = []
  timestamps.forEach((time, index) => {
    floats.push(`[${formatTime(time)},"${formatValue(values[index] as number)}"]`)
  })
  const members = [`"metric":${labelsJson(labels)}`]
  if (floats.length > 0) members.push(`"values":[${floats.join(',')}]`)
  const natives = histograms.map(
    ({ timestamp, histogram }) => `[${formatTime(timestamp)},${histogramJson(histogram)}]`,
  )
  if (natives.length > 0) members.push(`"histograms":[${natives.join(',')}]`)
  return `{${members.join(',')}}`
}

function* listed<T>(
  type: string,
  items: Iterable<T>,
  warnings: readonly string[],
  textOf: (item: T) => string,
) {
  let piece = `{"status":"success","data":{"resultType":"${type}","result":[`
  let isFirst = true
  for (const item of items) {
    piece += `${isFirst ? '' : ','}${textOf(item)}`
    isFirst = false
    if (piece.length < PIECE_LENGTH) continue
    yield piece
    piece = ''
  }
  const more = warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : ''
  yield `${piece}]}${more}}`
}

const single = (type: string, time: string, value: string): string =>
  `{"status":"success","data":{"resultType":"${type}","result":${time}${value}]}}`

/** The answer to a range query in pieces of text: Prometheus' matrix, series ascending by their labels. */
export const rangeAnswer = (
  value: QueryValue,
  grid: Grid,
  warnings: readonly string[] = [],
): Iterable<string> => {
  const times = timesOf(grid)
  const columns: readonly Column[] =
    value.type === 'vector'
      ? value.columns.toSorted((a, b) => compareLabels(a.labels, b.labels))
      : value.type === 'scalar'
        ? [
            {
              labels: [],
              values: value.values,
              present: new Uint8Array(grid.steps).fill(FLOAT),
              histograms: null,
            },
          ]
        : []
  return listed('matrix', columns, warnings, (column) => matrixSeries(column, times))
}

/** The answer to an instant query: a vector, a scalar or a string. */
export const instantAnswer = (
  value: QueryValue,
  grid: Grid,
  warnings: readonly string[] = [],
): Iterable<string> => {
  const time = timesOf(grid)[0] ?? '[0,'
  if (value.type === 'string') return [single('string', time, JSON.stringify(value.value))]
  if (value.type === 'scalar')
    return [single('scalar', time, `"${formatValue(value.values[0] ?? Number.NaN)}"`)]
  return listed('vector', value.columns, warnings, (column) => vectorSeries(column, time))
}

/** The answer to an instant query of a range selector: a matrix of the samples themselves. */
export const rawAnswer = (
  series: readonly RawSeries[],
  warnings: readonly string[] = [],
): Iterable<string> => listed('matrix', series, warnings, rawSeries)
