import { requireScope } from '../../http/auth.ts'
import type { AppContext } from '../../http/context.ts'
import { createRouter } from '../../http/validate.ts'
import type { Label } from '../series/labels.ts'
import { decodeLabels } from '../series/labels.ts'
import type { Matcher } from '../series/matchers.ts'
import type { SeriesFilter } from '../series/shard-api.ts'
import { admitted } from './admission.ts'
import type { Expression, Selector } from './ast.ts'
import { keyOf } from './column.ts'
import { dataResponse, queryErrorResponse, rejectParameter } from './envelope.ts'
import { formatValue } from './format.ts'
import { isLabelName } from './label-calls.ts'
import { CATALOGUE_MAX, SELECTORS_MAX, TIME_MS_MAX } from './limits.ts'
import { catalogueOf } from './organisation-source.ts'
import { type RequestParameters, readParameters } from './parameters.ts'
import { parseQuery } from './parse.ts'
import { accepted, limitParameter, timeParameter } from './request.ts'
import { selectorsOf } from './selection.ts'

/** What there is: series, labels, metadata, exemplars. */
export const catalogue = createRouter()

/** The version of Prometheus' API that clients may count on. */
const API_VERSION = '2.42.0'

/** Thrown out of a handler to answer as it is. */
class Answered extends Error {
  readonly response: Response
  constructor(response: Response) {
    super('answered')
    this.response = response
  }
}

const recordOf = (labels: readonly Label[]): Record<string, string> => Object.fromEntries(labels)

const selectorOf = (text: string): Selector => {
  const parsed = parseQuery(text)
  if (!parsed.ok) throw new Answered(queryErrorResponse('match[]', text, parsed.error))
  const expression: Expression = parsed.value
  if (expression.kind !== 'selector' || expression.rangeMs !== null)
    return rejectParameter('invalid parameter "match[]": a series selector is needed')
  return expression
}

/** The range of `start` and `end`, in ms: all times where they are absent. */
const spanOf = (parameters: RequestParameters): { from: number; to: number } => {
  const from = accepted(timeParameter(parameters.one, 'start', 0))
  const to = accepted(timeParameter(parameters.one, 'end', TIME_MS_MAX))
  if (to < from)
    rejectParameter('invalid parameter "end": end timestamp must not be before start time')
  return { from, to }
}

/** A filter a `match[]`, in the range of `start` and `end`; one that takes all where there is none. */
const filtersOf = (parameters: RequestParameters): SeriesFilter[] => {
  const { from, to } = spanOf(parameters)
  const texts = parameters.all('match[]')
  if (texts.length > SELECTORS_MAX) rejectParameter(`at most ${SELECTORS_MAX} match[] are taken`)
  const all: (readonly Matcher[])[] =
    texts.length === 0 ? [[]] : texts.map((text) => selectorOf(text).matchers)
  return all.map((matchers) => ({ matchers, from, to }))
}

const TRUNCATED = 'results truncated due to limit'

/** Asks for one more than wanted, to tell whether some were left out. */
const limitedResponse = async <T>(
  parameters: RequestParameters,
  ask: (limit: number) => Promise<readonly T[]>,
  dataOf: (found: readonly T[]) => unknown = (found) => found,
): Promise<Response> => {
  const limit = Math.min(CATALOGUE_MAX, accepted(limitParameter(parameters.one)))
  const found = await ask(limit + 1)
  const warnings = found.length > limit ? [TRUNCATED] : []
  return dataResponse(dataOf(found.slice(0, limit)), warnings)
}

const answering = (answer: (c: AppContext, parameters: RequestParameters) => Promise<Response>) =>
  admitted(async (c) => {
    try {
      return await answer(c, await readParameters(c.req.raw))
    } catch (error) {
      if (error instanceof Answered) return error.response
      throw error
    }
  })

const read = requireScope('read')

catalogue.on(
  ['GET', 'POST'],
  '/api/v1/series',
  read,
  answering((c, parameters) => {
    if (parameters.all('match[]').length === 0) rejectParameter('no match[] parameter provided')
    const filters = filtersOf(parameters)
    return limitedResponse(
      parameters,
      (limit) => catalogueOf(c).series(filters, limit),
      (found) => found.map(recordOf),
    )
  }),
)

catalogue.on(
  ['GET', 'POST'],
  '/api/v1/labels',
  read,
  answering((c, parameters) => {
    const filters = filtersOf(parameters)
    return limitedResponse(parameters, (limit) => catalogueOf(c).labelNames(filters, limit))
  }),
)

catalogue.get(
  '/api/v1/label/:name/values',
  read,
  answering((c, parameters) => {
    const name = c.req.param('name') ?? ''
    if (!isLabelName(name)) rejectParameter(`invalid label name: ${JSON.stringify(name)}`)
    const filters = filtersOf(parameters)
    return limitedResponse(parameters, (limit) => catalogueOf(c).labelValues(name, filters, limit))
  }),
)

catalogue.get(
  '/api/v1/metadata',
  read,
  answering(async (c, { one }) => {
    const limit = Math.min(CATALOGUE_MAX, accepted(limitParameter(one)))
    const found = await catalogueOf(c).metadata(one('metric') ?? null, CATALOGUE_MAX)
    const byMetric = new Map<string, Map<string, unknown>>()
    for (const { metric, type, help, unit } of found) {
      const known = byMetric.get(metric)
      if (!known && byMetric.size >= limit) continue
      const entries = known ?? new Map<string, unknown>()
      entries.set(JSON.stringify([type, help, unit]), { type, help, unit })
      byMetric.set(metric, entries)
    }
    return dataResponse(
      Object.fromEntries([...byMetric].map(([metric, entries]) => [metric, [...entries.values()]])),
    )
  }),
)

catalogue.on(
  ['GET', 'POST'],
  '/api/v1/query_exemplars',
  read,
  answering(async (c, parameters) => {
    const text = parameters.one('query') ?? ''
    const parsed = parseQuery(text)
    if (!parsed.ok) return queryErrorResponse('query', text, parsed.error)
    const { from, to } = spanOf(parameters)
    const filters = selectorsOf(parsed.value).map(({ matchers }) => ({ matchers, from, to }))
    const found = await catalogueOf(c).exemplars(filters, CATALOGUE_MAX)
    const bySeries = new Map<string, { seriesLabels: unknown; exemplars: unknown[] }>()
    for (const { series, timestamp, value, labels } of found) {
      const seriesLabels = decodeLabels(series)
      const key = keyOf(seriesLabels)
      const entry = bySeries.get(key) ?? { seriesLabels: recordOf(seriesLabels), exemplars: [] }
      entry.exemplars.push({
        labels: recordOf(labels),
        value: formatValue(value),
        timestamp: timestamp / 1_000,
      })
      bySeries.set(key, entry)
    }
    return dataResponse([...bySeries.values()])
  }),
)

// Grafana asks for both with every data source; nothing here has any.
catalogue.get('/api/v1/rules', read, () => dataResponse({ groups: [] }))
catalogue.get('/api/v1/alerts', read, () => dataResponse({ alerts: [] }))

catalogue.get('/api/v1/status/buildinfo', read, () =>
  dataResponse({
    version: API_VERSION,
    revision: '',
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: '',
    application: 'Gjallar',
  }),
)
