import { err, ok, type Result } from '../../result.ts'
import type { Completion, Fields, FinishReason, Usage } from '../chat.ts'
import type { UpstreamFault } from '../faults.ts'
import {
  countOf,
  fieldsOf,
  isFields,
  listOf,
  ownOf,
  readFields,
  textOf,
  writeJson,
} from '../fields.ts'
import { streamFault, upstreamErrorOf } from '../upstream-errors.ts'

const FINISHES: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

export const anthropicFinishOf = (reason: unknown): FinishReason =>
  (typeof reason === 'string' ? ownOf(FINISHES, reason) : undefined) ?? 'stop'

/**
 * Anthropic's `usage`, its cache folded into the input. In a stream the counts are those of the whole message
 * so far, and what a later event leaves out stays: @param before those counts
 */
export const anthropicUsageOf = (usage: unknown, before: Fields = {}): [Usage, Fields] | null => {
  if (!isFields(usage)) return null
  const told = Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null))
  const counts: Fields = { ...before, ...told }
  const read = countOf(counts.cache_read_input_tokens) ?? 0
  const written = countOf(counts.cache_creation_input_tokens) ?? 0
  const folded: Usage = {
    inputTokens: (countOf(counts.input_tokens) ?? 0) + read + written,
    cachedInputTokens: read,
    cacheWriteTokens: written,
    outputTokens: countOf(counts.output_tokens) ?? 0,
    reasoningTokens: countOf(fieldsOf(counts.output_tokens_details).thinking_tokens) ?? 0,
  }
  return [folded, counts]
}

const ofType = (content: readonly Fields[], type: string): readonly Fields[] =>
  content.filter((block) => block.type === type)

const joined = (texts: readonly (string | null)[]): string | null =>
  texts.length === 0 ? null : texts.join('')

/** A whole message. @param nowMs Anthropic tells no time */
export const readAnthropicMessage = (
  bytes: Uint8Array,
  nowMs: number,
): Result<Completion, UpstreamFault> => {
  const body = readFields(bytes)
  if (body === null) return err({ reason: 'malformed', detail: 'the answer is no JSON object' })
  const error = body.type === 'error' ? upstreamErrorOf(body) : null
  if (error !== null) return err(streamFault(error))
  if (!Array.isArray(body.content))
    return err({ reason: 'malformed', detail: 'the answer has no content' })
  const content = listOf(body.content).filter(isFields)
  const thinking = ofType(content, 'thinking')
  return ok({
    id: textOf(body.id) ?? '',
    model: textOf(body.model) ?? '',
    createdAtMs: nowMs,
    choices: [
      {
        index: 0,
        text: joined(ofType(content, 'text').map(({ text }) => textOf(text))),
        reasoning: joined(thinking.map((block) => textOf(block.thinking))),
        reasoningSignature: textOf(thinking.at(-1)?.signature),
        refusal: null,
        toolCalls: ofType(content, 'tool_use').map(({ id, name, input }) => ({
          id: textOf(id) ?? '',
          name: textOf(name) ?? '',
          arguments: writeJson(input ?? {}) ?? '{}',
        })),
        finishReason: anthropicFinishOf(body.stop_reason),
        stopSequence: textOf(body.stop_sequence),
        logprobs: null,
      },
    ],
    usage: anthropicUsageOf(body.usage)?.[0] ?? null,
  })
}
