import { describe, expect, it } from 'vitest'
import type { ChatEvent, Fields } from '../../src/gateway/chat.ts'
import { anthropicDialect } from '../../src/gateway/dialects/anthropic.ts'
import { openAiDialect } from '../../src/gateway/dialects/openai.ts'
import { CHATS, MESSAGES } from './providers.case.ts'

const hello = { role: 'user', content: 'Hello' }
const chat = (more: Fields = {}) => ({ model: 'auto', messages: [hello], ...more })
const message = (more: Fields = {}) => ({ ...chat(), max_tokens: 9, ...more })
const image = (bytes: number) => 'A'.repeat(Math.ceil((bytes * 4) / 3))
const part = (...parts: unknown[]) => ({ messages: [{ role: 'user', content: parts }] })
const tool = (called: unknown) => ({ tools: [{ type: 'function', function: called }] })

/** Bodies that are refused, and where. */
const refused = (
  codec: typeof openAiDialect,
  body: (more: Fields) => Fields,
  cases: readonly (readonly [Fields, string])[],
) => {
  for (const [more, pointer] of cases)
    expect([pointer, codec.check(body(more))]).toMatchObject([pointer, { pointer }])
}

describe('a body of OpenAI', () => {
  it('passes with every field of its protocol, and with unknown ones', () => {
    for (const body of Object.values(CHATS)) expect(openAiDialect.check(chat(body))).toBeNull()
    const more = {
      seed: 2 ** 60,
      n: 2,
      logit_bias: { 1: -100 },
      stop: null,
      x: { y: 1 },
      stream: true,
    }
    expect(openAiDialect.check(chat(more))).toBeNull()
  })

  it('is refused where a field is of the wrong kind or range', () => {
    refused(openAiDialect, chat, [
      [{ model: undefined }, '#/model'],
      [{ model: 'gpt\r\nx-injected: 1' }, '#/model'],
      [{ model: 'gpt\u0000' }, '#/model'],
      [{ model: 'x'.repeat(300) }, '#/model'],
      [{ messages: [] }, '#/messages'],
      [{ messages: ['x'] }, '#/messages/0'],
      [{ messages: [{ role: 'robot', content: '' }] }, '#/messages/0/role'],
      [{ messages: [{ role: 'user' }] }, '#/messages/0/content'],
      [{ messages: [{ role: 'user', content: 5 }] }, '#/messages/0/content'],
      [{ messages: [hello, { role: 'tool', content: '' }] }, '#/messages/1/tool_call_id'],
      [{ max_tokens: -1 }, '#/max_tokens'],
      [{ max_completion_tokens: 1.5 }, '#/max_completion_tokens'],
      [{ temperature: 'hot' }, '#/temperature'],
      [{ temperature: 2.1 }, '#/temperature'],
      [{ top_p: -0.1 }, '#/top_p'],
      [{ n: 0 }, '#/n'],
      [{ n: 1000 }, '#/n'],
      [{ stream: 'yes' }, '#/stream'],
      [{ stream_options: [] }, '#/stream_options'],
      [{ stop: ['a', 5] }, '#/stop/1'],
      [{ tools: {} }, '#/tools'],
      [{ tools: [5] }, '#/tools/0'],
      [tool({}), '#/tools/0/function/name'],
      [tool({ name: 'a b' }), '#/tools/0/function/name'],
      [tool({ name: 'f', parameters: [] }), '#/tools/0/function/parameters'],
      [{ tool_choice: 'sometimes' }, '#/tool_choice'],
      [{ response_format: { type: 'xml' } }, '#/response_format/type'],
      [part({ type: 'text' }), '#/messages/0/content/0/text'],
      [part({ type: 'image_url', image_url: 'x' }), '#/messages/0/content/0/image_url'],
      [
        part({ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }),
        '#/messages/0/content/0/image_url/url',
      ],
    ])
  })

  it('is too large with an image of 20 MB', () => {
    const url = `data:image/png;base64,${image(20_000_000)}`
    expect(
      openAiDialect.check(chat(part({ type: 'image_url', image_url: { url } }))),
    ).toMatchObject({
      reason: 'too-large',
      pointer: '#/messages/0/content/0/image_url/url',
    })
    const small = `data:image/png;base64,${image(10_000_000)}`
    expect(
      openAiDialect.check(chat(part({ type: 'image_url', image_url: { url: small } }))),
    ).toBeNull()
  })

  it('is refused where a schema is nested too deeply to be written again', () => {
    const parameters = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`)
    refused(openAiDialect, chat, [
      [tool({ name: 'f', parameters }), '#/tools/0/function/parameters'],
      [{ tools: [{ type: 'x', x: parameters }] }, '#/tools/0'],
    ])
  })

  it('is refused where parts are nested too deeply to be counted', () => {
    const open = '{"type":"x","content":['
    const parts = JSON.parse(`${open.repeat(50_000)}${']}'.repeat(50_000)}`)
    refused(openAiDialect, chat, [[part(parts), '#/messages/0/content/0']])
    refused(anthropicDialect, message, [[part(parts), '#/messages/0/content/0']])
  })

  it('is its own chat', () => {
    const body = chat()
    expect(openAiDialect.toChat(body)).toEqual({ ok: true, value: body })
  })
})

describe('a body of Anthropic', () => {
  it('passes with every field of its protocol, and with unknown ones', () => {
    for (const body of Object.values(MESSAGES))
      expect(anthropicDialect.check(message(body))).toBeNull()
    const thinking = { type: 'adaptive' }
    expect(
      anthropicDialect.check(message({ thinking, x: 1, metadata: { user_id: 'u' } })),
    ).toBeNull()
  })

  it('is refused where a field is of the wrong kind or range', () => {
    refused(anthropicDialect, message, [
      [{ model: 'claude\n' }, '#/model'],
      [{ max_tokens: undefined }, '#/max_tokens'],
      [{ max_tokens: -1 }, '#/max_tokens'],
      [{ messages: [{ role: 'system', content: '' }] }, '#/messages/0/role'],
      [{ messages: [{ role: 'user' }] }, '#/messages/0/content'],
      [{ system: 5 }, '#/system'],
      [{ temperature: 1.5 }, '#/temperature'],
      [{ stop_sequences: [1] }, '#/stop_sequences/0'],
      [{ tools: [{ name: 'f' }] }, '#/tools/0/input_schema'],
      [{ tools: [{ name: '\u0007', input_schema: {} }] }, '#/tools/0/name'],
      [{ tool_choice: { type: 'x' } }, '#/tool_choice/type'],
      [{ thinking: { type: 'enabled' } }, '#/thinking/budget_tokens'],
      [{ thinking: { type: 'enabled', budget_tokens: 5 } }, '#/thinking/budget_tokens'],
      [part({ type: 'tool_result' }), '#/messages/0/content/0/tool_use_id'],
      [
        part({ type: 'image', source: { type: 'base64', data: image(20_000_000) } }),
        '#/messages/0/content/0/source/data',
      ],
    ])
  })
})

describe('results of calls', () => {
  const chatOf = (content: unknown) =>
    anthropicDialect.toChat(message(part({ type: 'tool_result', tool_use_id: 'c', content })))

  it('keep what was found, texts with the call and files behind it', () => {
    const source = { type: 'base64', media_type: 'application/pdf', data: 'AAAA' }
    const said = chatOf([
      { type: 'text', text: 'Two hits.' },
      { type: 'search_result', source: 's', title: 't', content: [{ type: 'text', text: 'A' }] },
      { type: 'document', source },
    ])
    expect(said.ok && said.value.messages).toEqual([
      { role: 'tool', tool_call_id: 'c', content: 'Two hits.\nA' },
      {
        role: 'user',
        content: [
          {
            type: 'file',
            file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,AAAA' },
          },
        ],
      },
    ])
    expect(chatOf([{ type: 'tool_reference', tool_name: 'f' }])).toMatchObject({
      error: { pointer: '#/messages/0/content/0/content/0/type' },
    })
  })
})

describe('calls that come mixed', () => {
  const start = (call: number): ChatEvent => {
    return { kind: 'tool-start', index: 0, call, id: `c${call}`, name: 'f' }
  }
  const json = (call: number, text: string): ChatEvent => {
    return { kind: 'tool-arguments', index: 0, call, json: text }
  }
  /** What a client of Anthropic makes of it: each block's name or text, told within the block alone. */
  const blocksOf = (events: readonly ChatEvent[]): string[] => {
    const meta = { id: 'm', model: 'm', createdAtMs: 0, includeUsage: true }
    const encoder = anthropicDialect.openStream(meta)
    const text = [...events, { kind: 'done' } as const].map((one) => encoder.encode(one)).join('')
    const blocks: string[] = []
    let open = -1
    for (const [, data = ''] of text.matchAll(/^data: (.*)$/gm)) {
      const { type, index, content_block, delta } = JSON.parse(data)
      if (type === 'content_block_start') {
        expect([open, index]).toEqual([-1, blocks.length])
        open = index
        blocks.push(content_block.id ?? '')
      } else if (type === 'content_block_delta') {
        expect(index).toBe(open)
        blocks[index] += ` ${delta.partial_json ?? delta.text}`
      } else if (type === 'content_block_stop') open = -1
    }
    return blocks
  }

  it('are told one after the other, and what is said between them behind them', () => {
    const said: ChatEvent = { kind: 'text', index: 0, text: 'Wait.' }
    const all = [start(0), start(1), json(1, '{"b":"}'), json(0, '{"a":'), said, start(2)]
    expect(blocksOf([...all, json(0, '1}'), json(1, '"}'), json(2, '{}')])).toEqual([
      'c0 {"a": 1}',
      'c1 {"b":"} "}',
      ' Wait.',
      'c2 {}',
    ])
  })

  it('are told at the end where their arguments have none', () => {
    expect(blocksOf([start(0), start(1), json(1, '{}'), start(2)])).toEqual(['c0', 'c1 {}', 'c2'])
  })

  it('are told one by one as they come where they come one by one', () => {
    const encoder = anthropicDialect.openStream({
      ...{ id: 'm', model: 'm', createdAtMs: 0, includeUsage: true },
    })
    for (const one of [start(0), json(0, '{"a"'), json(0, ':1}'), start(1), json(1, '{}')])
      expect(encoder.encode(one)).not.toBe('')
  })

  it('are bounded in what is held', () => {
    const calls = Array.from({ length: 10_000 }, (_, call) => start(call))
    expect(blocksOf(calls)).toHaveLength(10_000)
  })
})

describe('errors', () => {
  const error = { status: 429, message: 'Slow down', code: 'rate_limited', param: 'model' }

  it('are told as each protocol has them', () => {
    expect(openAiDialect.error({ ...error, type: openAiDialect.errorType(429) })).toEqual({
      error: {
        message: 'Slow down',
        type: 'rate_limit_error',
        param: 'model',
        code: 'rate_limited',
      },
    })
    expect(anthropicDialect.error({ ...error, type: anthropicDialect.errorType(529) })).toEqual({
      type: 'error',
      error: { type: 'overloaded_error', message: 'Slow down' },
    })
    expect(openAiDialect.errorType(502)).toBe('server_error')
    expect(anthropicDialect.errorType(422)).toBe('invalid_request_error')
  })
})
