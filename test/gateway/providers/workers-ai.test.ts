import { describe, expect, it } from 'vitest'
import type { ChatEvent, Fields } from '../../../src/gateway/chat.ts'
import type { ChatCall, Credential } from '../../../src/gateway/providers/types.ts'
import { workersAi } from '../../../src/gateway/providers/workers-ai.ts'

const BASE = 'https://api.cloudflare.com/client/v4/accounts/0123'
const KEY: Credential = { scheme: 'bearer', secret: 'cf-test' }
const MODEL = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'

const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

const requestOf = (body: Fields, more: Partial<ChatCall> = {}) => {
  const whole = { messages: [{ role: 'user', content: 'Hi' }], ...body }
  return workersAi.chatRequest(
    BASE,
    {
      dialect: 'openai',
      bytes: bytes(whole),
      body: whole,
      model: MODEL,
      isStream: false,
      reasoningEffort: null,
      ...more,
    },
    KEY,
  )
}

const bodyOf = (body: Fields, more: Partial<ChatCall> = {}): Fields => {
  const request = requestOf(body, more)
  if (!request.ok) throw new Error(request.error.reason)
  return JSON.parse(String(request.value.body))
}

const complete = (result: unknown) => {
  const answer = { result, success: true, errors: [], messages: [] }
  const read = workersAi.readCompletion(bytes(answer), 1_000)
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value
}

const stream = (events: readonly unknown[]): ChatEvent[] => {
  const decoder = workersAi.openStream()
  return events.flatMap((event) =>
    decoder.decode({
      event: null,
      data: typeof event === 'string' ? event : JSON.stringify(event),
    }),
  )
}

const USAGE = { prompt_tokens: 20, completion_tokens: 5, total_tokens: 25 }
const COUNTED = {
  inputTokens: 20,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 5,
  reasoningTokens: 0,
}

describe('requests to Workers AI', () => {
  it('go to the path of the model', () => {
    expect(requestOf({})).toMatchObject({
      value: { url: `${BASE}/ai/run/${MODEL}`, headers: { authorization: 'Bearer cf-test' } },
    })
    expect(requestOf({}, { model: '@cf/../../../tokens' })).toMatchObject({ ok: false })
  })

  it('have texts for parts, and parts where an image is among them', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }
    const text = { type: 'text', text: 'What?' }
    expect(
      bodyOf({
        messages: [
          { role: 'developer', content: [text, text] },
          { role: 'user', content: [text, image] },
          { role: 'assistant', content: null, tool_calls: [] },
        ],
      }).messages,
    ).toEqual([
      { role: 'system', content: 'What?What?' },
      { role: 'user', content: [text, image] },
      { role: 'assistant', content: '', tool_calls: [] },
    ])
  })

  it('say how long the answer may be, and ask for counts of streams', () => {
    expect(bodyOf({}).max_tokens).toBe(2_048)
    expect(bodyOf({ max_tokens: 7 }).max_tokens).toBe(7)
    expect(bodyOf({ max_completion_tokens: 8, user: 'me' })).not.toHaveProperty('user')
    expect(bodyOf({}, { isStream: true })).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  it('have the schema itself for JSON', () => {
    const schema = { type: 'object' }
    const format = { type: 'json_schema', json_schema: { name: 'x', schema } }
    expect(bodyOf({ response_format: format }).response_format).toEqual({
      type: 'json_schema',
      json_schema: schema,
    })
  })
})

describe('answers of Workers AI', () => {
  it('have text and counts', () => {
    expect(complete({ response: 'Hello', usage: USAGE })).toMatchObject({
      choices: [{ text: 'Hello', finishReason: 'stop' }],
      usage: COUNTED,
    })
    expect(complete({ response: { a: 1 } }).choices[0]?.text).toBe('{"a":1}')
  })

  it('have calls of both shapes', () => {
    const toolCalls = [
      { name: 'f', arguments: { a: 1 } },
      { id: 'c2', type: 'function', function: { name: 'g', arguments: '{"b":2}' } },
    ]
    expect(complete({ response: null, tool_calls: toolCalls }).choices).toMatchObject([
      {
        text: null,
        finishReason: 'tool_calls',
        toolCalls: [
          { id: 'call_0_f', name: 'f', arguments: '{"a":1}' },
          { id: 'c2', name: 'g', arguments: '{"b":2}' },
        ],
      },
    ])
  })

  it('are those of OpenAI where the model answers so', () => {
    const message = { role: 'assistant', content: 'Hi', reasoning_content: 'Hm' }
    expect(
      complete({
        id: 'chatcmpl-1',
        choices: [{ index: 0, message, finish_reason: 'length' }],
        usage: { ...USAGE, prompt_tokens_details: { cached_tokens: 4 } },
      }),
    ).toMatchObject({
      id: 'chatcmpl-1',
      choices: [{ text: 'Hi', reasoning: 'Hm', finishReason: 'length' }],
      usage: { cachedInputTokens: 4 },
    })
  })

  it.each([
    ['<html>', 'malformed'],
    [{ result: {}, success: true }, 'malformed'],
    [{ result: null, success: false, errors: [{ code: 3040, message: 'Full' }] }, 'rate-limited'],
  ])('are none: %j', (answer, reason) => {
    expect(workersAi.readCompletion(bytes(answer), 0)).toMatchObject({
      ok: false,
      error: { reason },
    })
  })
})

describe('streams of Workers AI', () => {
  it('tell text, counts and their end', () => {
    expect(
      stream([
        { response: 'Hel', p: 'abc' },
        { response: 'lo' },
        { response: '', usage: USAGE },
        '[DONE]',
      ]),
    ).toEqual([
      { kind: 'start', id: 'workers-ai', model: '' },
      { kind: 'text', index: 0, text: 'Hel' },
      { kind: 'text', index: 0, text: 'lo' },
      { kind: 'finish', index: 0, reason: 'stop', stopSequence: null },
      { kind: 'usage', usage: COUNTED },
      { kind: 'done' },
    ])
  })

  it('tell calls whole and in pieces', () => {
    const piece = (more: Fields) => ({ response: '', tool_calls: [{ index: 0, ...more }] })
    expect(
      stream([
        piece({ id: 'c1', type: 'function', function: { name: 'f' } }),
        piece({ function: { arguments: '{"a"' } }),
        piece({ function: { arguments: ':1}' } }),
        piece({ id: null, type: null, function: { name: null, arguments: '' } }),
        { tool_calls: [{ name: 'g', arguments: { b: 2 } }] },
        '[DONE]',
      ]).slice(1),
    ).toEqual([
      { kind: 'tool-start', index: 0, call: 0, id: 'c1', name: 'f' },
      { kind: 'tool-arguments', index: 0, call: 0, json: '{"a"' },
      { kind: 'tool-arguments', index: 0, call: 0, json: ':1}' },
      { kind: 'tool-start', index: 0, call: 1, id: 'call_1_g', name: 'g' },
      { kind: 'tool-arguments', index: 0, call: 1, json: '{"b":2}' },
      { kind: 'finish', index: 0, reason: 'tool_calls', stopSequence: null },
      { kind: 'done' },
    ])
  })

  it('are those of OpenAI where the model answers so', () => {
    const chunk = (delta: Fields, finish: string | null = null) => ({
      id: 'c',
      choices: [{ index: 0, delta, finish_reason: finish }],
    })
    const kinds = stream([chunk({ content: 'Hi' }), chunk({}, 'stop'), '[DONE]']).map(
      ({ kind }) => kind,
    )
    expect(kinds).toEqual(['start', 'text', 'finish', 'done'])
  })

  it('tell errors and what is not the protocol', () => {
    const errors = [{ code: 3040, message: 'Capacity temporarily exceeded' }]
    expect(stream([{ errors, success: false }])).toMatchObject([
      { kind: 'fault', fault: { reason: 'rate-limited' } },
    ])
    expect(stream(['{'])).toMatchObject([{ kind: 'fault', fault: { reason: 'malformed' } }])
  })
})

describe('faults of Workers AI', () => {
  it.each([
    [400, 5007, 'model-unknown'],
    [429, 3036, 'credential'],
    [429, 3040, 'rate-limited'],
    [403, 5016, 'credential'],
    [413, 3006, 'context-exceeded'],
    [408, 3007, 'server'],
    [400, 5004, 'request'],
    [404, 7003, 'credential'],
    [500, 0, 'server'],
  ])('%i with the code %i is %s', (status, code, reason) => {
    const body = bytes({ success: false, errors: [{ code, message: 'AiError: AiError: no' }] })
    expect(workersAi.readFault(status, new Headers(), body)).toMatchObject({ reason, status })
  })
})

describe('embeddings of Workers AI', () => {
  it('are of texts, a vector each', () => {
    const call = { body: { input: 'a' }, model: '@cf/baai/bge-m3' }
    const request = workersAi.embeddingsRequest?.(BASE, call, KEY)
    expect(request).toMatchObject({ value: { body: '{"text":["a"]}' } })
    const answer = { result: { shape: [1, 2], data: [[1, 2]] }, success: true }
    expect(workersAi.readEmbeddings?.(bytes(answer))).toMatchObject({
      value: { vectors: [[1, 2]], usage: null },
    })
  })
})
