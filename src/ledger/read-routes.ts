import { createRoute, z } from '@hono/zod-openapi'
import { connect } from '../database/client.ts'
import {
  countFeedback,
  listDecisionHours,
  listRequests,
  listSpend,
  SPEND_DIMENSIONS,
  SPEND_STEPS,
} from '../database/ledger-reads.ts'
import { requireScope } from '../http/auth.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { BUCKETS } from '../routing/catalog.ts'
import { DAY_MS, HOUR_MS } from './periods.ts'
import { statisticsOf } from './statistics.ts'

export const REQUESTS_LIMIT_MAX = 1_000
/** Rows of one answer on spend. */
const SPEND_ROWS_MAX = 10_000
/** Longest range by hour and by day. */
const SPEND_RANGE_MS = { hour: 31 * DAY_MS, day: 400 * DAY_MS }
export const STATISTICS_HOURS_MAX = 24 * 31
/** Groups of hours that statistics are made of: the newest. */
const STATISTICS_ROWS_MAX = 20_000
const NANO_PER_USD = 1e9
/** No name that is kept has control characters, and PostgreSQL takes no NUL. */
const PRINTABLE = /^\P{Cc}+$/u

export const reads = createRouter()

const PRIVATE = { 'cache-control': 'private, no-cache' }
const count = z.number().int()
const usd = z.number().openapi({ description: 'US dollars' })

const requestSchema = z
  .looseObject({
    id: z.uuid(),
    atMs: count,
    keyId: z.uuid().nullable(),
    kind: z.enum(['route', 'chat', 'embeddings']),
    outcome: z.enum(['decided', 'ok', 'error', 'interrupted', 'cancelled']),
    provider: z.string(),
    model: z.string(),
    bucket: z.enum(BUCKETS).nullable(),
    costUsd: usd,
    strongCostUsd: usd,
    latencyMs: z.number(),
  })
  .openapi('LlmRequest')

reads.openapi(
  createRoute({
    method: 'get',
    path: '/api/v1/llm/requests',
    tags: ['gateway'],
    summary: 'Requests to language models and decisions about them, the newest first',
    description: 'A request is here a few seconds after it ended (`FLUSH_INTERVAL_MS`).',
    middleware: [requireScope('read')],
    request: {
      query: z.object({
        limit: z.coerce.number().int().min(1).max(REQUESTS_LIMIT_MAX).default(100),
        cursor: z.string().optional(),
        key: z.uuid().optional(),
        model: z.string().max(401).regex(PRINTABLE).optional(),
        outcome: requestSchema.shape.outcome.optional(),
      }),
    },
    responses: {
      200: {
        description: 'One page',
        content: {
          'application/json': {
            schema: z.object({
              requests: z.array(requestSchema),
              nextCursor: z.string().nullable(),
            }),
          },
        },
      },
      ...problemResponses(400, 401, 403, 422, 503),
    },
  }),
  async (c) => {
    const db = connect(c.var.settings)
    const page = await listRequests(db, c.var.principal.organisationId, c.req.valid('query'))
    if (!page.ok)
      throw new ProblemError(
        problem(400, 'cursor-invalid', 'take next from the answer to the same query'),
      )
    const requests = page.value.requests.map(({ costNanoUsd, strongCostNanoUsd, ...request }) => ({
      ...request,
      costUsd: Number(costNanoUsd) / NANO_PER_USD,
      strongCostUsd: Number(strongCostNanoUsd) / NANO_PER_USD,
    }))
    const { nextCursor } = page.value
    return c.json(
      { requests: requests as unknown as z.infer<typeof requestSchema>[], nextCursor },
      200,
      PRIVATE,
    )
  },
)

const timeSchema = z.coerce.number().int().min(0).max(8.64e15).optional()

const spendSchema = z
  .object({
    fromMs: count,
    toMs: count,
    step: z.enum(SPEND_STEPS),
    by: z.enum(SPEND_DIMENSIONS),
    rows: z.array(
      z.object({
        atMs: count,
        name: z.string().openapi({ description: 'Empty where there is none' }),
        requests: count,
        errors: count,
        inputTokens: count,
        outputTokens: count,
        costUsd: usd,
      }),
    ),
    truncated: z.boolean(),
  })
  .openapi('LlmSpend')

reads.openapi(
  createRoute({
    method: 'get',
    path: '/api/v1/llm/spend',
    tags: ['gateway'],
    summary: 'Spend on language models over time, by key, model, provider or bucket',
    description: 'Times are ms since the epoch; steps begin at full UTC hours and days.',
    middleware: [requireScope('read')],
    request: {
      query: z.object({
        from: timeSchema,
        to: timeSchema,
        step: z.enum(SPEND_STEPS).default('hour'),
        by: z.enum(SPEND_DIMENSIONS).default('model'),
      }),
    },
    responses: {
      200: {
        description:
          'Rows in the order of time; what costs nothing and was never asked is not there',
        content: { 'application/json': { schema: spendSchema } },
      },
      ...problemResponses(401, 403, 422, 503),
    },
  }),
  async (c) => {
    const { step, by, from, to } = c.req.valid('query')
    const toMs = to ?? Date.now()
    const fromMs = from ?? toMs - (step === 'hour' ? DAY_MS : 30 * DAY_MS)
    const longestMs = SPEND_RANGE_MS[step]
    if (fromMs >= toMs || toMs - fromMs > longestMs)
      throw new ProblemError(
        problem(
          422,
          'validation-failed',
          `query: from must be before to, and at most ${longestMs / DAY_MS} days`,
          {
            errors: [{ pointer: '#/from', detail: `at most ${longestMs / DAY_MS} days before to` }],
          },
        ),
      )
    const stepMs = step === 'hour' ? HOUR_MS : DAY_MS
    const range = { fromMs: fromMs - (fromMs % stepMs), toMs }
    const db = connect(c.var.settings)
    const rows = await listSpend(
      db,
      c.var.principal.organisationId,
      range,
      step,
      by,
      SPEND_ROWS_MAX,
    )
    const told = rows.map(({ costNanoUsd, ...row }) => ({
      ...row,
      costUsd: costNanoUsd / NANO_PER_USD,
    }))
    const truncated = rows.length === SPEND_ROWS_MAX
    return c.json({ ...range, step, by, rows: told, truncated }, 200, PRIVATE)
  },
)

const quantiles = z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable()
const groupFields = {
  decisions: count,
  served: count,
  errors: count,
  costUsd: usd,
  strongCostUsd: usd,
  latencyMs: quantiles,
  timeToFirstTokenMs: quantiles,
}

const statisticsSchema = z
  .object({
    hours: count,
    total: z.object(groupFields),
    savings: z.object({ usd, ratio: z.number() }),
    buckets: z.array(z.object({ bucket: z.string(), ...groupFields })),
    models: z.array(z.object({ model: z.string(), ...groupFields })),
    artifacts: z.array(
      z.object({
        version: z.string(),
        decisions: count,
        errors: count,
        buckets: z.record(z.string(), count),
        costUsd: usd,
        feedback: z.array(
          z.object({ isCanary: z.boolean(), count, meanScore: z.number().nullable() }),
        ),
      }),
    ),
    relativeErrorMax: z.number(),
    truncated: z.boolean(),
  })
  .openapi('RouterStatistics')

reads.openapi(
  createRoute({
    method: 'get',
    path: '/api/v1/router/statistics',
    tags: ['routing'],
    summary:
      'What the router decided, what it saved, how fast the models were, and how artifacts compare',
    description:
      'Savings are estimated: what the dearest candidate of the hard bucket would have cost for the same tokens, less what was spent. Whole hours, the present one included.',
    middleware: [requireScope('read')],
    request: {
      query: z.object({
        hours: z.coerce.number().int().min(1).max(STATISTICS_HOURS_MAX).default(24),
      }),
    },
    responses: {
      200: {
        description: 'Statistics',
        content: { 'application/json': { schema: statisticsSchema } },
      },
      ...problemResponses(401, 403, 422, 503),
    },
  }),
  async (c) => {
    const { hours } = c.req.valid('query')
    const { organisationId } = c.var.principal
    const toMs = Date.now()
    const range = { fromMs: toMs - (toMs % HOUR_MS) - (hours - 1) * HOUR_MS, toMs }
    const db = connect(c.var.settings)
    const [rows, feedback] = await Promise.all([
      listDecisionHours(db, organisationId, range, STATISTICS_ROWS_MAX),
      countFeedback(db, organisationId, range),
    ])
    const truncated = rows.length === STATISTICS_ROWS_MAX
    return c.json({ hours, ...statisticsOf(rows, feedback), truncated }, 200, PRIVATE)
  },
)
