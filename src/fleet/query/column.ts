import { type Label, METRIC_NAME } from '../series/labels.ts'
import type { FloatHistogram } from './native-histogram.ts'
import { executionFault, type Span } from './query-error.ts'

/** What a column holds at a step. */
export const ABSENT = 0
export const FLOAT = 1
export const HISTOGRAM = 2

/** One series over all steps of a grid. Never changed once made: columns share their parts. */
export interface Column {
  /** Ascending by name, none empty. */
  readonly labels: readonly Label[]
  /** f64[steps]; what stands where `present` is not FLOAT means nothing. */
  readonly values: Float64Array
  /** u8[steps] of ABSENT, FLOAT or HISTOGRAM. */
  readonly present: Uint8Array
  /** By step, where `present` is HISTOGRAM; null where no step is. */
  readonly histograms: ReadonlyArray<FloatHistogram | null> | null
}

export type QueryValue =
  | { readonly type: 'scalar'; readonly values: Float64Array }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'vector'; readonly columns: readonly Column[] }

/** A text that two label sets share exactly if they are equal: lengths, for no character is a value's end. */
export const keyOf = (labels: readonly Label[]): string => {
  let key = ''
  for (const [name, value] of labels) key += `${name.length},${value.length},${name}${value}`
  return key
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The order of series in answers: by name and value, label by label, a label set before its longer ones. */
export const compareLabels = (a: readonly Label[], b: readonly Label[]): number => {
  for (const [index, [name, value]] of a.entries()) {
    const other = b[index]
    if (other === undefined) return 1
    const order = compareTexts(name, other[0]) || compareTexts(value, other[1])
    if (order !== 0) return order
  }
  return a.length - b.length
}

export const labelValue = (labels: readonly Label[], name: string): string => {
  for (const label of labels) if (label[0] === name) return label[1]
  return ''
}

/** The labels with one set, or with '' taken away. */
export const withLabel = (labels: readonly Label[], name: string, value: string): Label[] => {
  const changed = labels.filter((label) => label[0] !== name)
  if (value === '') return changed
  const position = changed.findIndex((label) => label[0] > name)
  changed.splice(position < 0 ? changed.length : position, 0, [name, value])
  return changed
}

export const withoutName = (labels: readonly Label[]): readonly Label[] =>
  labels.filter((label) => label[0] !== METRIC_NAME)

/** The labels named, or with `without` the others but the metric's name. */
export const grouped = (
  labels: readonly Label[],
  names: ReadonlySet<string>,
  without: boolean,
): readonly Label[] =>
  labels.filter(([name]) => (without ? name !== METRIC_NAME && !names.has(name) : names.has(name)))

export const isEmpty = (column: Column): boolean =>
  column.present.indexOf(FLOAT) < 0 && column.present.indexOf(HISTOGRAM) < 0

export const floatColumn = (
  labels: readonly Label[],
  values: Float64Array,
  present: Uint8Array,
): Column => ({ labels, values, present, histograms: null })

const overlay = (columns: readonly Column[], at: Span): Column => {
  const [first] = columns
  const steps = first?.values.length ?? 0
  const values = new Float64Array(steps)
  const present = new Uint8Array(steps)
  const histograms = columns.some((column) => column.histograms)
    ? new Array<FloatHistogram | null>(steps).fill(null)
    : null
  for (const column of columns)
    for (let step = 0; step < steps; step++) {
      const kind = column.present[step] as number
      if (kind === ABSENT) continue
      if (present[step] !== ABSENT)
        throw executionFault('vector cannot contain metrics with the same labelset', at)
      present[step] = kind
      values[step] = column.values[step] as number
      if (histograms) histograms[step] = column.histograms?.[step] ?? null
    }
  return { labels: first?.labels ?? [], values, present, histograms }
}

/**
 * The columns with those of equal labels made one, and those without any value left out.
 * Throws QueryFault where two of equal labels have a value at one step.
 */
export const united = (columns: readonly Column[], at: Span): Column[] => {
  const groups = new Map<string, Column[]>()
  for (const column of columns) {
    if (isEmpty(column)) continue
    const key = keyOf(column.labels)
    const group = groups.get(key)
    if (group) group.push(column)
    else groups.set(key, [column])
  }
  return [...groups.values()].map((group) =>
    group.length === 1 ? (group[0] as Column) : overlay(group, at),
  )
}

/** The floats through `apply`, under `labels`; histograms are left out. */
export const mapFloats = (
  column: Column,
  labels: readonly Label[],
  apply: (value: number, step: number) => number,
): Column => {
  const steps = column.values.length
  const values = new Float64Array(steps)
  for (let step = 0; step < steps; step++)
    if (column.present[step] === FLOAT) values[step] = apply(column.values[step] as number, step)
  return floatColumn(labels, values, floatsOf(column))
}

/** u8[steps]: 1 where the column has a float. */
export const floatsOf = (column: Column): Uint8Array =>
  column.histograms
    ? column.present.map((kind) => (kind === FLOAT ? FLOAT : ABSENT))
    : column.present
