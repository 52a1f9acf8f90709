import type { WindowFunction, WindowOptions } from '../../kernels/windows.ts'
import { METRIC_NAME } from '../series/labels.ts'
import type { Call, Expression, Selector, Subquery } from './ast.ts'
import { ABSENT, type Column, FLOAT, floatColumn, keyOf, withLabel, withoutName } from './column.ts'
import type { Context } from './context.ts'
import type { Grid } from './grid.ts'
import { executionFault, unsupported } from './query-error.ts'
import { type RangeSeries, rangeSeries, windowColumns } from './selector-columns.ts'

/** What a range function needs of the evaluator. */
export interface Evaluator {
  vector(context: Context, expression: Expression): readonly Column[]
  scalar(context: Context, expression: Expression): Float64Array
}

const isConstant = (values: Float64Array): boolean =>
  values.every((value) => Object.is(value, values[0]))

/** Labels of the series that `absent` says is missing: those that a selector asks for by one equality. */
export const absentLabels = (expression: Expression): Column['labels'] => {
  if (expression.kind !== 'selector') return []
  const named = expression.matchers.filter(({ name }) => name !== METRIC_NAME)
  let labels: Column['labels'] = []
  for (const { name, op, value } of named)
    if (op === '=' && named.filter((matcher) => matcher.name === name).length === 1)
      labels = withLabel(labels, name, value)
  return labels
}

/** 1 at the steps where no column has a value. */
export const absentColumn = (
  columns: readonly Column[],
  labels: Column['labels'],
  steps: number,
): Column => {
  const present = new Uint8Array(steps).fill(FLOAT)
  for (const column of columns)
    for (let step = 0; step < steps; step++)
      if (column.present[step] !== ABSENT) present[step] = ABSENT
  return floatColumn(labels, new Float64Array(steps).fill(1), present)
}

/**
 * Evaluates the windows with a parameter by step: at once where it is the same at all of them, else step
 * by step. Where `@` fixes one window, a parameter that changes gives it a value a step.
 */
const withParameters = (
  windows: WindowOptions,
  parameters: Float64Array,
  evaluate: (windows: WindowOptions) => Column,
): Column => {
  if (isConstant(parameters))
    return evaluate({ ...windows, parameter: parameters[0] ?? Number.NaN })
  const values = new Float64Array(parameters.length)
  const present = new Uint8Array(parameters.length)
  const isFixed = windows.steps !== parameters.length
  parameters.forEach((parameter, step) => {
    const startMs = isFixed ? windows.startMs : windows.startMs + step * windows.stepMs
    const one = evaluate({ ...windows, startMs, steps: 1, parameter })
    values[step] = one.values[0] as number
    present[step] = one.present[0] as number
  })
  return floatColumn([], values, present)
}

/** Seconds from the windows' ends to the query's own moments: a line is read ahead of the latter. */
const secondsAhead = (grid: Grid, windows: Grid, isFixed: boolean): Float64Array =>
  Float64Array.from({ length: grid.steps }, (_, step) => {
    const end = isFixed ? windows.startMs : windows.startMs + step * windows.stepMs
    return (grid.startMs + step * grid.stepMs - end) / 1_000
  })

/** A call of a function over a range vector. Throws QueryFault where two series end up with the same labels. */
export const rangeCall = (context: Context, call: Call, evaluator: Evaluator): Column[] => {
  const range = call.args.find((argument) => argument.type === 'matrix') as Selector | Subquery
  if (range.rangeMs === null) throw unsupported('a range is missing', range)
  const scalar = call.args.find((argument) => argument.type === 'scalar')
  const found = rangeSeries(context, range, (inner, subquery) =>
    evaluator.vector(inner, subquery.expression),
  )
  const isAbsent = call.name === 'absent_over_time'
  const name = (isAbsent ? 'present_over_time' : call.name) as WindowFunction
  let parameters = scalar ? evaluator.scalar(context, scalar) : null
  if (parameters && name === 'predict_linear') {
    const ahead = secondsAhead(context.grid, found.windows, range.at !== null)
    parameters = parameters.map((parameter, step) => parameter + (ahead[step] as number))
  }
  const columnOf = (series: RangeSeries, grid: Grid): Column => {
    const labels = name === 'last_over_time' ? series.labels : withoutName(series.labels)
    const windows = {
      ...grid,
      rangeMs: range.rangeMs ?? 0,
      leftOpen: context.semantics.leftOpen,
    }
    const evaluate = (one: WindowOptions) => series.window(name, labels, one)
    if (!parameters) return evaluate(windows)
    return { ...withParameters(windows, parameters, evaluate), labels }
  }
  const columns = windowColumns(context, found, call, columnOf)
  if (isAbsent) return [absentColumn(columns, absentLabels(range), context.grid.steps)]
  const keys = new Set(columns.map((column) => keyOf(column.labels)))
  if (keys.size < columns.length)
    throw executionFault('vector cannot contain metrics with the same labelset', call)
  return columns
}
