import { describe, expect, it } from 'vitest'
import { openai } from '../../src/gateway/providers/openai.ts'
import type { ChatCall } from '../../src/gateway/providers/types.ts'

const text = new TextDecoder()
const BASE_URL = 'https://api.openai.com/v1'

const sent = (json: string, more: Partial<ChatCall> = {}, baseUrl = BASE_URL): string => {
  const request = openai.chatRequest(
    baseUrl,
    {
      dialect: 'openai',
      bytes: new TextEncoder().encode(json),
      body: JSON.parse(json),
      model: 'gpt-4o',
      isStream: false,
      reasoningEffort: null,
      ...more,
    },
    { scheme: 'bearer', secret: 'k' },
  )
  if (!request.ok) throw new Error(JSON.stringify(request.error))
  const { body } = request.value
  return typeof body === 'string' ? body : text.decode(body)
}

describe("a chat's body at servers that speak like OpenAI", () => {
  it('is passed on byte for byte, but for the model and the words for the router', () => {
    expect(
      sent(
        '{ "model":"auto", "seed":12345678901234567890, "x" : {"y":1.0}, "alpha":0.5,"messages":[] }',
      ),
    ).toBe('{ "model":"gpt-4o", "seed":12345678901234567890, "x" : {"y":1.0}, "messages":[] }')
  })

  it('asks for the usage of streams, and keeps their other options', () => {
    const stream = { isStream: true }
    expect(sent('{"model":"auto","stream":true}', stream)).toBe(
      '{"stream_options":{"include_usage":true},"model":"gpt-4o","stream":true}',
    )
    expect(
      sent(
        '{"model":"a","stream_options":{"include_usage":false,"include_obfuscation":false}}',
        stream,
      ),
    ).toBe('{"model":"gpt-4o","stream_options":{"include_usage":true,"include_obfuscation":false}}')
    // It refuses the option, and tells the usage without.
    expect(sent('{"model":"a"}', stream, 'https://api.mistral.ai/v1')).toBe('{"model":"gpt-4o"}')
  })

  it("takes its bucket's effort where it names none", () => {
    const bucket = { reasoningEffort: 'low' } as const
    expect(sent('{"model":"a"}', bucket)).toBe('{"reasoning_effort":"low","model":"gpt-4o"}')
    expect(sent('{"model":"a","reasoning_effort":"high"}', bucket)).toBe(
      '{"model":"gpt-4o","reasoning_effort":"high"}',
    )
  })

  it('bounds the answer by the name that the server knows', () => {
    const message = '{"model":"a","max_tokens":9,"messages":[{"role":"user","content":"x"}]}'
    const anthropic = { dialect: 'anthropic' } as const
    expect(JSON.parse(sent(message, anthropic))).toMatchObject({ max_completion_tokens: 9 })
    expect(JSON.parse(sent(message, anthropic, 'http://localhost:11434/v1'))).toMatchObject({
      max_tokens: 9,
    })
  })

  it('says how much to think where a client of Anthropic says it', () => {
    const effortOf = (thinking: string) =>
      (
        JSON.parse(
          sent(`{"model":"a","max_tokens":9,"messages":[],${thinking}}`, { dialect: 'anthropic' }),
        ) as { reasoning_effort?: string }
      ).reasoning_effort
    expect(effortOf('"thinking":{"type":"enabled","budget_tokens":1024}')).toBe('low')
    expect(effortOf('"thinking":{"type":"enabled","budget_tokens":8000}')).toBe('medium')
    expect(effortOf('"thinking":{"type":"enabled","budget_tokens":32000}')).toBe('high')
    expect(effortOf('"output_config":{"effort":"max"}')).toBe('high')
    expect(effortOf('"thinking":{"type":"disabled"}')).toBeUndefined()
  })

  it('refuses tools that Anthropic runs, with their place', () => {
    const body = { messages: [], tools: [{ type: 'web_search_20250305', name: 'web_search' }] }
    const call = { dialect: 'anthropic', bytes: new Uint8Array(), body, model: 'm' } as const
    expect(
      openai.chatRequest(
        BASE_URL,
        { ...call, isStream: false, reasoningEffort: null },
        { scheme: 'none', secret: '' },
      ),
    ).toMatchObject({ ok: false, error: { reason: 'request', param: 'tools[0].type' } })
  })

  it('tells several answers apart in one stream', () => {
    const decoder = openai.openStream()
    const chunk = (index: number, content: string, finish: string | null = null) =>
      decoder.decode({
        event: null,
        data: JSON.stringify({ choices: [{ index, delta: { content }, finish_reason: finish }] }),
      })
    expect(chunk(1, 'b')).toContainEqual({ kind: 'text', index: 1, text: 'b' })
    expect(chunk(0, 'a', 'stop')).toHaveLength(2)
    expect(decoder.end?.()).toEqual([])
    chunk(1, '', 'length')
    expect(decoder.end?.()).toEqual([{ kind: 'done' }])
  })

  it('is told the calls that Gemini made without the proofs in their ids', () => {
    const signed = `call_r1_0_0-sig-${'Q'.repeat(300)}`
    const call = { id: signed, type: 'function', function: { name: 'f', arguments: '{}' } }
    const body = {
      model: 'auto',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: signed, content: '2' },
      ],
    }
    const sent = openai.chatRequest(
      'https://x.test/v1',
      {
        ...{ dialect: 'openai', bytes: new TextEncoder().encode(JSON.stringify(body)), body },
        ...{ model: 'm', isStream: false, reasoningEffort: null },
      },
      { scheme: 'none', secret: '' },
    )
    const text = sent.ok ? new TextDecoder().decode(sent.value.body as Uint8Array) : '{}'
    expect(JSON.parse(text).messages).toEqual([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: null, tool_calls: [{ ...call, id: 'call_r1_0_0' }] },
      { role: 'tool', tool_call_id: 'call_r1_0_0', content: '2' },
    ])
  })

  it('reads a hundred thousand calls in time linear in them', () => {
    const tool_calls = Array.from({ length: 100_000 }, (_, index) => {
      return { index, id: `c${index}`, function: { name: 'f', arguments: '{}' } }
    })
    const data = JSON.stringify({ choices: [{ index: 0, delta: { tool_calls } }] })
    expect(openai.openStream().decode({ event: null, data })).toHaveLength(200_001)
  })

  it('passes logprobs on untouched', () => {
    const logprobs = {
      content: [{ token: 'Hi', logprob: -0.1, bytes: [72, 105], top_logprobs: [] }],
    }
    const data = JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hi' }, logprobs }] })
    expect(openai.openStream().decode({ event: null, data })).toContainEqual({
      kind: 'text',
      index: 0,
      text: 'Hi',
      logprobs,
    })
  })
})

describe('the first chunk of a stream', () => {
  it('says nothing yet, whatever stands beside the role', () => {
    const choice = { index: 0, delta: { role: 'assistant', content: '', refusal: null } }
    const data = JSON.stringify({
      id: 'x',
      model: 'm',
      choices: [{ ...choice, logprobs: { content: [], refusal: null }, finish_reason: null }],
      usage: null,
    })
    expect(openai.openStream().decode({ event: null, data })).toEqual([
      { kind: 'start', id: 'x', model: 'm' },
    ])
  })
})

describe('embeddings', () => {
  it('are asked for with every field of the client, and read in their order', () => {
    const body = { model: 'auto', input: ['a', 'b'], dimensions: 2, alpha: 1 }
    const request = openai.embeddingsRequest?.(
      BASE_URL,
      { body, model: 'text-embedding-3-small' },
      { scheme: 'bearer', secret: 'k' },
    )
    expect(request).toMatchObject({
      ok: true,
      value: {
        url: 'https://api.openai.com/v1/embeddings',
        body: '{"model":"text-embedding-3-small","input":["a","b"],"dimensions":2}',
      },
    })
    const answer = {
      object: 'list',
      data: [
        { object: 'embedding', index: 1, embedding: [0, 1] },
        { object: 'embedding', index: 0, embedding: [1, 0] },
      ],
      model: 'text-embedding-3-small',
      usage: { prompt_tokens: 5, total_tokens: 5 },
    }
    expect(openai.readEmbeddings?.(new TextEncoder().encode(JSON.stringify(answer)))).toMatchObject(
      {
        ok: true,
        value: {
          vectors: [
            [1, 0],
            [0, 1],
          ],
          usage: { inputTokens: 5, outputTokens: 0 },
        },
      },
    )
  })

  it('that are none are malformed', () => {
    for (const json of ['{}', '{"data":[{"embedding":null}]}', '[]', 'x'])
      expect(openai.readEmbeddings?.(new TextEncoder().encode(json))).toMatchObject({
        ok: false,
        error: { reason: 'malformed' },
      })
  })
})
