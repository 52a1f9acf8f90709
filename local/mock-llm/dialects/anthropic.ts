import type { MockAnswer, MockRequest } from '../answer.ts'
import {
  contentOf,
  type Fields,
  fieldsOf,
  frame,
  listOf,
  type MockDialect,
  numberOf,
  type Part,
  stopsOf,
  token,
} from './types.ts'

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' }
const SIGNATURE = 'bW9jaw=='

const isToolResult = (content: unknown): boolean =>
  listOf(content).some(({ type }) => type === 'tool_result')

const toolOf = (body: Fields, lastContent: unknown): MockRequest['tool'] => {
  const tools = listOf(body.tools)
  const choice = fieldsOf(body.tool_choice)
  if (choice.type === 'none' || tools.length === 0) return null
  const isForced = choice.type === 'any' || choice.type === 'tool'
  if (!isForced && isToolResult(lastContent)) return null
  const called = tools.find(({ name }) => name === choice.name) ?? tools[0]
  return called === undefined ? null : { name: String(called.name), schema: called.input_schema }
}

const inputUsage = ({ usage }: MockAnswer) => ({
  // What went through the cache is not in it.
  input_tokens: usage.inputTokens - usage.cachedInputTokens - usage.cacheWriteTokens,
  cache_read_input_tokens: usage.cachedInputTokens,
  cache_creation_input_tokens: usage.cacheWriteTokens,
})

const stopOf = ({ finish, stopSequence }: MockAnswer) => ({
  stop_reason: stopSequence === null ? STOP_REASONS[finish] : 'stop_sequence',
  stop_sequence: stopSequence,
})

/** Anthropic's messages. */
export const anthropic: MockDialect = {
  read: (body, model, isStream) => {
    const messages = listOf(body.messages)
    const contents = [contentOf(body.system), ...messages.map(({ content }) => contentOf(content))]
    const last = messages.at(-1)
    return {
      model,
      isStream,
      textBytes: contents.reduce((sum, { textBytes }) => sum + textBytes, 0),
      messages: messages.length,
      images: contents.reduce((sum, { images }) => sum + images, 0),
      lastRole: String(last?.role ?? ''),
      outputTokensMax: numberOf(body.max_tokens),
      stop: stopsOf(body.stop_sequences),
      choices: 1,
      tool: toolOf(body, last?.content),
      schema: fieldsOf(fieldsOf(body.output_config ?? body.output_format).format).schema ?? null,
      logprobs: false,
      includeUsage: true,
    }
  },

  whole: (answer, { usage }) => ({
    id: answer.id,
    type: 'message',
    role: 'assistant',
    model: answer.model,
    content: [
      ...(answer.reasoning.length > 0
        ? [{ type: 'thinking', thinking: answer.reasoning.join(''), signature: SIGNATURE }]
        : []),
      ...(answer.tool === null
        ? [{ type: 'text', text: answer.tokens.join('') }]
        : [
            {
              type: 'tool_use',
              id: answer.tool.id,
              name: answer.tool.name,
              input: JSON.parse(answer.tool.arguments),
            },
          ]),
    ],
    ...stopOf(answer),
    ...(usage !== 'none' && {
      usage: { ...inputUsage(answer), output_tokens: answer.usage.outputTokens },
    }),
  }),

  parts: (answer, { usage }) => {
    const parts: Part[] = []
    const say = (type: string, more: Fields): Part => frame({ type, ...more }, type)
    const delta = (index: number, more: Fields): Part =>
      token({ type: 'content_block_delta', index, delta: more }, 'content_block_delta')
    const message = { id: answer.id, type: 'message', role: 'assistant', model: answer.model }
    const told = usage === 'none' ? {} : { usage: { ...inputUsage(answer), output_tokens: 1 } }
    const unended = { content: [], stop_reason: null, stop_sequence: null }
    parts.push(say('message_start', { message: { ...message, ...unended, ...told } }))
    let index = 0
    const block = (start: Fields, deltas: readonly Fields[]): void => {
      parts.push(say('content_block_start', { index, content_block: start }))
      for (const one of deltas) parts.push(delta(index, one))
      parts.push(say('content_block_stop', { index }))
      index++
    }
    if (answer.reasoning.length > 0) {
      const thoughts = answer.reasoning.map((thinking) => ({ type: 'thinking_delta', thinking }))
      const proof = { type: 'signature_delta', signature: SIGNATURE }
      block({ type: 'thinking', thinking: '', signature: '' }, [...thoughts, proof])
    }
    parts.push(say('ping', {}))
    if (answer.tool === null) {
      const texts = answer.tokens.map((text) => ({ type: 'text_delta', text }))
      block({ type: 'text', text: '' }, texts)
    } else {
      const { id, name, arguments: json } = answer.tool
      const half = Math.ceil(json.length / 2)
      const pieces = ['', json.slice(0, half), json.slice(half)]
      block(
        { type: 'tool_use', id, name, input: {} },
        pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
      )
    }
    const counted = usage === 'none' ? {} : { usage: { output_tokens: answer.usage.outputTokens } }
    parts.push({
      ...say('message_delta', { delta: stopOf(answer), ...counted }),
      tells: usage !== 'none',
    })
    parts.push({ ...say('message_stop', {}), kind: 'end' })
    return parts
  },

  error: (status, message) => ({
    type: 'error',
    error: {
      type:
        status === 429
          ? 'rate_limit_error'
          : status === 529
            ? 'overloaded_error'
            : status >= 500
              ? 'api_error'
              : 'invalid_request_error',
      message,
    },
    request_id: 'req_mock',
  }),

  errorPart: (message) => ({
    event: 'error',
    data: JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message } }),
  }),
}
