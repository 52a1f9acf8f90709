import { readBody, requireMediaType } from '../http/body.ts'
import type { AppContext } from '../http/context.ts'
import { ArenaExhaustedError } from '../kernels/memory.ts'
import { accountOf } from '../ledger/account.ts'
import { err, ok, type Result } from '../result.ts'
import type { Decision } from '../routing/decide.ts'
import { embedQuestion } from '../routing/embed-question.ts'
import type { ProvidedEmbedding } from '../routing/embedding-provider.ts'
import type { RoutingFault } from '../routing/faults.ts'
import { routingState } from '../routing/isolate.ts'
import type { OrganisationRouter } from '../routing/organisation-routers.ts'
import { type Dialect, isAutomatic } from '../routing/request.ts'
import { withRouter } from '../routing/with-router.ts'
import { answerFound, type Found, keeperOf } from './cached-answer.ts'
import type { Usage } from './chat.ts'
import { serveChat } from './engine-chat.ts'
import { fieldsOf } from './fields.ts'
import { EVENT_STREAM, errorResponse, toldHeaders } from './gateway-answer.ts'
import { CHAT_BODY_BYTES_MAX, type ReadBody, readJsonBody } from './gateway-body.ts'
import {
  CACHE_HEADER,
  type CacheEntry,
  cacheEntryOf,
  cacheModeOf,
  findAnswer,
} from './gateway-cache.ts'
import { DIALECTS } from './gateway-dialects.ts'
import { gatewayError, limitError, routingError } from './gateway-errors.ts'
import { type Plan, planChat, strongCostOf } from './gateway-plan.ts'
import {
  backgroundOf,
  enginePortsOf,
  ownCredentialOf,
  planContextOf,
  seeThrough,
} from './gateway-ports.ts'
import type { ChatTemplate, GatewayRequest, Target } from './gateway-request.ts'
import { cacheSeed, responseCache } from './gateway-state.ts'
import { estimateInputTokens, outputTokensMaxOf } from './gateway-tokens.ts'
import { baseOf } from './record-base.ts'

/** A chat that was read and planned, and what the plan was made with. */
interface Planned {
  readonly kind: 'planned'
  readonly plan: Plan
  readonly strongCostNanoUsd: (usage: Usage) => number
  readonly effort: ChatTemplate['reasoningEffort']
  readonly entry: CacheEntry | null
}

const planOf = (
  c: AppContext,
  organisation: OrganisationRouter,
  { bytes, body }: ReadBody,
  dialect: Dialect,
  nowMs: number,
  embedding: ProvidedEmbedding | null | undefined,
): Result<Planned | Found, RoutingFault> => {
  const { router } = organisation
  const strongCostNanoUsd = strongCostOf(router.config)
  const { organisationId } = c.get('principal')
  const chosen = cacheModeOf(c.req.header(CACHE_HEADER) ?? null, router.config)
  if (!chosen.ok) return chosen
  // What a client's own credential bought is its own.
  const mode = ownCredentialOf(c) === null ? chosen.value : 'off'
  const entry =
    mode === 'off'
      ? null
      : cacheEntryOf({ organisationId, dialect, body, mode, router, seed: cacheSeed() })
  const answer =
    entry === null ? null : findAnswer(responseCache, entry, organisationId, router.config, nowMs)
  if (answer !== null) return ok({ kind: 'found', answer, strongCostNanoUsd })
  const made = planContextOf(c, organisation, nowMs)
  const context = embedding === undefined ? made : { ...made, embedding }
  const planned = planChat(bytes, dialect, String(body.model), context)
  if (!planned.ok) return planned
  const { decision } = planned.value
  const effort = decision === null ? null : router.config.reasoning[decision.bucket]
  return ok({ kind: 'planned', plan: planned.value, strongCostNanoUsd, effort, entry })
}

const readChat = (bytes: Uint8Array, dialect: Dialect): Result<ReadBody, RoutingFault> => {
  const read = readJsonBody(bytes)
  if (!read.ok) return read
  const fault = DIALECTS[dialect].check(read.value.body)
  return fault === null ? read : err(fault)
}

/** The most that a request may cost at whoever serves it. */
export const dearestOf = (targets: readonly Target[], usage: Usage): number =>
  targets.reduce((most, target) => Math.max(most, target.costNanoUsd(usage)), 0)

/** Headers that say which features of the dialect a client wants; they go to providers that speak it. */
const PROTOCOL_HEADERS: Readonly<Record<Dialect, readonly string[]>> = {
  openai: [],
  anthropic: ['anthropic-version', 'anthropic-beta'],
}

const protocolHeadersOf = (headers: Headers, dialect: Dialect): Record<string, string> => {
  const found: Record<string, string> = {}
  for (const name of PROTOCOL_HEADERS[dialect]) {
    const value = headers.get(name)
    if (value !== null) found[name] = value
  }
  return found
}

/** A conversation goes on with the model that served it, whose provider has its prompt now. */
const holdServing = ({ provider, model, conversation, inputTokens }: Decision, { id }: Target) => {
  if (id === `${provider}/${model}`) return
  routingState().sessions.keep(conversation, {
    id,
    cachedTokens: inputTokens,
    usedAtMs: Date.now(),
  })
}

/** Serves a chat in the dialect that the client speaks. */
export const serveChatRoute = async (c: AppContext, dialect: Dialect): Promise<Response> => {
  const nowMs = Date.now()
  requireMediaType(c.req.raw, ['application/json'])
  const read = readChat(await readBody(c.req.raw, CHAT_BODY_BYTES_MAX), dialect)
  if (!read.ok) return errorResponse(dialect, routingError(dialect, read.error))
  const { bytes, body, bytesPerUnit } = read.value
  let planned: Result<Planned | Found, RoutingFault>
  try {
    const embedding = isAutomatic(String(body.model))
      ? await embedQuestion(c, bytes, dialect)
      : undefined
    planned = await withRouter(c, (organisation) =>
      planOf(c, organisation, read.value, dialect, nowMs, embedding),
    )
  } catch (error) {
    if (!(error instanceof ArenaExhaustedError)) throw error
    const told = 'no memory is left for a request of this size'
    return errorResponse(dialect, gatewayError(dialect, 503, told, { retryAfterMs: 1_000 }))
  }
  if (!planned.ok) return errorResponse(dialect, routingError(dialect, planned.error))
  if (planned.value.kind === 'found') return answerFound(c, dialect, body, planned.value, nowMs)
  const { plan, strongCostNanoUsd, effort, entry } = planned.value
  const { targets, decision } = plan
  const inputTokens = decision?.inputTokens ?? estimateInputTokens(body, bytesPerUnit)
  const outputTokens = outputTokensMaxOf(body, c.get('settings').gateway.outputTokens)
  const estimate = {
    tokens: inputTokens + outputTokens,
    costNanoUsd: dearestOf(targets, {
      inputTokens,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens,
      reasoningTokens: 0,
    }),
  }
  const reserving = accountOf(c).reserve(c.get('principal'), estimate)
  // At once while the isolate's lease has room.
  const reserved = reserving instanceof Promise ? await reserving : reserving
  if (!reserved.ok) return errorResponse(dialect, limitError(dialect, reserved.error, nowMs))
  const base = baseOf(c, 'chat', decision, body, nowMs)
  const streamOptions = fieldsOf(body.stream_options)
  const request: GatewayRequest<ChatTemplate> = {
    dialect,
    codec: DIALECTS[dialect],
    call: {
      dialect,
      bytes,
      body,
      isStream: base.isStream,
      reasoningEffort: effort,
      protocolHeaders: protocolHeadersOf(c.req.raw.headers, dialect),
      includeUsage: dialect === 'anthropic' || streamOptions.include_usage === true,
    },
    targets,
    credential: ownCredentialOf(c),
    inputTokens,
    base,
    strongCostNanoUsd,
    reservation: reserved.value,
    ...(entry === null ? {} : { keep: keeperOf(c, entry) }),
    signal: c.req.raw.signal,
  }
  const serving = serveChat(request, enginePortsOf(c))
  seeThrough(c, serving)
  const served = await serving
  if (!served.ok) {
    const { error, target, attempts } = served.error
    const told = { id: base.id, decision, target, attempts, costNanoUsd: null }
    return errorResponse(dialect, error, toldHeaders(told))
  }
  const { body: answer, target, attempts, costNanoUsd, finished } = served.value
  if (decision !== null) holdServing(decision, target)
  const headers = toldHeaders({ id: base.id, decision, target, attempts, costNanoUsd })
  if (finished === null) {
    headers['content-type'] = 'application/json'
  } else {
    backgroundOf(c)(finished)
    headers['content-type'] = EVENT_STREAM
    headers['cache-control'] = 'no-cache, no-transform'
    // What stands in front of us must not hold pieces back.
    headers['x-accel-buffering'] = 'no'
  }
  return new Response(answer as BodyInit, { headers })
}
