import type { HistogramValue, Labels, QueryData } from './query-api.ts'
import { labelsKey } from './series-names.ts'

/** One line of the table: labels, and the newest value. */
export interface TableRow {
  readonly key: string
  readonly labels: Labels
  /** As the service wrote it, so that no digit is lost. */
  readonly text: string
  /** What the text sorts by; NaN for text that is no number. */
  readonly value: number
  readonly seconds: number
  /** Raw samples of a range selector; null for every other expression. */
  readonly samples: number | null
}

export interface TableData {
  /** Labels that the rows have, the metric's name first. */
  readonly columns: readonly string[]
  readonly rows: readonly TableRow[]
  readonly hasSamples: boolean
}

const histogramText = ({ count, sum }: HistogramValue): string => `${count} values, sum ${sum}`

/** The rows of any answer to an instant query. */
export const tableDataOf = (data: QueryData): TableData => {
  const rows = rowsOf(data)
  const names = new Set(rows.flatMap(({ labels }) => Object.keys(labels)))
  const others = [...names].filter((name) => name !== '__name__').sort()
  return {
    columns: names.has('__name__') ? ['__name__', ...others] : others,
    rows,
    hasSamples: rows.some(({ samples }) => samples !== null),
  }
}

const rowsOf = (data: QueryData): TableRow[] => {
  switch (data.resultType) {
    case 'scalar':
    case 'string':
      return [rowOf({}, data.result[0], data.result[1], null)]
    case 'vector':
      return data.result.map(({ metric, value, histogram }) =>
        histogram === undefined
          ? rowOf(metric, value?.[0] ?? 0, value?.[1] ?? '', null)
          : rowOf(metric, histogram[0], histogramText(histogram[1]), null, histogram[1].count),
      )
    case 'matrix':
      return data.result.map(({ metric, values = [], histograms = [] }) => {
        const samples = values.length + histograms.length
        const [last, lastHistogram] = [values.at(-1), histograms.at(-1)]
        if (lastHistogram !== undefined && lastHistogram[0] >= (last?.[0] ?? 0)) {
          const [seconds, value] = lastHistogram
          return rowOf(metric, seconds, histogramText(value), samples, value.count)
        }
        return rowOf(metric, last?.[0] ?? 0, last?.[1] ?? '', samples)
      })
  }
}

const NAMED: Readonly<Record<string, number>> = {
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
}

const rowOf = (
  labels: Labels,
  seconds: number,
  text: string,
  samples: number | null,
  sortBy = text,
): TableRow => ({
  key: labelsKey(labels),
  labels,
  text,
  value: NAMED[sortBy] ?? Number(sortBy),
  seconds,
  samples,
})

/** `null` is the order of the answer, which `sort()` and `topk()` give. */
export type TableSort = { readonly column: string; readonly isDescending: boolean } | null

/** The column that is no label: a label cannot have this name. */
export const VALUE_COLUMN = ' value'

/** Values first go downwards, labels upwards; then the other way; then as the answer came. */
export const nextTableSort = (sort: TableSort, column: string): TableSort => {
  const isDescendingFirst = column === VALUE_COLUMN
  if (sort?.column !== column) return { column, isDescending: isDescendingFirst }
  return sort.isDescending === isDescendingFirst
    ? { column, isDescending: !isDescendingFirst }
    : null
}

const byText = new Intl.Collator('en', { numeric: true }).compare

/** Rows in order; NaN and missing labels last either way. */
export const sortedRows = (rows: readonly TableRow[], sort: TableSort): readonly TableRow[] => {
  if (sort === null) return rows
  const sign = sort.isDescending ? -1 : 1
  if (sort.column === VALUE_COLUMN)
    return rows.toSorted((a, b) => {
      if (Number.isNaN(a.value) || Number.isNaN(b.value))
        return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value))
      return a.value === b.value ? 0 : a.value < b.value ? -sign : sign
    })
  return rows.toSorted((a, b) => {
    const [left, right] = [a.labels[sort.column] ?? '', b.labels[sort.column] ?? '']
    if (left === '' || right === '') return Number(left === '') - Number(right === '')
    return sign * byText(left, right)
  })
}
