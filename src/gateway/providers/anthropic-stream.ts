import type { ChatEvent, Fields } from '../chat.ts'
import { countOf, fieldsOf, isAbsent, isFields, readFields, textOf, writeJson } from '../fields.ts'
import type { SseEvent } from '../sse.ts'
import { streamFault, upstreamErrorOf } from '../upstream-errors.ts'
import { anthropicFinishOf, anthropicUsageOf } from './anthropic-answer.ts'
import type { StreamDecoder } from './types.ts'

const malformed = (detail: string): readonly ChatEvent[] => [
  { kind: 'fault', fault: { reason: 'malformed', detail } },
]

/** Reads Anthropic's events, up to `message_stop`. Blocks of tools that Anthropic runs say nothing here. */
export class AnthropicStreamDecoder implements StreamDecoder {
  /** Number of the call of each block of a tool, by the block's. */
  readonly #calls = new Map<number, { readonly call: number; hasInput: boolean }>()
  #counts: Fields = {}
  #isDone = false

  decode({ event, data }: SseEvent): readonly ChatEvent[] {
    if (this.#isDone || event === 'ping') return []
    const told = readFields(data)
    if (told === null) return malformed('an event is no JSON object')
    switch (told.type ?? event) {
      case 'message_start': {
        const message = fieldsOf(told.message)
        const id = textOf(message.id) ?? ''
        const model = textOf(message.model) ?? ''
        return [{ kind: 'start', id, model }, ...this.#usage(message.usage)]
      }
      case 'content_block_start':
        return this.#startBlock(countOf(told.index) ?? 0, fieldsOf(told.content_block))
      case 'content_block_delta':
        return this.#delta(countOf(told.index) ?? 0, fieldsOf(told.delta))
      case 'content_block_stop':
        return this.#stopBlock(countOf(told.index) ?? 0)
      case 'message_delta':
        return [...this.#finish(fieldsOf(told.delta)), ...this.#usage(told.usage)]
      case 'message_stop':
        this.#isDone = true
        return [{ kind: 'done' }]
      case 'error': {
        const error = upstreamErrorOf(told)
        if (error === null) return malformed('an error event tells no error')
        return [{ kind: 'fault', fault: streamFault(error) }]
      }
      default:
        // Anthropic adds types of events: what is not known is passed over.
        return []
    }
  }

  #usage(usage: unknown): readonly ChatEvent[] {
    const read = anthropicUsageOf(usage, this.#counts)
    if (read === null) return []
    this.#counts = read[1]
    return [{ kind: 'usage', usage: read[0] }]
  }

  #startBlock(index: number, block: Fields): readonly ChatEvent[] {
    if (block.type === 'tool_use') {
      const call = this.#calls.size
      const id = textOf(block.id) ?? `call_${call}`
      const name = textOf(block.name) ?? ''
      const json = (isFields(block.input) ? writeJson(block.input) : null) ?? '{}'
      this.#calls.set(index, { call, hasInput: json !== '{}' })
      const started: ChatEvent = { kind: 'tool-start', index: 0, call, id, name }
      // Servers that speak like Anthropic give the whole input here.
      return json === '{}' ? [started] : [started, { kind: 'tool-arguments', index: 0, call, json }]
    }
    const thinking = textOf(block.thinking)
    if (block.type === 'thinking' && thinking !== null)
      return [{ kind: 'reasoning', index: 0, text: thinking }]
    const text = textOf(block.text)
    return block.type === 'text' && text !== null ? [{ kind: 'text', index: 0, text }] : []
  }

  #delta(index: number, delta: Fields): readonly ChatEvent[] {
    switch (delta.type) {
      case 'text_delta': {
        const text = textOf(delta.text)
        return text === null ? [] : [{ kind: 'text', index: 0, text }]
      }
      case 'thinking_delta': {
        const text = textOf(delta.thinking)
        return text === null ? [] : [{ kind: 'reasoning', index: 0, text }]
      }
      case 'signature_delta': {
        const signature = textOf(delta.signature)
        return signature === null ? [] : [{ kind: 'reasoning-signature', index: 0, signature }]
      }
      case 'input_json_delta': {
        const json = textOf(delta.partial_json)
        const block = this.#calls.get(index)
        if (json === null || block === undefined) return []
        block.hasInput = true
        return [{ kind: 'tool-arguments', index: 0, call: block.call, json }]
      }
      default:
        return []
    }
  }

  #stopBlock(index: number): readonly ChatEvent[] {
    const block = this.#calls.get(index)
    if (block === undefined || block.hasInput) return []
    block.hasInput = true
    // A call without arguments: OpenAI's clients parse them all the same.
    return [{ kind: 'tool-arguments', index: 0, call: block.call, json: '{}' }]
  }

  #finish({ stop_reason, stop_sequence }: Fields): readonly ChatEvent[] {
    if (isAbsent(stop_reason)) return []
    const reason = anthropicFinishOf(stop_reason)
    return [{ kind: 'finish', index: 0, reason, stopSequence: textOf(stop_sequence) }]
  }
}
