import { err, ok, type Result } from '../result.ts'
import { type Analysis, analyse } from './analysis.ts'
import { type Bucket, idOf, namedBy } from './catalog.ts'
import type { DecisionCache } from './decision-cache.ts'
import type { Exclusion, RoutingFault } from './faults.ts'
import type { LatencyTracker } from './latency.ts'
import type { ReadRequest } from './request.ts'
import type { Contender, Router } from './router.ts'
import { byScore, costUsdOf, promptCacheLoss, type ScoreTerms, scoreOf } from './score.ts'
import { type AffinityTerms, conversationOf, type SessionAffinity } from './session-affinity.ts'
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
  readonly latencies: LatencyTracker
  /** By `provider/model`; one that is not in it is closed. */
  readonly breakers: ReadonlyMap<string, BreakerState>
  /** Of this isolate, u32: what hashes of requests begin with. */
  readonly seed: number
}

export interface CandidateScore extends ScoreTerms {
  /** `provider/model`. */
  readonly id: string
  /** Whether it is offered requests of the bucket that was served. */
  readonly isInBucket: boolean
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
}

export interface DecideOptions {
  /** Another number for each organisation and for each artifact. */
  readonly organisation: number
  readonly artifact: number
  readonly nowMs: number
}

/** Answers that may be tried after the first one fails. */
const FALLBACKS_MAX = 4

type Scored = CandidateScore & { readonly contender: Contender }

/** Candidates that the request itself allows: all, or those that its model names. */
const eligible = (
  request: ReadRequest,
  router: Router,
  inputTokens: number,
  breakers: RoutingState['breakers'],
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
  const excluded = router.excluded.filter(({ id }) => wanted?.has(id) ?? true)
  for (const contender of router.contenders) {
    const { id, candidate } = contender
    if (wanted !== null && !wanted.has(id)) continue
    const breaker = breakers.get(id) ?? 'closed'
    const reason = exclusionOf(candidate, request, inputTokens, breaker)
    if (reason === null) contenders.push(contender)
    else excluded.push({ id, reason })
  }
  return contenders.length > 0
    ? ok({ contenders, excluded })
    : err({ reason: 'no-candidate', excluded })
}

interface Comparison {
  readonly scored: readonly Scored[]
  readonly bucketServed: Bucket
  readonly dearestUsd: number
}

/** Scores every contender; those of the bucket come first. */
const compare = (
  contenders: readonly Contender[],
  request: ReadRequest,
  router: Router,
  state: RoutingState,
  of: { analysis: Analysis; bucket: Bucket; inputTokens: number; alpha: number },
): Comparison => {
  const { latencies, breakers } = state
  const costs = contenders.map(({ candidate }) =>
    costUsdOf(candidate, of.inputTokens, request.maxOutputTokens),
  )
  const expected = contenders.map(({ id }) => latencies.expectedMs(id))
  const dearestUsd = costs.reduce((a, b) => Math.max(a, b), 0)
  const fastestMs = expected.reduce<number>((a, b) => Math.min(a, b ?? a), Number.POSITIVE_INFINITY)
  const has = (bucket: Bucket): boolean =>
    contenders.some(({ candidate }) => candidate.buckets.includes(bucket))
  // A model that the request names serves it, whatever bucket it is for.
  const bucketServed =
    request.requestedModel === null ? (bucketsFrom(of.bucket).find(has) ?? of.bucket) : of.bucket
  const scored = contenders.map((contender, i): Scored => {
    const { id, candidate, model } = contender
    const terms = scoreOf(
      {
        quality: of.analysis.quality[model] ?? 0,
        costUsd: costs[i] ?? 0,
        dearestUsd,
        expectedMs: expected[i] ?? null,
        fastestMs,
        contextRatio: contextRatioOf(candidate, request, of.inputTokens),
        breaker: breakers.get(id) ?? 'closed',
      },
      of.alpha,
      router.config.penalties,
    )
    return { id, isInBucket: candidate.buckets.includes(bucketServed), ...terms, contender }
  })
  scored.sort((a, b) => Number(b.isInBucket) - Number(a.isInBucket) || byScore(a, b))
  return { scored, bucketServed, dearestUsd }
}

/** Whether a conversation keeps the model that it has, with both terms. */
const affinityOf = (
  { scored, bucketServed, dearestUsd }: Comparison,
  best: Scored,
  held: { readonly id: string; readonly cachedTokens: number },
  alpha: number,
): AffinityTerms => {
  const found = scored.find(({ id }) => id === held.id)
  const terms = { held: held.id, gain: 0, loss: 0, isKept: false }
  if (found === undefined) return { ...terms, overruledBy: 'ruled-out' }
  const { candidate } = found.contender
  const gain = best.score - found.score
  const loss = promptCacheLoss(candidate, held.cachedTokens, dearestUsd, alpha)
  // A request that got too hard for the model leaves it whatever that costs.
  const overruledBy = serves(candidate, bucketServed) ? null : 'bucket'
  return { held: held.id, gain, loss, isKept: overruledBy === null && gain <= loss, overruledBy }
}

/**
 * Chooses the model for a request: triage by the artifact, guardrails, the score inside the bucket, and
 * the conversation's own model where leaving it does not pay. Remembers the analysis and the choice.
 *
 * @throws ArenaExhaustedError where the kernels have no memory left
 */
export const decide = (
  request: ReadRequest,
  router: Router,
  state: RoutingState,
  { organisation, artifact, nowMs }: DecideOptions,
): Result<Decision, RoutingFault> => {
  const { decisions, sessions } = state
  const key = decisions.keyOf(request, { organisation, artifact })
  const known = decisions.find(key, nowMs)
  const analysis = known ?? analyse(request, router.artifact)
  if (known === null) decisions.keep(key, analysis, nowMs)

  const { config } = router
  const alpha = request.alpha ?? config.alpha ?? router.artifact.alpha
  const bucket = bucketOf(analysis.difficulty, config.thresholds ?? router.artifact.thresholds)
  const inputTokens = inputTokensOf(request, analysis)
  const allowed = eligible(request, router, inputTokens, state.breakers)
  if (!allowed.ok) return allowed
  const { contenders, excluded } = allowed.value
  const comparison = compare(contenders, request, router, state, {
    analysis,
    bucket,
    inputTokens,
    alpha,
  })
  const { scored, bucketServed } = comparison
  const [best] = scored
  if (best === undefined) return err({ reason: 'no-candidate', excluded })

  const conversation = conversationOf(request, organisation, state.seed)
  const held = sessions.find(conversation, nowMs)
  const affinity = held === null ? null : affinityOf(comparison, best, held, alpha)
  const chosen = (affinity?.isKept && scored.find(({ id }) => id === affinity.held)) || best
  sessions.keep(conversation, { id: chosen.id, cachedTokens: inputTokens, usedAtMs: nowMs })

  const { provider, model } = chosen.contender.candidate
  return ok({
    provider,
    model,
    fallbacks: scored
      .filter((other) => other !== chosen)
      .slice(0, FALLBACKS_MAX)
      .map(({ id }) => id),
    bucket,
    bucketServed,
    alpha,
    analysis,
    inputTokens,
    candidates: scored.map(({ contender: _, ...told }) => told),
    excluded,
    affinity,
    cache: known === null ? 'miss' : 'hit',
    artifactVersion: router.artifact.version,
  })
}
