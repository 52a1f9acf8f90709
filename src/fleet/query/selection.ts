import { isWindowFunction } from '../../kernels/windows.ts'
import type { WindowCall } from '../series/evaluation.ts'
import type { At, Call, Expression, Selector, Subquery } from './ast.ts'
import { endOf, type Grid, subqueryGrid } from './grid.ts'
import { SERIES_MAX, SUBQUERY_STEPS_MAX } from './limits.ts'
import { limitFault, QueryFault } from './query-error.ts'
import type { SeriesSource, StoredSeries } from './source.ts'

/** A sample counts for this long where no newer one came. */
export const LOOKBACK_MS = 300_000
export const SUBQUERY_STEP_MS = 60_000

/** The ends of windows under a selector's or subquery's offset and `@`: one step where `@` fixes them. */
export const shifted = (
  { offsetMs, at }: { readonly offsetMs: number; readonly at: At | null },
  grid: Grid,
  query: Grid,
): Grid => {
  if (!at) return { ...grid, startMs: grid.startMs - offsetMs }
  const moment = at.kind === 'time' ? at.ms : at.kind === 'start' ? query.startMs : endOf(query)
  return { startMs: moment - offsetMs, stepMs: 1, steps: 1 }
}

/** The inner grid of a subquery. Throws QueryFault where it has too many steps. */
export const innerGrid = (subquery: Subquery, windows: Grid): Grid => {
  const grid = subqueryGrid(windows, subquery.rangeMs, subquery.stepMs ?? SUBQUERY_STEP_MS)
  if (grid.steps > SUBQUERY_STEPS_MAX)
    throw limitFault(
      `a subquery has at most ${SUBQUERY_STEPS_MAX} steps, this one ${grid.steps}`,
      subquery,
    )
  return grid
}

const ANY_GRID: Grid = { startMs: 0, stepMs: 1, steps: 1 }

/** Selectors that are read at the same time. */
const READS_AT_ONCE = 4

interface Need {
  readonly selector: Selector
  readonly fromMs: number
  readonly toMs: number
  /** All that is made of the series; null where their samples are read. */
  readonly call: WindowCall | null
}

/** What every selector of a query has in common. */
interface Scope {
  readonly query: Grid
  readonly leftOpen: boolean
}

const needOf = (selector: Selector, grid: Grid, scope: Scope, name: string): Need => {
  const windows = shifted(selector, grid, scope.query)
  const rangeMs = selector.rangeMs ?? LOOKBACK_MS
  return {
    selector,
    fromMs: windows.startMs - rangeMs,
    toMs: endOf(windows),
    call: isWindowFunction(name)
      ? { name, windows: { ...windows, rangeMs, leftOpen: scope.leftOpen } }
      : null,
  }
}

/** Functions with parameters, which may differ from step to step, get the samples. */
const callNeeds = ({ name, args }: Call, grid: Grid, scope: Scope): Need[] => {
  const [argument] = args
  const isAlone = args.length === 1 && argument?.kind === 'selector'
  if (isAlone && (argument.rangeMs !== null || name === 'timestamp'))
    return [needOf(argument, grid, scope, name)]
  return args.flatMap((each) =>
    each.kind === 'selector' && each.rangeMs !== null
      ? [needOf(each, grid, scope, '')]
      : needsOf(each, grid, scope),
  )
}

const needsOf = (expression: Expression, grid: Grid, scope: Scope): Need[] => {
  switch (expression.kind) {
    case 'number':
    case 'string':
      return []
    case 'selector':
      return [needOf(expression, grid, scope, expression.rangeMs === null ? 'instant' : '')]
    case 'subquery':
      return needsOf(
        expression.expression,
        innerGrid(expression, shifted(expression, grid, scope.query)),
        scope,
      )
    case 'negation':
      return needsOf(expression.expression, grid, scope)
    case 'call':
      return callNeeds(expression, grid, scope)
    case 'aggregate': {
      const { parameter, expression: inner } = expression
      return [...(parameter ? needsOf(parameter, grid, scope) : []), ...needsOf(inner, grid, scope)]
    }
    case 'binary':
      return [...needsOf(expression.left, grid, scope), ...needsOf(expression.right, grid, scope)]
  }
}

/** The selectors of an expression. */
export const selectorsOf = (expression: Expression): Selector[] =>
  needsOf(expression, ANY_GRID, { query: ANY_GRID, leftOpen: false }).map(
    ({ selector }) => selector,
  )

/** Adds the selector's place to a fault of its source. */
const placed =
  (selector: Selector) =>
  (fault: unknown): never => {
    if (!(fault instanceof QueryFault) || fault.error.span) throw fault
    const { start, end } = selector
    throw new QueryFault({ ...fault.error, span: { start, end } })
  }

/**
 * Reads what every selector of the expression needs, a few at the same time; selectors with the same matchers
 * share one read, and where there is one alone, its function may be evaluated by the source. Throws QueryFault beyond `SERIES_MAX` series.
 */
export const fetchSeries = async (
  source: SeriesSource,
  expression: Expression,
  query: Grid,
  leftOpen: boolean,
): Promise<ReadonlyMap<Selector, readonly StoredSeries[]>> => {
  const reads = new Map<string, { needs: Need[]; fromMs: number; toMs: number }>()
  for (const need of needsOf(expression, query, { query, leftOpen })) {
    const key = JSON.stringify(need.selector.matchers)
    const read = reads.get(key) ?? { needs: [], fromMs: need.fromMs, toMs: need.toMs }
    read.needs.push(need)
    read.fromMs = Math.min(read.fromMs, need.fromMs)
    read.toMs = Math.max(read.toMs, need.toMs)
    reads.set(key, read)
  }
  const found = new Map<Selector, readonly StoredSeries[]>()
  let count = 0
  const waiting = reads.values()
  const worker = async () => {
    for (const { needs, fromMs, toMs } of waiting) {
      const selector = needs[0]?.selector
      if (!selector) continue
      const call = needs.length === 1 ? (needs[0]?.call ?? null) : null
      const series = await source
        .select(selector.matchers, fromMs, toMs, call)
        .catch(placed(selector))
      count += series.length
      if (count > SERIES_MAX)
        throw limitFault(`a query reads at most ${SERIES_MAX} series`, selector)
      for (const need of needs) found.set(need.selector, series)
    }
  }
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, reads.size) }, worker))
  return found
}
