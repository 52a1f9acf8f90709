import type { Bucket } from '../routing/catalog.ts'

/** What became of a request. `decided`: only the decision was asked for (`POST /v1/route`). */
export type RequestOutcome = 'decided' | 'ok' | 'error' | 'interrupted' | 'cancelled'

/**
 * One request to a language model, or a decision about one, as it is kept. Money is in billionths of a
 * US dollar, whole numbers, so that sums are exact.
 */
export interface RequestRecord {
  /** UUID; the decision's id, where one was made. */
  readonly id: string
  readonly atMs: number
  /** Null for a client that came with its own credential of a provider. */
  readonly keyId: string | null
  readonly kind: 'route' | 'chat' | 'embeddings'
  readonly outcome: RequestOutcome
  /** Reason of the fault that ended it; null without one. */
  readonly fault: string | null
  /** As the client named it. */
  readonly requestedModel: string | null
  /** Who served it, or was chosen. Empty where nobody was. */
  readonly provider: string
  readonly model: string
  readonly bucket: Bucket | null
  /** Nearest cluster and artifact of the decision; null where the client named the model. */
  readonly cluster: number | null
  readonly artifactVersion: string | null
  /** Whether the decision was made by the artifact that is being tried. */
  readonly isCanary: boolean
  /** Providers that were asked, the serving one included. */
  readonly attempts: number
  readonly isStream: boolean
  readonly cache: 'none' | 'exact' | 'semantic'
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
  readonly outputTokens: number
  readonly reasoningTokens: number
  /** Whether tokens are the provider's own count. */
  readonly usageSource: 'provider' | 'estimated' | 'none'
  /** Of a request that was only decided: what it would cost; it is not spent. */
  readonly costNanoUsd: number
  /** What the dearest candidate of the hard bucket would have cost for the same tokens. */
  readonly strongCostNanoUsd: number
  readonly latencyMs: number
  readonly timeToFirstTokenMs: number | null
  /** Features of the request, f32[FEATURE_NAMES.length], where the organisation keeps them for training. */
  readonly features: readonly (number | null)[] | null
}

/** What a key may spend. Null: no limit. */
export interface KeyLimits {
  readonly budgetNanoUsd: number | null
  /** When the budget begins anew, in UTC. */
  readonly budgetPeriod: 'day' | 'month' | 'total'
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
}

/** Why a request may not be sent now. */
export type LimitFault =
  | {
      readonly reason: 'budget-exceeded'
      readonly spentNanoUsd: number
      readonly budgetNanoUsd: number
      /** When it begins anew; null for a budget without a period. */
      readonly resetsAtMs: number | null
    }
  | {
      readonly reason: 'rate-exceeded'
      readonly of: 'requests' | 'tokens'
      readonly limitPerMinute: number
      readonly retryAfterMs: number
    }
  /** More tokens than a minute has: waiting does not help. */
  | {
      readonly reason: 'request-too-large'
      readonly tokens: number
      readonly tokensPerMinute: number
    }
  /** The ledger does not answer, or takes nothing more: a key with limits is not served on trust. */
  | { readonly reason: 'ledger-unavailable'; readonly retryAfterMs: number }

/** The most that a request may take, before it is sent. */
export interface Estimate {
  readonly tokens: number
  readonly costNanoUsd: number
}

/** What was set aside for one request. */
export interface Reservation {
  /** Ends it with what really happened, once; also after failures and for clients that left. */
  settle(record: RequestRecord): void
}
