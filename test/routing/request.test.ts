import { describe, expect, it } from 'vitest'
import { PARTS_MAX } from '../../src/routing/content.ts'
import {
  type Dialect,
  MESSAGES_MAX,
  readRoutingRequest,
  TEXT_BYTES_MAX,
  TOOLS_MAX,
} from '../../src/routing/request.ts'

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const read = (body: unknown, dialect: Dialect = 'openai') => {
  const result = readRoutingRequest(body, dialect)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

const faultOf = (body: unknown, dialect: Dialect = 'openai') => {
  const result = readRoutingRequest(body, dialect)
  return result.ok ? null : result.error
}

const user = (content: unknown) => ({ messages: [{ role: 'user', content }] })

describe('an OpenAI chat body', () => {
  it('gives texts, counts and settings', () => {
    const tools = [{ type: 'function', function: { name: 'weather' } }]
    const request = read({
      model: 'gpt-4.1',
      alpha: 0.5,
      prompt_cache_key: 'chat 7',
      max_completion_tokens: 200,
      max_tokens: 100,
      response_format: { type: 'json_object' },
      tools,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Weather?' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'a', type: 'function', function: { name: 'w', arguments: '{"x":1}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'a', content: 'rain' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'And this' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
          ],
        },
      ],
    })
    expect(decode(request.text)).toBe('Be brief.\nWeather?\n{"x":1}\nrain\nAnd this')
    expect(decode(request.lastUserText)).toBe('And this')
    expect(decode(request.text.subarray(0, request.prefixBytes))).toBe('Be brief.\nWeather?')
    expect(request).toMatchObject({
      systemBytes: 9,
      turns: 2,
      messages: 5,
      tools: 1,
      images: 1,
      responseFormat: 'json',
      maxOutputTokens: 200,
      requestedModel: 'gpt-4.1',
      alpha: 0.5,
      conversationKey: 'chat 7',
      schemaLength: JSON.stringify(tools).length,
    })
  })

  it('leaves the choice to the router where no model or an automatic one is named', () => {
    for (const model of [undefined, null, 'auto', 'gjallar', 'gjallar/auto'])
      expect(read({ ...user('hi'), model }).requestedModel).toBeNull()
  })

  it('places parts by bytes where the text is not ASCII', () => {
    const request = read({
      messages: [
        { role: 'system', content: 'Ты краток' },
        { role: 'user', content: 'Привет, мир' },
        { role: 'assistant', content: '你好' },
        { role: 'user', content: 'ещё' },
      ],
    })
    expect(request.systemBytes).toBe(Buffer.byteLength('Ты краток'))
    expect(decode(request.lastUserText)).toBe('ещё')
    expect(decode(request.text.subarray(0, request.prefixBytes))).toBe('Ты краток\nПривет, мир')
  })

  it('reads a lone surrogate as U+FFFD', () => {
    expect(decode(read(user('a\ud800b')).text)).toBe('a\ufffdb')
    expect(decode(read(user('\udc00')).lastUserText)).toBe('\ufffd')
  })

  it('has no text of the user where none of the messages is the user’s', () => {
    const request = read({ messages: [{ role: 'assistant', content: 'Hello' }] })
    expect([request.turns, request.lastUserText.length, request.prefixBytes]).toEqual([0, 0, 0])
  })

  it('reads empty content', () => {
    expect(read(user('')).text).toHaveLength(0)
    const request = read({ messages: [...user([]).messages, ...user('b').messages] })
    expect(decode(request.lastUserText)).toBe('b')
  })
})

describe('an Anthropic messages body', () => {
  it('gives the instructions beside the messages, blocks and tool results', () => {
    const request = read(
      {
        model: 'claude-haiku-4-5',
        max_tokens: 64,
        system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
        messages: [
          { role: 'user', content: 'Weather?' },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'hm', signature: 's' },
              { type: 'tool_use', id: 'a', name: 'w', input: { x: 1 } },
            ],
          },
          {
            role: 'user',
            content: [
              {
                type: 'tool_result',
                tool_use_id: 'a',
                content: [
                  { type: 'text', text: 'rain' },
                  { type: 'image', source: { type: 'base64', data: 'AAAA' } },
                ],
              },
              { type: 'text', text: 'So?' },
            ],
          },
        ],
      },
      'anthropic',
    )
    expect(decode(request.text)).toBe('Be brief.\nWeather?\nhm\n{"x":1}\nrain\nSo?')
    expect(decode(request.lastUserText)).toBe('rain\nSo?')
    expect(request).toMatchObject({ systemBytes: 9, turns: 2, images: 1, maxOutputTokens: 64 })
  })

  it('does not know what only OpenAI has', () => {
    const system = { messages: [{ role: 'system', content: 'x' }] }
    expect(faultOf(system, 'anthropic')).toMatchObject({ pointer: '#/messages/0/role' })
    const image = user([{ type: 'image_url', image_url: 'x' }])
    expect(faultOf(image, 'anthropic')).toMatchObject({ pointer: '#/messages/0/content/0/type' })
  })
})

const nested = (depth: number): unknown => {
  let block: unknown = { type: 'text', text: 'x' }
  for (let i = 0; i < depth; i++) block = { type: 'tool_result', content: [block] }
  return block
}

describe('a body that cannot be routed', () => {
  it.each([
    ['no object', [], '#'],
    ['a text', 'hello', '#'],
    ['null', null, '#'],
    ['no messages', {}, '#/messages'],
    ['messages of none', { messages: [] }, '#/messages'],
    ['messages that are an object', { messages: { 0: 'x' } }, '#/messages'],
    ['a message that is a text', { messages: ['x'] }, '#/messages/0'],
    ['an unknown role', { messages: [{ role: 'robot', content: '' }] }, '#/messages/0/role'],
    [
      'the role of a prototype',
      { messages: [{ role: 'toString', content: '' }] },
      '#/messages/0/role',
    ],
    ['content that is a number', user(7), '#/messages/0/content'],
    ['content that is missing', user(undefined), '#/messages/0/content'],
    ['a part of unknown type', user([{ type: 'hologram' }]), '#/messages/0/content/0/type'],
    [
      'a part of a prototype’s type',
      user([{ type: 'constructor' }]),
      '#/messages/0/content/0/type',
    ],
    ['a part without a type', user([{ text: 'x' }]), '#/messages/0/content/0/type'],
    ['a part that is null', user([null]), '#/messages/0/content/0'],
    ['a text part without text', user([{ type: 'text' }]), '#/messages/0/content/0/text'],
    ['an image that is nowhere', user([{ type: 'image_url' }]), '#/messages/0/content/0/image_url'],
    ['α below 0', { ...user('x'), alpha: -0.01 }, '#/alpha'],
    ['α above 1', { ...user('x'), alpha: 1.01 }, '#/alpha'],
    ['α that is a text', { ...user('x'), alpha: '0.5' }, '#/alpha'],
    ['α that is NaN', { ...user('x'), alpha: Number.NaN }, '#/alpha'],
    ['a model that is a number', { ...user('x'), model: 4 }, '#/model'],
    ['an empty model', { ...user('x'), model: '' }, '#/model'],
    ['no output tokens', { ...user('x'), max_tokens: 0 }, '#/max_tokens'],
    [
      'half an output token',
      { ...user('x'), max_completion_tokens: 0.5 },
      '#/max_completion_tokens',
    ],
    [
      'an unknown format',
      { ...user('x'), response_format: { type: 'xml' } },
      '#/response_format/type',
    ],
    [
      'a format named as what every object has',
      { ...user('x'), response_format: { type: 'constructor' } },
      '#/response_format/type',
    ],
    ['a format that is a text', { ...user('x'), response_format: 'json' }, '#/response_format'],
    ['tools that are an object', { ...user('x'), tools: {} }, '#/tools'],
    ['a tool that is a text', { ...user('x'), tools: ['x'] }, '#/tools/0'],
    ['too many tools', { ...user('x'), tools: Array(TOOLS_MAX + 1).fill({}) }, '#/tools'],
    [
      'too many messages',
      { messages: Array(MESSAGES_MAX + 1).fill({ role: 'user', content: '' }) },
      '#/messages',
    ],
    [
      'too many parts',
      user(Array(PARTS_MAX + 1).fill({ type: 'text', text: '' })),
      '#/messages/0/content',
    ],
    [
      'calls that are none',
      { messages: [{ role: 'assistant', tool_calls: 'x' }] },
      '#/messages/0/tool_calls',
    ],
    [
      'arguments that are no text',
      { messages: [{ role: 'assistant', tool_calls: [{ function: { arguments: {} } }] }] },
      '#/messages/0/tool_calls/0/function/arguments',
    ],
  ])('with %s says where', (_, body, pointer) => {
    // biome-ignore format: one row a case
    expect(faultOf(body)).toEqual({ reason: 'invalid', pointer, detail: expect.any(String) })
  })

  it('with results in results, however deep, is refused at the first', () => {
    const fault = faultOf(user([nested(5_000)]), 'anthropic')
    expect(fault).toMatchObject({ pointer: '#/messages/0/content/0/content/0/type' })
  })

  it('with arguments nested without end is refused', () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    const used = { messages: [{ role: 'assistant', content: [{ type: 'tool_use', input: deep }] }] }
    expect(faultOf(used, 'anthropic')).toMatchObject({ pointer: '#/messages/0/content/0/input' })
    expect(faultOf({ ...user('x'), tools: [{ parameters: deep }] })).toMatchObject({
      pointer: '#/tools',
    })
  })

  it('with ten megabytes of text is too large, and with a bound of them is not', () => {
    expect(faultOf(user('a'.repeat(10_000_000)))).toMatchObject({
      reason: 'too-large',
      pointer: '#/messages',
      max: TEXT_BYTES_MAX,
    })
    // Short in units, long in bytes.
    expect(faultOf(user('界'.repeat(4_000_000)))).toMatchObject({ reason: 'too-large' })
    expect(read(user('a'.repeat(TEXT_BYTES_MAX))).text).toHaveLength(TEXT_BYTES_MAX)
  })
})
