import type { Candidate, RouterConfig } from './catalog.ts'
import { latencyLag } from './latency.ts'
import type { BreakerState } from './triage.ts'

/** An answer is taken to have so many tokens, or the most that the request allows where that is less. */
const ANSWER_TOKENS = 500
/** What a request may take of a window before it counts against a candidate. */
const CONTEXT_RATIO_FREE = 0.8

/** What a score is made of; all terms but the last are ≥ 0, and the score is their sum with its signs. */
export interface ScoreTerms {
  /** Q̂ near the request, [0, 1]. */
  readonly quality: number
  /** Ĉ: the request's cost relative to the dearest candidate that may serve it, [0, 1]; 0 where all are free. */
  readonly cost: number
  /** Expected cost of the request at list prices. */
  readonly costUsd: number
  /** α · quality. */
  readonly qualityTerm: number
  /** (1 − α) · cost, subtracted. */
  readonly costTerm: number
  /** Subtracted: how far behind the fastest measured candidate. */
  readonly latencyPenalty: number
  /** Subtracted: how far beyond 80 % of the window. */
  readonly contextPenalty: number
  /** Subtracted: its breaker is half open. */
  readonly healthPenalty: number
  readonly score: number
}

/** Dollars for `inputTokens` read anew and an answer. */
export const costUsdOf = (
  { usdPerMillionTokens: { input, output } }: Pick<Candidate, 'usdPerMillionTokens'>,
  inputTokens: number,
  maxOutputTokens: number | null,
): number =>
  (inputTokens * input + Math.min(ANSWER_TOKENS, maxOutputTokens ?? ANSWER_TOKENS) * output) / 1e6

/** A candidate with what its score is made of. */
export interface CandidateScore extends ScoreTerms {
  /** `provider/model`. */
  readonly id: string
  /** Whether it is offered requests of the bucket that was served. */
  readonly isInBucket: boolean
}

/** What is measured or counted about one candidate for one request. */
export interface ScoreInput {
  readonly id: string
  readonly isInBucket: boolean
  readonly quality: number
  readonly costUsd: number
  /** Of the dearest candidate that may serve the request. */
  readonly dearestUsd: number
  /** Null where it was never measured. */
  readonly expectedMs: number | null
  /** Of the candidates that may serve the request; +Infinity where none was measured. */
  readonly fastestMs: number
  readonly contextRatio: number
  readonly breaker: BreakerState
}

/**
 * score = α·Q̂ − (1 − α)·Ĉ − penalties.
 * Source: Avengers-Pro, arXiv:2508.12631, whose two terms these are, with penalties added.
 */
export const scoreOf = (
  input: ScoreInput,
  alpha: number,
  penalties: RouterConfig['penalties'],
): CandidateScore => {
  const {
    id,
    isInBucket,
    quality,
    costUsd,
    dearestUsd,
    expectedMs,
    fastestMs,
    contextRatio,
    breaker,
  } = input
  const cost = dearestUsd > 0 ? costUsd / dearestUsd : 0
  const qualityTerm = alpha * quality
  const costTerm = (1 - alpha) * cost
  const latencyPenalty = penalties.latency * latencyLag(expectedMs, fastestMs)
  const over = Math.max(0, contextRatio - CONTEXT_RATIO_FREE) / (1 - CONTEXT_RATIO_FREE)
  const contextPenalty = penalties.context * Math.min(1, over)
  const healthPenalty = breaker === 'half-open' ? penalties.health : 0
  return {
    id,
    isInBucket,
    quality,
    cost,
    costUsd,
    qualityTerm,
    costTerm,
    latencyPenalty,
    contextPenalty,
    healthPenalty,
    score: qualityTerm - costTerm - latencyPenalty - contextPenalty - healthPenalty,
  }
}

/** Best first: those of the bucket, then by score, then by cost. */
export const byScore = (a: CandidateScore, b: CandidateScore): number =>
  Number(b.isInBucket) - Number(a.isInBucket) || b.score - a.score || a.costUsd - b.costUsd

/**
 * What leaving a model costs, in units of the score: the discount on the input that its provider has
 * cached, as a share of the dearest candidate's cost.
 */
export const promptCacheLoss = (
  { usdPerMillionTokens: { input, cachedInput } }: Pick<Candidate, 'usdPerMillionTokens'>,
  cachedTokens: number,
  dearestUsd: number,
  alpha: number,
): number => {
  if (!(dearestUsd > 0)) return 0
  const discountUsd = (cachedTokens * Math.max(0, input - cachedInput)) / 1e6
  return ((1 - alpha) * discountUsd) / dearestUsd
}
