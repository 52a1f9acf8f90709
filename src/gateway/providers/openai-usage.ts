import type { Fields, Usage } from '../chat.ts'
import { countOf, fieldsOf, isFields } from '../fields.ts'

/**
 * OpenAI's `usage`, and that of servers that speak like it: DeepSeek's `prompt_cache_hit_tokens`, Groq's
 * `x_groq.usage`, xAI's `completion_tokens` that has no reasoning in it, which its total tells; null where the
 * provider counts nothing.
 */
export const openAiUsageOf = (body: Fields): Usage | null => {
  const usage = isFields(body.usage) ? body.usage : fieldsOf(body.x_groq).usage
  if (!isFields(usage)) return null
  const input = fieldsOf(usage.prompt_tokens_details)
  const output = fieldsOf(usage.completion_tokens_details)
  const inputTokens = countOf(usage.prompt_tokens)
  const outputTokens = countOf(usage.completion_tokens)
  if (inputTokens === null && outputTokens === null) return null
  const reasoningTokens = countOf(output.reasoning_tokens) ?? 0
  const told = (inputTokens ?? 0) + (outputTokens ?? 0)
  const isBeside = reasoningTokens > 0 && usage.total_tokens === told + reasoningTokens
  return {
    inputTokens: inputTokens ?? 0,
    cachedInputTokens: countOf(input.cached_tokens) ?? countOf(usage.prompt_cache_hit_tokens) ?? 0,
    cacheWriteTokens: countOf(input.cache_write_tokens) ?? 0,
    outputTokens: (outputTokens ?? 0) + (isBeside ? reasoningTokens : 0),
    reasoningTokens,
  }
}
