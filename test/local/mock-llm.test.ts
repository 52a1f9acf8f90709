import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { answerOf, instanceOf, type MockRequest, vectorOf } from '../../local/mock-llm/answer.ts'
import { Director } from '../../local/mock-llm/script.ts'
import { type MockLlm, startMockLlm } from '../../local/mock-llm/server.ts'
import { createMockControl, type MockControl } from '../support/mock-llm.ts'
import { until } from '../support/until.ts'

let mock: MockLlm
let control: MockControl
beforeAll(async () => {
  mock = await startMockLlm()
  control = createMockControl(mock.url)
})
afterEach(() => control.reset())
afterAll(() => mock?.stop())

const HELLO = [{ role: 'user' as const, content: 'Hello, is anybody there?' }]
const openai = () =>
  new OpenAI({ baseURL: `${mock.url}/openai/v1`, apiKey: 'sk-mock', maxRetries: 0 })
const anthropic = () =>
  new Anthropic({ baseURL: `${mock.url}/anthropic`, apiKey: 'sk-ant-mock', maxRetries: 0 })
const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${mock.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
const chat = (more: Record<string, unknown> = {}) => ({
  model: 'gpt-4.1-nano',
  messages: HELLO,
  ...more,
})

describe('the mock of language models', () => {
  it('says in each answer that it is one', async () => {
    const completion = await openai().chat.completions.create(chat())
    expect(completion.system_fingerprint).toBe('mock')
    expect(completion.choices[0]?.message.content).toContain('This is a mock, not gpt-4.1-nano')
    const response = await post('/openai/v1/chat/completions', chat())
    expect(response.headers.get('x-mock-llm')).toBe('true')
  })

  it('answers OpenAI’s client alike with and without a stream', async () => {
    const whole = await openai().chat.completions.create(chat())
    const stream = await openai().chat.completions.create(
      chat({ stream: true, stream_options: { include_usage: true } }) as never,
    )
    let text = ''
    let usage: unknown
    for await (const chunk of stream as unknown as AsyncIterable<OpenAI.ChatCompletionChunk>) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect(text).toBe(whole.choices[0]?.message.content)
    expect(usage).toEqual(whole.usage)
  })

  it('answers Anthropic’s client alike with and without a stream', async () => {
    const body = { model: 'claude-haiku-4-5', max_tokens: 100, messages: HELLO }
    const whole = await anthropic().messages.create(body)
    const streamed = await anthropic().messages.stream(body).finalMessage()
    expect(streamed.content).toEqual(whole.content)
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens)
    expect(streamed.stop_reason).toBe('end_turn')
  })

  it.each([
    {
      path: '/google/v1beta/models/gemini-2.5-flash:generateContent',
      body: { contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] },
      has: { candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 2 } },
    },
    {
      path: '/google/v1beta/models/text-embedding-004:batchEmbedContents',
      body: { requests: [{ content: { parts: [{ text: 'Hello' }] } }] },
      has: { embeddings: [{ values: expect.any(Array) }] },
    },
    {
      path: '/workers-ai/ai/run/@cf/meta/llama-3.1-8b-instruct',
      body: { messages: HELLO },
      has: { success: true, result: { usage: { prompt_tokens: 6 } } },
    },
    {
      path: '/workers-ai/ai/run/@cf/baai/bge-small-en-v1.5',
      body: { text: ['Hello', 'there'] },
      has: { result: { shape: [2, 64] } },
    },
    {
      path: '/openai/v1/embeddings',
      body: { model: 'text-embedding-3-small', input: ['a', 'b'] },
      has: { data: [{ index: 0 }, { index: 1 }], usage: { prompt_tokens: 2 } },
    },
  ])('answers at $path', async ({ path, body, has }) => {
    const response = await post(path, body)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject(has)
  })

  it('counts what it told, and hashes the credentials of the requests that it keeps', async () => {
    await openai().chat.completions.create(chat({ x_unknown: 1 }))
    const counts = await control.counts()
    expect(counts).toMatchObject({ started: 1, finished: 1, aborted: 0, active: 0 })
    expect(counts.models['openai/gpt-4.1-nano']).toMatchObject({
      requests: 1,
      told: 1,
      inputTokens: 6,
    })
    const [request] = await control.requests()
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ x_unknown: 1 })
    expect(request?.credentials.authorization).toMatch(/^[0-9a-f]{64}$/)
    expect(JSON.stringify(request)).not.toContain('sk-mock')
  })

  it('sees that a client left', async () => {
    await control.script({ always: { tokensPerSecond: 20 } })
    const leaving = new AbortController()
    const response = await fetch(`${mock.url}/openai/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify(chat({ stream: true })),
      signal: leaving.signal,
    })
    await response.body?.getReader().read()
    leaving.abort()
    await until('the mock to see it', async () => (await control.counts()).aborted === 1)
    expect((await control.counts()).active).toBe(0)
  })

  it('refuses pages and what is no control', async () => {
    const put = (body: string, headers = {}) =>
      fetch(`${mock.url}/control/script`, { method: 'PUT', body, headers })
    expect((await put('{}', { origin: 'https://page.example' })).status).toBe(403)
    expect((await put('{')).status).toBe(400)
    expect((await put('{"always":{"fault":"earthquake"}}')).status).toBe(400)
    expect((await fetch(`${mock.url}/control/else`)).status).toBe(404)
  })
})

describe('a scripted request', () => {
  it.each([
    { fault: 'rate-limited', status: 429 },
    { fault: 'server-error', status: 500 },
    { fault: 'html-error', status: 502 },
    { fault: 'unavailable', status: 503 },
    { fault: 'overloaded', status: 529 },
  ] as const)('$fault answers $status', async ({ fault, status }) => {
    await control.script({ queues: { '*': [{ fault, retryAfter: '7' }] } })
    const response = await post('/openai/v1/chat/completions', chat())
    expect(response.status).toBe(status)
    expect(response.headers.get('retry-after')).toBe('7')
    expect((await post('/openai/v1/chat/completions', chat())).status).toBe(200)
  })

  it.each(['reset', 'close', 'reset-in-headers', 'drop'] as const)(
    '%s breaks the connection',
    async (fault) => {
      await control.script({ queues: { 'openai/*': [{ fault }] } })
      const answer = post('/openai/v1/chat/completions', chat()).then((response) => response.text())
      await expect(answer).rejects.toThrow()
    },
  )

  it.each([
    { fault: 'truncated', ends: /"content":"[^"]*"\}[^\n]*\n\n$/ },
    { fault: 'error-event', ends: /"error":\{[^\n]*\n\n$/ },
    { fault: 'malformed-event', ends: /"del\n\n$/ },
    { fault: 'empty', ends: /^$/ },
    { fault: 'error-first', ends: /^data: \{"error"[^\n]*\n\n$/ },
  ] as const)('$fault ends a stream without [DONE]', async ({ fault, ends }) => {
    await control.script({ always: { fault, afterTokens: 2 } })
    const response = await post('/openai/v1/chat/completions', chat({ stream: true }))
    const text = await response.text()
    expect(text).toMatch(ends)
    expect(text).not.toContain('[DONE]')
    expect((await control.counts()).models['openai/gpt-4.1-nano']).toMatchObject({ told: 0 })
  })

  it('comes in chunks that split lines and letters, with CRLF', async () => {
    await control.script({
      always: { chunkBytes: 7, lineEnd: 'crlf', text: 'naïve 日本 🙂 end', outputTokens: 5 },
    })
    const response = await post('/openai/v1/chat/completions', chat({ stream: true }))
    const text = await response.text()
    expect(text).toContain(' 日本')
    expect(text).toMatch(/data: \[DONE\]\r\n\r\n$/)
  })
})

describe('faults by chance', () => {
  it('are the same for a seed, and as many as the rate says', () => {
    const drawn = (seed: number): string => {
      const director = new Director()
      director.setFaults({ rate: 0.2, seed, kinds: ['reset', { delayMs: 1 }] })
      return Array.from({ length: 10_000 }, () => JSON.stringify(director.next('a', 'b'))).join()
    }
    expect(drawn(42)).toBe(drawn(42))
    expect(drawn(42)).not.toBe(drawn(43))
    const faults = drawn(42).match(/reset|delayMs/g)?.length ?? 0
    expect(faults).toBeGreaterThan(1_900)
    expect(faults).toBeLessThan(2_100)
  })

  it('do not touch what is scripted', () => {
    const director = new Director({ delayMs: 3 })
    director.setFaults({ rate: 1, seed: 42, kinds: ['reset'] })
    director.setScript({ queues: { 'a/b': [{ outputTokens: 1 }] } })
    expect(director.next('a', 'b')).toEqual({ delayMs: 3, outputTokens: 1 })
    expect(director.next('a', 'b')).toEqual({ delayMs: 3, fault: 'reset' })
  })
})

describe('an answer of the mock', () => {
  const request: MockRequest = {
    model: 'm',
    isStream: false,
    textBytes: 41,
    messages: 1,
    images: 0,
    lastRole: 'user',
    outputTokensMax: null,
    stop: [],
    choices: 1,
    tool: null,
    schema: null,
    logprobs: false,
    includeUsage: true,
  }

  it('counts four bytes of the prompt and each word of its own', () => {
    const answer = answerOf(request, { outputTokens: 12, reasoningTokens: 3 }, 1)
    expect(answer.tokens).toHaveLength(12)
    expect(answer.usage).toMatchObject({ inputTokens: 11, outputTokens: 15, reasoningTokens: 3 })
  })

  it('ends at a stop sequence and at the limit', () => {
    expect(answerOf({ ...request, stop: [' not'] }, {}, 1)).toMatchObject({
      tokens: ['This', ' is', ' a', ' mock,'],
      finish: 'stop',
      stopSequence: ' not',
    })
    expect(answerOf({ ...request, outputTokensMax: 2 }, {}, 1)).toMatchObject({
      tokens: ['This', ' is'],
      finish: 'length',
    })
  })

  it('fits a schema', () => {
    const schema = {
      type: 'object',
      properties: { city: { type: 'string' }, unit: { enum: ['C', 'F'] }, n: { type: 'integer' } },
    }
    expect(instanceOf(schema)).toEqual({ city: 'mock', unit: 'C', n: 0 })
    const tool = answerOf({ ...request, tool: { name: 'weather', schema } }, {}, 7).tool
    expect(tool).toEqual({
      id: 'call_mock_7',
      name: 'weather',
      arguments: '{"city":"mock","unit":"C","n":0}',
    })
  })

  it('has a vector of length 1 that follows from the text', () => {
    const vector = vectorOf('a', 8)
    expect(Math.hypot(...vector)).toBeCloseTo(1, 12)
    expect(vectorOf('a', 8)).toEqual(vector)
    expect(vectorOf('b', 8)).not.toEqual(vector)
  })
})
