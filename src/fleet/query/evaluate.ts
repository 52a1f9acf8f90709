import { err, ok, type Result } from '../../result.ts'
import { aggregateGroup, groupsOf } from './aggregate.ts'
import { countValues, quantileGroup, rankGroup } from './aggregate-rank.ts'
import type { Aggregate, Binary, Expression, Subquery } from './ast.ts'
import { isSetOp } from './ast.ts'
import { type ElementOp, negated, scalarBinary, vectorScalar } from './binary.ts'
import { type Column, type QueryValue, united } from './column.ts'
import { Budget, type Context, PROMETHEUS_2, type Semantics } from './context.ts'
import type { Grid } from './grid.ts'
import { scalarCall, vectorCall } from './instant-calls.ts'
import { isLabelName } from './label-calls.ts'
import { setBinary, vectorBinary } from './matching.ts'
import { executionFault, type QueryError, QueryFault } from './query-error.ts'
import type { Evaluator } from './range-calls.ts'
import { fetchSeries } from './selection.ts'
import { instantColumns } from './selector-columns.ts'
import type { SeriesSource } from './source.ts'

const negate = (values: Float64Array): Float64Array => values.map((value) => -value)

/** f64[steps] of an expression whose type is scalar. */
const scalar = (context: Context, expression: Expression): Float64Array => {
  switch (expression.kind) {
    case 'number':
      return new Float64Array(context.grid.steps).fill(expression.value)
    case 'negation':
      return negate(scalar(context, expression.expression))
    case 'binary': {
      const { op, left, right } = expression
      return scalarBinary(op as ElementOp, scalar(context, left), scalar(context, right))
    }
    case 'call':
      return scalarCall(context, expression, EVALUATOR)
    default:
      throw executionFault('a scalar is needed here', expression)
  }
}

const aggregated = (context: Context, aggregate: Aggregate): Column[] => {
  const { op, parameter, grouping } = aggregate
  const groups = groupsOf(vector(context, aggregate.expression), grouping)
  const { steps } = context.grid
  if (op === 'count_values') {
    const label = parameter?.kind === 'string' ? parameter.value : ''
    if (!isLabelName(label))
      throw executionFault(`invalid label name ${JSON.stringify(label)}`, parameter)
    return united(countValues(groups, label, steps, aggregate), aggregate)
  }
  if (!parameter) return groups.map((group) => aggregateGroup(op, group, steps))
  const values = scalar(context, parameter)
  if (op === 'quantile') return groups.map((group) => quantileGroup(group, values))
  return groups.flatMap((group) => rankGroup(group, values, op === 'topk' ? 1 : -1, parameter))
}

const combinedVectors = (context: Context, binary: Binary): Column[] => {
  const { op, left, right } = binary
  const { steps } = context.grid
  if (left.type === 'scalar')
    return vectorScalar(binary, vector(context, right), scalar(context, left), true)
  if (right.type === 'scalar')
    return vectorScalar(binary, vector(context, left), scalar(context, right), false)
  const sides = [vector(context, left), vector(context, right)] as const
  return isSetOp(op) ? setBinary(binary, ...sides, steps) : vectorBinary(binary, ...sides, steps)
}

/** The columns of an expression whose type is vector. */
const vector = (context: Context, expression: Expression): readonly Column[] => {
  switch (expression.kind) {
    case 'selector':
      return instantColumns(context, expression)
    case 'negation':
      return negated(vector(context, expression.expression), expression)
    case 'call':
      return vectorCall(context, expression, EVALUATOR)
    case 'aggregate':
      return united(aggregated(context, expression), expression)
    case 'binary':
      return combinedVectors(context, expression)
    default:
      throw executionFault('an instant vector is needed here', expression)
  }
}

/** The columns of a subquery's own expression, on the grid of the context. */
export const vectorColumns = (context: Context, subquery: Subquery): readonly Column[] =>
  vector(context, subquery.expression)

const EVALUATOR: Evaluator = { vector, scalar }

export interface QueryOptions {
  /** Prometheus 2's where they are absent. */
  readonly semantics?: Semantics
}

/** Runs `work` with the context of a query, and returns what it throws as QueryFault. */
export const withContext = async <T>(
  expression: Expression,
  grid: Grid,
  source: SeriesSource,
  { semantics = PROMETHEUS_2 }: QueryOptions,
  work: (context: Context) => T,
): Promise<Result<T, QueryError>> => {
  try {
    const series = await fetchSeries(source, expression, grid, semantics.leftOpen)
    return ok(work({ grid, query: grid, series, semantics, budget: new Budget() }))
  } catch (fault) {
    if (fault instanceof QueryFault) return err(fault.error)
    throw fault
  }
}

/**
 * The value of an expression at every step of a grid, column by column: every series is read once, and its
 * windows are evaluated over all steps at a time.
 */
export const evaluateQuery = (
  expression: Expression,
  grid: Grid,
  source: SeriesSource,
  options: QueryOptions = {},
): Promise<Result<QueryValue, QueryError>> =>
  withContext(expression, grid, source, options, (context) => {
    if (expression.kind === 'string') return { type: 'string', value: expression.value }
    if (expression.type === 'scalar') return { type: 'scalar', values: scalar(context, expression) }
    const columns = vector(context, expression)
    return { type: 'vector', columns: united(columns, expression) }
  })
