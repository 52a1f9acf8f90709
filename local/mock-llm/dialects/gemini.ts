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

const FINISHES = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP' }

const toolOf = (body: Fields, last: Fields | undefined): MockRequest['tool'] => {
  const declared = listOf(body.tools).flatMap((tool) => listOf(tool.functionDeclarations))
  const config = fieldsOf(fieldsOf(body.toolConfig).functionCallingConfig)
  if (config.mode === 'NONE' || declared.length === 0) return null
  const isResult = listOf(last?.parts).some((part) => 'functionResponse' in part)
  if (config.mode !== 'ANY' && isResult) return null
  const allowed = Array.isArray(config.allowedFunctionNames) ? config.allowedFunctionNames : []
  const called = declared.find(({ name }) => name === allowed[0]) ?? declared[0]
  if (called === undefined) return null
  return { name: String(called.name), schema: called.parameters ?? called.parametersJsonSchema }
}

const usageOf = ({ usage }: MockAnswer) => ({
  usageMetadata: {
    promptTokenCount: usage.inputTokens,
    cachedContentTokenCount: usage.cachedInputTokens,
    // Thoughts are counted beside them.
    candidatesTokenCount: usage.outputTokens - usage.reasoningTokens,
    thoughtsTokenCount: usage.reasoningTokens,
    totalTokenCount: usage.inputTokens + usage.outputTokens,
  },
})

const callOf = ({ tool }: MockAnswer): Fields[] =>
  tool === null ? [] : [{ functionCall: { name: tool.name, args: JSON.parse(tool.arguments) } }]

/** Gemini's generateContent. */
export const gemini: MockDialect = {
  read: (body, model, isStream) => {
    const turns = listOf(body.contents)
    const texts = [fieldsOf(body.systemInstruction), ...turns].map(({ parts }) => contentOf(parts))
    const config = fieldsOf(body.generationConfig)
    const schema = config.responseSchema ?? config.responseJsonSchema ?? null
    return {
      model,
      isStream,
      textBytes: texts.reduce((sum, { textBytes }) => sum + textBytes, 0),
      messages: turns.length,
      images: texts.reduce((sum, { images }) => sum + images, 0),
      lastRole: String(turns.at(-1)?.role ?? 'user'),
      outputTokensMax: numberOf(config.maxOutputTokens),
      stop: stopsOf(config.stopSequences),
      choices: numberOf(config.candidateCount) ?? 1,
      tool: toolOf(body, turns.at(-1)),
      schema: schema ?? (config.responseMimeType === 'application/json' ? 'json' : null),
      logprobs: false,
      includeUsage: true,
    }
  },

  whole: (answer, { usage }) => ({
    candidates: Array.from({ length: answer.choices }, (_, index) => ({
      index,
      content: {
        role: 'model',
        parts: [
          ...(answer.reasoning.length > 0
            ? [{ text: answer.reasoning.join(''), thought: true }]
            : []),
          ...(answer.tool === null ? [{ text: answer.tokens.join('') }] : callOf(answer)),
        ],
      },
      finishReason: FINISHES[answer.finish],
    })),
    ...(usage !== 'none' && usageOf(answer)),
    modelVersion: answer.model,
    responseId: answer.id,
  }),

  parts: (answer, { usage }) => {
    const tail = { modelVersion: answer.model, responseId: answer.id }
    const parts: Part[] = []
    for (let index = 0; index < answer.choices; index++) {
      const chunk = (pieces: Fields[], more: Fields = {}) => ({
        candidates: [{ index, content: { role: 'model', parts: pieces }, ...more }],
      })
      for (const text of answer.reasoning) {
        parts.push(token({ ...chunk([{ text, thought: true }]), ...tail }))
      }
      for (const text of answer.tokens) parts.push(token({ ...chunk([{ text }]), ...tail }))
      if (answer.tool !== null) parts.push(token({ ...chunk(callOf(answer)), ...tail }))
      const isLast = index === answer.choices - 1
      const tells = isLast && usage !== 'none'
      const last = chunk([{ text: '' }], { finishReason: FINISHES[answer.finish] })
      parts.push({
        ...frame({ ...last, ...(tells && usageOf(answer)), ...tail }),
        kind: isLast ? 'end' : 'frame',
        tells,
      })
    }
    return parts
  },

  error: (status, message) => ({
    error: {
      code: status,
      message,
      status:
        status === 429 ? 'RESOURCE_EXHAUSTED' : status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT',
    },
  }),

  errorPart: (message) => ({
    event: null,
    data: JSON.stringify({ error: { code: 503, message, status: 'UNAVAILABLE' } }),
  }),
}
