import type { Result } from '../../result.ts'
import type { Dialect } from '../../routing/request.ts'
import type { ChatEvent, Completion, Fields, Usage } from '../chat.ts'
import type { UpstreamFault } from '../faults.ts'
import type { SseEvent } from '../sse.ts'

export type ProviderKind = 'openai' | 'anthropic' | 'gemini' | 'workers-ai'

/** How a request proves itself to a provider; `scheme` is the header that the provider reads it from. */
export interface Credential {
  readonly scheme: 'bearer' | 'x-api-key' | 'x-goog-api-key' | 'none'
  readonly secret: string
}

/** One chat request to send. */
export interface ChatCall {
  /** Whose body it is. */
  readonly dialect: Dialect
  /** The body as it came: passed on untouched, but for the model, where the provider speaks the dialect. */
  readonly bytes: Uint8Array
  /** The same, parsed and checked. */
  readonly body: Fields
  /** As the provider calls it. */
  readonly model: string
  readonly isStream: boolean
  /** Set where the request says nothing of it and its bucket does. */
  readonly reasoningEffort: 'minimal' | 'low' | 'medium' | 'high' | null
  /** The client's own headers of the protocol, such as `anthropic-beta`: sent where the provider speaks it. */
  readonly protocolHeaders?: Readonly<Record<string, string>>
}

export interface EmbeddingsCall {
  readonly body: Fields
  readonly model: string
}

/** What goes to `fetch`. Never logged: headers hold the credential. */
export interface UpstreamRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | string
}

/** Reads one streamed answer; holds its state. */
export interface StreamDecoder {
  /** @throws never: what is not the protocol is a `fault` event */
  decode(event: SseEvent): readonly ChatEvent[]
  /**
   * What the end of the bytes says: `done` where all that was due has come, though the provider's own mark
   * of the end has not; nothing where that came, or where the stream was interrupted. Absent where only
   * the mark ends a stream.
   */
  end?(): readonly ChatEvent[]
}

export interface EmbeddingsAnswer {
  readonly vectors: readonly (readonly number[] | string)[]
  readonly model: string
  readonly usage: Usage | null
}

/** A provider's protocol: pure translation, no I/O. */
export interface ProviderProtocol {
  readonly kind: ProviderKind
  /** Bodies and answers of this dialect pass untouched; null where everything is translated. */
  readonly dialect: Dialect | null
  /** @param baseUrl without a slash at its end */
  chatRequest(
    baseUrl: string,
    call: ChatCall,
    credential: Credential,
  ): Result<UpstreamRequest, UpstreamFault>
  readCompletion(body: Uint8Array, nowMs: number): Result<Completion, UpstreamFault>
  openStream(): StreamDecoder
  /** An answer that is not 2xx. */
  readFault(status: number, headers: Headers, body: Uint8Array): UpstreamFault
  /** Absent where the provider has no embeddings. */
  embeddingsRequest?(
    baseUrl: string,
    call: EmbeddingsCall,
    credential: Credential,
  ): Result<UpstreamRequest, UpstreamFault>
  readEmbeddings?(body: Uint8Array): Result<EmbeddingsAnswer, UpstreamFault>
}
