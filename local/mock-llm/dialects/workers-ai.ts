import type { MockAnswer } from '../answer.ts'
import { openai } from './openai.ts'
import { frame, type MockDialect, type Part, token } from './types.ts'

const usageOf = ({ usage }: MockAnswer) => ({
  usage: {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: usage.inputTokens + usage.outputTokens,
  },
})

const callsOf = ({ tool }: MockAnswer) =>
  tool === null ? {} : { tool_calls: [{ name: tool.name, arguments: JSON.parse(tool.arguments) }] }

/** Cloudflare's Workers AI: it reads messages as OpenAI does, and answers in its own envelope. */
export const workersAi: MockDialect = {
  read: openai.read,

  whole: (answer, { usage }) => ({
    result: {
      response: answer.tool === null ? answer.tokens.join('') : null,
      ...callsOf(answer),
      ...(usage !== 'none' && usageOf(answer)),
    },
    success: true,
    errors: [],
    messages: [],
  }),

  parts: (answer, { usage }) => {
    const parts: Part[] = answer.tokens.map((response) => token({ response }))
    if (answer.tool !== null) parts.push(token({ response: '', ...callsOf(answer) }))
    if (usage !== 'none') {
      parts.push({ ...frame({ response: '', ...usageOf(answer) }), tells: true })
    }
    parts.push({ event: null, data: '[DONE]', kind: 'end', tells: false })
    return parts
  },

  error: (status, message) => ({
    result: null,
    success: false,
    errors: [{ code: status === 429 ? 3040 : status >= 500 ? 3030 : 5004, message }],
    messages: [],
  }),

  errorPart: (message) => ({
    event: null,
    data: JSON.stringify({ success: false, errors: [{ code: 3030, message }] }),
  }),
}
