import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { describe, expect, it } from 'vitest'
import type { ChatEvent, Usage } from '../../src/gateway/chat.ts'
import { anthropicDialect } from '../../src/gateway/dialects/anthropic.ts'
import { openAiDialect } from '../../src/gateway/dialects/openai.ts'
import type { DialectCodec } from '../../src/gateway/dialects/types.ts'

const usage: Usage = {
  inputTokens: 30,
  cachedInputTokens: 20,
  cacheWriteTokens: 4,
  outputTokens: 15,
  reasoningTokens: 5,
}

const EVENTS: readonly ChatEvent[] = [
  { kind: 'start', id: 'up-1', model: 'm' },
  { kind: 'reasoning', index: 0, text: 'They ask ' },
  { kind: 'reasoning', index: 0, text: 'for weather.' },
  { kind: 'reasoning-signature', index: 0, signature: 'EqQB' },
  { kind: 'text', index: 0, text: 'I look – ' },
  { kind: 'text', index: 0, text: '😀.' },
  { kind: 'tool-start', index: 0, call: 0, id: 'call_1', name: 'weather' },
  { kind: 'tool-arguments', index: 0, call: 0, json: '{"city":' },
  { kind: 'tool-arguments', index: 0, call: 0, json: '"Oslo"}' },
  { kind: 'tool-start', index: 0, call: 1, id: 'call_2', name: 'weather' },
  { kind: 'tool-arguments', index: 0, call: 1, json: '{"city":"Bergen"}' },
  { kind: 'finish', index: 0, reason: 'tool_calls', stopSequence: null },
  { kind: 'usage', usage },
  { kind: 'done' },
]
const ERROR = {
  status: 502,
  type: 'server_error',
  message: 'The provider broke off.',
  code: 'upstream_interrupted',
  param: null,
}

const streamOf = (codec: DialectCodec, events: readonly ChatEvent[], includeUsage = true) => {
  const meta = { id: 'id-1', model: 'm', createdAtMs: 1_750_000_000_000, includeUsage }
  const encoder = codec.openStream(meta)
  return { encoder, text: events.map((event) => encoder.encode(event)).join('') }
}

/** A `fetch` that answers with this text. */
const answering =
  (text: string, contentType: string, status = 200) =>
  async () =>
    new Response(text, { status, headers: { 'content-type': contentType } })

const openAiWith = (text: string, contentType = 'text/event-stream', status = 200) =>
  new OpenAI({ apiKey: 'k', maxRetries: 0, fetch: answering(text, contentType, status) })
const anthropicWith = (text: string, contentType = 'text/event-stream', status = 200) =>
  new Anthropic({ apiKey: 'k', maxRetries: 0, fetch: answering(text, contentType, status) })

const ask = { model: 'auto', messages: [{ role: 'user' as const, content: 'Weather?' }] }
const COMPLETION = {
  id: 'up-1',
  model: 'm',
  createdAtMs: 1_750_000_000_000,
  usage,
  choices: [
    {
      index: 0,
      text: 'I look.',
      reasoning: 'They ask.',
      reasoningSignature: 'EqQB',
      refusal: null,
      toolCalls: [{ id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' }],
      finishReason: 'tool_calls' as const,
      stopSequence: null,
      logprobs: null,
    },
  ],
}

describe("OpenAI's client", () => {
  it('gathers a stream with text, calls and usage', async () => {
    const { text } = streamOf(openAiDialect, EVENTS)
    const completion = await openAiWith(text).chat.completions.stream(ask).finalChatCompletion()
    expect(completion).toMatchObject({
      id: 'id-1',
      object: 'chat.completion',
      created: 1_750_000_000,
      model: 'm',
      choices: [
        {
          finish_reason: 'tool_calls',
          message: {
            role: 'assistant',
            content: 'I look – 😀.',
            tool_calls: [
              { id: 'call_1', type: 'function', function: { arguments: '{"city":"Oslo"}' } },
              { id: 'call_2', type: 'function', function: { arguments: '{"city":"Bergen"}' } },
            ],
          },
        },
      ],
      usage: {
        prompt_tokens: 30,
        completion_tokens: 15,
        total_tokens: 45,
        prompt_tokens_details: { cached_tokens: 20, cache_write_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 5 },
      },
    })
  })

  it('gets the usage only where it asked for it, in a chunk of its own', async () => {
    for (const includeUsage of [true, false]) {
      const { text } = streamOf(openAiDialect, EVENTS, includeUsage)
      const stream = await openAiWith(text).chat.completions.create({ ...ask, stream: true })
      const chunks: OpenAI.ChatCompletionChunk[] = []
      for await (const chunk of stream) chunks.push(chunk)
      expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant')
      expect(chunks.filter(({ usage }) => usage).length).toBe(includeUsage ? 1 : 0)
      expect(chunks.at(-1)?.choices).toHaveLength(includeUsage ? 0 : 1)
      expect(chunks.slice(1).some(({ choices }) => choices[0]?.delta.role)).toBe(false)
    }
  })

  it('throws what breaks a stream, after what came before', async () => {
    const { encoder, text } = streamOf(openAiDialect, EVENTS.slice(0, 5))
    const client = openAiWith(text + encoder.fault(ERROR))
    const stream = await client.chat.completions.create({ ...ask, stream: true })
    const texts: string[] = []
    const reading = (async () => {
      for await (const { choices } of stream) texts.push(choices[0]?.delta.content ?? '')
    })()
    await expect(reading).rejects.toMatchObject({
      error: { message: 'The provider broke off.', code: 'upstream_interrupted' },
    })
    expect(texts.join('')).toBe('I look – ')
  })

  it('reads a whole answer, and errors with their code and field', async () => {
    const answer = JSON.stringify(openAiDialect.completion(COMPLETION, 'id-1'))
    const read = await openAiWith(answer, 'application/json').chat.completions.create(ask)
    expect(read.choices[0]?.message).toMatchObject({ content: 'I look.', refusal: null })
    expect(read.usage?.total_tokens).toBe(45)
    const error = JSON.stringify(openAiDialect.error({ ...ERROR, param: 'model' }))
    await expect(
      openAiWith(error, 'application/json', 429).chat.completions.create(ask),
    ).rejects.toMatchObject({ status: 429, code: 'upstream_interrupted', param: 'model' })
  })
})

describe("Anthropic's client", () => {
  const asked = { ...ask, max_tokens: 100 }

  it('gathers a stream with thinking, text, calls and usage', async () => {
    const { text } = streamOf(anthropicDialect, EVENTS)
    const message = await anthropicWith(text).messages.stream(asked).finalMessage()
    expect(message).toMatchObject({
      id: 'id-1',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [
        { type: 'thinking', thinking: 'They ask for weather.', signature: 'EqQB' },
        { type: 'text', text: 'I look – 😀.' },
        { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } },
        { type: 'tool_use', id: 'call_2', name: 'weather', input: { city: 'Bergen' } },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: {
        input_tokens: 6,
        cache_read_input_tokens: 20,
        cache_creation_input_tokens: 4,
        output_tokens: 15,
      },
    })
  })

  it('sees one block after the other, each begun and ended', async () => {
    const { text } = streamOf(anthropicDialect, EVENTS)
    const stream = await anthropicWith(text).messages.create({ ...asked, stream: true })
    const kinds: string[] = []
    for await (const event of stream)
      kinds.push('index' in event ? `${event.type} ${event.index}` : event.type)
    const block = (index: number, deltas: number) => [
      `content_block_start ${index}`,
      ...Array.from({ length: deltas }, () => `content_block_delta ${index}`),
      `content_block_stop ${index}`,
    ]
    expect(kinds).toEqual([
      'message_start',
      ...block(0, 3),
      ...block(1, 2),
      ...block(2, 2),
      ...block(3, 1),
      'message_delta',
      'message_stop',
    ])
  })

  it('gathers calls whose arguments come mixed', async () => {
    const [start, ...rest] = EVENTS.slice(6)
    const [first, second, begun, ...others] = rest
    const mixed = [start, begun, first, second, ...others] as ChatEvent[]
    const { text } = streamOf(anthropicDialect, mixed)
    const message = await anthropicWith(text).messages.stream(asked).finalMessage()
    expect(message.content).toMatchObject([
      { id: 'call_1', input: { city: 'Oslo' } },
      { id: 'call_2', input: { city: 'Bergen' } },
    ])
  })

  it('throws what breaks a stream', async () => {
    const { encoder, text } = streamOf(anthropicDialect, EVENTS.slice(0, 5))
    const fault = encoder.fault({ ...ERROR, type: anthropicDialect.errorType(529) })
    const stream = anthropicWith(text + fault).messages.stream(asked)
    await expect(stream.finalMessage()).rejects.toMatchObject({
      type: 'overloaded_error',
      error: { error: { message: 'The provider broke off.' } },
    })
  })

  it('reads a whole answer, and errors with their type', async () => {
    const answer = JSON.stringify(anthropicDialect.completion(COMPLETION, 'id-1'))
    const read = await anthropicWith(answer, 'application/json').messages.create(asked)
    expect(read.content.map(({ type }) => type)).toEqual(['thinking', 'text', 'tool_use'])
    expect(read.stop_reason).toBe('tool_use')
    const error = JSON.stringify(anthropicDialect.error({ ...ERROR, type: 'overloaded_error' }))
    await expect(
      anthropicWith(error, 'application/json', 529).messages.create(asked),
    ).rejects.toMatchObject({ status: 529, type: 'overloaded_error' })
  })
})
