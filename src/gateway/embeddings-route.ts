import { readBody, requireMediaType } from '../http/body.ts'
import type { AppContext } from '../http/context.ts'
import { accountOf } from '../ledger/account.ts'
import { withRouter } from '../routing/with-router.ts'
import { dearestOf } from './chat-route.ts'
import { checkEmbeddings, embeddingsAnswer, estimateEmbeddingsTokens } from './embeddings.ts'
import { serveEmbeddings } from './engine-embeddings.ts'
import { errorResponse, toldHeaders } from './gateway-answer.ts'
import { CHAT_BODY_BYTES_MAX, readJsonBody } from './gateway-body.ts'
import { DIALECTS } from './gateway-dialects.ts'
import { limitError, routingError } from './gateway-errors.ts'
import { planNamed, strongCostOf } from './gateway-plan.ts'
import { enginePortsOf, ownCredentialOf, planContextOf, seeThrough } from './gateway-ports.ts'
import { baseOf } from './record-base.ts'

/** Serves embeddings, by providers of the very model alone: vectors of two models cannot be compared. */
export const serveEmbeddingsRoute = async (c: AppContext): Promise<Response> => {
  const nowMs = Date.now()
  requireMediaType(c.req.raw, ['application/json'])
  const read = readJsonBody(await readBody(c.req.raw, CHAT_BODY_BYTES_MAX))
  if (!read.ok) return errorResponse('openai', routingError('openai', read.error))
  const { body, bytesPerUnit } = read.value
  const fault = checkEmbeddings(body)
  if (fault !== null) return errorResponse('openai', routingError('openai', fault))
  const planned = await withRouter(c, (organisation) => {
    const context = planContextOf(c, organisation, nowMs)
    const plan = planNamed(String(body.model), 'embeddings', context)
    return { plan, strongCostNanoUsd: strongCostOf(organisation.router.config) }
  })
  if (!planned.plan.ok) return errorResponse('openai', routingError('openai', planned.plan.error))
  const plan = planned.plan.value
  const inputTokens = estimateEmbeddingsTokens(body, bytesPerUnit)
  const usage = {
    inputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
  }
  const estimate = { tokens: inputTokens, costNanoUsd: dearestOf(plan.targets, usage) }
  const reserved = await accountOf(c).reserve(c.get('principal'), estimate)
  if (!reserved.ok) return errorResponse('openai', limitError('openai', reserved.error, nowMs))
  const base = baseOf(c, 'embeddings', null, body, nowMs)
  const serving = serveEmbeddings(
    {
      dialect: 'openai',
      codec: DIALECTS.openai,
      call: { body },
      targets: plan.targets,
      credential: ownCredentialOf(c),
      inputTokens,
      base,
      // Routing saves nothing here: there is one model.
      strongCostNanoUsd: () => 0,
      reservation: reserved.value,
      signal: c.req.raw.signal,
    },
    enginePortsOf(c),
  )
  seeThrough(c, serving)
  const served = await serving
  if (!served.ok) {
    const { error, target, attempts } = served.error
    const told = { id: base.id, decision: null, target, attempts, costNanoUsd: null }
    return errorResponse('openai', error, toldHeaders(told))
  }
  const { answer, target, attempts, costNanoUsd } = served.value
  const told = { id: base.id, decision: null, target, attempts, costNanoUsd }
  return new Response(JSON.stringify(embeddingsAnswer(answer, body, inputTokens)), {
    headers: { ...toldHeaders(told), 'content-type': 'application/json' },
  })
}
