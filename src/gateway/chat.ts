import type { UpstreamFault } from './faults.ts'

/** A parsed JSON object whose fields are looked at one by one. */
export type Fields = Readonly<Record<string, unknown>>

/** Tokens of one request as a provider counts them. */
export interface Usage {
  /** All input: what was read from and written to the provider's prompt cache is in it. */
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly cacheWriteTokens: number
  /** All output: reasoning is in it. */
  readonly outputTokens: number
  readonly reasoningTokens: number
}

/** Why a model stopped, in OpenAI's words. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter'

export interface ToolCall {
  readonly id: string
  readonly name: string
  /** JSON text as the model wrote it. */
  readonly arguments: string
}

export interface Choice {
  readonly index: number
  readonly text: string | null
  readonly reasoning: string | null
  /** What proves the reasoning to the provider that made it; Anthropic's `signature`. */
  readonly reasoningSignature: string | null
  readonly refusal: string | null
  readonly toolCalls: readonly ToolCall[]
  readonly finishReason: FinishReason
  /** The stop sequence that ended it, where the provider tells. */
  readonly stopSequence: string | null
  /** OpenAI's `logprobs` object, untouched; null without. */
  readonly logprobs: unknown
}

/** A whole answer, whoever gave it. */
export interface Completion {
  readonly id: string
  readonly model: string
  readonly createdAtMs: number
  readonly choices: readonly Choice[]
  /** Null where the provider told none. */
  readonly usage: Usage | null
}

/** One step of a streamed answer, whoever gives it. */
export type ChatEvent =
  | { readonly kind: 'start'; readonly id: string; readonly model: string }
  | {
      readonly kind: 'text'
      readonly index: number
      readonly text: string
      readonly logprobs?: unknown
    }
  | { readonly kind: 'reasoning'; readonly index: number; readonly text: string }
  | { readonly kind: 'reasoning-signature'; readonly index: number; readonly signature: string }
  | { readonly kind: 'refusal'; readonly index: number; readonly text: string }
  | {
      readonly kind: 'tool-start'
      readonly index: number
      /** Number of the call in its choice, from 0. */
      readonly call: number
      readonly id: string
      readonly name: string
    }
  | {
      readonly kind: 'tool-arguments'
      readonly index: number
      readonly call: number
      readonly json: string
    }
  | {
      readonly kind: 'finish'
      readonly index: number
      readonly reason: FinishReason
      readonly stopSequence: string | null
    }
  /** Counts so far, each whole: the last one is the answer's. */
  | { readonly kind: 'usage'; readonly usage: Usage }
  /** The provider's own end of a stream; a stream without it was interrupted. */
  | { readonly kind: 'done' }
  | { readonly kind: 'fault'; readonly fault: UpstreamFault }

/** Whether a client has something of the answer once it has this event: from then on the stream is its. */
export const isContent = ({ kind }: ChatEvent): boolean =>
  kind === 'text' ||
  kind === 'reasoning' ||
  kind === 'refusal' ||
  kind === 'tool-start' ||
  kind === 'tool-arguments'
