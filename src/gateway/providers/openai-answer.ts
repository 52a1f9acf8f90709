import { err, ok, type Result } from '../../result.ts'
import type { Choice, Completion, Fields, FinishReason, ToolCall } from '../chat.ts'
import type { UpstreamFault } from '../faults.ts'
import {
  countOf,
  fieldsOf,
  isAbsent,
  isFields,
  listOf,
  ownOf,
  readFields,
  textOf,
  writeJson,
} from '../fields.ts'
import { streamFault, upstreamErrorOf } from '../upstream-errors.ts'
import { openAiUsageOf } from './openai-usage.ts'

/** Other words for why a model stopped: the deprecated one of OpenAI, and those of servers like it. */
const FINISHES: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  length: 'length',
  max_tokens: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
}

/** OpenAI says `stop` where a tool was forced: what called one has stopped for it. */
export const finishOf = (reason: unknown, hasCalls: boolean): FinishReason => {
  const finish = (typeof reason === 'string' ? ownOf(FINISHES, reason) : undefined) ?? 'stop'
  return finish === 'stop' && hasCalls ? 'tool_calls' : finish
}

/** Reasoning as DeepSeek and vLLM tell it, or as OpenRouter does. */
export const reasoningOf = (message: Fields): string | null =>
  textOf(message.reasoning_content) ?? textOf(message.reasoning)

/** Mistral's thinking models have parts for content; others a text. */
export const contentOf = (content: unknown): { text: string | null; reasoning: string | null } => {
  if (!Array.isArray(content))
    return { text: typeof content === 'string' ? content : null, reasoning: null }
  const parts = content.filter(isFields)
  const text = parts.map(({ text }) => textOf(text) ?? '').join('')
  const reasoning = parts
    .flatMap(({ thinking }) => listOf(thinking))
    .map((part) => textOf(fieldsOf(part).text) ?? '')
    .join('')
  return { text, reasoning: textOf(reasoning) }
}

/** JSON text; some servers give the object itself. */
export const argumentsOf = (given: unknown): string =>
  typeof given === 'string' ? given : isAbsent(given) ? '' : (writeJson(given) ?? '')

const callsOf = (message: Fields): readonly ToolCall[] => {
  const legacy = isFields(message.function_call) ? [{ function: message.function_call }] : []
  return [...listOf(message.tool_calls), ...legacy].filter(isFields).map((call, i) => {
    const called = fieldsOf(call.function ?? call.custom)
    return {
      id: textOf(call.id) ?? `call_${i}`,
      name: textOf(called.name) ?? '',
      arguments: argumentsOf(called.arguments ?? called.input),
    }
  })
}

const choiceOf = (choice: Fields, at: number): Choice => {
  const message = fieldsOf(choice.message)
  const toolCalls = callsOf(message)
  const { text, reasoning } = contentOf(message.content)
  return {
    index: countOf(choice.index) ?? at,
    text,
    reasoning: reasoningOf(message) ?? reasoning,
    reasoningSignature: null,
    refusal: textOf(message.refusal),
    toolCalls,
    finishReason: finishOf(choice.finish_reason, toolCalls.length > 0),
    // vLLM tells the sequence that it stopped at.
    stopSequence: textOf(choice.stop_reason),
    logprobs: choice.logprobs ?? null,
  }
}

/** A whole answer of OpenAI's chat completions. @param nowMs where it does not tell its time */
export const readOpenAiCompletion = (
  bytes: Uint8Array,
  nowMs: number,
): Result<Completion, UpstreamFault> => {
  const body = readFields(bytes)
  if (body === null) return err({ reason: 'malformed', detail: 'the answer is no JSON object' })
  const choices = listOf(body.choices).filter(isFields)
  // OpenRouter, too, tells errors with status 200.
  const error = isAbsent(body.error) ? null : upstreamErrorOf(body)
  if (error !== null) return err(streamFault(error))
  if (choices.length === 0) return err({ reason: 'malformed', detail: 'the answer has no choices' })
  const created = countOf(body.created)
  return ok({
    id: textOf(body.id) ?? '',
    model: textOf(body.model) ?? '',
    createdAtMs: created === null ? nowMs : created * 1000,
    choices: choices.map(choiceOf),
    usage: openAiUsageOf(body),
  })
}
