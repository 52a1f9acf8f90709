import { err, ok, type Result } from '../../result.ts'
import type {
  ChatEvent,
  Choice,
  Completion,
  Fields,
  FinishReason,
  ToolCall,
  Usage,
} from '../chat.ts'
import type { UpstreamFault } from '../faults.ts'
import { fieldsOf, isFields, listOf, ownOf, textOf, writeJson } from '../fields.ts'
import type { SseEvent } from '../sse.ts'
import { signedId } from './call-ids.ts'
import { faultInStream } from './gemini-fault.ts'
import { logprobsOf } from './gemini-logprobs.ts'
import type { StreamDecoder } from './types.ts'
import { jsonOf, malformed, tokensOf } from './wire.ts'

/** Ends of an answer that is none: the model wrote something that is not its own protocol. */
const BROKEN = new Set([
  'MALFORMED_FUNCTION_CALL',
  'UNEXPECTED_TOOL_CALL',
  'TOO_MANY_TOOL_CALLS',
  'MALFORMED_RESPONSE',
])

const FINISHES: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  LANGUAGE: 'content_filter',
  BLOCKLIST: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  SPII: 'content_filter',
  IMAGE_SAFETY: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
}

const finishOf = (reason: string, hasCalls: boolean): FinishReason => {
  const finish = ownOf(FINISHES, reason) ?? 'stop'
  return finish === 'stop' && hasCalls ? 'tool_calls' : finish
}

/** Thoughts are counted beside candidates, tools' prompts beside the prompt. */
const usageOf = (metadata: unknown): Usage | null => {
  if (!isFields(metadata)) return null
  const reasoningTokens = tokensOf(metadata.thoughtsTokenCount)
  return {
    inputTokens: tokensOf(metadata.promptTokenCount) + tokensOf(metadata.toolUsePromptTokenCount),
    cachedInputTokens: tokensOf(metadata.cachedContentTokenCount),
    cacheWriteTokens: 0,
    outputTokens: tokensOf(metadata.candidatesTokenCount) + reasoningTokens,
    reasoningTokens,
  }
}

const indexOf = (candidate: Fields): number => tokensOf(candidate.index)

const callOf = (part: Fields, answerId: string, index: number, call: number): ToolCall | null => {
  const { functionCall: given, thoughtSignature } = part
  if (!isFields(given)) return null
  const id = textOf(given.id) ?? `call_${answerId}_${index}_${call}`
  return {
    id: signedId(id, textOf(thoughtSignature)),
    name: textOf(given.name) ?? '',
    arguments: writeJson(given.args ?? {}) ?? '{}',
  }
}

/** Why the prompt got no candidate; null where it got one. */
const blockOf = (answer: Fields): string | null => {
  const reason = textOf(fieldsOf(answer.promptFeedback).blockReason)
  return reason === null ? null : `the provider blocked the prompt: ${reason}`
}

const choiceOf = (candidate: Fields, answerId: string): Result<Choice, UpstreamFault> => {
  const finish = textOf(candidate.finishReason) ?? 'STOP'
  if (BROKEN.has(finish)) return err(malformed(`the model's answer ended with ${finish}`))
  const index = indexOf(candidate)
  let text: string | null = null
  let reasoning: string | null = null
  const toolCalls: ToolCall[] = []
  for (const part of listOf(fieldsOf(candidate.content).parts)) {
    if (!isFields(part)) continue
    const call = callOf(part, answerId, index, toolCalls.length)
    if (call !== null) toolCalls.push(call)
    else if (typeof part.text === 'string' && part.thought === true)
      reasoning = (reasoning ?? '') + part.text
    else if (typeof part.text === 'string') text = (text ?? '') + part.text
  }
  return ok({
    index,
    text,
    reasoning,
    reasoningSignature: null,
    refusal: null,
    toolCalls,
    finishReason: finishOf(finish, toolCalls.length > 0),
    stopSequence: null,
    logprobs: logprobsOf(candidate.logprobsResult),
  })
}

const blockedChoice = (refusal: string): Choice => ({
  index: 0,
  text: null,
  reasoning: null,
  reasoningSignature: null,
  refusal,
  toolCalls: [],
  finishReason: 'content_filter',
  stopSequence: null,
  logprobs: null,
})

export const readGenerateContent = (
  body: Uint8Array,
  nowMs: number,
): Result<Completion, UpstreamFault> => {
  const answer = jsonOf(body)
  if (!isFields(answer)) return err(malformed('the answer is no JSON object'))
  const fault = faultInStream(answer)
  if (fault !== null) return err(fault)
  const id = textOf(answer.responseId) ?? 'gemini'
  const candidates = listOf(answer.candidates).filter(isFields)
  const blocked = blockOf(answer)
  if (candidates.length === 0 && blocked === null)
    return err(malformed('the answer has no candidate'))
  const choices: Choice[] = []
  for (const candidate of candidates) {
    const choice = choiceOf(candidate, id)
    if (!choice.ok) return choice
    choices.push(choice.value)
  }
  return ok({
    id,
    model: textOf(answer.modelVersion) ?? '',
    createdAtMs: nowMs,
    choices: choices.length > 0 ? choices : [blockedChoice(blocked ?? '')],
    usage: usageOf(answer.usageMetadata),
  })
}

/**
 * Reads `streamGenerateContent?alt=sse`: each event is an answer with the next parts. There is no end
 * mark: the stream is done where its bytes end and every candidate has its reason.
 */
export class GeminiStream implements StreamDecoder {
  #id: string | null = null
  #usage: Usage | null = null
  /** Calls so far, and whether it ended, by candidate. */
  readonly #candidates = new Map<number, { calls: number; isFinished: boolean }>()

  decode({ data }: SseEvent): readonly ChatEvent[] {
    if (data === '' || data === '[DONE]') return []
    const answer = jsonOf(data)
    if (!isFields(answer))
      return [{ kind: 'fault', fault: malformed('an event of the stream is no JSON object') }]
    const fault = faultInStream(answer)
    if (fault !== null) return [{ kind: 'fault', fault }]
    const events: ChatEvent[] = []
    if (this.#id === null) {
      this.#id = textOf(answer.responseId) ?? 'gemini'
      events.push({ kind: 'start', id: this.#id, model: textOf(answer.modelVersion) ?? '' })
    }
    this.#usage = usageOf(answer.usageMetadata) ?? this.#usage
    const blocked = blockOf(answer)
    if (blocked !== null && this.#candidates.size === 0) this.#block(blocked, events)
    for (const candidate of listOf(answer.candidates))
      if (isFields(candidate)) this.#read(candidate, events)
    return events
  }

  end(): readonly ChatEvent[] {
    const isWhole = [...this.#candidates.values()].every(({ isFinished }) => isFinished)
    if (this.#candidates.size === 0 || !isWhole) return []
    return this.#usage === null
      ? [{ kind: 'done' }]
      : [{ kind: 'usage', usage: this.#usage }, { kind: 'done' }]
  }

  #block(text: string, events: ChatEvent[]): void {
    this.#candidates.set(0, { calls: 0, isFinished: true })
    events.push(
      { kind: 'refusal', index: 0, text },
      { kind: 'finish', index: 0, reason: 'content_filter', stopSequence: null },
    )
  }

  #read(candidate: Fields, events: ChatEvent[]): void {
    const index = indexOf(candidate)
    const state = this.#candidates.get(index) ?? { calls: 0, isFinished: false }
    this.#candidates.set(index, state)
    let logprobs = logprobsOf(candidate.logprobsResult)
    for (const part of listOf(fieldsOf(candidate.content).parts)) {
      if (!isFields(part)) continue
      const made = callOf(part, this.#id ?? 'gemini', index, state.calls)
      if (made !== null) {
        const call = state.calls++
        const { id, name, arguments: json } = made
        events.push({ kind: 'tool-start', index, call, id, name })
        events.push({ kind: 'tool-arguments', index, call, json })
      } else if (typeof part.text === 'string' && part.text !== '') {
        const { text } = part
        if (part.thought === true) events.push({ kind: 'reasoning', index, text })
        else {
          events.push({ kind: 'text', index, text, ...(logprobs === null ? {} : { logprobs }) })
          // They are the event's, whose text is in one part or in several.
          logprobs = null
        }
      }
    }
    const finish = textOf(candidate.finishReason)
    if (finish === null || state.isFinished) return
    if (BROKEN.has(finish)) {
      events.push({ kind: 'fault', fault: malformed(`the model's answer ended with ${finish}`) })
      return
    }
    state.isFinished = true
    const reason = finishOf(finish, state.calls > 0)
    events.push({ kind: 'finish', index, reason, stopSequence: null })
  }
}
