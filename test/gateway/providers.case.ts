import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChatEvent, Choice, Completion, Fields, Usage } from '../../src/gateway/chat.ts'
import { anthropicDialect } from '../../src/gateway/dialects/anthropic.ts'
import { openAiDialect } from '../../src/gateway/dialects/openai.ts'
import type { UpstreamFault } from '../../src/gateway/faults.ts'
import { anthropic } from '../../src/gateway/providers/anthropic.ts'
import { openai } from '../../src/gateway/providers/openai.ts'
import type { Credential, ProviderProtocol } from '../../src/gateway/providers/types.ts'
import { SseSplitter } from '../../src/gateway/sse.ts'
import type { Dialect } from '../../src/routing/request.ts'

/** What an answer says, however it was told. */
export interface Said {
  readonly text: string | null
  readonly reasoning?: string | null
  readonly refusal?: string | null
  readonly toolCalls?: readonly { id: string; name: string; input: unknown }[]
  readonly finishReason: Choice['finishReason']
  readonly stopSequence?: string | null
  readonly usage: Usage | null
}

/** A recorded answer: the provider's bytes, and what they say. */
export interface Recorded {
  readonly name: string
  /** JSON of a whole answer, or the text of a stream. */
  readonly body: string
  readonly said: Said
}

export interface RecordedFault {
  readonly name: string
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body: string
  readonly fault: Partial<UpstreamFault>
}

export interface ProviderCases {
  readonly protocol: ProviderProtocol
  readonly baseUrl: string
  readonly credential: Credential
  /** Headers that prove the request. */
  readonly headers: Readonly<Record<string, string>>
  /** Where a request goes. */
  readonly url: (model: string, isStream: boolean) => string
  readonly completions: readonly Recorded[]
  readonly streams: readonly Recorded[]
  readonly faults: readonly RecordedFault[]
  /** Streams that tell an error, whole, and the fault that comes of it. */
  readonly faultStreams: readonly { name: string; body: string; fault: Partial<UpstreamFault> }[]
  /** What becomes of each of `CHATS`: a part of the body that is sent. */
  readonly requests: Readonly<Record<keyof typeof CHATS, Fields>>
  /** What becomes of each of `MESSAGES`. */
  readonly messages: Readonly<Record<keyof typeof MESSAGES, Fields>>
}

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

export { PIXEL }

const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
}

export { WEATHER }

/** Bodies of OpenAI's chat completions. */
export const CHATS = {
  text: { messages: [{ role: 'user', content: 'Hello' }] },
  instructions: {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
    ],
  },
  images: {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
        ],
      },
    ],
  },
  tools: {
    messages: [
      { role: 'user', content: 'Weather in Oslo and Bergen?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Oslo"}' },
          },
          {
            id: 'call_2',
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Bergen"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: '3 °C' },
      { role: 'tool', tool_call_id: 'call_2', content: '5 °C' },
      { role: 'user', content: 'And tomorrow?' },
    ],
    tools: [
      { type: 'function', function: { name: 'weather', description: 'Now', parameters: WEATHER } },
    ],
    tool_choice: 'required',
  },
  sampling: {
    messages: [{ role: 'user', content: 'Hello' }],
    temperature: 0.5,
    max_completion_tokens: 100,
    stop: ['END'],
  },
  schema: {
    messages: [{ role: 'user', content: 'Weather in Oslo, as JSON' }],
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'weather', schema: WEATHER, strict: true },
    },
  },
} satisfies Record<string, Fields>

/** Bodies of Anthropic's messages. */
export const MESSAGES = {
  text: { max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }] },
  instructions: {
    max_tokens: 100,
    system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
    stop_sequences: ['END'],
  },
  tools: {
    max_tokens: 100,
    messages: [
      { role: 'user', content: 'Weather in Oslo?' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Oslo' } },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'toolu_1',
            content: [{ type: 'text', text: '3 °C' }],
          },
          { type: 'text', text: 'And tomorrow?' },
        ],
      },
    ],
    tools: [{ name: 'weather', description: 'Now', input_schema: WEATHER }],
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
  },
  images: {
    max_tokens: 100,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
          { type: 'text', text: 'What is this?' },
        ],
      },
    ],
  },
} satisfies Record<string, Fields>

const utf8 = new TextEncoder()
const NOW_MS = 1_750_000_000_000
const DIALECTS = { openai: openAiDialect, anthropic: anthropicDialect }
const PROTOCOLS = { openai, anthropic }

/** Events of a stream's bytes, in these pieces; the end of the bytes is asked, too. */
export const eventsOf = (
  protocol: ProviderProtocol,
  pieces: readonly Uint8Array[],
): readonly ChatEvent[] => {
  const splitter = new SseSplitter()
  const decoder = protocol.openStream()
  const told = pieces.flatMap((piece) => {
    const pushed = splitter.push(piece)
    if (!pushed.ok) throw new Error(JSON.stringify(pushed.error))
    return pushed.value
  })
  const events = [...told, ...splitter.end()].flatMap((event) => decoder.decode(event))
  return [...events, ...(decoder.end?.() ?? [])]
}

const inputOf = (json: string): unknown => JSON.parse(json === '' ? '{}' : json)

const saidByChoice = (choice: Choice, usage: Usage | null): Said => ({
  text: choice.text === '' ? null : choice.text,
  reasoning: choice.reasoning,
  refusal: choice.refusal,
  toolCalls: choice.toolCalls.map(({ id, name, arguments: json }) => ({
    id,
    name,
    input: inputOf(json),
  })),
  finishReason: choice.finishReason,
  stopSequence: choice.stopSequence,
  usage,
})

/** What the first choice of a stream says. */
export const saidByEvents = (events: readonly ChatEvent[]): Said => {
  const own = events.filter((event) => !('index' in event) || event.index === 0)
  const joined = (kind: 'text' | 'reasoning' | 'refusal'): string | null =>
    own.flatMap((event) => (event.kind === kind ? [event.text] : [])).join('') || null
  const calls = own.filter((event) => event.kind === 'tool-start')
  const finish = own.find((event) => event.kind === 'finish')
  const usage = own.findLast((event) => event.kind === 'usage')
  return {
    text: joined('text'),
    reasoning: joined('reasoning'),
    refusal: joined('refusal'),
    toolCalls: calls.map(({ call, id, name }) => ({
      id,
      name,
      input: inputOf(
        own
          .flatMap((event) =>
            event.kind === 'tool-arguments' && event.call === call ? [event.json] : [],
          )
          .join(''),
      ),
    })),
    finishReason: finish?.reason ?? 'stop',
    stopSequence: finish?.stopSequence ?? null,
    usage: usage?.usage ?? null,
  }
}

const whole = (said: Said): Said => ({
  reasoning: null,
  refusal: null,
  toolCalls: [],
  stopSequence: null,
  ...said,
})

/** As a dialect can say it: Anthropic has no refusal of its own, OpenAI no stop sequence. */
const saidIn = (dialect: Dialect, said: Said): Said => {
  const { text, refusal, usage } = whole(said)
  if (dialect === 'openai')
    return {
      ...whole(said),
      stopSequence: null,
    }
  return {
    ...whole(said),
    text: [text, refusal].filter((part) => part !== null).join('') || null,
    refusal: null,
    usage: usage ?? {
      inputTokens: 0,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      outputTokens: 0,
      reasoningTokens: 0,
    },
  }
}

const completionOf = ({ protocol }: ProviderCases, body: string): Completion => {
  const read = protocol.readCompletion(utf8.encode(body), NOW_MS)
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return read.value
}

const sentBody = (cases: ProviderCases, dialect: Dialect, fields: Fields): Fields => {
  const body = { model: 'auto', ...fields }
  const sent = cases.protocol.chatRequest(
    cases.baseUrl,
    {
      dialect,
      bytes: utf8.encode(JSON.stringify(body)),
      body,
      model: 'the-model',
      isStream: false,
      reasoningEffort: null,
    },
    cases.credential,
  )
  if (!sent.ok) throw new Error(JSON.stringify(sent.error))
  const { url, headers, body: bytes } = sent.value
  const text = typeof bytes === 'string' ? bytes : new TextDecoder().decode(bytes)
  expect(url).toBe(cases.url('the-model', false))
  expect(headers).toMatchObject(cases.headers)
  expect(url + text).not.toContain(cases.credential.secret)
  return JSON.parse(text) as Fields
}

const describeAnswers = (cases: ProviderCases) => {
  const { protocol, completions, streams } = cases
  for (const { name, body, said } of completions) {
    it(`reads ${name}`, () => {
      const { choices, usage } = completionOf(cases, body)
      expect(saidByChoice(choices[0] as Choice, usage)).toEqual(whole(said))
    })

    for (const dialect of ['openai', 'anthropic'] as const)
      it(`tells ${name} to clients of ${dialect}`, () => {
        const told = DIALECTS[dialect].completion(completionOf(cases, body), 'request-1')
        const read = PROTOCOLS[dialect].readCompletion(utf8.encode(JSON.stringify(told)), NOW_MS)
        if (!read.ok) throw new Error(JSON.stringify(read.error))
        const { choices, usage } = read.value
        const saidAgain = saidByChoice(choices[0] as Choice, usage)
        expect({ ...saidAgain, usage: saidAgain.usage ?? said.usage }).toEqual(
          saidIn(dialect, said),
        )
      })
  }

  for (const { name, body, said } of streams) {
    it(`reads a stream of ${name}, however it is cut`, () => {
      const bytes = utf8.encode(body)
      const events = eventsOf(protocol, [bytes])
      expect(events[0]?.kind).toBe('start')
      expect(events.at(-1)?.kind).toBe('done')
      expect(saidByEvents(events)).toEqual(whole(said))
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 200 }), (size) => {
          const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
            bytes.subarray(i * size, (i + 1) * size),
          )
          expect(eventsOf(protocol, pieces)).toEqual(events)
        }),
        { seed: 42, numRuns: 20 },
      )
    })

    it(`takes no broken stream of ${name} for a whole one`, () => {
      const bytes = utf8.encode(body)
      for (let length = 0; length < bytes.length; length += 7) {
        const kinds = eventsOf(protocol, [bytes.subarray(0, length)]).map(({ kind }) => kind)
        if (!kinds.includes('finish')) expect(kinds).not.toContain('done')
      }
    })

    for (const dialect of ['openai', 'anthropic'] as const)
      it(`tells a stream of ${name} to clients of ${dialect}`, () => {
        const encoder = DIALECTS[dialect].openStream({
          id: 'request-1',
          model: 'the-model',
          createdAtMs: NOW_MS,
          includeUsage: true,
        })
        const events = eventsOf(protocol, [utf8.encode(body)])
        const text = events.map((event) => encoder.encode(event)).join('')
        const again = eventsOf(PROTOCOLS[dialect], [utf8.encode(text)])
        expect(again[0]).toMatchObject({ kind: 'start', id: 'request-1', model: 'the-model' })
        expect(again.at(-1)?.kind).toBe('done')
        expect(saidByEvents(again)).toEqual(saidIn(dialect, said))
      })
  }
}

const describeFaults = ({ protocol, faults, faultStreams }: ProviderCases) => {
  for (const { name, status, headers = {}, body, fault } of faults)
    it(`reads ${name} as ${fault.reason}`, () => {
      const read = protocol.readFault(status, new Headers(headers), utf8.encode(body))
      expect(read).toMatchObject(fault)
      expect(JSON.stringify(read)).not.toMatch(/sk-|https?:|<html/i)
    })

  for (const { name, body, fault } of faultStreams)
    it(`reads ${name} in a stream as ${fault.reason}`, () => {
      const events = eventsOf(protocol, [utf8.encode(body)])
      const told = events.find((event) => event.kind === 'fault')
      expect(told?.fault).toMatchObject(fault)
      expect(events.map(({ kind }) => kind)).not.toContain('done')
    })

  it('reads the page of a proxy as the server, whatever its status', () => {
    const page = utf8.encode('<html><body>502 Bad Gateway https://10.0.0.7/</body></html>')
    for (const status of [404, 500, 502, 503, 520, 529]) {
      const fault = protocol.readFault(status, new Headers({ 'retry-after': '7' }), page)
      expect(fault).toMatchObject({ reason: 'server', status, retryAfterMs: 7000 })
      expect(JSON.stringify(fault)).not.toContain('html')
    }
  })

  it('takes what is not the protocol for malformed, and never throws', () => {
    for (const body of ['', 'no JSON', '[]', '{}', '{"choices":', 'null', '<html></html>'])
      expect(protocol.readCompletion(utf8.encode(body), NOW_MS)).toMatchObject({
        ok: false,
        error: { reason: 'malformed' },
      })
    expect(protocol.openStream().decode({ event: null, data: 'no JSON' })).toMatchObject([
      { kind: 'fault', fault: { reason: 'malformed' } },
    ])
    const keys = fc.constantFrom(
      ...['choices', 'delta', 'content', 'tool_calls', 'usage', 'type', 'message', 'index'],
      ...['content_block', 'candidates', 'parts', 'error', 'response', 'id', 'function', 'text'],
    )
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean())
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(keys, tie('tree'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 4 }), fc.option(fc.string()), (values, event) => {
        const decoder = protocol.openStream()
        for (const value of values) {
          const data = JSON.stringify(value)
          for (const told of decoder.decode({ event, data })) expect(told.kind).toBeTypeOf('string')
          protocol.readCompletion(utf8.encode(data), NOW_MS)
          protocol.readFault(400, new Headers(), utf8.encode(data))
        }
      }),
      { seed: 42, numRuns: 500 },
    )
  })
}

const describeRequests = (cases: ProviderCases) => {
  for (const [name, fields] of Object.entries(CHATS))
    it(`sends ${name} of a client of OpenAI`, () => {
      const sent = sentBody(cases, 'openai', fields)
      expect(sent).toMatchObject(cases.requests[name as keyof typeof CHATS])
    })

  for (const [name, fields] of Object.entries(MESSAGES))
    it(`sends ${name} of a client of Anthropic`, () => {
      const sent = sentBody(cases, 'anthropic', fields)
      expect(sent).toMatchObject(cases.messages[name as keyof typeof MESSAGES])
    })
}

/** The cases that every provider's protocol passes, with its own recorded answers. */
export const runProviderCases = (cases: ProviderCases) => {
  describe(`${cases.protocol.kind}: answers`, () => describeAnswers(cases))
  describe(`${cases.protocol.kind}: faults`, () => describeFaults(cases))
  describe(`${cases.protocol.kind}: requests`, () => describeRequests(cases))
}
