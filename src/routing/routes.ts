import { connect } from '../database/client.ts'
import { saveRouterConfig } from '../database/router-queries.ts'
import { requireScope } from '../http/auth.ts'
import { decodeText, parseJson, readBody, requireMediaType } from '../http/body.ts'
import { JSON_BODY_BYTES_MAX } from '../http/json-body.ts'
import { type FieldFault, ProblemError, problem } from '../http/problem.ts'
import { errorsAs } from '../http/protocol-errors.ts'
import { createRouter, parseWith } from '../http/validate.ts'
import { ArenaExhaustedError } from '../kernels/memory.ts'
import { accountOf } from '../ledger/account.ts'
import { recordOfDecision } from '../ledger/decision-record.ts'
import { describeArtifacts } from './artifact-openapi.ts'
import { addArtifactRoutes } from './artifact-routes.ts'
import { type RouterConfig, routerConfigSchema } from './catalog.ts'
import { decide } from './decide.ts'
import { embedQuestion } from './embed-question.ts'
import { type EmbeddingSettings, isMadeFor } from './embedding-provider.ts'
import { organisationRouters, routingState } from './isolate.ts'
import { decisionHeaders, openAiError, routeAnswer, routingProblem } from './route-answer.ts'
import type { Router } from './router.ts'
import { describeRouting } from './routing-openapi.ts'
import { withRouter } from './with-router.ts'

/** Decisions without the request itself being sent anywhere, and what they are made by. */
export const routing = createRouter()

export const routingErrors = errorsAs(openAiError)

/** Twice the text that is routed: images are sent in the body, too. */
export const ROUTE_BODY_BYTES_MAX = 16 * 1024 * 1024

const PRIVATE = { 'cache-control': 'private, no-cache' }

/** What of a configuration the artifact and the deployment cannot serve. */
const faultsOf = (
  { candidates, embedding }: RouterConfig,
  { artifact }: Router,
  server: EmbeddingSettings | null,
): FieldFault[] => {
  const faults = candidates.flatMap(({ measuredAs }, i) =>
    measuredAs === null || artifact.models.includes(measuredAs)
      ? []
      : [
          {
            pointer: `#/candidates/${i}/measuredAs`,
            detail: `must be null, or one of the artifact's ${artifact.models.join(', ')}`,
          },
        ],
  )
  if (embedding === 'provider' && (server === null || !isMadeFor(artifact, server)))
    faults.push({
      pointer: '#/embedding',
      detail: 'must be lexical: the artifact has no centroids of the deployment’s embedding',
    })
  return faults
}

describeRouting(routing)
describeArtifacts(routing)
addArtifactRoutes(routing)

routing.post('/v1/route', requireScope('read'), async (c) => {
  requireMediaType(c.req.raw, ['application/json'])
  const body = await readBody(c.req.raw, ROUTE_BODY_BYTES_MAX)
  const dialect = c.req.header('anthropic-version') === undefined ? 'openai' : 'anthropic'
  const embedding = await embedQuestion(c, body, dialect)
  const result = await withRouter(c, ({ router, organisation, artifact, canary }) => {
    const startedMs = performance.now()
    const options = {
      organisation,
      artifact,
      canary,
      nowMs: Date.now(),
      ...(embedding === undefined ? {} : { embedding }),
    }
    try {
      const decision = decide(body, dialect, router, routingState(), options)
      return { decision, spentMs: performance.now() - startedMs }
    } catch (error) {
      if (!(error instanceof ArenaExhaustedError)) throw error
      throw new ProblemError(
        problem(503, 'dependency-unavailable', 'no memory is left for a request of this size', {
          retryAfterSeconds: 1,
        }),
      )
    }
  })
  if (!result.decision.ok) throw new ProblemError(routingProblem(result.decision.error))
  const decision = result.decision.value
  const decisionId = crypto.randomUUID()
  const { organisationId, keyId } = c.get('principal')
  accountOf(c).record(organisationId, recordOfDecision(decisionId, decision, keyId, Date.now()))
  // Written as it is: the framework's own writer of answers takes a tenth of the request.
  return new Response(JSON.stringify(routeAnswer(decisionId, decision, result.spentMs)), {
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...decisionHeaders(decisionId, decision),
    },
  })
})

routing.get('/api/v1/router/config', requireScope('read'), async (c) =>
  c.json(
    await withRouter(c, ({ router, isConfigOwn }) => ({
      source: isConfigOwn ? 'organisation' : 'default',
      config: router.config,
    })),
    200,
    PRIVATE,
  ),
)

routing.put('/api/v1/router/config', requireScope('admin'), async (c) => {
  requireMediaType(c.req.raw, ['application/json'])
  const body = parseJson(decodeText(await readBody(c.req.raw, JSON_BODY_BYTES_MAX)))
  const config = parseWith(routerConfigSchema, body)
  const { routerEmbedding } = c.get('settings')
  const errors = await withRouter(c, ({ router }) => faultsOf(config, router, routerEmbedding))
  if (errors.length > 0)
    throw new ProblemError(
      problem(422, 'validation-failed', `body: ${errors[0]?.detail}`, { errors }),
    )
  const { organisationId } = c.get('principal')
  await saveRouterConfig(connect(c.get('settings')), organisationId, JSON.stringify(config))
  const routers = await organisationRouters(c.get('settings').routerArtifact)
  routers.expire(organisationId)
  return c.json({ source: 'organisation', config }, 200, PRIVATE)
})
