import { err, ok, type Result } from '../../result.ts'
import type { ChatEvent, Completion, Fields, ToolCall, Usage } from '../chat.ts'
import type { UpstreamFault } from '../faults.ts'
import { fieldsOf, isFields, listOf, textOf, writeJson } from '../fields.ts'
import type { SseEvent } from '../sse.ts'
import { openai } from './openai.ts'
import type { StreamDecoder } from './types.ts'
import { jsonOf, malformed, tokensOf } from './wire.ts'
import { workersAiFaultOf } from './workers-ai-fault.ts'

const utf8 = new TextEncoder()

const usageOf = (usage: unknown): Usage | null => {
  if (!isFields(usage)) return null
  return {
    inputTokens: tokensOf(usage.prompt_tokens),
    cachedInputTokens: tokensOf(fieldsOf(usage.prompt_tokens_details).cached_tokens),
    cacheWriteTokens: 0,
    outputTokens: tokensOf(usage.completion_tokens),
    reasoningTokens: tokensOf(fieldsOf(usage.completion_tokens_details).reasoning_tokens),
  }
}

/** JSON mode answers with the value itself. */
const textIn = (response: unknown): string | null => {
  if (response === null || response === undefined) return null
  return typeof response === 'string' ? response : writeJson(response)
}

const argumentsOf = (given: unknown): string =>
  typeof given === 'string' ? given : (writeJson(given ?? {}) ?? '{}')

/** A call: `{ name, arguments }`, or OpenAI's `{ id, function: { name, arguments } }`. */
const callOf = (value: unknown, place: number): ToolCall => {
  const call = fieldsOf(value)
  const called = isFields(call.function) ? call.function : call
  return {
    id: textOf(call.id) ?? `call_${place}_${textOf(called.name) ?? ''}`,
    name: textOf(called.name) ?? '',
    arguments: argumentsOf(called.arguments),
  }
}

/** An answer that stands in the envelope of Cloudflare's API, or on its own. */
const resultOf = (body: Uint8Array): Result<Fields, UpstreamFault> => {
  const answer = jsonOf(body)
  if (!isFields(answer)) return err(malformed('the answer is no JSON object'))
  if (answer.success === false) return err(workersAiFaultOf(500, answer))
  const result = 'result' in answer ? answer.result : answer
  return isFields(result) ? ok(result) : err(malformed('the answer has no result'))
}

export const readRun = (body: Uint8Array, nowMs: number): Result<Completion, UpstreamFault> => {
  const read = resultOf(body)
  if (!read.ok) return read
  const result = read.value
  if (Array.isArray(result.choices))
    return openai.readCompletion(utf8.encode(writeJson(result) ?? ''), nowMs)
  const text = textIn(result.response)
  const toolCalls = listOf(result.tool_calls).map(callOf)
  if (text === null && toolCalls.length === 0)
    return err(malformed('the answer has neither a response nor calls'))
  return ok({
    id: textOf(result.id) ?? 'workers-ai',
    model: textOf(result.model) ?? '',
    createdAtMs: nowMs,
    choices: [
      {
        index: 0,
        text,
        reasoning: null,
        reasoningSignature: null,
        refusal: null,
        toolCalls,
        finishReason: toolCalls.length > 0 ? 'tool_calls' : 'stop',
        stopSequence: null,
        logprobs: null,
      },
    ],
    usage: usageOf(result.usage),
  })
}

/** Reads `data: {"response":…}` up to `[DONE]`; from the first event with `choices` on, OpenAI's stream. */
export class WorkersAiStream implements StreamDecoder {
  #openai: StreamDecoder | null = null
  #usage: Usage | null = null
  #isStarted = false
  /** Number in the answer by the provider's own index. */
  readonly #calls = new Map<number, number>()

  decode(event: SseEvent): readonly ChatEvent[] {
    if (this.#openai !== null) return this.#openai.decode(event)
    const { data } = event
    if (data === '') return []
    if (data === '[DONE]' && this.#isStarted) return this.#end()
    const chunk = jsonOf(data)
    if (!isFields(chunk))
      return [{ kind: 'fault', fault: malformed('an event of the stream is no JSON object') }]
    if (Array.isArray(chunk.choices)) {
      this.#openai = openai.openStream()
      return this.#openai.decode(event)
    }
    if (chunk.success === false || isFields(chunk.error) || listOf(chunk.errors).length > 0)
      return [{ kind: 'fault', fault: workersAiFaultOf(500, chunk) }]
    return this.#read(chunk)
  }

  #read(chunk: Fields): readonly ChatEvent[] {
    const events: ChatEvent[] = []
    if (!this.#isStarted) {
      this.#isStarted = true
      events.push({ kind: 'start', id: textOf(chunk.id) ?? 'workers-ai', model: '' })
    }
    this.#usage = usageOf(chunk.usage) ?? this.#usage
    const text = textIn(chunk.response)
    if (text !== null && text !== '') events.push({ kind: 'text', index: 0, text })
    for (const [i, value] of listOf(chunk.tool_calls).entries()) this.#call(value, i, events)
    return events
  }

  #call(value: unknown, place: number, events: ChatEvent[]): void {
    const fields = fieldsOf(value)
    const called = isFields(fields.function) ? fields.function : fields
    const own = typeof fields.index === 'number' ? fields.index : null
    const known = own === null ? undefined : this.#calls.get(own)
    if (known !== undefined) {
      const json = textOf(called.arguments) ?? ''
      if (json !== '') events.push({ kind: 'tool-arguments', index: 0, call: known, json })
      return
    }
    // The last event of a call says its parts once more, all null.
    if (textOf(called.name) === null) return
    const call = this.#calls.size
    this.#calls.set(own ?? call, call)
    const { id, name, arguments: json } = callOf(value, Math.max(call, place))
    events.push({ kind: 'tool-start', index: 0, call, id, name })
    const isOpen = called.arguments === undefined || called.arguments === null
    if (!isOpen && json !== '') events.push({ kind: 'tool-arguments', index: 0, call, json })
  }

  #end(): readonly ChatEvent[] {
    const reason = this.#calls.size > 0 ? 'tool_calls' : 'stop'
    return [
      { kind: 'finish', index: 0, reason, stopSequence: null },
      ...(this.#usage === null ? [] : [{ kind: 'usage' as const, usage: this.#usage }]),
      { kind: 'done' },
    ]
  }
}

/** `result.data`, a vector a text. */
export const readVectors = (
  body: Uint8Array,
): Result<{ vectors: readonly (readonly number[])[]; usage: Usage | null }, UpstreamFault> => {
  const read = resultOf(body)
  if (!read.ok) return read
  const vectors = listOf(read.value.data)
  const isWhole = vectors.every(
    (vector): vector is number[] =>
      Array.isArray(vector) && vector.every((value) => typeof value === 'number'),
  )
  return vectors.length > 0 && isWhole
    ? ok({ vectors, usage: usageOf(read.value.usage) })
    : err(malformed('the answer has no embeddings'))
}
