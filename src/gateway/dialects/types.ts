import type { Result } from '../../result.ts'
import type { RoutingFault } from '../../routing/faults.ts'
import type { ChatEvent, Completion, Fields } from '../chat.ts'

/** An error as a client is told it; nothing of an upstream's address or key is in it. */
export interface GatewayError {
  readonly status: number
  /** In the dialect's words: OpenAI's `invalid_request_error`, Anthropic's `overloaded_error`. */
  readonly type: string
  readonly message: string
  readonly code: string | null
  /** OpenAI's name of the field at fault. */
  readonly param: string | null
  readonly retryAfterSeconds?: number
}

/** What a stream says of itself. */
export interface StreamMeta {
  readonly id: string
  /** As the client is told it. */
  readonly model: string
  readonly createdAtMs: number
  /** Whether the client asked for OpenAI's chunk of usage; Anthropic's streams always tell it. */
  readonly includeUsage: boolean
  /** What Anthropic's first event says, before the provider has told; 0 without. */
  readonly inputTokensEstimated?: number
}

/** Writes one streamed answer; holds its state. */
export interface DialectEncoder {
  /** @returns text of whole SSE events, '' where the event says nothing in this dialect */
  encode(event: ChatEvent): string
  /** The in-band error that ends a stream which began well. */
  fault(error: GatewayError): string
}

/** How clients of one protocol ask and are answered: pure translation, no I/O. */
export interface DialectCodec {
  /** Whole checks of a body beyond the router's: roles, ranges, kinds. Unknown fields pass. */
  check(body: Fields): RoutingFault | null
  /** The body as OpenAI's chat completions have it; the same object for OpenAI's own. */
  toChat(body: Fields): Result<Fields, RoutingFault>
  completion(completion: Completion, requestId: string): Fields
  openStream(meta: StreamMeta): DialectEncoder
  /** The dialect's type of an error of this status. */
  errorType(status: number): string
  error(error: GatewayError): Fields
}
