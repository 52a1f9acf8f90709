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

/** Of every answer: it is the same, wherever it is asked. */
const CREATED_SECONDS = 1_760_000_000
const FINGERPRINT = 'mock'

/** The tool that is to be called: the named one, else the first, unless its result was just sent. */
export const toolOf = (body: Fields, lastRole: string): MockRequest['tool'] => {
  const functions = listOf(body.tools).map((tool) => fieldsOf(tool.function ?? tool))
  const choice = body.tool_choice
  if (choice === 'none' || functions.length === 0) return null
  const named = fieldsOf(fieldsOf(choice).function).name
  const isForced = choice === 'required' || named !== undefined
  if (!isForced && lastRole !== 'user') return null
  const called = functions.find(({ name }) => name === named) ?? functions[0]
  return called === undefined ? null : { name: String(called.name), schema: called.parameters }
}

const schemaOf = (format: Fields): unknown => {
  if (format.type === 'json_object') return 'json'
  return format.type === 'json_schema' ? (fieldsOf(format.json_schema).schema ?? 'json') : null
}

const usageOf = ({ usage }: MockAnswer) => ({
  prompt_tokens: usage.inputTokens,
  completion_tokens: usage.outputTokens,
  total_tokens: usage.inputTokens + usage.outputTokens,
  prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
  completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
})

const logprobsOf = (tokens: readonly string[]) => ({
  content: tokens.map((text) => ({
    token: text,
    logprob: -0.5,
    bytes: [...Buffer.from(text)],
    top_logprobs: [],
  })),
  refusal: null,
})

const toolCall = (tool: NonNullable<MockAnswer['tool']>) => ({
  id: tool.id,
  type: 'function',
  function: { name: tool.name, arguments: tool.arguments },
})

const choicesOf = (answer: MockAnswer): number[] =>
  Array.from({ length: answer.choices }, (_, index) => index)

/** OpenAI's chat completions, and whoever speaks them. */
export const openai: MockDialect = {
  read: (body, model, isStream) => {
    const messages = listOf(body.messages)
    const contents = messages.map(({ content }) => contentOf(content))
    const lastRole = String(messages.at(-1)?.role ?? '')
    return {
      model,
      isStream,
      textBytes: contents.reduce((sum, { textBytes }) => sum + textBytes, 0),
      messages: messages.length,
      images: contents.reduce((sum, { images }) => sum + images, 0),
      lastRole,
      outputTokensMax: numberOf(body.max_completion_tokens ?? body.max_tokens),
      stop: stopsOf(body.stop),
      choices: numberOf(body.n) ?? 1,
      tool: toolOf(body, lastRole),
      schema: schemaOf(fieldsOf(body.response_format)),
      logprobs: body.logprobs === true,
      includeUsage: fieldsOf(body.stream_options).include_usage === true,
    }
  },

  whole: (answer, { usage }) => ({
    id: answer.id,
    object: 'chat.completion',
    created: CREATED_SECONDS,
    model: answer.model,
    choices: choicesOf(answer).map((index) => ({
      index,
      message: {
        role: 'assistant',
        content: answer.tool === null ? answer.tokens.join('') : null,
        refusal: null,
        ...(answer.reasoning.length > 0 && { reasoning_content: answer.reasoning.join('') }),
        ...(answer.tool !== null && { tool_calls: [toolCall(answer.tool)] }),
      },
      logprobs: answer.logprobs ? logprobsOf(answer.tokens) : null,
      finish_reason: answer.finish,
    })),
    ...(usage !== 'none' && { usage: usageOf(answer) }),
    system_fingerprint: FINGERPRINT,
  }),

  parts: (answer, { usage }) => {
    const head = {
      id: answer.id,
      object: 'chat.completion.chunk',
      created: CREATED_SECONDS,
      model: answer.model,
      system_fingerprint: FINGERPRINT,
    }
    const chunk = (index: number, delta: Fields, more: Fields = {}) => ({
      ...head,
      choices: [{ index, delta, logprobs: null, finish_reason: null, ...more }],
    })
    const parts: Part[] = []
    for (const index of choicesOf(answer)) {
      parts.push(frame(chunk(index, { role: 'assistant', content: '' })))
      for (const text of answer.reasoning) {
        parts.push(token(chunk(index, { reasoning_content: text })))
      }
      for (const text of answer.tokens) {
        const more = answer.logprobs ? { logprobs: logprobsOf([text]) } : {}
        parts.push(token(chunk(index, { content: text }, more)))
      }
      if (answer.tool !== null) {
        const { id, name, arguments: json } = answer.tool
        const half = Math.ceil(json.length / 2)
        const call = (delta: Fields) =>
          token(chunk(index, { tool_calls: [{ index: 0, ...delta }] }))
        parts.push(call({ id, type: 'function', function: { name, arguments: '' } }))
        for (const piece of [json.slice(0, half), json.slice(half)]) {
          if (piece !== '') parts.push(call({ function: { arguments: piece } }))
        }
      }
      const isLast = index === answer.choices - 1
      const finish = chunk(index, {}, { finish_reason: answer.finish })
      const tells = isLast && usage === 'finish-chunk'
      parts.push({ ...frame(tells ? { ...finish, usage: usageOf(answer) } : finish), tells })
    }
    if (usage === 'own-chunk') {
      parts.push({ ...frame({ ...head, choices: [], usage: usageOf(answer) }), tells: true })
    }
    parts.push({ event: null, data: '[DONE]', kind: 'end', tells: false })
    return parts
  },

  error: (status, message) => ({
    error: {
      message,
      type: status >= 500 ? 'server_error' : 'invalid_request_error',
      param: null,
      code: status === 429 ? 'rate_limit_exceeded' : null,
    },
  }),

  errorPart: (message) => ({
    event: null,
    data: JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } }),
  }),
}
