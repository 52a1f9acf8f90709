import { readBody, requireMediaType } from '../http/body.ts'
import type { AppContext } from '../http/context.ts'
import { ArenaExhaustedError } from '../kernels/memory.ts'
import { accountOf } from '../ledger/account.ts'
import type { RequestRecord } from '../ledger/types.ts'
import { err, type Result } from '../result.ts'
import type { RoutingFault } from '../routing/faults.ts'
import type { OrganisationRouter } from '../routing/organisation-routers.ts'
import type { Dialect } from '../routing/request.ts'
import { withRouter } from '../routing/with-router.ts'
import type { Usage } from './chat.ts'
import { keyIdOf } from './credentials.ts'
import { serveChat } from './engine-chat.ts'
import { fieldsOf } from './fields.ts'
import { errorResponse, toldHeaders } from './gateway-answer.ts'
import { CHAT_BODY_BYTES_MAX, type ReadBody, readJsonBody } from './gateway-body.ts'
import { DIALECTS } from './gateway-dialects.ts'
import { gatewayError, limitError, routingError } from './gateway-errors.ts'
import { type Plan, planChat, strongCostOf } from './gateway-plan.ts'
import { backgroundOf, enginePortsOf, ownCredentialOf, planContextOf } from './gateway-ports.ts'
import type { ChatTemplate, GatewayRequest, RecordBase, Target } from './gateway-request.ts'
import { estimateInputTokens, outputTokensMaxOf } from './gateway-tokens.ts'

/** A chat that was read and planned, and what the plan was made with. */
interface Planned {
  readonly plan: Plan
  readonly strongCostNanoUsd: (usage: Usage) => number
  readonly effort: ChatTemplate['reasoningEffort']
}

const planOf = (
  c: AppContext,
  organisation: OrganisationRouter,
  { bytes, body }: ReadBody,
  dialect: Dialect,
  nowMs: number,
): Result<Planned, RoutingFault> => {
  const context = planContextOf(c, organisation, nowMs)
  const planned = planChat(bytes, dialect, String(body.model), context)
  if (!planned.ok) return planned
  const { config } = organisation.router
  const { decision } = planned.value
  return {
    ok: true,
    value: {
      plan: planned.value,
      strongCostNanoUsd: strongCostOf(config),
      effort: decision === null ? null : config.reasoning[decision.bucket],
    },
  }
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

export const baseOf = (
  c: AppContext,
  kind: RequestRecord['kind'],
  { decision }: Plan,
  body: { readonly model?: unknown; readonly stream?: unknown },
  nowMs: number,
): RecordBase => ({
  id: crypto.randomUUID(),
  atMs: nowMs,
  keyId: keyIdOf(c.var.principal),
  kind,
  requestedModel: String(body.model),
  bucket: decision?.bucket ?? null,
  cluster: decision?.analysis.clusters[0] ?? null,
  artifactVersion: decision?.artifactVersion ?? null,
  isCanary: decision?.isCanary ?? false,
  isStream: body.stream === true,
  features: null,
})

/** Serves a chat in the dialect that the client speaks. */
export const serveChatRoute = async (c: AppContext, dialect: Dialect): Promise<Response> => {
  const nowMs = Date.now()
  requireMediaType(c.req.raw, ['application/json'])
  const read = readChat(await readBody(c.req.raw, CHAT_BODY_BYTES_MAX), dialect)
  if (!read.ok) return errorResponse(dialect, routingError(dialect, read.error))
  const { bytes, body, bytesPerUnit } = read.value
  let planned: Result<Planned, RoutingFault>
  try {
    planned = await withRouter(c, (organisation) =>
      planOf(c, organisation, read.value, dialect, nowMs),
    )
  } catch (error) {
    if (!(error instanceof ArenaExhaustedError)) throw error
    const told = 'no memory is left for a request of this size'
    return errorResponse(dialect, gatewayError(dialect, 503, told, { retryAfterMs: 1_000 }))
  }
  if (!planned.ok) return errorResponse(dialect, routingError(dialect, planned.error))
  const { plan, strongCostNanoUsd, effort } = planned.value
  const { targets, decision } = plan
  const inputTokens = decision?.inputTokens ?? estimateInputTokens(body, bytesPerUnit)
  const outputTokens = outputTokensMaxOf(body, c.var.settings.gateway.outputTokens)
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
  const reserving = accountOf(c).reserve(c.var.principal, estimate)
  // At once while the isolate's lease has room.
  const reserved = reserving instanceof Promise ? await reserving : reserving
  if (!reserved.ok) return errorResponse(dialect, limitError(dialect, reserved.error, nowMs))
  const base = baseOf(c, 'chat', plan, body, nowMs)
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
    signal: c.req.raw.signal,
  }
  const served = await serveChat(request, enginePortsOf(c))
  if (!served.ok) {
    const { error, target, attempts } = served.error
    const told = { id: base.id, decision, target, attempts, costNanoUsd: null }
    return errorResponse(dialect, error, toldHeaders(told))
  }
  const { body: answer, target, attempts, costNanoUsd, finished } = served.value
  const headers = toldHeaders({ id: base.id, decision, target, attempts, costNanoUsd })
  if (finished === null) {
    headers['content-type'] = 'application/json'
  } else {
    backgroundOf(c)(finished)
    headers['content-type'] = 'text/event-stream; charset=utf-8'
    headers['cache-control'] = 'no-cache, no-transform'
    // What stands in front of us must not hold pieces back.
    headers['x-accel-buffering'] = 'no'
  }
  return new Response(answer as BodyInit, { headers })
}
