import type { Analysis } from './analysis.ts'
import { BUCKETS, type Bucket, type Candidate } from './catalog.ts'
import type { RequestFacts } from './decision-cache.ts'
import type { ExclusionReason } from './faults.ts'

/**
 * Tokens that an image is counted as. Source: Anthropic's documentation of vision, about 1,600 for the
 * largest image that is not scaled down; OpenAI's counts less.
 */
const TOKENS_PER_IMAGE = 1_600
/** Characters of JSON for a token: names and punctuation are short. */
const SCHEMA_CHARACTERS_PER_TOKEN = 3

export type BreakerState = 'closed' | 'half-open' | 'open'

/** The bucket of a difficulty: below `cheap` the cheap one, from `hard` on the hard one. */
export const bucketOf = (
  difficulty: number,
  thresholds: { readonly cheap: number; readonly hard: number },
): Bucket => {
  if (difficulty >= thresholds.hard) return 'hard'
  return difficulty < thresholds.cheap ? 'cheap' : 'mid'
}

/** Tokens that a request fills a context with before the answer: an estimate. */
export const inputTokensOf = (request: RequestFacts, analysis: Pick<Analysis, 'tokens'>): number =>
  analysis.tokens +
  Math.ceil(request.schemaLength / SCHEMA_CHARACTERS_PER_TOKEN) +
  request.images * TOKENS_PER_IMAGE

/** What of a candidate's window a request takes with its answer; beyond 1 it does not fit. */
export const contextRatioOf = (
  candidate: Candidate,
  request: Pick<RequestFacts, 'maxOutputTokens'>,
  inputTokens: number,
): number => (inputTokens + (request.maxOutputTokens ?? 1)) / candidate.contextTokens

/** Why a candidate cannot serve a request, or null where it can. */
export const exclusionOf = (
  candidate: Candidate,
  request: RequestFacts,
  inputTokens: number,
  breaker: BreakerState,
): ExclusionReason | null => {
  const { vision, tools, json, jsonSchema } = candidate.capabilities
  if (request.images > 0 && !vision) return 'lacks-vision'
  if (request.tools > 0 && !tools) return 'lacks-tools'
  if (request.responseFormat === 'json' && !json) return 'lacks-json'
  if (request.responseFormat === 'json-schema' && !jsonSchema) return 'lacks-json-schema'
  if (contextRatioOf(candidate, request, inputTokens) > 1) return 'context-too-small'
  if ((request.maxOutputTokens ?? 0) > candidate.outputTokensMax) return 'output-too-small'
  return breaker === 'open' ? 'breaker-open' : null
}

/** Buckets in the order in which they are tried where one has no candidate: first up, then down. */
export const bucketsFrom = (bucket: Bucket): readonly Bucket[] => {
  const at = BUCKETS.indexOf(bucket)
  return [...BUCKETS.slice(at), ...BUCKETS.slice(0, at).reverse()]
}

/** Whether a candidate is offered a bucket's requests, or those of a harder one. */
export const serves = (candidate: Candidate, bucket: Bucket): boolean =>
  BUCKETS.slice(BUCKETS.indexOf(bucket)).some((harder) => candidate.buckets.includes(harder))
