import type { Call, Expression } from './ast.ts'
import {
  ABSENT,
  type Column,
  FLOAT,
  floatColumn,
  mapFloats,
  united,
  withoutName,
} from './column.ts'
import type { Context } from './context.ts'
import { secondsOf } from './grid.ts'
import { histogramCall } from './histogram-calls.ts'
import { labelJoin, labelReplace } from './label-calls.ts'
import { mathCall } from './math-calls.ts'
import { unsupported } from './query-error.ts'
import { absentColumn, absentLabels, type Evaluator, rangeCall } from './range-calls.ts'
import { timestampColumns } from './selector-columns.ts'

/** A vector of one series without labels. */
const vectorOf = (values: Float64Array): Column[] => [
  floatColumn([], values, new Uint8Array(values.length).fill(FLOAT)),
]

/** Sorted by value at an instant; over a range the order of an answer is that of its labels. NaN come last. */
const sorted = (columns: readonly Column[], sign: 1 | -1): Column[] => {
  const firstValue = (column: Column) =>
    column.present[0] === FLOAT ? (column.values[0] as number) : Number.NaN
  return columns.toSorted((a, b) => {
    const [x, y] = [firstValue(a), firstValue(b)]
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y))
    return sign * (x - y)
  })
}

const DATE_FUNCTIONS =
  'minute hour day_of_week day_of_month day_of_year days_in_month month year'.split(' ')

const timestampCall = (context: Context, call: Call, evaluator: Evaluator): Column[] => {
  const [argument] = call.args
  if (argument?.kind === 'selector') return united(timestampColumns(context, argument), call)
  const seconds = secondsOf(context.grid)
  const columns = argument ? evaluator.vector(context, argument) : []
  return united(
    columns.map((column) =>
      mapFloats(column, withoutName(column.labels), (_, step) => seconds[step] as number),
    ),
    call,
  )
}

const stringsOf = (args: readonly Expression[]): string[] =>
  args.flatMap((argument) => (argument.kind === 'string' ? [argument.value] : []))

/** A call that answers a vector. */
export const vectorCall = (context: Context, call: Call, evaluator: Evaluator): Column[] => {
  if (call.args.some((argument) => argument.type === 'matrix'))
    return rangeCall(context, call, evaluator)
  if (call.name === 'timestamp') return timestampCall(context, call, evaluator)
  const scalars = call.args
    .filter((argument) => argument.type === 'scalar')
    .map((argument) => evaluator.scalar(context, argument))
  if (call.name === 'vector') return vectorOf(scalars[0] ?? new Float64Array(context.grid.steps))
  const argument = call.args.find(({ type }) => type === 'vector')
  const columns = argument
    ? evaluator.vector(context, argument)
    : DATE_FUNCTIONS.includes(call.name)
      ? vectorOf(secondsOf(context.grid))
      : []
  switch (call.name) {
    case 'absent':
      return [absentColumn(columns, argument ? absentLabels(argument) : [], context.grid.steps)]
    case 'sort':
      return sorted(columns, 1)
    case 'sort_desc':
      return sorted(columns, -1)
    case 'label_replace':
      return labelReplace(context.budget, call, columns, stringsOf(call.args))
    case 'label_join':
      return labelJoin(context.budget, call, columns, stringsOf(call.args))
  }
  const result = mathCall(call, columns, scalars) ?? histogramCall(context, call, columns, scalars)
  if (!result) throw unsupported(`the function "${call.name}" is not answered here`, call)
  return result
}

/** A call that answers a scalar. */
export const scalarCall = (context: Context, call: Call, evaluator: Evaluator): Float64Array => {
  const { steps } = context.grid
  if (call.name === 'time') return secondsOf(context.grid)
  if (call.name === 'pi') return new Float64Array(steps).fill(Math.PI)
  const [argument] = call.args
  const columns = argument ? evaluator.vector(context, argument) : []
  const values = new Float64Array(steps).fill(Number.NaN)
  const count = new Uint32Array(steps)
  for (const column of columns)
    for (let step = 0; step < steps; step++) {
      if (column.present[step] === ABSENT) continue
      count[step] = (count[step] as number) + 1
      values[step] =
        count[step] === 1 && column.present[step] === FLOAT
          ? (column.values[step] as number)
          : Number.NaN
    }
  return values
}
