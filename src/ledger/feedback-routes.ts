import { createRoute, z } from '@hono/zod-openapi'
import { requireScope } from '../http/auth.ts'
import type { AppContext } from '../http/context.ts'
import { jsonBody } from '../http/json-body.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { logEvent } from '../observability/log.ts'
import { accountOf } from './account.ts'
import { ledgerOf } from './ledger-client.ts'
import type { Feedback, FeedbackAnswer } from './protocol.ts'

/** Longest time to an answer that is believed: an hour. */
const LATENCY_MS_MAX = 3_600_000

export const feedback = createRouter()

const feedbackSchema = z
  .strictObject({
    decisionId: z.uuid().openapi({ description: '`decisionId`, or `x-gjallar-decision-id`' }),
    success: z.boolean().optional(),
    score: z.number().min(0).max(1).optional(),
    latencyMs: z
      .number()
      .min(0)
      .max(LATENCY_MS_MAX)
      .optional()
      .openapi({ description: 'Counted where the gateway measured none itself' }),
  })
  .refine(
    ({ success, score, latencyMs }) =>
      success !== undefined || score !== undefined || latencyMs !== undefined,
    'must tell success, score or latencyMs',
  )
  .openapi('Feedback')

const unavailable = (retryAfterSeconds: number) =>
  new ProblemError(
    problem(503, 'dependency-unavailable', 'the ledger takes nothing now; try again soon', {
      retryAfterSeconds,
    }),
  )

/** Throws ProblemError 503 where the ledger does not answer. */
const learn = async (c: AppContext, told: Feedback): Promise<FeedbackAnswer> => {
  const { organisationId } = c.var.principal
  try {
    return await ledgerOf(c.env, organisationId).feedback(organisationId, told)
  } catch (error) {
    logEvent('ledger', 'warn', 'the ledger did not take feedback', error)
    throw unavailable(2)
  }
}

feedback.openapi(
  createRoute({
    method: 'post',
    path: '/v1/feedback',
    tags: ['routing'],
    summary: 'Tells how a decision turned out; the last word on a decision counts',
    description:
      'Durable before it is acknowledged. Taken for 48 h, for the newest 200,000 decisions of the organisation.',
    middleware: [requireScope('write'), ...jsonBody],
    request: {
      body: { required: true, content: { 'application/json': { schema: feedbackSchema } } },
    },
    responses: {
      202: {
        description: 'It is kept',
        content: { 'application/json': { schema: z.object({ decisionId: z.uuid() }) } },
      },
      ...problemResponses(400, 401, 403, 404, 413, 415, 422, 503),
    },
  }),
  async (c) => {
    const { decisionId, success = null, score = null, latencyMs = null } = c.req.valid('json')
    const told = { decisionId: decisionId.toLowerCase(), success, score, latencyMs }
    let answer = await learn(c, told)
    if (answer.kind === 'unknown') {
      // The decision may be on its way from this isolate.
      await accountOf(c).flush(c.var.principal.organisationId)
      answer = await learn(c, told)
    }
    if (answer.kind === 'full') throw unavailable(answer.retryAfterSeconds)
    if (answer.kind === 'unknown')
      throw new ProblemError(
        problem(
          404,
          'not-found',
          'no such decision of the last 48 hours; one made by another instance is known a second later',
        ),
      )
    return c.json({ decisionId }, 202, { 'cache-control': 'no-store' })
  },
)
