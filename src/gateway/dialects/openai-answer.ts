import type { Choice, Completion, Fields, Usage } from '../chat.ts'

export const openAiUsage = (usage: Usage): Fields => ({
  prompt_tokens: usage.inputTokens,
  completion_tokens: usage.outputTokens,
  total_tokens: usage.inputTokens + usage.outputTokens,
  prompt_tokens_details: {
    cached_tokens: usage.cachedInputTokens,
    cache_write_tokens: usage.cacheWriteTokens,
  },
  completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
})

const choiceOf = (choice: Choice): Fields => {
  const { index, text, reasoning, refusal, toolCalls, finishReason, logprobs } = choice
  return {
    index,
    message: {
      role: 'assistant',
      content: text,
      refusal,
      // As DeepSeek and vLLM name it: OpenAI tells no reasoning.
      ...(reasoning === null ? {} : { reasoning_content: reasoning }),
      ...(toolCalls.length === 0
        ? {}
        : {
            tool_calls: toolCalls.map(({ id, name, arguments: json }) => ({
              id,
              type: 'function',
              function: { name, arguments: json },
            })),
          }),
    },
    logprobs: logprobs ?? null,
    finish_reason: finishReason,
  }
}

export const openAiCompletion = (completion: Completion, requestId: string): Fields => {
  const { id, model, createdAtMs, choices, usage } = completion
  return {
    id: id === '' ? requestId : id,
    object: 'chat.completion',
    created: Math.floor(createdAtMs / 1000),
    model,
    choices: choices.map(choiceOf),
    ...(usage === null ? {} : { usage: openAiUsage(usage) }),
  }
}
