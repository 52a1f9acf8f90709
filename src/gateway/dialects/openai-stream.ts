import type { ChatEvent, Fields, Usage } from '../chat.ts'
import { openAiUsage } from './openai-answer.ts'
import type { DialectEncoder, GatewayError, StreamMeta } from './types.ts'

/** The error object of OpenAI's API. */
export const openAiErrorBody = ({ message, type, param, code }: GatewayError): Fields => ({
  error: { message, type, param, code },
})

/**
 * Writes `chat.completion.chunk` objects: the role in the first of each choice, the reason in its last, the
 * usage in one of its own before `[DONE]` where the client asked for it.
 */
export class OpenAiEncoder implements DialectEncoder {
  readonly #head: string
  readonly #tail: string
  readonly #includeUsage: boolean
  readonly #begun = new Set<number>()
  #usage: Usage | null = null

  constructor({ id, model, createdAtMs, includeUsage }: StreamMeta) {
    const created = Math.floor(createdAtMs / 1000)
    const shared = JSON.stringify({ id, object: 'chat.completion.chunk', created, model })
    this.#head = `data: ${shared.slice(0, -1)},"choices":[`
    this.#includeUsage = includeUsage
    // With usage asked for, every other chunk says that it has none.
    this.#tail = includeUsage ? '],"usage":null}\n\n' : ']}\n\n'
  }

  encode(event: ChatEvent): string {
    switch (event.kind) {
      case 'text':
        return this.#chunk(event.index, { content: event.text }, null, event.logprobs)
      case 'reasoning':
        return this.#chunk(event.index, { reasoning_content: event.text })
      case 'refusal':
        return this.#chunk(event.index, { refusal: event.text })
      case 'tool-start': {
        const { index, call, id, name } = event
        const called = { index: call, id, type: 'function', function: { name, arguments: '' } }
        return this.#chunk(index, { tool_calls: [called] })
      }
      case 'tool-arguments': {
        const { index, call, json } = event
        return this.#chunk(index, { tool_calls: [{ index: call, function: { arguments: json } }] })
      }
      case 'finish':
        return this.#chunk(event.index, {}, event.reason)
      case 'usage':
        this.#usage = event.usage
        return ''
      case 'done':
        return `${this.#usageChunk()}data: [DONE]\n\n`
      case 'start':
      case 'reasoning-signature':
      case 'fault':
        return ''
    }
  }

  fault(error: GatewayError): string {
    return `data: ${JSON.stringify(openAiErrorBody(error))}\n\n`
  }

  #chunk(index: number, change: Fields, finish: string | null = null, logprobs?: unknown): string {
    const isFirst = !this.#begun.has(index)
    if (isFirst) this.#begun.add(index)
    const choice = {
      index,
      delta: isFirst ? { role: 'assistant', content: null, ...change } : change,
      ...(logprobs === undefined ? {} : { logprobs }),
      finish_reason: finish,
    }
    return this.#head + JSON.stringify(choice) + this.#tail
  }

  #usageChunk(): string {
    if (!this.#includeUsage || this.#usage === null) return ''
    return `${this.#head}],"usage":${JSON.stringify(openAiUsage(this.#usage))}}\n\n`
  }
}
