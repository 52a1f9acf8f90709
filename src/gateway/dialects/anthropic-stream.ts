import type { ChatEvent, Fields, Usage } from '../chat.ts'
import { anthropicUsage, stopReasonOf } from './anthropic-answer.ts'
import { JsonEnd } from './json-end.ts'
import type { DialectEncoder, GatewayError, StreamMeta } from './types.ts'

type Content = Extract<
  ChatEvent,
  {
    kind: 'text' | 'reasoning' | 'refusal' | 'reasoning-signature' | 'tool-start' | 'tool-arguments'
  }
>

/** A call that waits for the end of the one before, with what was said of it so far. */
interface HeldCall {
  readonly start: Extract<ChatEvent, { kind: 'tool-start' }>
  json: string
}

/** UTF-16 units that are held back at most; beyond them everything is told as it comes. */
const HELD_UNITS_MAX = 4 * 1024 * 1024
/** What an event counts beside its text: it bounds their number. */
const HELD_EVENT_UNITS = 1_024

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
 * first; the stop waits for the usage, which some providers tell last. Only the first choice is told. Calls
 * of other providers may come mixed: what follows a call whose arguments have not ended waits for their end.
 */
export class AnthropicEncoder implements DialectEncoder {
  readonly #meta: StreamMeta
  #isStarted = false
  #usage: Usage | null = null
  #stop: { reason: string; sequence: string | null } | null = null
  #blocks = 0
  /** What the open block holds; null where none is open. */
  #open: 'text' | 'thinking' | number | null = null
  #json = new JsonEnd()
  readonly #held: (HeldCall | Content)[] = []
  readonly #heldCalls = new Map<number, HeldCall>()
  #heldUnits = 0

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
        return this.#start() + this.#release(true) + this.#close() + this.#end()
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

  #isMidCall(): boolean {
    return typeof this.#open === 'number' && !this.#json.isWhole
  }

  #content(told: Content): string {
    const isOwn = told.kind === 'tool-arguments' && told.call === this.#open
    if (this.#isMidCall() && !isOwn) return this.#hold(told)
    return this.#say(told) + this.#release(false)
  }

  #hold(told: Content): string {
    this.#heldUnits += HELD_EVENT_UNITS
    if (told.kind === 'tool-start') {
      const call = { start: told, json: '' }
      this.#heldCalls.set(told.call, call)
      this.#held.push(call)
    } else if (told.kind === 'tool-arguments') {
      const call = this.#heldCalls.get(told.call)
      if (call === undefined) return ''
      this.#heldUnits += told.json.length - HELD_EVENT_UNITS
      call.json += told.json
    } else this.#held.push(told)
    return this.#heldUnits > HELD_UNITS_MAX ? this.#release(true) : ''
  }

  /** What was held, up to the next call without an end. @param isLast all of it */
  #release(isLast: boolean): string {
    let text = ''
    let said = 0
    for (const one of this.#held) {
      if (this.#isMidCall() && !isLast) break
      said++
      if ('kind' in one) text += this.#say(one)
      else {
        const { start: told, json } = one
        this.#heldCalls.delete(told.call)
        text += this.#say(told)
        text += this.#say({ kind: 'tool-arguments', index: 0, call: told.call, json })
      }
    }
    this.#held.splice(0, said)
    if (this.#held.length === 0) this.#heldUnits = 0
    return text
  }

  #say(told: Content): string {
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
        this.#json = new JsonEnd()
        return this.#openAs(told.call, { type: 'tool_use', id, name, input: {} })
      }
      case 'tool-arguments':
        // Behind its end nothing is said of a call.
        if (this.#open !== told.call || told.json === '') return ''
        this.#json.push(told.json)
        return delta(this.#blocks - 1, { type: 'input_json_delta', partial_json: told.json })
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
