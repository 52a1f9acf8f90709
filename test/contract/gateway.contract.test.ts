import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { createApi } from '../support/api.ts'
import { createMockControl } from '../support/mock-llm.ts'
import { until } from '../support/until.ts'

const api = createApi(inject('baseUrl'), inject('developmentKey'))
const mock = createMockControl(inject('mockUrl'))
const openai = new OpenAI({ baseURL: `${api.url}/v1`, apiKey: api.key, maxRetries: 0 })
const anthropic = new Anthropic({ baseURL: api.url, apiKey: api.key, maxRetries: 0 })

const MODEL = 'openai/gpt-4.1-nano'
const CLAUDE = 'anthropic/claude-haiku-4-5'
const HELLO = [{ role: 'user' as const, content: 'Hello, is anybody there?' }]
const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city', 'days'],
}
const CALL = { city: 'mock', days: 0 }
const TOOL: OpenAI.ChatCompletionTool = {
  type: 'function',
  function: { name: 'weather', parameters: WEATHER },
}
/** One red pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=='

/** Whoever serves the model, in OpenAI's words: the same dialect, or translated. */
const SERVED = [
  { by: 'OpenAI', model: MODEL },
  { by: 'Anthropic', model: CLAUDE },
  { by: 'Gemini', model: 'google/gemini-2.5-flash' },
  { by: 'Workers AI', model: 'workers-ai/@cf/meta/llama-3.1-8b-instruct' },
]

const bodyOfLast = async (): Promise<Record<string, unknown>> => {
  const last = (await mock.requests()).at(-1)
  return JSON.parse(last?.body ?? 'null')
}

const textOf = async (stream: AsyncIterable<OpenAI.ChatCompletionChunk>) => {
  let text = ''
  let finish: string | null = null
  let usage: OpenAI.CompletionUsage | null = null
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    finish = chunk.choices[0]?.finish_reason ?? finish
    usage = chunk.usage ?? usage
  }
  return { text, finish, usage }
}

beforeAll(async () => {
  // The first request wakes the router and the account.
  await openai.chat.completions.create({ model: MODEL, messages: HELLO })
})
afterEach(() => mock.reset())

describe('chat completions', () => {
  it.each(SERVED)('are whole and streamed alike from $by', async ({ model }) => {
    await mock.script({ always: { text: 'naïve 日本 🙂 and the end' } })
    const body = { model, messages: HELLO }
    const whole = await openai.chat.completions.create(body)
    expect(whole.choices[0]).toMatchObject({
      message: { role: 'assistant', content: 'naïve 日本 🙂 and the end' },
      finish_reason: 'stop',
    })
    expect(whole.usage).toMatchObject({ completion_tokens: 6 })
    const stream = await openai.chat.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    })
    expect(await textOf(stream)).toEqual({
      text: whole.choices[0]?.message.content,
      finish: 'stop',
      usage: expect.objectContaining({
        prompt_tokens: whole.usage?.prompt_tokens,
        completion_tokens: 6,
      }),
    })
  })

  it.each(SERVED)('have tool calls from $by', async ({ model }) => {
    const body = { model, messages: HELLO, tools: [TOOL] }
    const whole = await openai.chat.completions.create(body)
    const call = whole.choices[0]?.message
      .tool_calls?.[0] as OpenAI.ChatCompletionMessageFunctionToolCall
    expect(whole.choices[0]?.finish_reason).toBe('tool_calls')
    expect(call.function.name).toBe('weather')
    expect(JSON.parse(call.function.arguments)).toEqual(CALL)

    const streamed = await openai.chat.completions.stream(body).finalChatCompletion()
    const again = streamed.choices[0]?.message.tool_calls?.[0] as typeof call
    expect(streamed.choices[0]?.finish_reason).toBe('tool_calls')
    expect(JSON.parse(again.function.arguments)).toEqual(CALL)

    const answered = await openai.chat.completions.create({
      ...body,
      messages: [
        ...HELLO,
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: call.id, content: '{"sunny":true}' },
      ],
    })
    expect(answered.choices[0]?.finish_reason).toBe('stop')
    expect(answered.choices[0]?.message.content).toContain('This is a mock')
  })

  it('say in a stream’s usage nothing that the client did not ask for', async () => {
    const stream = await openai.chat.completions.create({
      model: MODEL,
      messages: HELLO,
      stream: true,
    })
    let chunks = 0
    for await (const chunk of stream) {
      chunks++
      expect(chunk.choices).not.toEqual([])
      expect(chunk.usage ?? null).toBeNull()
    }
    expect(chunks).toBeGreaterThan(3)
  })

  it('take pictures', async () => {
    for (const { model } of SERVED.slice(0, 3)) {
      const completion = await openai.chat.completions.create({
        model,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
            ],
          },
        ],
      })
      expect(completion.choices[0]?.message.content).toContain('and 1 images')
    }
  })

  it('fit a JSON schema', async () => {
    const completion = await openai.chat.completions.create({
      model: MODEL,
      messages: HELLO,
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'w', schema: WEATHER, strict: true },
      },
    })
    expect(JSON.parse(completion.choices[0]?.message.content ?? '')).toEqual(CALL)
  })

  it('have logprobs, several choices, a stop and a limit', async () => {
    const completion = await openai.chat.completions.create({
      model: MODEL,
      messages: HELLO,
      logprobs: true,
      n: 2,
      stop: [' not'],
    })
    expect(completion.choices.map(({ index, message }) => [index, message.content])).toEqual([
      [0, 'This is a mock,'],
      [1, 'This is a mock,'],
    ])
    expect(completion.choices[0]?.logprobs?.content?.[0]).toMatchObject({ token: 'This' })
    const short = await openai.chat.completions.create({
      model: CLAUDE,
      messages: HELLO,
      max_tokens: 2,
    })
    expect(short.choices[0]).toMatchObject({
      message: { content: 'This is' },
      finish_reason: 'length',
    })
  })

  it('reach a provider of the same dialect byte for byte, but for the model', async () => {
    const text =
      '{"model":"openai/gpt-4.1-nano", "x_unknown": {"big":12345678901234567890,"e":1e400} ,"seed":7,"messages":[{"role":"user","content":"H\\u00e9\\ud83d\\ude42"}],"x_unknown":[ ]}'
    const response = await api.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: text,
    })
    expect(response.status).toBe(200)
    const [request] = (await mock.requests()).slice(-1)
    expect(request?.body).toBe(text.replace('openai/gpt-4.1-nano', 'gpt-4.1-nano'))
    expect(JSON.stringify(request)).not.toContain(api.key)
  })

  it('tell of provider, model, tokens’ cost and the decision in headers', async () => {
    const { response } = await openai.chat.completions
      .create({ model: MODEL, messages: HELLO })
      .withResponse()
    expect(response.headers.get('x-gjallar-provider')).toBe('openai')
    expect(response.headers.get('x-gjallar-model')).toBe('gpt-4.1-nano')
    expect(Number(response.headers.get('x-gjallar-cost-usd'))).toBeGreaterThan(0)
  })

  it.each(['auto', 'gjallar', 'gjallar/auto', 'gjallar/cheap', 'gjallar/mid', 'gjallar/hard'])(
    'of the model %s are routed',
    async (model) => {
      const { data, response } = await openai.chat.completions
        .create({ model, messages: HELLO })
        .withResponse()
      expect(data.choices[0]?.message.content).toContain('This is a mock')
      const bucket = response.headers.get('x-gjallar-bucket')
      expect(['cheap', 'mid', 'hard']).toContain(bucket)
      if (/cheap|mid|hard/.test(model)) expect(bucket).toBe(model.slice('gjallar/'.length))
    },
  )

  it('of a client that leaves are cancelled upstream', async () => {
    await mock.script({ always: { tokensPerSecond: 5, outputTokens: 500 } })
    const stream = await openai.chat.completions.create({
      model: MODEL,
      messages: HELLO,
      stream: true,
    })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    stream.controller.abort()
    await until('the mock to see that nobody listens', async () => {
      const { aborted, active } = await mock.counts()
      return aborted === 1 && active === 0
    })
  })
})

describe('messages', () => {
  it.each(SERVED)('are whole and streamed alike from $by', async ({ model }) => {
    const body = { model, max_tokens: 200, system: 'Be brief.', messages: HELLO }
    const whole = await anthropic.messages.create(body)
    expect(whole).toMatchObject({ type: 'message', role: 'assistant', stop_reason: 'end_turn' })
    expect(whole.content[0]).toMatchObject({ type: 'text' })
    const streamed = await anthropic.messages.stream(body).finalMessage()
    expect(streamed.content).toEqual(whole.content)
    expect(streamed.usage.output_tokens).toBe(whole.usage.output_tokens)
  })

  it.each(SERVED)('have tool uses from $by', async ({ model }) => {
    const body = {
      model,
      max_tokens: 200,
      messages: HELLO,
      tools: [{ name: 'weather', input_schema: WEATHER as Anthropic.Tool.InputSchema }],
    }
    for (const message of [
      await anthropic.messages.create(body),
      await anthropic.messages.stream(body).finalMessage(),
    ]) {
      expect(message.stop_reason).toBe('tool_use')
      const use = message.content.find((block) => block.type === 'tool_use')
      expect(use).toMatchObject({ name: 'weather', input: CALL })
    }
  })

  it('keep thinking with its signature', async () => {
    await mock.script({ always: { reasoningTokens: 3 } })
    const body = {
      model: CLAUDE,
      max_tokens: 2_000,
      thinking: { type: 'enabled' as const, budget_tokens: 1_024 },
      messages: HELLO,
    }
    const whole = await anthropic.messages.create(body)
    expect(whole.content[0]).toMatchObject({ type: 'thinking', signature: expect.any(String) })
    expect((await bodyOfLast()).thinking).toEqual(body.thinking)
    const streamed = await anthropic.messages.stream(body).finalMessage()
    expect(streamed.content).toEqual(whole.content)
  })
})

describe('embeddings and models', () => {
  it('embeds', async () => {
    const answer = await openai.embeddings.create({
      model: 'openai/text-embedding-3-small',
      input: ['a', 'b'],
      encoding_format: 'float',
    })
    expect(answer.data.map(({ index, embedding }) => [index, embedding.length])).toEqual([
      [0, 64],
      [1, 64],
    ])
    expect(answer.usage.prompt_tokens).toBe(2)
  })

  it('lists models, and one with slashes in its name', async () => {
    const ids: string[] = []
    for await (const model of openai.models.list()) ids.push(model.id)
    expect(ids).toEqual(expect.arrayContaining([MODEL, CLAUDE]))
    const name = 'together/mistralai/Mixtral-8x7B-Instruct-v0.1'
    const response = await api.request(`/v1/models/${name}`)
    expect(await response.json()).toMatchObject({ id: name, object: 'model' })
    await expect(openai.models.retrieve('openai/no-such-model')).rejects.toThrow(
      OpenAI.NotFoundError,
    )
  })
})
