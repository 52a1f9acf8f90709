import { describe, expect, it } from 'vitest'
import '../kernels/load.ts'
import { engineWith, GPT, json, PARTS, refusal, SECRET, sound, stream } from './engine-fixture.ts'
import type { Act, Reply, SentRequest } from './scripted-fetch.ts'

/** Whom each dialect's first and second candidate are. */
const TARGETS = {
  openai: ['gpt/large', 'gptspare/large'],
  anthropic: ['claude/large', 'claudespare/large'],
} as const
const FIRST = { openai: 'gpt', anthropic: 'claude' } as const

const CASES = (['openai', 'anthropic'] as const).flatMap((dialect) =>
  [true, false].map((isStream) => ({ dialect, isStream, kind: isStream ? 'stream' : 'answer' })),
)

/** Faults before anything of an answer could be told, by name. */
const FAULTS: Record<string, { streamOnly?: true; reply: (id: string) => Reply }> = {
  'connection refused': { reply: () => ({ kind: 'refused' }) },
  'connection reset': { reply: () => ({ kind: 'reset' }) },
  'no headers': { reply: () => ({ kind: 'hang' }) },
  '429': { reply: (id) => refusal(id, 429, { 'retry-after': '3' }) },
  '500': { reply: (id) => refusal(id, 500) },
  '503': { reply: (id) => refusal(id, 503) },
  '529': { reply: (id) => refusal(id, 529) },
  '401': { reply: (id) => refusal(id, 401) },
  'a page of a proxy': {
    reply: () => ({ kind: 'answer', status: 502, acts: ['<html>Bad gateway</html>'] }),
  },
  'a redirect': {
    reply: () => ({
      kind: 'answer',
      status: 302,
      headers: { location: 'https://elsewhere.test' },
      acts: [],
    }),
  },
  'what is no JSON': {
    reply: () => ({
      kind: 'answer',
      headers: { 'content-type': 'application/json' },
      acts: ['<html>'],
    }),
  },
  'an empty body': { reply: () => stream() },
  'a body that breaks at once': { reply: () => stream('BREAK') },
  'a body that breaks inside of a piece': { reply: () => stream('{"id":"chat', 'BREAK') },
  'a body that is silent': { reply: () => stream('HANG') },
  'an unknown model': { reply: (id) => refusal(id, 404, {}, 'not_found_error') },
  'an error event': { streamOnly: true, reply: (id) => stream(partsOf(id).error) },
  'an error event behind the role': {
    streamOnly: true,
    reply: (id) => stream(partsOf(id).role, partsOf(id).error),
  },
  'an error event in the piece of the first content': {
    streamOnly: true,
    reply: (id) => stream(`${partsOf(id).role}${partsOf(id).hello}${partsOf(id).error}`),
  },
  'a malformed event': { streamOnly: true, reply: () => stream('data: {"choices": \n\n') },
  'an end behind the role': { streamOnly: true, reply: (id) => stream(partsOf(id).role) },
  'a break behind the role': { streamOnly: true, reply: (id) => stream(partsOf(id).role, 'BREAK') },
  'no first token': { streamOnly: true, reply: (id) => stream(partsOf(id).role, 'HANG') },
}

const partsOf = (id: string) => PARTS[id.startsWith('claude') ? 'anthropic' : 'openai']

describe.each(CASES)('$dialect, $kind', ({ dialect, isStream }) => {
  const faults = Object.entries(FAULTS).filter(([, { streamOnly }]) => isStream || !streamOnly)
  const expected = isStream ? PARTS[dialect].done : 'Hello world'

  it.each(faults)(
    'falls over after %s, and the client sees nothing of it',
    async (_, { reply }) => {
      const { ask, sent, records, clock } = engineWith((id, request) =>
        id === FIRST[dialect] ? reply(id) : sound(id, request),
      )
      const told = await ask({ dialect, isStream, targets: TARGETS[dialect] })
      expect(told).toMatchObject({ status: 200, attempts: 2 })
      expect(told.text).toContain(expected)
      expect(told.text).not.toContain('error')
      expect(sent).toHaveLength(2)
      expect(records).toMatchObject([
        {
          outcome: 'ok',
          fault: null,
          attempts: 2,
          provider: TARGETS[dialect][1].split('/')[0],
          inputTokens: 11,
          outputTokens: 2,
          usageSource: 'provider',
          costNanoUsd: 17_000,
        },
      ])
      expect(clock.pending).toBe(0)
    },
  )

  it.each(faults)('tells a well-formed error where everyone has %s', async (name, { reply }) => {
    const { ask, records, clock } = engineWith((id) => reply(id))
    const told = await ask({ dialect, isStream, targets: TARGETS[dialect] })
    expect(told.status, name).toBeGreaterThanOrEqual(400)
    const body = JSON.parse(told.text)
    expect(body.error).toMatchObject({ type: expect.any(String), message: expect.any(String) })
    if (dialect === 'anthropic') expect(body.type).toBe('error')
    expect(told.text).not.toMatch(/upstream\.test|10\.0\.0\.1|sk-secret/)
    expect(records).toMatchObject([{ outcome: 'error', costNanoUsd: 0 }])
    expect(clock.pending).toBe(0)
  })

  it('tells the client at once what every provider would refuse', async () => {
    const { ask, sent, records } = engineWith((id) => refusal(id, 400, {}, 'invalid_request_error'))
    const told = await ask({ dialect, isStream, targets: TARGETS[dialect] })
    expect(told.status).toBe(400)
    expect(JSON.parse(told.text).error).toMatchObject({
      message: 'told 400',
      type: 'invalid_request_error',
    })
    expect(sent).toHaveLength(1)
    expect(records).toMatchObject([{ outcome: 'error', fault: 'request' }])
  })

  it('passes an answer on with the dialect of another provider', async () => {
    const other = dialect === 'openai' ? 'claude/large' : 'gpt/large'
    const { ask, records } = engineWith(sound)
    const told = await ask({ dialect, isStream, targets: [other] })
    if (isStream) {
      expect(told.text).toContain(dialect === 'openai' ? 'data: [DONE]' : 'event: message_stop')
      expect(told.text).toContain('Hello')
    } else {
      const body = JSON.parse(told.text)
      const text = dialect === 'openai' ? body.choices[0].message.content : body.content[0].text
      expect(text).toBe('Hello world')
      expect(told.costNanoUsd).toBe(17_000)
    }
    expect(records).toMatchObject([{ outcome: 'ok', inputTokens: 11, outputTokens: 2 }])
  })
})

/** What may happen to a stream once the client has a part of it. */
const BREAKS: Record<string, { acts: (dialect: 'openai' | 'anthropic') => Act[]; fault: string }> =
  {
    'an error event': { acts: (dialect) => [PARTS[dialect].error], fault: 'server' },
    'an end without its mark': { acts: () => [], fault: 'interrupted' },
    'a connection that breaks': { acts: () => ['BREAK'], fault: 'interrupted' },
    'half an event': { acts: () => ['data: {"cho', 'BREAK'], fault: 'interrupted' },
    'what is no JSON': { acts: () => ['data: {{{\n\n', 'HANG'], fault: 'malformed' },
    silence: { acts: () => ['HANG'], fault: 'timeout' },
  }

describe.each(['openai', 'anthropic'] as const)('a stream of %s that has begun', (dialect) => {
  it.each(Object.entries(BREAKS))('ends with an error event after %s', async (_, broken) => {
    const parts = PARTS[dialect]
    const { ask, sent, records, clock } = engineWith(() =>
      stream(parts.role, parts.hello, parts.world, ...broken.acts(dialect)),
    )
    const told = await ask({ dialect, isStream: true, targets: TARGETS[dialect] })
    expect(told).toMatchObject({ status: 200, attempts: 1 })
    expect(told.text).toContain(' world')
    expect(told.text).not.toMatch(/\[DONE\]|message_stop/)
    const event = told.text.split('\n\n').find((one) => one.includes('"error"')) ?? ''
    const data = JSON.parse(event.slice(event.indexOf('data: ') + 6))
    expect(data.error).toMatchObject({ message: expect.any(String), type: expect.any(String) })
    if (dialect === 'anthropic') expect(event).toMatch(/^event: error\n/)
    expect(records).toMatchObject([
      { outcome: 'interrupted', fault: broken.fault, usageSource: 'estimated' },
    ])
    expect(records[0]?.outputTokens).toBeGreaterThan(0)
    expect(records[0]?.costNanoUsd).toBeGreaterThan(0)
    expect(sent).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  it('counts what the client had when it leaves, and leaves the provider at once', async () => {
    const parts = PARTS[dialect]
    const { serve, sent, records, clock } = engineWith(() =>
      stream(parts.role, parts.hello, 'HANG'),
    )
    const answer = await clock.until(serve({ dialect, isStream: true, targets: TARGETS[dialect] }))
    if (!answer.ok) throw new Error('not served')
    const reader = (answer.value.body as ReadableStream<Uint8Array>).getReader()
    await clock.until(reader.read())
    await clock.until(reader.cancel())
    await answer.value.finished
    expect(sent[0]?.signal.aborted).toBe(true)
    expect(records).toMatchObject([{ outcome: 'cancelled', usageSource: 'estimated' }])
    expect(records[0]?.outputTokens).toBeGreaterThan(0)
    expect(clock.pending).toBe(0)
  })

  it('is given up when the client’s connection ends while nothing is read', async () => {
    const parts = PARTS[dialect]
    const client = new AbortController()
    const { serve, sent, records, clock } = engineWith((id, request) => sound(id, request))
    const asked = { dialect, isStream: true, targets: TARGETS[dialect], signal: client.signal }
    const answer = await clock.until(serve(asked))
    if (!answer.ok) throw new Error('not served')
    client.abort()
    await answer.value.finished
    expect(sent[0]?.signal.aborted).toBe(true)
    expect(sent[0]?.read).toBeLessThan(6)
    expect(records).toMatchObject([{ outcome: 'cancelled' }])
    expect(parts.hello).not.toBe('')
  })
})

describe('a client that leaves', () => {
  it.each([true, false])('before the answer ends the call (stream: %s)', async (isStream) => {
    const client = new AbortController()
    const { serve, sent, records, clock } = engineWith(() => {
      setImmediate(() => client.abort())
      return { kind: 'hang' }
    })
    const answer = await clock.until(
      serve({ isStream, targets: TARGETS.openai, signal: client.signal }),
    )
    expect(answer).toMatchObject({ ok: false, error: { fault: { reason: 'cancelled' } } })
    expect(sent).toHaveLength(1)
    expect(sent[0]?.signal.aborted).toBe(true)
    expect(records).toMatchObject([{ outcome: 'cancelled', fault: 'cancelled' }])
  })
})

describe('what is sent and told', () => {
  it('keeps to the credential of the provider and shows it to nobody', async () => {
    const { ask, sent } = engineWith(sound)
    const told = await ask()
    expect(sent[0]?.headers.authorization).toBe(`Bearer ${SECRET}`)
    expect(told.text).not.toContain(SECRET)
  })

  it('asks every stream for its usage and tells it only who asked', async () => {
    const { ask, sent } = engineWith(sound)
    const without = await ask({ isStream: true })
    expect(sent[0]?.body.stream_options).toEqual({ include_usage: true })
    expect(without.text).not.toContain('prompt_tokens')
    expect(without.text).toContain('"system_fingerprint":"fp_1"')
    expect((await ask({ isStream: true, includeUsage: true })).text).toContain(GPT.usage)
  })

  it('says a stream’s cost in a comment in front of its end', async () => {
    const { ask } = engineWith(sound)
    const { text } = await ask({ isStream: true })
    expect(text).toContain(': gjallar cost-usd=0.000017000\n\ndata: [DONE]\n\n')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  })

  it('asks whom a request can be told where the first one’s protocol has no words for it', async () => {
    const { ask, sent } = engineWith((id, request) =>
      id === 'busy' ? refusal(id, 500) : sound(id, request),
    )
    const body = { n: 2 }
    const told = await ask({ targets: ['claude/large', 'gpt/large'], body })
    expect(told).toMatchObject({ status: 200, attempts: 1 })
    expect(sent).toHaveLength(1)
    expect(await ask({ targets: ['claude/large', 'busy/large'], body })).toMatchObject({
      status: 502,
    })
    const alone = await ask({ targets: ['claude/large'], body })
    expect(alone).toMatchObject({ status: 400, attempts: 0 })
    expect(JSON.parse(alone.text).error).toMatchObject({ param: 'n' })
  })

  it('names the model that was asked where its provider does not', async () => {
    const message = { role: 'assistant', content: 'Hi' }
    const { ask } = engineWith(() => json({ choices: [{ index: 0, message }] }))
    const { text } = await ask({ dialect: 'anthropic' })
    expect(JSON.parse(text)).toMatchObject({ model: 'large' })
  })

  it('counts the requests that were sent, not those that a breaker stopped', async () => {
    const { ask, sent, records, faults } = engineWith((id, request) =>
      id === 'gpt' ? refusal(id, 500) : sound(id, request),
    )
    for (let i = 0; i < 5; i++) await ask()
    expect(sent).toHaveLength(5)
    expect(await ask()).toMatchObject({ status: 503, attempts: 0 })
    expect(faults).toHaveLength(5)
    const second = await ask({ targets: ['gpt/large', 'claude/large'] })
    expect(second).toMatchObject({ status: 200, attempts: 1 })
    expect(records.at(-1)).toMatchObject({ attempts: 1 })
  })

  it('estimates usage that no provider told', async () => {
    const noUsage = (_: string, request: SentRequest): Reply =>
      request.body.stream === true
        ? stream(GPT.role, GPT.hello, GPT.world, GPT.finish, GPT.done)
        : sound('gpt', request)
    const { ask, records } = engineWith(noUsage)
    await ask({ isStream: true })
    expect(records).toMatchObject([
      { usageSource: 'estimated', inputTokens: 10, outputTokens: 2, costNanoUsd: 16_000 },
    ])
  })

  it('takes no more from a provider than its client does', async () => {
    const { serve, sent, clock } = engineWith(() =>
      stream(GPT.role, ...Array.from({ length: 1_000 }, () => GPT.hello), GPT.finish, GPT.done),
    )
    const answer = await clock.until(serve({ isStream: true }))
    if (!answer.ok) throw new Error('not served')
    const reader = (answer.value.body as ReadableStream<Uint8Array>).getReader()
    for (let i = 0; i < 10; i++) await clock.until(reader.read())
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sent[0]?.read).toBeLessThanOrEqual(13)
    await clock.until(reader.cancel())
  })
})
