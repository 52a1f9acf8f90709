import { pointsText, type StepTexts, stepTexts } from '../../kernels/points.ts'
import type { Label } from '../series/labels.ts'
import { type Column, compareLabels, FLOAT, HISTOGRAM, type QueryValue } from './column.ts'
import { formatTime, formatValue } from './format.ts'
import type { Grid } from './grid.ts'
import { bucketsOf } from './histogram-buckets.ts'
import type { FloatHistogram } from './native-histogram.ts'
import type { RawSeries } from './raw-samples.ts'

/** Bytes after which a piece of an answer is handed on. */
const PIECE_BYTES = 131_072

/** A part of an answer: text, or what is in UTF-8 already. */
type Part = string | Uint8Array

/** What JSON has to escape, and lone surrogates. */
const ESCAPED = /["\\\p{Cc}\p{Cs}]/u

const quoted = (text: string): string => (ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`)

const labelsJson = (labels: readonly Label[]): string => {
  let text = ''
  for (const [name, value] of labels)
    text += `${text === '' ? '' : ','}${quoted(name)}:${quoted(value)}`
  return `{${text}}`
}

const histogramJson = (histogram: FloatHistogram): string => {
  const buckets = bucketsOf(histogram).map(
    ({ boundaries, lower, upper, count }) =>
      `[${boundaries},"${formatValue(lower)}","${formatValue(upper)}","${formatValue(count)}"]`,
  )
  const list = buckets.length > 0 ? `,"buckets":[${buckets.join(',')}]` : ''
  return `{"count":"${formatValue(histogram.count)}","sum":"${formatValue(histogram.sum)}"${list}}`
}

/** The time of every step, as JSON has it. */
const timesOf = (grid: Grid): string[] =>
  Array.from({ length: grid.steps }, (_, step) => formatTime(grid.startMs + step * grid.stepMs))

/** `,"histograms":[…]` of the steps that have one; '' where none has. */
const nativesJson = ({ present, histograms }: Column, times: readonly string[]): string => {
  if (!histograms) return ''
  const natives = times.flatMap((time, step) => {
    const histogram = present[step] === HISTOGRAM && histograms[step]
    return histogram ? [`[${time},${histogramJson(histogram)}]`] : []
  })
  return natives.length > 0 ? `,"histograms":[${natives.join(',')}]` : ''
}

const matrixSeries = (column: Column, times: readonly string[], texts: StepTexts): Part[] => {
  const floats = pointsText(texts, column.values, column.present)
  const metric = `{"metric":${labelsJson(column.labels)}`
  const natives = nativesJson(column, times)
  if (floats.length === 0) return [`${metric}${natives}}`]
  return [`${metric},"values":[`, floats, `]${natives}}`]
}

const vectorSeries = (column: Column, time: string): string => {
  const histogram = column.histograms?.[0]
  const sample =
    column.present[0] === HISTOGRAM && histogram
      ? `"histogram":[${time},${histogramJson(histogram)}]`
      : `"value":[${time},"${formatValue(column.values[0] as number)}"]`
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

/** Parts in UTF-8, as pieces of about PIECE_BYTES. */
function* pieces(parts: Iterable<Part>): Generator<Uint8Array<ArrayBuffer>> {
  const utf8 = new TextEncoder()
  let waiting: Uint8Array[] = []
  let sizeBytes = 0
  const joined = () => {
    const piece = new Uint8Array(sizeBytes)
    let at = 0
    for (const part of waiting) {
      piece.set(part, at)
      at += part.length
    }
    waiting = []
    sizeBytes = 0
    return piece
  }
  for (const part of parts) {
    const bytes = typeof part === 'string' ? utf8.encode(part) : part
    waiting.push(bytes)
    sizeBytes += bytes.length
    if (sizeBytes >= PIECE_BYTES) yield joined()
  }
  if (sizeBytes > 0) yield joined()
}

function* listed<T>(
  type: string,
  items: Iterable<T>,
  warnings: readonly string[],
  partsOf: (item: T) => readonly Part[],
): Generator<Part> {
  yield `{"status":"success","data":{"resultType":"${type}","result":[`
  let isFirst = true
  for (const item of items) {
    if (!isFirst) yield ','
    isFirst = false
    yield* partsOf(item)
  }
  const more = warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : ''
  yield `]}${more}}`
}

const single = (type: string, time: string, value: string): string =>
  `{"status":"success","data":{"resultType":"${type}","result":[${time},${value}]}}`

/** The answer to a range query in pieces of UTF-8: Prometheus' matrix, series ascending by their labels. */
export const rangeAnswer = (
  value: QueryValue,
  grid: Grid,
  warnings: readonly string[] = [],
): Iterable<Uint8Array<ArrayBuffer>> => {
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
  const texts = stepTexts(times)
  return pieces(listed('matrix', columns, warnings, (column) => matrixSeries(column, times, texts)))
}

/** The answer to an instant query: a vector, a scalar or a string. */
export const instantAnswer = (
  value: QueryValue,
  grid: Grid,
  warnings: readonly string[] = [],
): Iterable<Uint8Array<ArrayBuffer>> => {
  const time = timesOf(grid)[0] ?? '0'
  if (value.type === 'string') return pieces([single('string', time, JSON.stringify(value.value))])
  if (value.type === 'scalar')
    return pieces([single('scalar', time, `"${formatValue(value.values[0] ?? Number.NaN)}"`)])
  return pieces(listed('vector', value.columns, warnings, (column) => [vectorSeries(column, time)]))
}

/** The answer to an instant query of a range selector: a matrix of the samples themselves. */
export const rawAnswer = (
  series: readonly RawSeries[],
  warnings: readonly string[] = [],
): Iterable<Uint8Array<ArrayBuffer>> =>
  pieces(listed('matrix', series, warnings, (one) => [rawSeries(one)]))
