import { describe, expect, it } from 'vitest'
import { workersAi } from '../../src/gateway/providers/workers-ai.ts'
import { CHATS, PIXEL, runProviderCases, WEATHER } from './providers.case.ts'

const usage = {
  inputTokens: 25,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 15,
  reasoningTokens: 0,
}
const COUNTS = { prompt_tokens: 25, completion_tokens: 15, total_tokens: 40 }

const answer = (result: object) =>
  JSON.stringify({ result: { usage: COUNTS, ...result }, success: true, errors: [], messages: [] })

const stream = (...events: (object | string)[]) =>
  events.map((one) => `data: ${typeof one === 'string' ? one : JSON.stringify(one)}\n\n`).join('')

const errors = (code: number, message: string) =>
  JSON.stringify({ result: null, success: false, errors: [{ code, message }], messages: [] })

const chunk = (delta: object, finish: string | null = null) => ({
  id: 'id-1750000000000',
  object: 'chat.completion.chunk',
  created: 1_750_000_000,
  model: '@cf/moonshotai/kimi-k2.6',
  choices: [{ index: 0, delta, finish_reason: finish }],
})

const weather = [{ id: 'c1', name: 'weather', input: { city: 'Oslo' } }]
const call = { name: 'weather', arguments: '{"city":"Oslo"}' }
const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } }
const tools = [
  { type: 'function', function: { name: 'weather', description: 'Now', parameters: WEATHER } },
]

runProviderCases({
  protocol: workersAi,
  baseUrl: 'https://api.cloudflare.com/client/v4/accounts/0123',
  credential: { scheme: 'bearer', secret: 'cloudflare-token-0123456789' },
  headers: { authorization: 'Bearer cloudflare-token-0123456789' },
  url: (model) => `https://api.cloudflare.com/client/v4/accounts/0123/ai/run/${model}`,
  completions: [
    {
      name: 'a text',
      body: answer({ response: 'Hello!', tool_calls: [] }),
      said: { text: 'Hello!', finishReason: 'stop', usage },
    },
    {
      name: 'calls of tools',
      body: answer({
        response: null,
        tool_calls: [{ id: 'c1', type: 'function', function: call }],
      }),
      said: { text: null, toolCalls: weather, finishReason: 'tool_calls', usage },
    },
    {
      name: "an answer in OpenAI's words",
      body: answer({
        id: 'id-1',
        object: 'chat.completion',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'Hel', reasoning_content: 'They greet.' },
            finish_reason: 'length',
          },
        ],
      }),
      said: { text: 'Hel', reasoning: 'They greet.', finishReason: 'length', usage },
    },
  ],
  streams: [
    {
      name: 'text',
      body: stream(
        { response: 'Hel', p: 'abdefghijklmno' },
        { response: 'lo – 😀', p: 'abd' },
        { response: '', usage: COUNTS },
        '[DONE]',
      ),
      said: { text: 'Hello – 😀', finishReason: 'stop', usage },
    },
    {
      name: 'calls of tools',
      body: stream(
        { response: '', tool_calls: [{ id: 'c1', index: 0, function: { name: 'weather' } }] },
        { response: '', tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] },
        { response: '', tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] },
        { response: '', usage: COUNTS },
        '[DONE]',
      ),
      said: { text: null, toolCalls: weather, finishReason: 'tool_calls', usage },
    },
    {
      name: "text in OpenAI's words",
      body: stream(
        chunk({ role: 'assistant', content: '' }),
        chunk({ reasoning_content: 'They greet.' }),
        chunk({ content: 'Hello' }),
        chunk({}, 'stop'),
        { ...chunk({}), choices: [], usage: COUNTS },
        '[DONE]',
      ),
      said: { text: 'Hello', reasoning: 'They greet.', finishReason: 'stop', usage },
    },
  ],
  faults: [
    {
      name: 'a wrong token',
      status: 401,
      body: errors(10000, 'Authentication error'),
      fault: { reason: 'credential', status: 401 },
    },
    {
      name: 'an account that is not there',
      status: 404,
      body: errors(7003, 'Could not route to /accounts/0/ai/run'),
      fault: { reason: 'credential', status: 404 },
    },
    {
      name: 'a used-up allocation',
      status: 429,
      body: errors(3036, 'you have used up your daily free allocation of 10,000 neurons'),
      fault: { reason: 'credential', status: 429 },
    },
    {
      name: 'a model that is not there',
      status: 400,
      body: errors(5007, 'No such model @cf/x/y or task'),
      fault: { reason: 'model-unknown', status: 400 },
    },
    {
      name: 'a prompt that is too long',
      status: 400,
      body: errors(5021, 'AiError: The estimated number of tokens exceeded the context window'),
      fault: { reason: 'context-exceeded', status: 400 },
    },
    {
      name: 'no capacity',
      status: 429,
      headers: { 'retry-after': '3' },
      body: errors(3040, 'Capacity temporarily exceeded, please try again.'),
      fault: { reason: 'rate-limited', status: 429, retryAfterMs: 3_000 },
    },
    {
      name: 'a bad request',
      status: 400,
      body: errors(5006, 'Error: required properties at https://x.test are missing'),
      fault: { reason: 'request', status: 400, code: '5006' },
    },
    {
      name: 'a broken server',
      status: 500,
      body: errors(3043, 'Internal server error'),
      fault: { reason: 'server', status: 500 },
    },
  ],
  faultStreams: [
    {
      name: 'no capacity',
      body: stream({ response: 'Hel' }, JSON.parse(errors(3040, 'Capacity exceeded')) as object),
      fault: { reason: 'rate-limited' },
    },
    { name: 'an end without an answer', body: 'data: [DONE]\n\n', fault: { reason: 'malformed' } },
    { name: 'half an object', body: 'data: {"respon\n\n', fault: { reason: 'malformed' } },
  ],
  requests: {
    text: { messages: [{ role: 'user', content: 'Hello' }] },
    instructions: {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
        { role: 'system', content: 'Be kind.' },
      ],
    },
    images: {
      messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, image] }],
    },
    tools: {
      messages: CHATS.tools.messages.map((message) => ({
        ...message,
        content: message.content ?? '',
      })),
      tools,
      tool_choice: 'required',
    },
    sampling: { temperature: 0.5, max_tokens: 100, stop: ['END'] },
    schema: { response_format: { type: 'json_schema', json_schema: WEATHER } },
  },
  messages: {
    text: { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 100 },
    instructions: {
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
      ],
      stop: ['END'],
    },
    tools: {
      messages: [
        { role: 'user', content: 'Weather in Oslo?' },
        {
          role: 'assistant',
          content: 'I look.',
          tool_calls: [{ id: 'toolu_1', type: 'function', function: call }],
        },
        { role: 'tool', tool_call_id: 'toolu_1', content: '3 °C' },
        { role: 'user', content: 'And tomorrow?' },
      ],
      tools,
      tool_choice: 'required',
    },
    images: {
      messages: [{ role: 'user', content: [image, { type: 'text', text: 'What is this?' }] }],
    },
  },
})

describe('a request for several choices', () => {
  it('is not sent, as one of them would come', () => {
    const body = { model: 'm', n: 2, messages: [{ role: 'user', content: 'Hi' }] }
    const call = {
      dialect: 'openai' as const,
      model: '@cf/meta/llama-3',
      bytes: new TextEncoder().encode(JSON.stringify(body)),
      body,
      isStream: false,
      reasoningEffort: null,
    }
    const credential = { scheme: 'bearer', secret: 'token' } as const
    expect(workersAi.chatRequest('https://api.test', call, credential)).toMatchObject({
      ok: false,
      error: { reason: 'request', status: 400, param: 'n' },
    })
  })
})
