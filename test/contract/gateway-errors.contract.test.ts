import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { createApi } from '../support/api.ts'
import { createMockControl } from '../support/mock-llm.ts'

const api = createApi(inject('baseUrl'), inject('developmentKey'))
const mock = createMockControl(inject('mockUrl'))
const openai = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: api.key, maxRetries: 0 })
const anthropic = new Anthropic({ baseURL: api.url, apiKey: api.key, maxRetries: 0 })

const MODEL = 'openai/gpt-4.1-nano'
const CLAUDE = 'anthropic/claude-haiku-4-5'
const HELLO = [{ role: 'user' as const, content: 'Hello, is anybody there?' }]

afterEach(() => mock.reset())

describe('errors', () => {
  const stranger = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: 'gjl_wrong', maxRetries: 0 })
  const ask = (more: Record<string, unknown>) =>
    openai.chat.completions.create({ model: MODEL, messages: HELLO, ...more } as never)

  it('are OpenAI’s classes', async () => {
    await expect(
      stranger.chat.completions.create({ model: MODEL, messages: HELLO }),
    ).rejects.toThrow(OpenAI.AuthenticationError)
    await expect(ask({ model: 'no-such-model' })).rejects.toThrow(OpenAI.NotFoundError)
    await expect(ask({ messages: [{ role: 'wizard', content: 'x' }] })).rejects.toThrow(
      OpenAI.BadRequestError,
    )
    await expect(ask({ max_tokens: -1 })).rejects.toMatchObject({
      status: 400,
      param: 'max_tokens',
    })
    await expect(ask({ model: 'bad\nname' })).rejects.toMatchObject({ status: expect.any(Number) })
  })

  it('are Anthropic’s classes', async () => {
    const body = { model: CLAUDE, max_tokens: 10, messages: HELLO }
    const wrong = new Anthropic({ baseURL: api.url, apiKey: 'gjl_wrong', maxRetries: 0 })
    await expect(wrong.messages.create(body)).rejects.toThrow(Anthropic.AuthenticationError)
    await expect(anthropic.messages.create({ ...body, model: 'none' })).rejects.toThrow(
      Anthropic.NotFoundError,
    )
    await expect(anthropic.messages.create({ ...body, max_tokens: -1 })).rejects.toThrow(
      Anthropic.BadRequestError,
    )
  })

  it.each([
    { what: 'no JSON', body: '{"model":' },
    { what: 'a list', body: '[]' },
    { what: 'no messages', body: '{"model":"openai/gpt-4.1-nano"}' },
  ])('tell of $what in the client’s dialect', async ({ body }) => {
    for (const path of ['/v1/chat/completions', '/v1/messages']) {
      const response = await api.request(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      expect(response.status).toBe(400)
      const answer = (await response.json()) as { type?: string; error: { message: string } }
      expect(answer.error.message).toEqual(expect.any(String))
      expect(answer.type).toBe(path.endsWith('messages') ? 'error' : undefined)
    }
  })
})

describe('a body that is unusual', () => {
  const picture = (bytes: number) => [
    {
      role: 'user' as const,
      content: [
        { type: 'text' as const, text: 'What is this?' },
        {
          type: 'image_url' as const,
          image_url: { url: `data:image/png;base64,${'A'.repeat(bytes)}` },
        },
      ],
    },
  ]

  it('may hold a picture of 20 MB, and not one of 40', async () => {
    const large = { model: MODEL, messages: picture(20_000_000) }
    const completion = await openai.chat.completions.create(large)
    expect(completion.choices[0]?.message.content).toContain('and 1 images')
    const tooLarge = { model: MODEL, messages: picture(40_000_000) }
    await expect(openai.chat.completions.create(tooLarge)).rejects.toMatchObject({ status: 413 })
  })

  it.each([
    'openai/gpt\r\nx-injected: 1',
    'openai/gpt\u0000',
    'openai/\u001b[31m',
    '../../control',
    'google/../../control/counts',
  ])('with the model %j reaches nobody but a model', async (model) => {
    const failure = await openai.chat.completions
      .create({ model, messages: HELLO })
      .then(() => null)
      .catch((error: unknown) => error)
    if (failure !== null) {
      expect(failure).toBeInstanceOf(OpenAI.APIError)
      const { status, message } = failure as InstanceType<typeof OpenAI.APIError>
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
      expect(message).not.toContain('127.0.0.1')
    }
    for (const request of await mock.requests()) {
      expect(Object.keys(request.headers)).not.toContain('x-injected')
      expect(request.path).not.toContain('control')
    }
  })
})

describe('limits of a key', () => {
  const limited = async (limits: Record<string, unknown>): Promise<string> => {
    const body = { name: 'limited', scopes: ['write'], ...limits }
    return (await api.post<{ key: string }>('/api/v1/keys', body)).key
  }
  /** What the mock would bill for the model, whole nano-dollars: 100 a token of input, 400 of output. */
  const billedNanoUsd = async (): Promise<number> => {
    const told = (await mock.counts()).models[MODEL]
    return (told?.inputTokens ?? 0) * 100 + (told?.outputTokens ?? 0) * 400
  }

  it('refuse what the budget has no room for, and never let more be spent', async () => {
    const apiKey = await limited({ budget_usd: 0.0001 })
    const client = new OpenAI({ baseURL: `${api.url}/v1`, apiKey, maxRetries: 0 })
    let refusal: unknown = null
    for (let request = 0; refusal === null && request < 50; request++) {
      await client.chat.completions
        .create({ model: MODEL, messages: HELLO, max_tokens: 100 })
        .catch((error: unknown) => {
          refusal = error
        })
    }
    expect(refusal).toBeInstanceOf(OpenAI.RateLimitError)
    const { code, headers } = refusal as InstanceType<typeof OpenAI.RateLimitError>
    expect(code).toBe('insufficient_quota')
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await billedNanoUsd()).toBeGreaterThan(0)
    expect(await billedNanoUsd()).toBeLessThanOrEqual(100_000)
  })

  it('count requests a minute, in both dialects', async () => {
    const apiKey = await limited({ requests_per_minute: 2 })
    const client = new Anthropic({ baseURL: api.url, apiKey, maxRetries: 0 })
    const answers = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        client.messages.create({ model: CLAUDE, max_tokens: 10, messages: HELLO }),
      ),
    )
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer] : []))
    // A minute may begin between two of them.
    expect(refused.length).toBeGreaterThanOrEqual(2)
    for (const { reason } of refused) {
      expect(reason).toBeInstanceOf(Anthropic.RateLimitError)
      expect(Number(reason.headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const openAi = new OpenAI({ baseURL: `${api.url}/v1`, apiKey, maxRetries: 0 })
    const more = await Promise.allSettled(
      Array.from({ length: 6 }, () =>
        openAi.chat.completions.create({ model: MODEL, messages: HELLO }),
      ),
    )
    const rejected = more.flatMap((answer) => (answer.status === 'rejected' ? [answer] : []))
    expect(rejected.length).toBeGreaterThanOrEqual(2)
    for (const { reason } of rejected) expect(reason).toBeInstanceOf(OpenAI.RateLimitError)
  })
})
