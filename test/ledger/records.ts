import type { KeyLimits, RequestRecord } from '../../src/ledger/types.ts'

/** A record as the gateway writes one; what a test is about is given. */
export const recordOf = (fields: Partial<RequestRecord> = {}): RequestRecord => ({
  id: crypto.randomUUID(),
  atMs: Date.now(),
  keyId: null,
  kind: 'chat',
  outcome: 'ok',
  fault: null,
  requestedModel: 'auto',
  provider: 'openai',
  model: 'gpt-5-mini',
  bucket: 'cheap',
  cluster: 3,
  artifactVersion: 'a'.repeat(64),
  isCanary: false,
  attempts: 1,
  isStream: true,
  cache: 'none',
  inputTokens: 120,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 80,
  reasoningTokens: 0,
  usageSource: 'provider',
  costNanoUsd: 190_000,
  strongCostNanoUsd: 2_400_000,
  latencyMs: 812.5,
  timeToFirstTokenMs: 203.25,
  features: null,
  ...fields,
})

export const limitsOf = (fields: Partial<KeyLimits> = {}): KeyLimits => ({
  budgetNanoUsd: null,
  budgetPeriod: 'total',
  requestsPerMinute: null,
  tokensPerMinute: null,
  ...fields,
})

/** Uniform in [0, 1), the same for the same seed. Source: mulberry32, Tommy Ettinger 2017, public domain. */
export const randomOf = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
}
