import { connect } from '../database/client.ts'
import {
  findRouter,
  findRouterArtifact,
  saveRouterArtifact,
  saveRouterConfig,
} from '../database/router-queries.ts'
import { requireScope } from '../http/auth.ts'
import { decodeText, parseJson, readBody, requireMediaType } from '../http/body.ts'
import { matches } from '../http/conditional.ts'
import type { AppContext } from '../http/context.ts'
import { JSON_BODY_BYTES_MAX } from '../http/json-body.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { errorsAs } from '../http/protocol-errors.ts'
import { createRouter, parseWith } from '../http/validate.ts'
import { ArenaExhaustedError } from '../kernels/memory.ts'
import { describeFault } from './artifact-fault.ts'
import { ARTIFACT_BYTES_MAX } from './artifact-format.ts'
import { readArtifact } from './artifact-read.ts'
import { routerConfigSchema } from './catalog.ts'
import { decide } from './decide.ts'
import { organisationRouters, routingState, shippedArtifact } from './isolate.ts'
import type { OrganisationRouter, RouterStore } from './organisation-routers.ts'
import { decisionHeaders, openAiError, routeAnswer, routingProblem } from './route-answer.ts'
import { describeRouting } from './routing-openapi.ts'

/** Decisions without the request itself being sent anywhere, and what they are made by. */
export const routing = createRouter()

export const routingErrors = errorsAs(openAiError)

/** Twice the text that is routed: images are sent in the body, too. */
export const ROUTE_BODY_BYTES_MAX = 16 * 1024 * 1024

const PRIVATE = { 'cache-control': 'private, no-cache' }

const storeOf = (c: AppContext): RouterStore => {
  const db = connect(c.var.settings)
  return {
    find: (organisationId) => findRouter(db, organisationId),
    findArtifact: (organisationId) => findRouterArtifact(db, organisationId),
  }
}

const withRouter = async <T>(c: AppContext, use: (router: OrganisationRouter) => T): Promise<T> => {
  const routers = await organisationRouters()
  return routers.use(c.var.principal.organisationId, storeOf(c), Date.now(), use)
}

describeRouting(routing)

routing.post('/v1/route', requireScope('read'), async (c) => {
  requireMediaType(c.req.raw, ['application/json'])
  const body = await readBody(c.req.raw, ROUTE_BODY_BYTES_MAX)
  const dialect = c.req.header('anthropic-version') === undefined ? 'openai' : 'anthropic'
  const result = await withRouter(c, ({ router, organisation, artifact }) => {
    const startedMs = performance.now()
    const options = { organisation, artifact, nowMs: Date.now() }
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
  return c.json(routeAnswer(decisionId, decision, result.spentMs), 200, {
    'cache-control': 'no-store',
    ...decisionHeaders(decisionId, decision),
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
  const errors = await withRouter(c, ({ router }) =>
    config.candidates.flatMap(({ measuredAs }, i) =>
      measuredAs === null || router.artifact.models.includes(measuredAs)
        ? []
        : [
            {
              pointer: `#/candidates/${i}/measuredAs`,
              detail: `must be null, or one of the artifact's ${router.artifact.models.join(', ')}`,
            },
          ],
    ),
  )
  if (errors.length > 0)
    throw new ProblemError(
      problem(422, 'validation-failed', `body: ${errors[0]?.detail}`, { errors }),
    )
  const { organisationId } = c.var.principal
  await saveRouterConfig(connect(c.var.settings), organisationId, JSON.stringify(config))
  const routers = await organisationRouters()
  routers.expire(organisationId)
  return c.json({ source: 'organisation', config }, 200, PRIVATE)
})

const describeArtifact = ({ router, isArtifactOwn }: OrganisationRouter) => {
  const { version, features, thresholds, alpha, clusters, models, report } = router.artifact
  const source = isArtifactOwn ? 'organisation' : 'shipped'
  return { version, source, features, thresholds, alpha, clusters, models, report }
}

routing.get('/api/v1/router/artifact', requireScope('read'), async (c) => {
  const told = await withRouter(c, describeArtifact)
  const etag = `"${told.version}"`
  const headers = { ...PRIVATE, etag, vary: 'accept' }
  if (matches(c.req.header('if-none-match'), etag)) return c.body(null, 304, headers)
  if (c.req.header('accept') !== 'application/octet-stream') return c.json(told, 200, headers)
  const stored = await storeOf(c).findArtifact(c.var.principal.organisationId)
  const content = told.source === 'organisation' && stored !== null ? stored : shippedArtifact()
  return c.body(new Uint8Array(content), 200, {
    ...headers,
    'content-type': 'application/octet-stream',
  })
})

routing.put('/api/v1/router/artifact', requireScope('admin'), async (c) => {
  requireMediaType(c.req.raw, ['application/octet-stream'])
  const content = new Uint8Array(await readBody(c.req.raw, ARTIFACT_BYTES_MAX))
  const candidates = await withRouter(c, ({ router }) =>
    router.config.candidates.flatMap(({ measuredAs }) => measuredAs ?? []),
  )
  const read = await readArtifact(content, { candidates })
  if (!read.ok)
    throw new ProblemError(problem(422, 'validation-failed', `body: ${describeFault(read.error)}`))
  const { version } = read.value
  read.value.close()
  const { organisationId } = c.var.principal
  await saveRouterArtifact(connect(c.var.settings), organisationId, version, content)
  const routers = await organisationRouters()
  routers.expire(organisationId)
  return c.json(await withRouter(c, describeArtifact), 200, PRIVATE)
})
