import type { ChatEvent, Choice, Completion, FinishReason, Usage } from './chat.ts'

/** The steps that stream a whole answer: each choice in one piece. */
export function* eventsOf(completion: Completion): Generator<ChatEvent> {
  yield { kind: 'start', id: completion.id, model: completion.model }
  for (const choice of completion.choices) {
    const { index, text, reasoning, reasoningSignature, refusal, toolCalls, logprobs } = choice
    if (reasoning !== null) yield { kind: 'reasoning', index, text: reasoning }
    if (reasoningSignature !== null)
      yield { kind: 'reasoning-signature', index, signature: reasoningSignature }
    if (text !== null)
      yield { kind: 'text', index, text, ...(logprobs === null ? {} : { logprobs }) }
    if (refusal !== null) yield { kind: 'refusal', index, text: refusal }
    for (const [call, { id, name, arguments: json }] of toolCalls.entries()) {
      yield { kind: 'tool-start', index, call, id, name }
      yield { kind: 'tool-arguments', index, call, json }
    }
    const { finishReason: reason, stopSequence } = choice
    yield { kind: 'finish', index, reason, stopSequence }
  }
  if (completion.usage !== null) yield { kind: 'usage', usage: completion.usage }
  yield { kind: 'done' }
}

interface OpenChoice {
  text: string | null
  reasoning: string | null
  reasoningSignature: string | null
  refusal: string | null
  readonly toolCalls: { id: string; name: string; arguments: string }[]
  finishReason: FinishReason | null
  stopSequence: string | null
  hasLogprobs: boolean
}

/** Choices that are put together. */
const CHOICES_MAX = 128
const CALLS_MAX = 1_024

/** Puts the steps of a stream together again, as long as they stay within a bound. */
export class CompletionCollector {
  readonly #charactersMax: number
  readonly #choices = new Map<number, OpenChoice>()
  #id = ''
  #model = ''
  #usage: Usage | null = null
  #characters = 0
  #isDone = false
  #isLost = false

  /** @param charactersMax of text, reasoning and arguments together, UTF-16 units */
  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax
  }

  add(event: ChatEvent): void {
    if (this.#isLost) return
    switch (event.kind) {
      case 'start':
        this.#id = event.id
        this.#model = event.model
        return
      case 'usage':
        this.#usage = event.usage
        return
      case 'done':
        this.#isDone = true
        return
      case 'fault':
        this.#isLost = true
        return
      default:
        this.#addTo(this.#choiceOf(event.index), event)
    }
  }

  /** The answer; null where it did not end as it should, was too long, or has what a whole one cannot tell. */
  completion(nowMs: number): Completion | null {
    if (this.#isLost || !this.#isDone || this.#choices.size === 0) return null
    const choices: Choice[] = []
    for (const [index, choice] of this.#choices) {
      // Logprobs come in pieces whose joining is the provider's matter.
      if (choice.finishReason === null || choice.hasLogprobs) return null
      const { text, reasoning, reasoningSignature, refusal, toolCalls, stopSequence } = choice
      const { finishReason } = choice
      choices.push({
        index,
        text,
        reasoning,
        reasoningSignature,
        refusal,
        toolCalls,
        finishReason,
        stopSequence,
        logprobs: null,
      })
    }
    choices.sort((a, b) => a.index - b.index)
    return { id: this.#id, model: this.#model, createdAtMs: nowMs, choices, usage: this.#usage }
  }

  #choiceOf(index: number): OpenChoice {
    const known = this.#choices.get(index)
    if (known !== undefined) return known
    const choice: OpenChoice = {
      text: null,
      reasoning: null,
      reasoningSignature: null,
      refusal: null,
      toolCalls: [],
      finishReason: null,
      stopSequence: null,
      hasLogprobs: false,
    }
    if (this.#choices.size >= CHOICES_MAX) this.#isLost = true
    else this.#choices.set(index, choice)
    return choice
  }

  #addTo(
    choice: OpenChoice,
    event: Exclude<ChatEvent, { kind: 'start' | 'usage' | 'done' | 'fault' }>,
  ): void {
    switch (event.kind) {
      case 'text':
        choice.text = (choice.text ?? '') + this.#taken(event.text)
        if (event.logprobs !== undefined && event.logprobs !== null) choice.hasLogprobs = true
        return
      case 'reasoning':
        choice.reasoning = (choice.reasoning ?? '') + this.#taken(event.text)
        return
      case 'reasoning-signature':
        choice.reasoningSignature = this.#taken(event.signature)
        return
      case 'refusal':
        choice.refusal = (choice.refusal ?? '') + this.#taken(event.text)
        return
      case 'tool-start':
        if (event.call >= CALLS_MAX || event.call !== choice.toolCalls.length) this.#isLost = true
        else choice.toolCalls.push({ id: event.id, name: this.#taken(event.name), arguments: '' })
        return
      case 'tool-arguments': {
        const call = choice.toolCalls[event.call]
        if (call === undefined) this.#isLost = true
        else call.arguments += this.#taken(event.json)
        return
      }
      case 'finish':
        choice.finishReason = event.reason
        choice.stopSequence = event.stopSequence
    }
  }

  #taken(text: string): string {
    this.#characters += text.length
    if (this.#characters > this.#charactersMax) this.#isLost = true
    return text
  }
}
