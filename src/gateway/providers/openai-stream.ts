import type { ChatEvent, Fields } from '../chat.ts'
import { countOf, fieldsOf, isAbsent, isFields, listOf, readFields, textOf } from '../fields.ts'
import type { SseEvent } from '../sse.ts'
import { streamFault, upstreamErrorOf } from '../upstream-errors.ts'
import { argumentsOf, contentOf, finishOf, reasoningOf } from './openai-answer.ts'
import { openAiUsageOf } from './openai-usage.ts'
import type { StreamDecoder } from './types.ts'

/** OpenAI sends `logprobs` without tokens beside the role, which says nothing yet. */
const hasTokens = (logprobs: unknown): boolean => {
  const { content, refusal } = fieldsOf(logprobs)
  return listOf(content).length > 0 || listOf(refusal).length > 0
}

/** One of the answers that come side by side. */
class ChoiceReader {
  readonly #index: number
  /** The id of each call; null where the provider gave none. */
  readonly #calls: (string | null)[] = []
  /** The last call of each number of the provider's. */
  readonly #numbered = new Map<number, number>()
  isFinished = false

  constructor(index: number) {
    this.#index = index
  }

  read(choice: Fields, events: ChatEvent[]): void {
    const delta = fieldsOf(choice.delta)
    const index = this.#index
    const { text, reasoning } = contentOf(delta.content)
    const thought = reasoningOf(delta) ?? reasoning
    if (thought !== null) events.push({ kind: 'reasoning', index, text: thought })
    const { logprobs } = choice
    if (textOf(text) !== null || hasTokens(logprobs))
      events.push({
        kind: 'text',
        index,
        text: text ?? '',
        ...(isAbsent(logprobs) ? {} : { logprobs }),
      })
    const refusal = textOf(delta.refusal)
    if (refusal !== null) events.push({ kind: 'refusal', index, text: refusal })
    for (const call of listOf(delta.tool_calls)) if (isFields(call)) this.#readCall(call, events)
    if (isFields(delta.function_call))
      this.#readCall({ index: 0, function: delta.function_call }, events)
    if (isAbsent(choice.finish_reason) || this.isFinished) return
    this.isFinished = true
    events.push({
      kind: 'finish',
      index,
      reason: finishOf(choice.finish_reason, this.#calls.length > 0),
      stopSequence: textOf(choice.stop_reason),
    })
  }

  #readCall(delta: Fields, events: ChatEvent[]): void {
    const called = fieldsOf(delta.function)
    const id = textOf(delta.id)
    const name = textOf(called.name)
    const number = countOf(delta.index)
    let call = this.#find(number, id, name)
    if (call < 0) {
      call = this.#calls.push(id) - 1
      if (number !== null) this.#numbered.set(number, call)
      const index = this.#index
      events.push({ kind: 'tool-start', index, call, id: id ?? `call_${call}`, name: name ?? '' })
    }
    const json = argumentsOf(called.arguments)
    if (json !== '') events.push({ kind: 'tool-arguments', index: this.#index, call, json })
  }

  /** @returns which call a delta belongs to, −1 for a new one */
  #find(number: number | null, id: string | null, name: string | null): number {
    // Some servers give every call the number 0, or none: then another id begins another call.
    const at = number === null ? this.#calls.length - 1 : (this.#numbered.get(number) ?? -1)
    const known = this.#calls[at] ?? null
    return id !== null && name !== null && known !== null && known !== id ? -1 : at
  }
}

/** Reads `chat.completion.chunk` objects, errors among them, up to `[DONE]`. */
export class OpenAiStreamDecoder implements StreamDecoder {
  readonly #choices = new Map<number, ChoiceReader>()
  #isStarted = false
  #isDone = false

  decode({ data }: SseEvent): readonly ChatEvent[] {
    if (this.#isDone || data === '') return []
    if (data.startsWith('[DONE]')) {
      this.#isDone = true
      if (this.#choices.size > 0) return [{ kind: 'done' }]
      return [
        { kind: 'fault', fault: { reason: 'malformed', detail: 'the answer has no choices' } },
      ]
    }
    const chunk = readFields(data)
    if (chunk === null)
      return [
        { kind: 'fault', fault: { reason: 'malformed', detail: 'a chunk is no JSON object' } },
      ]
    const events: ChatEvent[] = []
    if (!isAbsent(chunk.error)) return [this.#faultOf(chunk)]
    if (!this.#isStarted) {
      this.#isStarted = true
      events.push({ kind: 'start', id: textOf(chunk.id) ?? '', model: textOf(chunk.model) ?? '' })
    }
    for (const [at, choice] of listOf(chunk.choices).entries()) {
      if (!isFields(choice)) continue
      // OpenRouter ends a choice with its error.
      if (isFields(choice.error)) return [...events, this.#faultOf(choice)]
      this.#choiceOf(countOf(choice.index) ?? at).read(choice, events)
    }
    const usage = openAiUsageOf(chunk)
    if (usage !== null) events.push({ kind: 'usage', usage })
    return events
  }

  /** Some servers leave out `[DONE]`: every choice has told why it stopped. */
  end(): readonly ChatEvent[] {
    const choices = [...this.#choices.values()]
    if (this.#isDone || choices.length === 0) return []
    if (!choices.every(({ isFinished }) => isFinished)) return []
    this.#isDone = true
    return [{ kind: 'done' }]
  }

  #choiceOf(index: number): ChoiceReader {
    const known = this.#choices.get(index) ?? new ChoiceReader(index)
    this.#choices.set(index, known)
    return known
  }

  #faultOf(body: Fields): ChatEvent {
    const error = upstreamErrorOf(body)
    const told = error ?? { message: 'the stream failed', type: null, code: null, param: null }
    return { kind: 'fault', fault: streamFault(told) }
  }
}
