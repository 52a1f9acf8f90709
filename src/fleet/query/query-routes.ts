import { requireScope } from '../../http/auth.ts'
import type { AppContext } from '../../http/context.ts'
import { errorsAs } from '../../http/protocol-errors.ts'
import { createRouter } from '../../http/validate.ts'
import { admitted, countedSource } from './admission.ts'
import { instantAnswer, rangeAnswer, rawAnswer } from './answer.ts'
import type { Expression } from './ast.ts'
import type { QueryValue } from './column.ts'
import { type Pieces, queryErrorResponse, rejectParameter, renderError } from './envelope.ts'
import { evaluateQuery } from './evaluate.ts'
import type { Grid } from './grid.ts'
import { sourceOf } from './organisation-source.ts'
import { readParameters } from './parameters.ts'
import { parseQuery } from './parse.ts'
import type { Place } from './query-gate.ts'
import { describeQueries } from './query-openapi.ts'
import { rawSamples } from './raw-samples.ts'
import {
  accepted,
  gridParameters,
  limitParameter,
  rangeTypeFault,
  timeoutFault,
  timeParameter,
} from './request.ts'

/** Every address that answers in Prometheus' form, its errors too. */
export const PROMETHEUS_PATHS = [
  '/api/v1/query',
  '/api/v1/query_range',
  '/api/v1/query_exemplars',
  '/api/v1/series',
  '/api/v1/labels',
  '/api/v1/label/:name/values',
  '/api/v1/metadata',
  '/api/v1/rules',
  '/api/v1/alerts',
  '/api/v1/status/buildinfo',
] as const

/** Errors of these addresses as Prometheus says them, also one that stands before them, as a missing key. */
export const prometheusErrors = errorsAs(renderError)

export const queries = createRouter()

const isMatrix = (expression: Expression): expression is Expression & { type: 'matrix' } =>
  expression.type === 'matrix'

const TRUNCATED = 'results truncated due to limit'

/** At most `limit` series of a value, and what to say about those left out. */
const limited = (value: QueryValue, limit: number) => {
  if (value.type !== 'vector' || value.columns.length <= limit) return { value, warnings: [] }
  return {
    value: { type: 'vector' as const, columns: value.columns.slice(0, limit) },
    warnings: [TRUNCATED],
  }
}

const answerQuery = async (
  c: AppContext,
  place: Place,
  isRange: boolean,
): Promise<Response | Pieces> => {
  const { one } = await readParameters(c.req.raw)
  const text = one('query') ?? ''
  const limit = accepted(limitParameter(one))
  const now = Date.now()
  const grid: Grid = isRange
    ? accepted(gridParameters(one))
    : { startMs: accepted(timeParameter(one, 'time', now)), stepMs: 1, steps: 1 }
  const wrongTimeout = timeoutFault(one)
  if (wrongTimeout) rejectParameter(wrongTimeout)
  const parsed = parseQuery(text)
  if (!parsed.ok) return queryErrorResponse('query', text, parsed.error)
  const fault = isRange ? rangeTypeFault(parsed.value) : null
  if (fault) rejectParameter(`invalid parameter "query": ${fault}`)
  const source = countedSource(() => sourceOf(c), place, grid.steps)
  if (isMatrix(parsed.value)) {
    const raw = await rawSamples(parsed.value, grid.startMs, source)
    if (!raw.ok) return queryErrorResponse('query', text, raw.error)
    const warnings = raw.value.length > limit ? [TRUNCATED] : []
    return rawAnswer(raw.value.slice(0, limit), warnings)
  }
  const result = await evaluateQuery(parsed.value, grid, source)
  if (!result.ok) return queryErrorResponse('query', text, result.error)
  const { value, warnings } = limited(result.value, limit)
  const answer = isRange ? rangeAnswer : instantAnswer
  return answer(value, grid, warnings)
}

describeQueries(queries)

const read = requireScope('read')

queries.on(
  ['GET', 'POST'],
  '/api/v1/query',
  read,
  admitted((c, place) => answerQuery(c, place, false)),
)
queries.on(
  ['GET', 'POST'],
  '/api/v1/query_range',
  read,
  admitted((c, place) => answerQuery(c, place, true)),
)
