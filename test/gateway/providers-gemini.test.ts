import { gemini } from '../../src/gateway/providers/gemini.ts'
import { PIXEL, runProviderCases } from './providers.case.ts'

const usage = {
  inputTokens: 25,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 15,
  reasoningTokens: 0,
}
const COUNTS = { promptTokenCount: 25, candidatesTokenCount: 15, totalTokenCount: 40 }

/** Shapes of `GenerateContentResponse` in the reference of the Gemini API. */
const answer = (parts: object[], candidate: object = {}, more: object = {}) => ({
  candidates: [{ content: { parts, role: 'model' }, finishReason: 'STOP', index: 0, ...candidate }],
  usageMetadata: COUNTS,
  modelVersion: 'gemini-2.5-flash',
  responseId: 'mAitaLmkHPPlz7IPvtfUqQ4',
  ...more,
})

/** The stream's lines end as Google's servers end them. */
const stream = (...answers: object[]) =>
  answers.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join('')

const open = { finishReason: undefined }
const status = (code: number, name: string, message: string, details: object[] = []) =>
  JSON.stringify({ error: { code, message, status: name, details } })

const call = { functionCall: { id: 'c1', name: 'weather', args: { city: 'Oslo' } } }
const WEATHER_SCHEMA = {
  type: 'OBJECT',
  properties: { city: { type: 'STRING' } },
  required: ['city'],
}
const image = { inlineData: { mimeType: 'image/png', data: PIXEL } }
const declared = [
  {
    functionDeclarations: [{ name: 'weather', description: 'Now', parameters: WEATHER_SCHEMA }],
  },
]
const calling = { functionCallingConfig: { mode: 'ANY' } }
const hello = [{ role: 'user', parts: [{ text: 'Hello' }] }]

runProviderCases({
  protocol: gemini,
  baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
  credential: { scheme: 'x-goog-api-key', secret: 'AIzaSyTest0123456789' },
  headers: { 'x-goog-api-key': 'AIzaSyTest0123456789' },
  url: (model, isStream) =>
    `https://generativelanguage.googleapis.com/v1beta/models/${model}:${isStream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
  completions: [
    {
      name: 'a text',
      body: JSON.stringify(answer([{ text: 'Hello!' }])),
      said: { text: 'Hello!', finishReason: 'stop', usage },
    },
    {
      name: 'calls of tools',
      body: JSON.stringify(answer([{ text: 'I look.' }, call])),
      said: {
        text: 'I look.',
        toolCalls: [{ id: 'c1', name: 'weather', input: { city: 'Oslo' } }],
        finishReason: 'tool_calls',
        usage,
      },
    },
    {
      name: 'thoughts and input from the cache',
      body: JSON.stringify(
        answer(
          [{ text: 'They greet.', thought: true }, { text: 'Hello!' }],
          {},
          {
            usageMetadata: {
              promptTokenCount: 2_105,
              cachedContentTokenCount: 2_000,
              candidatesTokenCount: 11,
              thoughtsTokenCount: 4,
            },
          },
        ),
      ),
      said: {
        text: 'Hello!',
        reasoning: 'They greet.',
        finishReason: 'stop',
        usage: {
          inputTokens: 2_105,
          cachedInputTokens: 2_000,
          cacheWriteTokens: 0,
          outputTokens: 15,
          reasoningTokens: 4,
        },
      },
    },
    {
      name: 'a text that was too long',
      body: JSON.stringify(answer([{ text: 'Hel' }], { finishReason: 'MAX_TOKENS' })),
      said: { text: 'Hel', finishReason: 'length', usage },
    },
    {
      name: 'a text that was cut for safety',
      body: JSON.stringify(answer([{ text: 'Hel' }], { finishReason: 'SAFETY' })),
      said: { text: 'Hel', finishReason: 'content_filter', usage },
    },
    {
      name: 'a prompt that was blocked',
      body: JSON.stringify({
        promptFeedback: { blockReason: 'PROHIBITED_CONTENT' },
        usageMetadata: COUNTS,
      }),
      said: {
        text: null,
        refusal: 'the provider blocked the prompt: PROHIBITED_CONTENT',
        finishReason: 'content_filter',
        usage,
      },
    },
  ],
  streams: [
    {
      name: 'text',
      body: stream(
        answer([{ text: 'Hel' }], open, { usageMetadata: { promptTokenCount: 25 } }),
        answer([{ text: 'lo – 😀' }]),
      ),
      said: { text: 'Hello – 😀', finishReason: 'stop', usage },
    },
    {
      name: 'thoughts, then calls of tools',
      body: stream(
        answer([{ text: 'They ', thought: true }], open),
        answer([{ text: 'ask.', thought: true }], open),
        answer([call, { functionCall: { id: 'c2', name: 'weather' } }], open),
        answer([{ text: '' }]),
      ),
      said: {
        text: null,
        reasoning: 'They ask.',
        toolCalls: [
          { id: 'c1', name: 'weather', input: { city: 'Oslo' } },
          { id: 'c2', name: 'weather', input: {} },
        ],
        finishReason: 'tool_calls',
        usage,
      },
    },
  ],
  faults: [
    {
      name: 'a wrong key',
      status: 400,
      body: status(400, 'INVALID_ARGUMENT', 'API key not valid.', [
        { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' },
      ]),
      fault: { reason: 'credential', status: 400 },
    },
    {
      name: 'no permission',
      status: 403,
      body: status(403, 'PERMISSION_DENIED', 'Generative Language API has not been used'),
      fault: { reason: 'credential', status: 403 },
    },
    {
      name: 'a model that is not there',
      status: 404,
      body: status(404, 'NOT_FOUND', 'models/gemini-9 is not found for API version v1beta'),
      fault: { reason: 'model-unknown', status: 404 },
    },
    {
      name: 'a prompt that is too long',
      status: 400,
      body: status(
        400,
        'INVALID_ARGUMENT',
        'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      ),
      fault: { reason: 'context-exceeded', status: 400 },
    },
    {
      name: 'a quota with the time to wait',
      status: 429,
      body: status(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota', [
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34s' },
      ]),
      fault: { reason: 'rate-limited', status: 429, retryAfterMs: 34_000 },
    },
    {
      name: 'an error in an array',
      status: 429,
      body: `[${status(429, 'RESOURCE_EXHAUSTED', 'Resource exhausted. Please retry in 1.5s.')}]`,
      fault: { reason: 'rate-limited', status: 429, retryAfterMs: 1_500 },
    },
    {
      name: 'a bad request',
      status: 400,
      body: status(400, 'INVALID_ARGUMENT', 'Invalid value, see https://ai.google.dev/api'),
      fault: { reason: 'request', status: 400, detail: 'Invalid value, see [address]' },
    },
    {
      name: 'an overloaded server',
      status: 503,
      body: status(503, 'UNAVAILABLE', 'The model is overloaded.'),
      fault: { reason: 'server', status: 503, detail: 'The model is overloaded.' },
    },
  ],
  faultStreams: [
    {
      name: 'an overload',
      body: `${stream(answer([{ text: 'Hel' }], open))}data: ${status(503, 'UNAVAILABLE', 'Overloaded')}\n\n`,
      fault: { reason: 'server', status: 503 },
    },
    {
      name: 'a call that is none',
      body: stream(answer([], { finishReason: 'MALFORMED_FUNCTION_CALL' })),
      fault: { reason: 'malformed' },
    },
  ],
  requests: {
    text: { contents: hello },
    instructions: {
      systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'Be kind.' }] },
      contents: hello,
    },
    images: { contents: [{ role: 'user', parts: [{ text: 'What is this?' }, image] }] },
    tools: {
      contents: [
        { role: 'user', parts: [{ text: 'Weather in Oslo and Bergen?' }] },
        {
          role: 'model',
          parts: [
            { functionCall: { id: 'call_1', name: 'weather', args: { city: 'Oslo' } } },
            { functionCall: { id: 'call_2', name: 'weather', args: { city: 'Bergen' } } },
          ],
        },
        {
          role: 'user',
          parts: [
            {
              functionResponse: { id: 'call_1', name: 'weather', response: { result: '3 °C' } },
            },
            {
              functionResponse: { id: 'call_2', name: 'weather', response: { result: '5 °C' } },
            },
            { text: 'And tomorrow?' },
          ],
        },
      ],
      tools: declared,
      toolConfig: calling,
    },
    sampling: {
      contents: hello,
      generationConfig: { temperature: 0.5, maxOutputTokens: 100, stopSequences: ['END'] },
    },
    schema: {
      generationConfig: { responseMimeType: 'application/json', responseSchema: WEATHER_SCHEMA },
    },
  },
  messages: {
    text: { contents: hello, generationConfig: { maxOutputTokens: 100 } },
    instructions: {
      systemInstruction: { parts: [{ text: 'Be brief.' }] },
      contents: hello,
      generationConfig: { maxOutputTokens: 100, stopSequences: ['END'] },
    },
    tools: {
      contents: [
        { role: 'user', parts: [{ text: 'Weather in Oslo?' }] },
        {
          role: 'model',
          parts: [
            { text: 'I look.' },
            { functionCall: { id: 'toolu_1', name: 'weather', args: { city: 'Oslo' } } },
          ],
        },
        {
          role: 'user',
          parts: [
            {
              functionResponse: { id: 'toolu_1', name: 'weather', response: { result: '3 °C' } },
            },
            { text: 'And tomorrow?' },
          ],
        },
      ],
      tools: declared,
      toolConfig: calling,
    },
    images: { contents: [{ role: 'user', parts: [image, { text: 'What is this?' }] }] },
  },
})
