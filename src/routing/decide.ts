import { err, ok, type Result } from '../result.ts'
import { type Analysis, analyse } from './analysis.ts'
import type { CanaryScope } from './canary.ts'
import { type Bucket, idOf, namedBy } from './catalog.ts'
import type { CacheScope, DecisionCache, RequestFacts } from './decision-cache.ts'
import type { ProvidedEmbedding } from './embedding-provider.ts'
import type { ExactTokens } from './exact-tokens.ts'
import type { Exclusion, RoutingFault } from './faults.ts'
import type { LatencyTracker } from './latency.ts'
import { parseRoutingRequest } from './parse-request.ts'
import type { Dialect, ReadRequest } from './request.ts'
import type { Contender, Router } from './router.ts'
import { byScore, type CandidateScore, costUsdOf, promptCacheLoss, scoreOf } from './score.ts'
import type { AffinityTerms, SessionAffinity } from './session-affinity.ts'
import {
  type BreakerState,
  bucketOf,
  bucketsFrom,
  contextRatioOf,
  exclusionOf,
  inputTokensOf,
  serves,
} from './triage.ts'

/** What an isolate remembers from one request to the next. */
export interface RoutingState {
  readonly decisions: DecisionCache
  readonly sessions: SessionAffinity
  /** To whole answers, and to the first content of streams: the one says nothing of the other. */
  readonly latencies: LatencyTracker
  readonly firstTokens: LatencyTracker
  /** Where it is absent or not loaded, tokens are estimated. */
  readonly tokens?: ExactTokens
  /** By `provider/model`; one that is not in it is closed. */
  readonly breakers: ReadonlyMap<string, BreakerState>
}

export interface Decision {
  readonly provider: string
  readonly model: string
  /** Others that may serve the request, `provider/model`, the best first. */
  readonly fallbacks: readonly string[]
  readonly bucket: Bucket
  /** The bucket whose candidates were compared: another where the request's has none. */
  readonly bucketServed: Bucket
  readonly alpha: number
  readonly analysis: Analysis
  /** Estimate for texts, schemas and images. */
  readonly inputTokens: number
  /** All that may serve the request, the best first. */
  readonly candidates: readonly CandidateScore[]
  readonly excluded: readonly Exclusion[]
  /** Null in a conversation that has no model yet. */
  readonly affinity: AffinityTerms | null
  readonly cache: 'hit' | 'miss'
  readonly artifactVersion: string
  /** Whether it was decided by the artifact that is tried. */
  readonly isCanary: boolean
  /** By which the isolate knows the conversation; told to nobody. */
  readonly conversation: string
  /** What is known of each candidate beside the request. */
  readonly byId: Router['byId']
}

/** A router that decides for a share of conversations. */
export interface CanaryArm extends CanaryScope {
  readonly router: Router
}

export interface DecideOptions extends CacheScope {
  readonly nowMs: number
  readonly canary?: CanaryArm | null
  /**
   * The question's place in a provider's embedding; null where it was asked for in vain: what is analysed
   * without it is not remembered.
   */
  readonly embedding?: ProvidedEmbedding | null
  /** Whether the provider can be reached for this request; all can where absent. */
  readonly hasProvider?: (providerId: string) => boolean
}

/** Answers that may be tried after the first one fails. */
const FALLBACKS_MAX = 4

/** Candidates that the request itself allows: all, or those that its model names. */
const eligible = (
  request: RequestFacts,
  router: Router,
  inputTokens: number,
  breakers: RoutingState['breakers'],
  hasProvider: DecideOptions['hasProvider'],
): Result<{ contenders: readonly Contender[]; excluded: readonly Exclusion[] }, RoutingFault> => {
  const { requestedModel } = request
  let wanted: ReadonlySet<string> | null = null
  if (requestedModel !== null) {
    const { candidates } = router.config
    const named = namedBy(candidates, requestedModel).flatMap((i) => candidates[i] ?? [])
    if (named.length === 0) return err({ reason: 'model-unknown', model: requestedModel })
    wanted = new Set(named.map(idOf))
  }
  const contenders: Contender[] = []
  const excluded =
    wanted === null ? [...router.excluded] : router.excluded.filter(({ id }) => wanted.has(id))
  for (const contender of router.contenders) {
    const { id, candidate } = contender
    if (wanted !== null && !wanted.has(id)) continue
    const breaker = breakers.get(id) ?? 'closed'
    const reason =
      hasProvider?.(candidate.provider) === false
        ? 'no-provider'
        : exclusionOf(candidate, request, inputTokens, breaker)
    if (reason === null) contenders.push(contender)
    else excluded.push({ id, reason })
  }
  return contenders.length > 0
    ? ok({ contenders, excluded })
    : err({ reason: 'no-candidate', excluded })
}

interface Comparison {
  readonly scored: readonly CandidateScore[]
  readonly bucketServed: Bucket
  readonly dearestUsd: number
}

/** The bucket to compare in: its own, or the next one that has a contender. */
const servedOf = (bucket: Bucket, contenders: readonly Contender[]): Bucket => {
  const has = (one: Bucket): boolean =>
    contenders.some(({ candidate }) => candidate.buckets.includes(one))
  return has(bucket) ? bucket : (bucketsFrom(bucket).find(has) ?? bucket)
}

/** Scores every contender, the best of the bucket first. */
const compare = (
  contenders: readonly Contender[],
  request: RequestFacts,
  router: Router,
  state: RoutingState,
  of: { analysis: Analysis; bucket: Bucket; inputTokens: number; alpha: number; nowMs: number },
): Comparison => {
  const times = request.isStream ? state.firstTokens : state.latencies
  // What is stored is of whole answers.
  const expectedOf = ({ id, expectedMs }: Contender): number | null =>
    times.expectedMs(id, of.nowMs) ?? (request.isStream ? null : expectedMs)
  let dearestUsd = 0
  let fastestMs = Number.POSITIVE_INFINITY
  for (const contender of contenders) {
    const costUsd = costUsdOf(contender.candidate, of.inputTokens, request.maxOutputTokens)
    dearestUsd = Math.max(dearestUsd, costUsd)
    fastestMs = Math.min(fastestMs, expectedOf(contender) ?? fastestMs)
  }
  // A model that the request names serves it, whatever bucket it is for.
  const bucketServed = request.requestedModel === null ? servedOf(of.bucket, contenders) : of.bucket
  const scored = contenders.map((contender) => {
    const { id, candidate, model } = contender
    return scoreOf(
      {
        id,
        isInBucket: candidate.buckets.includes(bucketServed),
        quality: of.analysis.quality[model] ?? 0,
        costUsd: costUsdOf(candidate, of.inputTokens, request.maxOutputTokens),
        dearestUsd,
        expectedMs: expectedOf(contender),
        fastestMs,
        contextRatio: contextRatioOf(candidate, request, of.inputTokens),
        breaker: state.breakers.get(id) ?? 'closed',
      },
      of.alpha,
      router.config.penalties,
    )
  })
  return { scored: scored.sort(byScore), bucketServed, dearestUsd }
}

/** Whether a conversation keeps the model that it has, with both terms. */
const affinityOf = (
  { scored, bucketServed, dearestUsd }: Comparison,
  router: Router,
  held: { readonly id: string; readonly cachedTokens: number },
  alpha: number,
): AffinityTerms => {
  const found = scored.find(({ id }) => id === held.id)
  const candidate = router.byId.get(held.id)?.candidate
  if (found === undefined || candidate === undefined)
    return { held: held.id, gain: 0, loss: 0, isKept: false, overruledBy: 'ruled-out' }
  const gain = (scored[0]?.score ?? found.score) - found.score
  const loss = promptCacheLoss(candidate, held.cachedTokens, dearestUsd, alpha)
  // A request that got too hard for the model leaves it whatever that costs.
  const overruledBy = serves(candidate, bucketServed) ? null : 'bucket'
  return { held: held.id, gain, loss, isKept: overruledBy === null && gain <= loss, overruledBy }
}

/** The decision on what is known of a request. Remembers the choice for its conversation. */
const choose = (
  request: RequestFacts,
  { analysis, cache }: Pick<Decision, 'analysis' | 'cache'>,
  router: Router,
  state: RoutingState,
  { nowMs, hasProvider }: DecideOptions,
): Result<Decision, RoutingFault> => {
  const { config, artifact } = router
  const alpha = request.alpha ?? config.alpha ?? artifact.alpha
  const bucket =
    request.forcedBucket ?? bucketOf(analysis.difficulty, config.thresholds ?? artifact.thresholds)
  const inputTokens = inputTokensOf(request, analysis)
  const allowed = eligible(request, router, inputTokens, state.breakers, hasProvider)
  if (!allowed.ok) return allowed
  const { contenders, excluded } = allowed.value
  const of = { analysis, bucket, inputTokens, alpha, nowMs }
  const comparison = compare(contenders, request, router, state, of)
  const { scored, bucketServed } = comparison
  const [best] = scored
  if (best === undefined) return err({ reason: 'no-candidate', excluded })

  const { conversation } = request
  const held = state.sessions.find(conversation, nowMs)
  const affinity = held === null ? null : affinityOf(comparison, router, held, alpha)
  const { id } = affinity?.isKept ? { id: affinity.held } : best
  state.sessions.keep(conversation, { id, cachedTokens: inputTokens, usedAtMs: nowMs })

  const fallbacks: string[] = []
  for (const other of scored)
    if (other.id !== id && fallbacks.length < FALLBACKS_MAX) fallbacks.push(other.id)
  const slash = id.indexOf('/')
  return ok({
    provider: id.slice(0, slash),
    model: id.slice(slash + 1),
    fallbacks,
    bucket,
    bucketServed,
    alpha,
    analysis,
    inputTokens,
    candidates: scored,
    excluded,
    affinity,
    cache,
    artifactVersion: artifact.version,
    isCanary: request.isCanary,
    conversation,
    byId: router.byId,
  })
}

/** As `decide`, on a request that was read; `facts` are those of it. */
const decideOn = (
  request: () => Result<ReadRequest, RoutingFault>,
  facts: RequestFacts,
  router: Router,
  state: RoutingState,
  decideOptions: DecideOptions,
): Result<Decision, RoutingFault> => {
  const { nowMs, embedding } = decideOptions
  const known = state.decisions.find(facts.key, nowMs)
  if (known !== null)
    return choose(facts, { analysis: known, cache: 'hit' }, router, state, decideOptions)
  const read = request()
  if (!read.ok) return read
  const exact = router.config.tokens === 'exact' ? state.tokens : undefined
  const { artifact, quality, config } = router
  const { keepFeatures: keepsFeatures } = config
  const options = { quality, exact, provided: embedding, keepsFeatures }
  const analysis = analyse(read.value, artifact, options)
  // What is only for the meantime is not remembered.
  const isFinal = embedding !== null && (!exact || analysis.tokensSource !== 'heuristic')
  if (isFinal) state.decisions.keep(facts.key, analysis, nowMs)
  return choose(facts, { analysis, cache: 'miss' }, router, state, decideOptions)
}

const armOf = (facts: RequestFacts, router: Router, { canary }: DecideOptions): Router =>
  facts.isCanary ? (canary?.router ?? router) : router

/**
 * Chooses the model for a request: triage by the artifact, guardrails, the score inside the bucket, and
 * the conversation's own model where leaving it does not pay. Remembers body, analysis and choice.
 *
 * @param body UTF-8 of the request's JSON
 * @throws ArenaExhaustedError where the kernels have no memory left
 */
export const decide = (
  body: Uint8Array,
  dialect: Dialect,
  router: Router,
  state: RoutingState,
  options: DecideOptions,
): Result<Decision, RoutingFault> => {
  const { decisions } = state
  const bodyKey = decisions.bodyKeyOf(body, dialect, options)
  const known = decisions.findBody(bodyKey)
  if (known !== undefined)
    return decideOn(
      () => parseRoutingRequest(body, dialect),
      known,
      armOf(known, router, options),
      state,
      options,
    )
  const request = parseRoutingRequest(body, dialect)
  if (!request.ok) return request
  const facts = decisions.factsOf(request.value, options)
  decisions.keepBody(bodyKey, facts)
  return decideOn(() => request, facts, armOf(facts, router, options), state, options)
}
