export type Bucket = 'cheap' | 'mid' | 'hard'
export const BUCKETS: readonly Bucket[] = ['cheap', 'mid', 'hard']

export const OUTCOMES = ['ok', 'error', 'interrupted', 'cancelled', 'decided'] as const
export type Outcome = (typeof OUTCOMES)[number]

export interface LlmRequest {
  readonly id: string
  readonly atMs: number
  /** Null for a client that came with a provider's own credential. */
  readonly keyId: string | null
  readonly kind: 'route' | 'chat' | 'embeddings'
  readonly outcome: Outcome
  readonly fault: string | null
  readonly requestedModel: string | null
  /** Empty where nobody served it. */
  readonly provider: string
  readonly model: string
  readonly bucket: Bucket | null
  readonly isCanary: boolean
  readonly attempts: number
  readonly isStream: boolean
  readonly cache: 'none' | 'exact' | 'semantic'
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  readonly usageSource: 'provider' | 'estimated' | 'none'
  readonly costUsd: number
  readonly latencyMs: number
  readonly timeToFirstTokenMs: number | null
}

export interface RequestPage {
  readonly requests: readonly LlmRequest[]
  readonly nextCursor: string | null
}

export const SPEND_DIMENSIONS = ['model', 'key', 'provider', 'bucket'] as const
export type SpendDimension = (typeof SPEND_DIMENSIONS)[number]
export type SpendStep = 'hour' | 'day'

export interface SpendRow {
  readonly atMs: number
  /** Empty where there is none. */
  readonly name: string
  readonly requests: number
  readonly errors: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
}

export interface Spend {
  readonly fromMs: number
  readonly toMs: number
  readonly step: SpendStep
  readonly by: SpendDimension
  readonly rows: readonly SpendRow[]
  /** Rows were left out. */
  readonly truncated: boolean
}

export type BreakerState = 'closed' | 'half-open' | 'open'

export interface ModelHealth {
  readonly model: string
  readonly state: BreakerState
  readonly errorRatio: number
  readonly latencyMeanMs: number | null
  readonly latencyDeviationMs: number | null
  readonly measurements: number
}

export interface Provider {
  readonly id: string
  readonly kind: string
  readonly mock: boolean
  readonly keys: number
  readonly state: BreakerState
  readonly inFlight: number
  /** Null for one that was never asked. */
  readonly limit: number | null
  readonly keysResting: number
  readonly refused: number
  readonly attempts: number
  readonly faults: Readonly<Record<string, number>>
  readonly models: readonly ModelHealth[]
}

export interface Key {
  readonly id: string
  readonly name: string
  readonly prefix: string
  readonly limits: {
    readonly budget_usd: number | null
    readonly budget_period: 'day' | 'month' | 'total'
    readonly requests_per_minute: number | null
    readonly tokens_per_minute: number | null
    readonly spent_usd: number
  }
}

export interface Quantiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

export interface DecisionGroup {
  readonly decisions: number
  readonly served: number
  readonly errors: number
  readonly costUsd: number
  readonly strongCostUsd: number
  readonly latencyMs: Quantiles | null
  readonly timeToFirstTokenMs: Quantiles | null
}

export interface ArtifactUse {
  readonly version: string
  readonly decisions: number
  readonly errors: number
  readonly buckets: Readonly<Partial<Record<Bucket, number>>>
  readonly costUsd: number
  readonly feedback: readonly {
    readonly isCanary: boolean
    readonly count: number
    readonly meanScore: number | null
  }[]
}

export interface RouterStatistics {
  readonly hours: number
  readonly total: DecisionGroup
  readonly savings: { readonly usd: number; readonly ratio: number }
  readonly buckets: readonly (DecisionGroup & { readonly bucket: string })[]
  readonly models: readonly (DecisionGroup & { readonly model: string })[]
  readonly artifacts: readonly ArtifactUse[]
  readonly relativeErrorMax: number
  readonly truncated: boolean
}

export interface ArtifactCounts {
  readonly decisions: Readonly<Record<Bucket, number>>
  readonly errors: number
  readonly costNanoUsd: number
  readonly trials: number
  readonly successRate: number | null
  readonly latencyCount: number
  readonly latencyMeanMs: number | null
}

export interface Artifact {
  readonly version: string
  readonly source: 'shipped' | 'url' | 'organisation'
  readonly updatedAt: string | null
  readonly features: readonly string[]
  readonly thresholds: { readonly cheap: number; readonly hard: number }
  readonly alpha: number
  readonly clusters: number
  readonly models: readonly string[]
  /** As the training wrote it; `readReport` reads it. */
  readonly report: unknown
  readonly counts: ArtifactCounts
  readonly address: {
    readonly loadedAt: string | null
    readonly checkedAt: string | null
    readonly lastFailure: { readonly at: string; readonly reason: string } | null
  } | null
  readonly canary: {
    readonly version: string
    readonly share: number
    readonly updatedAt: string
    readonly isUsed: boolean
    readonly counts: ArtifactCounts
  } | null
}

export interface CandidateScore {
  /** `provider/model`. */
  readonly id: string
  readonly isInBucket: boolean
  readonly quality: number
  readonly priorQuality: number | null
  readonly trials: number
  readonly cost: number
  readonly costUsd: number
  readonly qualityTerm: number
  readonly costTerm: number
  readonly latencyPenalty: number
  readonly contextPenalty: number
  readonly healthPenalty: number
  readonly score: number
}

/** The answer of `POST /v1/route`. */
export interface RouteDecision {
  readonly decisionId: string
  readonly decision: {
    readonly provider: string
    readonly model: string
    readonly fallbacks: readonly string[]
  }
  readonly bucket: Bucket
  /** Another than `bucket` where that one has no candidate. */
  readonly bucketServed: Bucket
  readonly bucketProbabilities: Readonly<Record<Bucket, number>>
  readonly difficulty: number
  readonly clusters: readonly { readonly cluster: number; readonly weight: number }[]
  readonly alpha: number
  readonly inputTokens: number
  readonly tokensSource: string
  readonly candidates: readonly CandidateScore[]
  readonly excluded: readonly { readonly id: string; readonly reason: string }[]
  readonly affinity: {
    readonly held: string
    readonly gain: number
    readonly loss: number
    readonly isKept: boolean
    readonly overruledBy: 'ruled-out' | 'bucket' | null
  } | null
  readonly cache: 'hit' | 'miss'
  readonly artifactVersion: string
  readonly isCanary: boolean
  readonly spentMs: number
}
