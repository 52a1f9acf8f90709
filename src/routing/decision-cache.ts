import { identityKey } from '../kernels/series-identity.ts'
import type { Analysis } from './analysis.ts'
import { type CanaryScope, isTried } from './canary.ts'
import type { Dialect, ReadRequest } from './request.ts'
import { SecondChanceMap } from './second-chance.ts'
import { conversationOf } from './session-affinity.ts'

export const DECISIONS_MAX = 50_000
export const DECISION_TTL_MS = 600_000
/** Bodies that are known to the byte: those are read in a quarter of the time. */
export const BODIES_MAX = 16_384

/** What beside the request its analysis depends on. */
export interface CacheScope {
  /** Of the organisation: none learns from a hit what another one asked. */
  readonly organisation: number
  /** Of the artifact, another for each. */
  readonly artifact: number
  /** Null or absent where no other artifact is tried beside it. */
  readonly canary?: CanaryScope | null
}

/** A request without its texts, which only the analysis needs. */
export interface RequestFacts
  extends Pick<
    ReadRequest,
    | 'tools'
    | 'images'
    | 'responseFormat'
    | 'maxOutputTokens'
    | 'requestedModel'
    | 'forcedBucket'
    | 'isStream'
    | 'alpha'
    | 'schemaLength'
  > {
  /** Of the analysis in this cache. */
  readonly key: string
  /** Of the conversation. */
  readonly conversation: string
  /** Whether the artifact that is tried decides. */
  readonly isCanary: boolean
}

const FORMATS: Readonly<Record<ReadRequest['responseFormat'], number>> = {
  text: 0,
  json: 1,
  'json-schema': 2,
}
const DIALECTS: Readonly<Record<Dialect, number>> = { openai: 0, anthropic: 1 }

/**
 * Analyses by everything that they depend on. What depends on more than the request (prices, breakers,
 * latencies, the model that a conversation has) is added to an analysis with each decision, so that none
 * of it is ever ten minutes old.
 *
 * Keys are 128 bits of MurmurHash3 from a seed: two requests of one organisation have the same with
 * probability 2^−97 at 50,000 entries.
 */
export class DecisionCache {
  readonly #analyses: SecondChanceMap<{ readonly analysis: Analysis; readonly madeAtMs: number }>
  readonly #bodies: SecondChanceMap<RequestFacts>
  readonly #seed: number

  /** @param seed u32, one an isolate, so that collisions cannot be made in advance */
  constructor(seed: number, max = DECISIONS_MAX, bodiesMax = BODIES_MAX) {
    this.#seed = seed
    this.#analyses = new SecondChanceMap(max)
    this.#bodies = new SecondChanceMap(bodiesMax)
  }

  get size(): number {
    return this.#analyses.size
  }

  /** @returns null where there is none that is fresh */
  find(key: string, nowMs: number): Analysis | null {
    const entry = this.#analyses.find(key)
    if (entry === undefined) return null
    // What was made by a clock that was set back since is as old as it was ahead.
    if (Math.abs(nowMs - entry.madeAtMs) < DECISION_TTL_MS) return entry.analysis
    this.#analyses.delete(key)
    return null
  }

  keep(key: string, analysis: Analysis, nowMs: number): void {
    this.#analyses.keep(key, { analysis, madeAtMs: nowMs })
  }

  /** The key of a body as it came. */
  bodyKeyOf(body: Uint8Array, dialect: Dialect, scope: CacheScope): string {
    return identityKey(
      [
        scope.organisation,
        scope.artifact,
        DIALECTS[dialect],
        scope.canary?.artifact ?? 0,
        scope.canary?.share ?? 0,
      ],
      body,
      this.#seed,
    )
  }

  findBody(bodyKey: string): RequestFacts | undefined {
    return this.#bodies.find(bodyKey)
  }

  keepBody(bodyKey: string, facts: RequestFacts): void {
    this.#bodies.keep(bodyKey, facts)
  }

  factsOf(request: ReadRequest, scope: CacheScope): RequestFacts {
    const { tools, images, responseFormat, maxOutputTokens } = request
    const { requestedModel, forcedBucket, isStream, alpha, schemaLength } = request
    const { canary = null } = scope
    const isCanary = canary !== null && isTried(request, canary)
    const key = identityKey(
      [
        scope.organisation,
        isCanary ? canary.artifact : scope.artifact,
        request.systemBytes,
        request.lastUserStart,
        request.lastUserText.length,
        request.turns,
        request.messages,
        tools,
        images,
        FORMATS[responseFormat],
        maxOutputTokens ?? 0,
      ],
      request.text,
      this.#seed,
    )
    const conversation = conversationOf(request, scope.organisation, this.#seed)
    return {
      tools,
      images,
      responseFormat,
      maxOutputTokens,
      requestedModel,
      forcedBucket,
      isStream,
      alpha,
      schemaLength,
      key,
      conversation,
      isCanary,
    }
  }
}
