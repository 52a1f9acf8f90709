import { describe, expect, it } from 'vitest'
import type { Fields } from '../../src/gateway/chat.ts'
import { anthropic } from '../../src/gateway/providers/anthropic.ts'
import type { ChatCall, Credential } from '../../src/gateway/providers/types.ts'
import { PIXEL, runProviderCases, WEATHER } from './providers.case.ts'

const usage = {
  inputTokens: 25,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 15,
  reasoningTokens: 0,
}

/** Shapes of Anthropic's API reference and of "Streaming messages". */
const message = (content: object[], more: object = {}) =>
  JSON.stringify({
    id: 'msg_01XFDUDYJgAACzvnptvVoYEL',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5-20250929',
    content,
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: 25,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
      output_tokens: 15,
      service_tier: 'standard',
    },
    ...more,
  })

const event = (type: string, fields: object = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`

const started = (counts: object = { input_tokens: 25, output_tokens: 1 }) =>
  event('message_start', {
    message: {
      id: 'msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY',
      type: 'message',
      role: 'assistant',
      content: [],
      model: 'claude-opus-4-8',
      stop_reason: null,
      stop_sequence: null,
      usage: counts,
    },
  })

const block = (index: number, contentBlock: object, deltas: readonly object[]) =>
  event('content_block_start', { index, content_block: contentBlock }) +
  deltas.map((delta) => event('content_block_delta', { index, delta })).join('') +
  event('content_block_stop', { index })

const ended = (reason: string, counts: object = { output_tokens: 15 }, sequence?: string) =>
  event('message_delta', {
    delta: { stop_reason: reason, stop_sequence: sequence ?? null },
    usage: counts,
  }) + event('message_stop')

const PING = event('ping')
const text = (index: number, ...texts: string[]) =>
  block(
    index,
    { type: 'text', text: '' },
    texts.map((part) => ({ type: 'text_delta', text: part })),
  )

const tool = (index: number, id: string, ...parts: string[]) =>
  block(
    index,
    { type: 'tool_use', id, name: 'weather', input: {} },
    parts.map((part) => ({ type: 'input_json_delta', partial_json: part })),
  )

const error = (type: string, message: string) =>
  JSON.stringify({
    type: 'error',
    error: { type, message },
    request_id: 'req_011CSHoEeqs5C35K2UUqR7Fy',
  })

const weather = [{ id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } }]

runProviderCases({
  protocol: anthropic,
  baseUrl: 'https://api.anthropic.com/v1',
  credential: { scheme: 'x-api-key', secret: 'sk-ant-api03-test' },
  headers: { 'x-api-key': 'sk-ant-api03-test', 'anthropic-version': '2023-06-01' },
  url: () => 'https://api.anthropic.com/v1/messages',
  completions: [
    {
      name: 'a text',
      body: message([{ type: 'text', text: 'Hello!', citations: null }]),
      said: { text: 'Hello!', finishReason: 'stop', usage },
    },
    {
      name: 'calls of tools',
      body: message(
        [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } },
        ],
        { stop_reason: 'tool_use' },
      ),
      said: { text: 'I look.', toolCalls: weather, finishReason: 'tool_calls', usage },
    },
    {
      name: 'thinking and its proof',
      body: message([
        { type: 'thinking', thinking: 'They greet.', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' },
        { type: 'redacted_thinking', data: 'EmwKAhgBEgy3va3pzix' },
        { type: 'text', text: 'Hello!' },
      ]),
      said: { text: 'Hello!', reasoning: 'They greet.', finishReason: 'stop', usage },
    },
    {
      name: 'input that was read from and written to the cache',
      body: message([{ type: 'text', text: 'Hello!' }], {
        usage: {
          input_tokens: 5,
          cache_creation_input_tokens: 100,
          cache_read_input_tokens: 2000,
          output_tokens: 15,
          output_tokens_details: { thinking_tokens: 4 },
        },
      }),
      said: {
        text: 'Hello!',
        finishReason: 'stop',
        usage: {
          inputTokens: 2105,
          cachedInputTokens: 2000,
          cacheWriteTokens: 100,
          outputTokens: 15,
          reasoningTokens: 4,
        },
      },
    },
    {
      name: 'a text that was too long',
      body: message([{ type: 'text', text: 'Hel' }], { stop_reason: 'max_tokens' }),
      said: { text: 'Hel', finishReason: 'length', usage },
    },
    {
      name: 'a text that a stop sequence ended',
      body: message([{ type: 'text', text: 'Hel' }], {
        stop_reason: 'stop_sequence',
        stop_sequence: 'lo',
      }),
      said: { text: 'Hel', finishReason: 'stop', stopSequence: 'lo', usage },
    },
    {
      name: 'a refusal',
      body: message([{ type: 'text', text: 'I can not' }], { stop_reason: 'refusal' }),
      said: { text: 'I can not', finishReason: 'content_filter', usage },
    },
  ],
  streams: [
    {
      name: 'text',
      body: started() + text(0, 'Hel', 'lo – 😀') + PING + ended('end_turn'),
      said: { text: 'Hello – 😀', finishReason: 'stop', usage },
    },
    {
      name: 'calls of tools, one without arguments',
      body:
        started() +
        text(0, 'I look.') +
        tool(1, 'toolu_1', '', '{"ci', 'ty":"Oslo"}') +
        tool(2, 'toolu_2') +
        ended('tool_use'),
      said: {
        text: 'I look.',
        toolCalls: [...weather, { id: 'toolu_2', name: 'weather', input: {} }],
        finishReason: 'tool_calls',
        usage,
      },
    },
    {
      name: 'thinking',
      body:
        started() +
        block(0, { type: 'thinking', thinking: '', signature: '' }, [
          { type: 'thinking_delta', thinking: 'They ' },
          { type: 'thinking_delta', thinking: 'greet.' },
          { type: 'signature_delta', signature: 'EqQBCgIYAhIM1gbcDa9GJwZA2b3h' },
        ]) +
        text(1, 'Hello') +
        ended('max_tokens'),
      said: { text: 'Hello', reasoning: 'They greet.', finishReason: 'length', usage },
    },
    {
      name: 'text with counts of the cache, told at the start alone',
      body:
        started({
          input_tokens: 5,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 20,
          output_tokens: 1,
        }) +
        text(0, 'Hel') +
        ended('stop_sequence', { output_tokens: 15 }, 'lo'),
      said: {
        text: 'Hel',
        finishReason: 'stop',
        stopSequence: 'lo',
        usage: { ...usage, cachedInputTokens: 20 },
      },
    },
    {
      name: 'text around a search that Anthropic ran',
      body:
        started() +
        text(0, 'I search. ') +
        block(1, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }, [
          { type: 'input_json_delta', partial_json: '{"query":"x"}' },
        ]) +
        block(2, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }, []) +
        text(3, 'Found.') +
        ended('end_turn', {
          input_tokens: 25,
          cache_creation_input_tokens: null,
          cache_read_input_tokens: 0,
          output_tokens: 15,
          server_tool_use: { web_search_requests: 1 },
        }),
      said: { text: 'I search. Found.', finishReason: 'stop', usage },
    },
  ],
  faults: [
    {
      name: 'a wrong key',
      status: 401,
      body: error('authentication_error', 'invalid x-api-key'),
      fault: { reason: 'credential', status: 401 },
    },
    {
      name: 'an unpaid bill',
      status: 400,
      body: error('billing_error', 'Your credit balance is too low to access the Anthropic API.'),
      fault: { reason: 'credential', status: 400 },
    },
    {
      name: 'no permission',
      status: 403,
      body: error('permission_error', 'Your API key may not use this'),
      fault: { reason: 'credential', status: 403 },
    },
    {
      name: 'a model that is not there',
      status: 404,
      body: error('not_found_error', 'model: claude-9'),
      fault: { reason: 'model-unknown', status: 404 },
    },
    {
      name: 'a prompt that is too long',
      status: 400,
      body: error('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'),
      fault: { reason: 'context-exceeded', status: 400 },
    },
    {
      name: 'a body that is too large',
      status: 413,
      body: error('request_too_large', 'Request exceeds the maximum size'),
      fault: { reason: 'context-exceeded', status: 413 },
    },
    {
      name: 'too many requests',
      status: 429,
      headers: { 'retry-after': '12' },
      body: error('rate_limit_error', 'This request would exceed your rate limit'),
      fault: { reason: 'rate-limited', status: 429, retryAfterMs: 12_000 },
    },
    {
      name: 'a bad request',
      status: 400,
      body: error('invalid_request_error', 'max_tokens: must be greater than 0 (sk-ant-api03-abc)'),
      fault: {
        reason: 'request',
        status: 400,
        detail: 'max_tokens: must be greater than 0 ([key])',
        type: 'invalid_request_error',
      },
    },
    {
      name: 'an overloaded server',
      status: 529,
      body: error('overloaded_error', 'Overloaded'),
      fault: { reason: 'server', status: 529, detail: 'Overloaded' },
    },
    {
      name: 'a broken server',
      status: 500,
      body: error('api_error', 'Internal server error'),
      fault: { reason: 'server', status: 500 },
    },
  ],
  faultStreams: [
    {
      name: 'an overload',
      body: `${started()}${text(0, 'Hel')}event: error\ndata: ${error('overloaded_error', 'Overloaded')}\n\n`,
      fault: { reason: 'server', status: 529, detail: 'Overloaded' },
    },
    {
      name: 'a limit',
      body: `event: error\ndata: ${error('rate_limit_error', 'Slow down')}\n\n`,
      fault: { reason: 'rate-limited', status: 429 },
    },
    {
      name: 'half an object',
      body: `${started()}event: content_block_delta\ndata: {"type":"content_bl`,
      fault: { reason: 'malformed' },
    },
  ],
  requests: {
    text: {
      model: 'the-model',
      max_tokens: 4096,
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
    },
    instructions: {
      system: [
        { type: 'text', text: 'Be brief.' },
        { type: 'text', text: 'Be kind.' },
      ],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
    },
    images: {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
          ],
        },
      ],
    },
    tools: {
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Weather in Oslo and Bergen?' }] },
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Oslo' } },
            { type: 'tool_use', id: 'call_2', name: 'weather', input: { city: 'Bergen' } },
          ],
        },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'call_1',
              content: [{ type: 'text', text: '3 °C' }],
            },
            {
              type: 'tool_result',
              tool_use_id: 'call_2',
              content: [{ type: 'text', text: '5 °C' }],
            },
            { type: 'text', text: 'And tomorrow?' },
          ],
        },
      ],
      tools: [{ name: 'weather', description: 'Now', input_schema: WEATHER }],
      tool_choice: { type: 'any' },
    },
    sampling: { temperature: 0.5, max_tokens: 100, stop_sequences: ['END'] },
    schema: { output_config: { format: { type: 'json_schema', schema: WEATHER } } },
  },
  messages: {
    text: { model: 'the-model', max_tokens: 100 },
    instructions: { stop_sequences: ['END'] },
    tools: { tool_choice: { type: 'any', disable_parallel_tool_use: true } },
    images: { messages: [{ content: [{ type: 'image' }, { type: 'text' }] }] },
  },
})

const KEY: Credential = { scheme: 'x-api-key', secret: 'k' }

const sent = (body: Fields, more: Partial<ChatCall> = {}, credential = KEY) => {
  const full = { model: 'auto', messages: [{ role: 'user', content: 'Hello' }], ...body }
  const request = anthropic.chatRequest(
    'https://api.anthropic.com/v1',
    {
      dialect: 'openai',
      bytes: new TextEncoder().encode(JSON.stringify(full)),
      body: full,
      model: 'claude-haiku-4-5',
      isStream: false,
      reasoningEffort: null,
      ...more,
    },
    credential,
  )
  if (!request.ok) return request
  const { body: bytes, headers } = request.value
  const json = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)
  return { ok: true as const, headers, body: JSON.parse(json) as Fields }
}

describe("a chat's body at Anthropic", () => {
  it('thinks with a budget on top of the answer, on models that take one', () => {
    expect(sent({ reasoning_effort: 'medium' })).toMatchObject({
      body: { max_tokens: 8192, thinking: { type: 'enabled', budget_tokens: 4096 } },
    })
    expect(sent({ reasoning_effort: 'high', max_completion_tokens: 3000 })).toMatchObject({
      body: { max_tokens: 3000, thinking: { type: 'enabled', budget_tokens: 2744 } },
    })
  })

  it('thinks as it sees fit, at an effort, on models that choose themselves', () => {
    for (const model of ['claude-opus-4-6', 'claude-sonnet-5', 'claude-opus-4-8'])
      expect(sent({ reasoning_effort: 'low', temperature: 1 }, { model })).toMatchObject({
        body: { thinking: { type: 'adaptive' }, output_config: { effort: 'low' } },
      })
  })

  it('does not think without an effort, with too little room, or with a forced tool', () => {
    const tools = [{ type: 'function', function: { name: 'f' } }]
    for (const body of [
      {},
      { reasoning_effort: 'minimal' },
      { reasoning_effort: 'constructor' },
      { reasoning_effort: 'high', max_tokens: 1000 },
      { reasoning_effort: 'high', tools, tool_choice: 'required' },
    ])
      expect(sent(body)).not.toHaveProperty('body.thinking')
    expect(
      sent({ reasoning_effort: 'high' }, { model: 'claude-3-5-haiku-20241022' }),
    ).not.toHaveProperty('body.thinking')
  })

  it('does not think with a budget between a call and its answer: the thoughts before it are gone', () => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }
    const messages = [
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c', content: 'x' },
    ]
    const body = { messages, reasoning_effort: 'low' }
    expect(sent(body)).not.toHaveProperty('body.thinking')
    expect(sent(body, { model: 'claude-opus-4-8' })).toHaveProperty('body.thinking')
    // The tools of former calls are told, none to be called.
    expect(sent(body)).toMatchObject({
      body: { tools: [{ name: 'f', input_schema: {} }], tool_choice: { type: 'none' } },
    })
  })

  it("takes its bucket's effort where it names none, in either dialect", () => {
    const bucket = { reasoningEffort: 'low' } as const
    expect(sent({}, bucket)).toMatchObject({ body: { thinking: { budget_tokens: 1024 } } })
    expect(sent({ max_tokens: 4000 }, { ...bucket, dialect: 'anthropic' })).toMatchObject({
      body: { max_tokens: 4000, thinking: { budget_tokens: 1024 } },
    })
    const quiet = { max_tokens: 4000, thinking: { type: 'disabled' } }
    expect(sent(quiet, { ...bucket, dialect: 'anthropic' })).toMatchObject({ body: quiet })
  })

  it('is refused with the place of what Anthropic can not do', () => {
    const audio = [{ type: 'input_audio', input_audio: { data: '', format: 'wav' } }]
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{' } }
    const calls = [{ role: 'assistant', tool_calls: [call] }]
    for (const [body, param] of [
      [{ n: 2 }, 'n'],
      [{ messages: [{ role: 'user', content: audio }] }, 'messages[0].content[0].type'],
      [{ messages: calls }, 'messages[0].tool_calls[0].function.arguments'],
      [{ tools: [{ type: 'custom', custom: { name: 'x' } }] }, 'tools[0].type'],
    ] as const)
      expect(sent(body)).toMatchObject({
        ok: false,
        error: { reason: 'request', status: 400, param },
      })
  })

  it('is refused where arguments are nested too deeply to be written again', () => {
    const json = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: json } }
    const messages = [{ role: 'assistant', tool_calls: [call] }]
    expect(sent({ messages })).toMatchObject({ ok: false, error: { reason: 'request' } })
  })

  it('leaves out what Anthropic refuses: blank texts, odd ids, high temperatures', () => {
    const call = { id: 'fc:1/2', type: 'function', function: { name: 'f', arguments: '' } }
    expect(
      sent({
        messages: [
          { role: 'user', content: 'Hello' },
          { role: 'assistant', content: ' ', tool_calls: [call] },
          { role: 'tool', tool_call_id: 'fc:1/2', content: 'x' },
        ],
        temperature: 1.7,
        top_p: 0.9,
        stop: [' '],
      }),
    ).toMatchObject({
      body: {
        temperature: 1,
        messages: [
          { role: 'user' },
          { content: [{ type: 'tool_use', id: 'fc_1_2', name: 'f', input: {} }] },
          { content: [{ type: 'tool_result', tool_use_id: 'fc_1_2' }] },
        ],
      },
    })
    expect(sent({ temperature: 1, top_p: 0.9, stop: [' '] })).not.toHaveProperty('body.top_p')
    expect(sent({ messages: [{ role: 'system', content: 'Say hello' }] })).toMatchObject({
      body: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Say hello' }] }] },
    })
  })

  it('is asked for JSON by instruction where there is no schema', () => {
    expect(sent({ response_format: { type: 'json_object' } })).toMatchObject({
      body: { system: [{ type: 'text', text: expect.stringContaining('JSON') }] },
    })
  })

  it("carries tokens of Anthropic's OAuth with their beta, and the client's own betas", () => {
    const oauth: Credential = { scheme: 'bearer', secret: 'sk-ant-oat01-x' }
    const own = {
      dialect: 'anthropic' as const,
      protocolHeaders: { 'anthropic-beta': 'context-1m-2025-08-07' },
    }
    expect(sent({ max_tokens: 9 }, own, oauth)).toMatchObject({
      headers: {
        authorization: 'Bearer sk-ant-oat01-x',
        'anthropic-beta': 'context-1m-2025-08-07,oauth-2025-04-20',
        'anthropic-version': '2023-06-01',
      },
    })
  })
})
