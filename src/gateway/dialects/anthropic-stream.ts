import type { ChatEvent, Fields, Usage } from '../chat.ts'
import { anthropicUsage, stopReasonOf } from './anthropic-answer.ts'
import type { DialectEncoder, GatewayError, StreamMeta } from './types.ts'

type Content = Extract<
  ChatEvent,
  {
    kind: 'text' | 'reasoning' | 'refusal' | 'reasoning-signature' | 'tool-start' | 'tool-arguments'
  }
>

/** One event: Anthropic's name it twice. */
const event = (type: string, fields: Fields): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`

const start = (index: number, block: Fields): string =>
  event('content_block_start', { index, content_block: block })

const delta = (index: number, change: Fields): string =>
  event('content_block_delta', { index, delta: change })

/**
 * Writes Anthropic's events: `message_start`, blocks one after the other, `message_delta`, `message_stop`.
 * The first waits until something is said, so that it tells the input's tokens where the provider tells them
 * first; the stop waits for the usage, which some providers tell last. Only the first choice is told.
 */
export class AnthropicEncoder implements DialectEncoder {
  readonly #meta: StreamMeta
  #isStarted = false
  #usage: Usage | null = null
  #stop: { reason: string; sequence: string | null } | null = null
  #blocks = 0
  /** What the open block holds; null where none is open. */
  #open: 'text' | 'thinking' | number | null = null
  /** Number of the block of each call. */
  readonly #calls = new Map<number, number>()

  constructor(meta: StreamMeta) {
    this.#meta = meta
  }

  encode(told: ChatEvent): string {
    if ('index' in told && told.index !== 0) return ''
    switch (told.kind) {
      case 'usage':
        this.#usage = told.usage
        return ''
      case 'finish':
        this.#stop = {
          reason: stopReasonOf(told.reason, told.stopSequence),
          sequence: told.stopSequence,
        }
        return ''
      case 'done':
        return this.#start() + this.#close() + this.#end()
      case 'start':
      case 'fault':
        return ''
      default:
        return this.#start() + this.#content(told)
    }
  }

  fault({ type, message }: GatewayError): string {
    return event('error', { error: { type, message } })
  }

  #start(): string {
    if (this.#isStarted) return ''
    this.#isStarted = true
    const { id, model, inputTokensEstimated = 0 } = this.#meta
    const usage =
      this.#usage === null
        ? { ...anthropicUsage(null), input_tokens: inputTokensEstimated }
        : anthropicUsage(this.#usage)
    const message = {
      id,
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    }
    return event('message_start', { message })
  }

  #content(told: Content): string {
    switch (told.kind) {
      case 'text':
      case 'refusal':
        if (told.text === '') return ''
        return (
          this.#openAs('text', { type: 'text', text: '', citations: null }) +
          delta(this.#blocks - 1, { type: 'text_delta', text: told.text })
        )
      case 'reasoning':
        return this.#openThinking() + this.#think({ type: 'thinking_delta', thinking: told.text })
      case 'reasoning-signature':
        return (
          this.#openThinking() + this.#think({ type: 'signature_delta', signature: told.signature })
        )
      case 'tool-start': {
        const { id, name } = told
        const opened = this.#openAs(told.call, { type: 'tool_use', id, name, input: {} })
        this.#calls.set(told.call, this.#blocks - 1)
        return opened
      }
      case 'tool-arguments': {
        const index = this.#calls.get(told.call)
        if (index === undefined || told.json === '') return ''
        return delta(index, { type: 'input_json_delta', partial_json: told.json })
      }
    }
  }

  #openThinking(): string {
    return this.#openAs('thinking', { type: 'thinking', thinking: '', signature: '' })
  }

  #think(change: Fields): string {
    return delta(this.#blocks - 1, change)
  }

  #openAs(kind: 'text' | 'thinking' | number, block: Fields): string {
    if (this.#open === kind) return ''
    const closed = this.#close()
    this.#open = kind
    return closed + start(this.#blocks++, block)
  }

  #close(): string {
    if (this.#open === null) return ''
    this.#open = null
    return event('content_block_stop', { index: this.#blocks - 1 })
  }

  #end(): string {
    const { reason, sequence } = this.#stop ?? { reason: 'end_turn', sequence: null }
    return (
      event('message_delta', {
        delta: { stop_reason: reason, stop_sequence: sequence },
        usage: anthropicUsage(this.#usage),
      }) + event('message_stop', {})
    )
  }
}
