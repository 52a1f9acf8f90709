import type { Choice, Completion, Fields, FinishReason, Usage } from '../chat.ts'
import { fieldsOf, readFields, writeJson } from '../fields.ts'

const STOP_REASONS: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
}

export const stopReasonOf = (reason: FinishReason, stopSequence: string | null): string =>
  reason === 'stop' && stopSequence !== null ? 'stop_sequence' : STOP_REASONS[reason]

/** Anthropic counts what its cache holds beside the input, not in it. */
export const anthropicUsage = (usage: Usage | null): Fields => {
  const { cachedInputTokens: read = 0, cacheWriteTokens: written = 0 } = usage ?? {}
  return {
    input_tokens: Math.max(0, (usage?.inputTokens ?? 0) - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: usage?.outputTokens ?? 0,
    ...(usage !== null && usage.reasoningTokens > 0
      ? { output_tokens_details: { thinking_tokens: usage.reasoningTokens } }
      : {}),
  }
}

/** Tools take objects; what a model wrote otherwise is told as it is, under a name. */
const inputOf = (json: string): Fields => {
  const input = json === '' ? {} : readFields(json)
  return input === null || writeJson(input) === null ? { arguments: json } : input
}

const contentOf = (choice: Choice): readonly Fields[] => {
  const { reasoning, reasoningSignature, text, refusal, toolCalls } = choice
  const said = [text, refusal].filter((part) => part !== null && part !== '')
  return [
    ...(reasoning === null || reasoning === ''
      ? []
      : [{ type: 'thinking', thinking: reasoning, signature: reasoningSignature ?? '' }]),
    ...said.map((part) => ({ type: 'text', text: part, citations: null })),
    ...toolCalls.map(({ id, name, arguments: json }) => ({
      type: 'tool_use',
      id,
      name,
      input: inputOf(json),
    })),
  ]
}

/** Anthropic answers once: of several answers the first is told. */
export const anthropicMessage = (completion: Completion, requestId: string): Fields => {
  const { id, model, choices, usage } = completion
  const choice = choices[0]
  return {
    id: id === '' ? requestId : id,
    type: 'message',
    role: 'assistant',
    model,
    content: choice === undefined ? [] : contentOf(choice),
    stop_reason: stopReasonOf(choice?.finishReason ?? 'stop', choice?.stopSequence ?? null),
    stop_sequence: choice?.stopSequence ?? null,
    usage: fieldsOf(anthropicUsage(usage)),
  }
}
