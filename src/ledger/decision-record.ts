import { BUCKETS } from '../routing/catalog.ts'
import type { Decision } from '../routing/decide.ts'
import { costUsdOf } from '../routing/score.ts'
import type { RequestRecord } from './types.ts'

const NANO_PER_USD = 1e9
const HARDEST = BUCKETS[BUCKETS.length - 1] ?? 'hard'

/** What is kept of a decision whose request the gateway does not send; costs are of the answer that scores assume. */
export const recordOfDecision = (
  id: string,
  decision: Decision,
  keyId: string,
  nowMs: number,
): RequestRecord => {
  const { provider, model, bucket, analysis, inputTokens } = decision
  const costOf = (candidate: Parameters<typeof costUsdOf>[0]): number =>
    Math.round(costUsdOf(candidate, inputTokens, null) * NANO_PER_USD)
  const chosen = decision.byId.get(`${provider}/${model}`)?.candidate
  const costNanoUsd = chosen === undefined ? 0 : costOf(chosen)
  const strongest = [...decision.byId.values()]
    .filter(({ candidate }) => candidate.buckets.includes(HARDEST))
    .map(({ candidate }) => costOf(candidate))
  return {
    id,
    atMs: nowMs,
    keyId,
    kind: 'route',
    outcome: 'decided',
    fault: null,
    requestedModel: null,
    provider,
    model,
    bucket,
    cluster: analysis.clusters[0] ?? null,
    artifactVersion: decision.artifactVersion,
    isCanary: decision.isCanary,
    attempts: 0,
    isStream: false,
    cache: 'none',
    inputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    usageSource: 'estimated',
    costNanoUsd,
    strongCostNanoUsd: Math.max(costNanoUsd, ...strongest),
    latencyMs: 0,
    timeToFirstTokenMs: null,
    features: analysis.features,
  }
}
