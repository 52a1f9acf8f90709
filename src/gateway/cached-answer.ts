import type { AppContext } from '../http/context.ts'
import { accountOf } from '../ledger/account.ts'
import type { Estimate } from '../ledger/types.ts'
import { EMBEDDING_NAME } from '../routing/embedding.ts'
import type { Dialect } from '../routing/request.ts'
import type { Completion, Fields, Usage } from './chat.ts'
import { fieldsOf } from './fields.ts'
import { EVENT_STREAM, errorResponse, toldHeaders } from './gateway-answer.ts'
import { type CacheEntry, cachedBody } from './gateway-cache.ts'
import { DIALECTS } from './gateway-dialects.ts'
import { limitError } from './gateway-errors.ts'
import type { Target } from './gateway-request.ts'
import { NO_USAGE } from './gateway-settlement.ts'
import { responseCache } from './gateway-state.ts'
import { baseOf } from './record-base.ts'
import type { CachedAnswer } from './response-cache.ts'

/** A chat that was answered before. */
export interface Found {
  readonly kind: 'found'
  readonly answer: CachedAnswer
  readonly strongCostNanoUsd: (usage: Usage) => number
}

/** Keeps an answer for the next request that is alike. */
export const keeperOf =
  (c: AppContext, { key, question }: CacheEntry) =>
  (completion: Completion, { providerId, model }: Target): void => {
    const { organisationId } = c.get('principal')
    const similar = question === null ? null : { organisationId, question }
    responseCache.keep(key, { completion, provider: providerId, model }, Date.now(), similar)
  }

const NOTHING: Estimate = { tokens: 0, costNanoUsd: 0 }

/** Gives an answer again: it costs nothing, but is one of the key's requests. */
export const answerFound = async (
  c: AppContext,
  dialect: Dialect,
  body: Fields,
  { answer, strongCostNanoUsd }: Found,
  nowMs: number,
): Promise<Response> => {
  const reserving = accountOf(c).reserve(c.get('principal'), NOTHING)
  const reserved = reserving instanceof Promise ? await reserving : reserving
  if (!reserved.ok) return errorResponse(dialect, limitError(dialect, reserved.error, nowMs))
  const { completion, provider: providerId, model, kind, similarity, ageMs } = answer
  const base = baseOf(c, 'chat', null, body, nowMs)
  const { usage } = completion
  reserved.value.settle({
    ...base,
    ...(usage ?? NO_USAGE),
    outcome: 'ok',
    fault: null,
    provider: providerId,
    model,
    attempts: 0,
    cache: kind,
    usageSource: usage === null ? 'none' : 'provider',
    costNanoUsd: 0,
    strongCostNanoUsd: usage === null ? 0 : strongCostNanoUsd(usage),
    latencyMs: Math.max(0, Date.now() - nowMs),
    timeToFirstTokenMs: null,
  })
  const includeUsage =
    dialect === 'anthropic' || fieldsOf(body.stream_options).include_usage === true
  const meta = { id: base.id, model: completion.model, createdAtMs: nowMs, includeUsage }
  const target = { providerId, model }
  const headers = toldHeaders({
    ...{ id: base.id, decision: null, target, attempts: 0, costNanoUsd: 0, cache: kind },
  })
  headers.age = String(Math.floor(ageMs / 1_000))
  // What is near is told as what it is: words in common, by an embedding that knows no meaning.
  if (kind === 'semantic')
    headers['x-gjallar-cache-similarity'] = `${similarity.toFixed(4)} (${EMBEDDING_NAME})`
  headers['content-type'] = base.isStream ? EVENT_STREAM : 'application/json'
  const text = cachedBody(completion, DIALECTS[dialect], meta, base.isStream)
  return new Response(text, { headers })
}
