import type { RequestRecord, Reservation } from '../ledger/types.ts'
import type { Dialect } from '../routing/request.ts'
import type { Completion, Fields, Usage } from './chat.ts'
import type { DialectCodec } from './dialects/types.ts'
import type { Server } from './failover.ts'
import type { Provider } from './provider-registry.ts'
import type { ChatCall, Credential } from './providers/types.ts'

/** One provider's model that may serve a request. */
export interface Target extends Server {
  readonly provider: Provider
  /** As the provider calls it. */
  readonly model: string
  /** In billionths of a US dollar; 0 where nobody knows the model's prices. */
  readonly costNanoUsd: (usage: Usage) => number
  /** Whether it takes an effort of reasoning that its request does not name. */
  readonly isReasoning: boolean
}

/** What of a record is known before a request is sent. */
export type RecordBase = Pick<
  RequestRecord,
  | 'id'
  | 'atMs'
  | 'keyId'
  | 'kind'
  | 'requestedModel'
  | 'bucket'
  | 'cluster'
  | 'artifactVersion'
  | 'isCanary'
  | 'isStream'
  | 'features'
>

/** A request that is ready to be sent. */
export interface GatewayRequest<Call> {
  readonly dialect: Dialect
  readonly codec: DialectCodec
  readonly call: Call
  /** At least one; the best first. */
  readonly targets: readonly Target[]
  /** The client's own, in place of the provider's. */
  readonly credential: Credential | null
  /** Estimate, for where a provider tells none. */
  readonly inputTokens: number
  readonly base: RecordBase
  /** What the dearest candidate of the hard bucket would cost. */
  readonly strongCostNanoUsd: (usage: Usage) => number
  readonly reservation: Reservation
  /** Takes an answer that went well, to be given again; absent where none may be. */
  readonly keep?: (completion: Completion, target: Target) => void
  /** Of the client's connection. */
  readonly signal: AbortSignal | null
}

/** A chat request but for what its target decides. */
export type ChatTemplate = Omit<ChatCall, 'model'> & {
  readonly body: Fields
  /** Whether a stream's client expects OpenAI's chunk of usage. */
  readonly includeUsage: boolean
}
