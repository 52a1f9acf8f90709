import { identityOf } from '../kernels/series-identity.ts'
import { err, ok, type Result } from '../result.ts'
import { isAllowed, type RouterConfig } from '../routing/catalog.ts'
import { jsonOf } from '../routing/content.ts'
import { invalid, type RoutingFault } from '../routing/faults.ts'
import { extractFeatures } from '../routing/features.ts'
import type { OrganisationRouter } from '../routing/organisation-routers.ts'
import { plainRequest } from '../routing/plain-request.ts'
import type { Dialect } from '../routing/request.ts'
import type { Completion, Fields } from './chat.ts'
import { eventsOf } from './completion-events.ts'
import type { DialectCodec, StreamMeta } from './dialects/types.ts'
import {
  type CachedAnswer,
  isRepeatable,
  numbersOf,
  type Question,
  type ResponseCache,
  relevantText,
} from './response-cache.ts'

/** The header by which one request chooses what the organisation's configuration leaves to it. */
export const CACHE_HEADER = 'x-gjallar-cache'
export const CACHE_MODES = ['off', 'exact', 'semantic'] as const
export type CacheMode = (typeof CACHE_MODES)[number]

/** Questions are compared up to this length: longer ones differ in what matters and are near all the same. */
const QUESTION_UNITS_MAX = 8_192

const isMode = (text: string): text is CacheMode => CACHE_MODES.some((mode) => mode === text)

/** What a request may be answered from: its own choice, else the organisation's. */
export const cacheModeOf = (
  header: string | null,
  config: RouterConfig,
): Result<CacheMode, RoutingFault> => {
  if (header === null) return ok(config.cache.mode)
  if (isMode(header)) return ok(header)
  return err(invalid('#', `the header ${CACHE_HEADER} must be one of ${CACHE_MODES.join(', ')}`))
}

/** Where a request's answer is found, and kept. */
export interface CacheEntry {
  readonly key: string
  readonly question: Question | null
}

export interface CacheRequest {
  readonly organisationId: string
  readonly dialect: Dialect
  readonly body: Fields
  readonly mode: CacheMode
  readonly router: OrganisationRouter['router']
  /** u32, one an isolate, so that collisions cannot be made in advance. */
  readonly seed: number
}

const utf8 = new TextEncoder()

const hashOf = (text: string, seed: number): string => identityOf(utf8.encode(text), seed).join('.')

/** The text of the last message where it is the user's and nothing but text. */
const questionTextOf = (messages: unknown): string | null => {
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : null
  if (typeof last !== 'object' || last === null) return null
  const { role, content } = last as Fields
  return role === 'user' && typeof content === 'string' ? content : null
}

const questionOf = (
  { organisationId, dialect, body, router, seed }: CacheRequest,
  text: string,
): Question | null => {
  if (text.length > QUESTION_UNITS_MAX) return null
  const others = { ...body, messages: (body.messages as unknown[]).slice(0, -1) }
  const scope = jsonOf([organisationId, dialect, relevantText(others), numbersOf(text)])
  if (scope === null) return null
  const { embedding } = router.artifact.predict(extractFeatures(plainRequest(text)))
  // A text without a word is near to nothing.
  return embedding.some((value) => value !== 0) ? { scope: hashOf(scope, seed), embedding } : null
}

/**
 * Where the answer to a request belongs; null where it may not be given twice: the mode is off, the request
 * asks for chance, or it is nested too deeply to be compared.
 *
 * @throws ArenaExhaustedError
 */
export const cacheEntryOf = (request: CacheRequest): CacheEntry | null => {
  const { organisationId, dialect, body, mode, seed } = request
  if (mode === 'off' || !isRepeatable(body)) return null
  let relevant: string
  try {
    relevant = relevantText(body)
  } catch {
    // RangeError: V8 reads JSON of any depth but writes it by recursion.
    return null
  }
  // Who chooses texts on purpose can make equal hashes: they join nothing of different organisations.
  const key = `${organisationId} ${hashOf(JSON.stringify([dialect, relevant]), seed)}`
  const text = mode === 'semantic' ? questionTextOf(body.messages) : null
  return { key, question: text === null ? null : questionOf(request, text) }
}

/** An answer that was given before, by a model that the organisation still allows. */
export const findAnswer = (
  cache: ResponseCache,
  { key, question }: CacheEntry,
  organisationId: string,
  { cache: { ttlSeconds, threshold }, allowedModels }: RouterConfig,
  nowMs: number,
): CachedAnswer | null => {
  const ttlMs = ttlSeconds * 1_000
  const found =
    cache.findExact(key, ttlMs, nowMs) ??
    (question === null
      ? null
      : cache.findSimilar(organisationId, question, { ttlMs, threshold, nowMs }))
  return found !== null && isAllowed(allowedModels, found) ? found : null
}

/** A kept answer as the client asked for it, whole or as a stream. */
export const cachedBody = (
  completion: Completion,
  codec: DialectCodec,
  meta: StreamMeta,
  isStream: boolean,
): string => {
  if (!isStream) return JSON.stringify(codec.completion(completion, meta.id))
  const encoder = codec.openStream(meta)
  let text = ''
  for (const event of eventsOf(completion)) text += encoder.encode(event)
  return text
}
