import { describe, expect, it } from 'vitest'
import type { ChatEvent } from '../../../src/gateway/chat.ts'
import { gemini } from '../../../src/gateway/providers/gemini.ts'
import type { ChatCall, Credential } from '../../../src/gateway/providers/types.ts'

const BASE = 'https://generativelanguage.googleapis.com/v1beta'
const KEY: Credential = { scheme: 'x-goog-api-key', secret: 'AIza-test' }

const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

const callOf = (more: Partial<ChatCall> = {}): ChatCall => {
  const body = { model: 'x', messages: [{ role: 'user', content: 'Hi' }] }
  return {
    dialect: 'openai',
    bytes: bytes(body),
    body,
    model: 'gemini-2.5-flash',
    isStream: false,
    reasoningEffort: null,
    ...more,
  }
}

const USAGE = {
  promptTokenCount: 20,
  cachedContentTokenCount: 8,
  candidatesTokenCount: 5,
  thoughtsTokenCount: 7,
  totalTokenCount: 32,
}
const COUNTED = {
  inputTokens: 20,
  cachedInputTokens: 8,
  cacheWriteTokens: 0,
  outputTokens: 12,
  reasoningTokens: 7,
}

const complete = (answer: unknown) => {
  const read = gemini.readCompletion(bytes(answer), 1_000)
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value
}

const stream = (events: readonly unknown[]): ChatEvent[] => {
  const decoder = gemini.openStream()
  return [
    ...events.flatMap((event) =>
      decoder.decode({
        event: null,
        data: typeof event === 'string' ? event : JSON.stringify(event),
      }),
    ),
    ...(decoder.end?.() ?? []),
  ]
}

describe('requests to Gemini', () => {
  it('go to the method of the model, with a key or a token', () => {
    const plain = gemini.chatRequest(BASE, callOf(), KEY)
    expect(plain).toMatchObject({
      ok: true,
      value: {
        url: `${BASE}/models/gemini-2.5-flash:generateContent`,
        headers: { 'x-goog-api-key': 'AIza-test' },
      },
    })
    const oauth: Credential = { scheme: 'bearer', secret: 'ya29.test' }
    const streamed = gemini.chatRequest(
      BASE,
      callOf({ isStream: true, model: 'tunedModels/mine' }),
      oauth,
    )
    expect(streamed).toMatchObject({
      value: {
        url: `${BASE}/tunedModels/mine:streamGenerateContent?alt=sse`,
        headers: { authorization: 'Bearer ya29.test' },
      },
    })
  })

  it.each(['../../secret', 'a?key=1', 'a#b', 'a b', 'a\u0000', '..', ''])(
    'do not leave their path for the model %j',
    (model) => {
      const request = gemini.chatRequest(BASE, callOf({ model }), KEY)
      expect(request).toMatchObject({ ok: false, error: { reason: 'request', param: 'model' } })
    },
  )

  it('are made of messages of Anthropic, too', () => {
    const body = { model: 'x', max_tokens: 5, system: 'S', messages: callOf().body.messages }
    const request = gemini.chatRequest(BASE, callOf({ dialect: 'anthropic', body }), KEY)
    if (!request.ok) throw new Error(request.error.reason)
    expect(JSON.parse(String(request.value.body))).toMatchObject({
      systemInstruction: { parts: [{ text: 'S' }] },
      contents: [{ role: 'user', parts: [{ text: 'Hi' }] }],
      generationConfig: { maxOutputTokens: 5 },
    })
  })
})

describe('answers of Gemini', () => {
  it('have text, thoughts and counts', () => {
    const completion = complete({
      responseId: 'r1',
      modelVersion: 'gemini-2.5-flash',
      candidates: [
        {
          content: {
            role: 'model',
            parts: [{ text: 'Hm.', thought: true }, { text: 'Hel' }, { text: 'lo' }],
          },
          finishReason: 'STOP',
        },
      ],
      usageMetadata: USAGE,
    })
    expect(completion).toMatchObject({ id: 'r1', model: 'gemini-2.5-flash', usage: COUNTED })
    expect(completion.choices).toMatchObject([
      { text: 'Hello', reasoning: 'Hm.', finishReason: 'stop', toolCalls: [], index: 0 },
    ])
  })

  it('have calls, with ids of their own where Gemini gives none', () => {
    const [choice] = complete({
      responseId: 'r1',
      candidates: [
        {
          content: {
            parts: [
              { functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature: 'c2ln' },
              { functionCall: { id: 'own', name: 'g' } },
            ],
          },
          finishReason: 'STOP',
        },
      ],
    }).choices
    expect(choice).toMatchObject({
      text: null,
      finishReason: 'tool_calls',
      toolCalls: [
        { id: 'call_r1_0_0-sig-c2ln', name: 'f', arguments: '{"a":1}' },
        { id: 'own', name: 'g', arguments: '{}' },
      ],
    })
  })

  it('have logarithms of probabilities in the words of OpenAI', () => {
    const [choice] = complete({
      candidates: [
        {
          content: { parts: [{ text: 'Hi' }] },
          finishReason: 'MAX_TOKENS',
          logprobsResult: {
            chosenCandidates: [{ token: 'Hi', logProbability: -0.5 }],
            topCandidates: [{ candidates: [{ token: 'Hi', logProbability: -0.5 }] }],
          },
        },
      ],
    }).choices
    const token = { token: 'Hi', logprob: -0.5, bytes: [72, 105] }
    expect(choice).toMatchObject({
      finishReason: 'length',
      logprobs: { content: [{ ...token, top_logprobs: [token] }] },
    })
  })

  it('say that a prompt or an answer was blocked', () => {
    const blocked = complete({ promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: USAGE })
    expect(blocked.choices).toMatchObject([
      { text: null, finishReason: 'content_filter', refusal: expect.stringContaining('SAFETY') },
    ])
    const [cut] = complete({ candidates: [{ finishReason: 'PROHIBITED_CONTENT' }] }).choices
    expect(cut?.finishReason).toBe('content_filter')
  })

  it.each([
    ['<html>', 'malformed'],
    [{ candidates: [] }, 'malformed'],
    [{ candidates: [{ finishReason: 'MALFORMED_FUNCTION_CALL' }] }, 'malformed'],
    [{ error: { code: 503, message: 'overloaded' } }, 'server'],
  ])('are none: %j', (answer, reason) => {
    expect(gemini.readCompletion(bytes(answer), 0)).toMatchObject({ ok: false, error: { reason } })
  })
})

describe('streams of Gemini', () => {
  const part = (text: string, more: object = {}) => ({
    responseId: 'r1',
    modelVersion: 'm',
    candidates: [{ content: { parts: [{ text }] }, ...more }],
    usageMetadata: { ...USAGE, candidatesTokenCount: 1 },
  })

  it('tell each part, the last count and their end', () => {
    expect(
      stream([
        part('Hel'),
        { ...part('lo', { finishReason: 'STOP', index: 0 }), usageMetadata: USAGE },
      ]),
    ).toEqual([
      { kind: 'start', id: 'r1', model: 'm' },
      { kind: 'text', index: 0, text: 'Hel' },
      { kind: 'text', index: 0, text: 'lo' },
      { kind: 'finish', index: 0, reason: 'stop', stopSequence: null },
      { kind: 'usage', usage: COUNTED },
      { kind: 'done' },
    ])
  })

  it('tell whole calls', () => {
    const functionCall = { name: 'f', args: { a: 1 } }
    const events = stream([
      { candidates: [{ content: { parts: [{ functionCall }] } }] },
      { candidates: [{ content: { parts: [{ text: '' }] }, finishReason: 'STOP' }] },
    ])
    expect(events.slice(1)).toEqual([
      { kind: 'tool-start', index: 0, call: 0, id: 'call_gemini_0_0', name: 'f' },
      { kind: 'tool-arguments', index: 0, call: 0, json: '{"a":1}' },
      { kind: 'finish', index: 0, reason: 'tool_calls', stopSequence: null },
      { kind: 'done' },
    ])
  })

  it('do not end while a candidate has not', () => {
    expect(stream([part('Hel')]).some(({ kind }) => kind === 'done')).toBe(false)
    expect(stream([])).toEqual([])
    const second = { candidates: [{ index: 1, content: { parts: [{ text: 'B' }] } }] }
    const events = stream([part('A', { finishReason: 'STOP' }), second])
    expect(events.some(({ kind }) => kind === 'done')).toBe(false)
  })

  it('tell errors, blocks and what is not the protocol', () => {
    expect(stream([{ error: { code: 429, status: 'RESOURCE_EXHAUSTED' } }])).toMatchObject([
      { kind: 'fault', fault: { reason: 'rate-limited' } },
    ])
    expect(stream(['{"candidates":'])).toMatchObject([
      { kind: 'fault', fault: { reason: 'malformed' } },
    ])
    expect(stream([{ promptFeedback: { blockReason: 'OTHER' } }])).toMatchObject([
      { kind: 'start' },
      { kind: 'refusal' },
      { kind: 'finish', reason: 'content_filter' },
      { kind: 'done' },
    ])
  })
})

describe('faults of Gemini', () => {
  const faultOf = (status: number, error: object, headers: Record<string, string> = {}) =>
    gemini.readFault(status, new Headers(headers), bytes({ error: { code: status, ...error } }))

  it('say when to come back: by RetryInfo, by the message, by the header', () => {
    const details = [
      { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations: [] },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.5s' },
    ]
    expect(faultOf(429, { status: 'RESOURCE_EXHAUSTED', details })).toEqual({
      reason: 'rate-limited',
      status: 429,
      retryAfterMs: 34_500,
    })
    expect(faultOf(429, { message: 'Please retry in 47.4s.' })).toMatchObject({
      retryAfterMs: 47_400,
    })
    expect(faultOf(503, { details }, { 'retry-after': '2' })).toMatchObject({
      reason: 'server',
      retryAfterMs: 2_000,
    })
  })

  it.each([
    [400, { message: 'API key not valid. Please pass a valid API key.' }, 'credential'],
    [400, { details: [{ reason: 'API_KEY_INVALID' }] }, 'credential'],
    [400, { status: 'FAILED_PRECONDITION', message: 'User location' }, 'credential'],
    [403, { status: 'PERMISSION_DENIED' }, 'credential'],
    [404, { status: 'NOT_FOUND', message: 'models/x is not found' }, 'model-unknown'],
    [
      400,
      { message: 'The input token count (2000000) exceeds the maximum number of tokens allowed' },
      'context-exceeded',
    ],
    [400, { status: 'INVALID_ARGUMENT', message: 'Invalid value' }, 'request'],
    [500, { status: 'INTERNAL' }, 'server'],
  ])('%i %j is %s', (status, error, reason) => {
    expect(faultOf(status, error)).toMatchObject({ reason, status })
  })

  it('repeat neither keys nor addresses', () => {
    const message = 'key AIzaSyA1234567890abcdefghijklmnopqrstuv at https://x.googleapis.com/v1?k=1'
    expect(JSON.stringify(faultOf(400, { message }))).not.toMatch(/AIza|googleapis/)
  })
})

describe('embeddings of Gemini', () => {
  it('are asked for together and read in order', () => {
    const call = { body: { input: ['a', 'b'], dimensions: 2 }, model: 'gemini-embedding-001' }
    const request = gemini.embeddingsRequest?.(BASE, call, KEY)
    if (!request?.ok) throw new Error('no request')
    expect(request.value.url).toBe(`${BASE}/models/gemini-embedding-001:batchEmbedContents`)
    expect(JSON.parse(String(request.value.body)).requests[1]).toEqual({
      model: 'models/gemini-embedding-001',
      content: { parts: [{ text: 'b' }] },
      outputDimensionality: 2,
    })
    const answer = { embeddings: [{ values: [1, 2] }, { values: [3, 4] }] }
    expect(gemini.readEmbeddings?.(bytes(answer))).toMatchObject({
      value: {
        vectors: [
          [1, 2],
          [3, 4],
        ],
        usage: null,
      },
    })
    expect(gemini.readEmbeddings?.(bytes({ embeddings: [{}] }))).toMatchObject({ ok: false })
  })

  it('are of texts alone', () => {
    const call = { body: { input: [[1, 2]] }, model: 'gemini-embedding-001' }
    expect(gemini.embeddingsRequest?.(BASE, call, KEY)).toMatchObject({
      ok: false,
      error: { reason: 'request', param: 'input' },
    })
  })
})
