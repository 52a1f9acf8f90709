import { requireScope } from '../http/auth.ts'
import { errorsAs } from '../http/protocol-errors.ts'
import { createRouter } from '../http/validate.ts'
import { exposition, OPEN_METRICS } from '../observability/metrics.ts'
import { paramOf } from '../routing/faults.ts'
import type { Dialect } from '../routing/request.ts'
import { withRouter } from '../routing/with-router.ts'
import { serveChatRoute } from './chat-route.ts'
import { serveEmbeddingsRoute } from './embeddings-route.ts'
import { DIALECTS } from './gateway-dialects.ts'
import { gatewayError } from './gateway-errors.ts'
import { describeGateway } from './gateway-openapi.ts'
import { backgroundOf } from './gateway-ports.ts'
import { gatewayMetrics, healthRegistry } from './gateway-state.ts'
import { modelCatalog } from './model-catalog.ts'
import { describeProviders } from './provider-report.ts'

/** Requests to language models, in the dialects of OpenAI and Anthropic. */
export const gateway = createRouter()

/** Paths by the dialect that their errors are told in. */
export const GATEWAY_PATHS: Readonly<Record<string, Dialect>> = {
  '/v1/chat/completions': 'openai',
  '/v1/embeddings': 'openai',
  '/v1/messages': 'anthropic',
  '/v1/models': 'openai',
  '/v1/models/*': 'openai',
}

/** Whether clients may come with a provider's credential there. */
export const isGatewayPath = (path: string): boolean =>
  Object.hasOwn(GATEWAY_PATHS, path) || path.startsWith('/v1/models/')

/** Says every error that the routes of a dialect do not say themselves: of keys, methods and bodies. */
export const gatewayErrors = (dialect: Dialect) =>
  errorsAs(({ status, message, pointer }) => {
    const param = pointer === undefined ? null : paramOf(pointer)
    const error = gatewayError(dialect, status, message, { param })
    return { contentType: 'application/json', body: JSON.stringify(DIALECTS[dialect].error(error)) }
  })

describeGateway(gateway)

gateway.post('/v1/chat/completions', requireScope('write'), (c) => serveChatRoute(c, 'openai'))
gateway.post('/v1/messages', requireScope('write'), (c) => serveChatRoute(c, 'anthropic'))
gateway.post('/v1/embeddings', requireScope('write'), serveEmbeddingsRoute)

gateway.get('/api/v1/llm/providers', requireScope('read'), async (c) => {
  const nowMs = Date.now()
  const catalog = modelCatalog(c.get('settings'), nowMs, backgroundOf(c))
  const providers = await withRouter(c, ({ router }) =>
    describeProviders(
      c.env,
      nowMs,
      // What stands in a list that everybody has tells nothing of who asked for it.
      (provider, model) =>
        router.byId.has(`${provider}/${model}`) || catalog.find(provider, model) !== null,
    ),
  )
  return c.json({ providers }, 200, { 'cache-control': 'private, no-cache' })
})

gateway.get('/metrics', requireScope('read'), (c) =>
  c.body(exposition(gatewayMetrics.families(healthRegistry().all(), Date.now())), 200, {
    'content-type': OPEN_METRICS,
    'cache-control': 'no-store',
  }),
)
