import type { Fields } from '../chat.ts'
import { fieldsOf, isFields, listOf, textOf } from '../fields.ts'
import type { ChatCall } from './types.ts'

/**
 * Set where a request says nothing: Workers AI ends answers after 256 tokens then, where the other
 * providers go on to the end.
 */
const OUTPUT_TOKENS = 2_048

/** Members that Workers AI has under the same name. */
const KEPT = [
  'temperature',
  'top_p',
  'top_k',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'repetition_penalty',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'stop',
  'logprobs',
  'top_logprobs',
  'lora',
  'chat_template_kwargs',
] as const

/** Parts are a text where all are; models that see images take the parts. */
const contentOf = (content: unknown): unknown => {
  if (content === null || content === undefined) return ''
  if (!Array.isArray(content)) return content
  const texts = content.map((part) => {
    const { type, text, refusal } = fieldsOf(part)
    return type === 'text' ? textOf(text) : type === 'refusal' ? textOf(refusal) : null
  })
  return texts.every((text) => text !== null) ? texts.join('') : content
}

const messageOf = (message: unknown): Fields => {
  const fields = fieldsOf(message)
  const role = fields.role === 'developer' ? 'system' : fields.role
  return { ...fields, role, content: contentOf(fields.content) }
}

/** JSON mode takes the schema itself. Source: developers.cloudflare.com/workers-ai/features/json-mode */
const formatOf = (format: unknown): Fields => {
  const { type, json_schema: named } = fieldsOf(format)
  if (type !== 'json_schema') return type === 'json_object' ? { response_format: { type } } : {}
  const { schema } = fieldsOf(named)
  return {
    response_format: isFields(schema) ? { type, json_schema: schema } : { type: 'json_object' },
  }
}

/**
 * A chat completion's body as that of `ai/run`.
 *
 * @param body as OpenAI has it, checked
 * Source: developers.cloudflare.com/workers-ai, `AiTextGenerationInput` of @cloudflare/workers-types
 */
export const runBodyOf = (
  body: Fields,
  call: Pick<ChatCall, 'isStream' | 'reasoningEffort'>,
): Fields => {
  const effort = textOf(body.reasoning_effort) ?? call.reasoningEffort
  const kept = KEPT.flatMap((name) => {
    const value = body[name]
    return value === undefined || value === null ? [] : [[name, value] as const]
  })
  return {
    messages: listOf(body.messages).map(messageOf),
    max_tokens: body.max_completion_tokens ?? body.max_tokens ?? OUTPUT_TOKENS,
    ...Object.fromEntries(kept),
    ...formatOf(body.response_format),
    ...(effort === null ? {} : { reasoning_effort: effort }),
    ...(call.isStream ? { stream: true, stream_options: { include_usage: true } } : {}),
  }
}
