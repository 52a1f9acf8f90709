import { type Hono, Hono as Router } from 'hono'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { StoredRouter } from '../../src/database/router-queries.ts'
import { type Env, settingsOf } from '../../src/env.ts'
import { GATEWAY_PATHS, gateway, gatewayErrors } from '../../src/gateway/routes.ts'
import type { AppEnv, Scope } from '../../src/http/context.ts'
import { notFoundOf, onError } from '../../src/http/errors.ts'
import type { RequestRecord } from '../../src/ledger/types.ts'
import { shipArtifact } from '../../src/routing/isolate.ts'
import '../kernels/load.ts'
import { SYSTEM_CLOCK } from '../../src/gateway/gateway-clock.ts'
import { smallArtifact } from '../routing/small-artifact.ts'
import { CLAUDE, refusal, sound } from './engine-fixture.ts'
import type { Reply, SentRequest } from './scripted-fetch.ts'
import { scriptedFetch } from './scripted-fetch.ts'

const kept = vi.hoisted(() => ({
  records: [] as unknown[],
  estimates: [] as { tokens: number; costNanoUsd: number }[],
  fault: null as unknown,
}))
vi.mock('../../src/database/client.ts', () => ({ connect: () => ({}) }))
vi.mock('../../src/database/outcome-queries.ts', () => ({ findOutcomes: async () => [] }))
vi.mock('../../src/database/router-queries.ts', () => ({
  findRouter: async (): Promise<StoredRouter> => ({
    config: null,
    configUpdatedAt: null,
    artifactVersion: null,
    artifactUpdatedAt: null,
    canary: null,
  }),
  findRouterArtifact: async () => null,
  findRouterCanary: async () => null,
}))
vi.mock('../../src/ledger/account.ts', () => ({
  accountOf: () => ({
    reserve: (_: unknown, estimate: { tokens: number; costNanoUsd: number }) => {
      kept.estimates.push(estimate)
      return kept.fault === null
        ? { ok: true, value: { settle: (record: unknown) => kept.records.push(record) } }
        : { ok: false, error: kept.fault }
    },
  }),
}))

const SECRET = 'sk-operator-0123456789'
const provider = (id: string, kind: string) => ({
  id,
  kind,
  baseUrl: `https://${id === 'anthropic' ? 'claude' : id}.upstream.test/v1`,
  keys: [{ binding: 'PROVIDER_KEY' }],
  mock: true,
})
const PROVIDERS = [
  provider('openai', 'openai'),
  provider('anthropic', 'anthropic'),
  provider('spare', 'openai'),
]

let script: (host: string, sent: SentRequest) => Reply
let sent: SentRequest[] = []
let env: Env

const app = (scopes: Scope[]): Hono<AppEnv> => {
  const made = new Router<AppEnv>().use(async (c, next) => {
    c.set('requestId', 'request-1')
    c.set('settings', settingsOf(env))
    c.set('passThrough', null)
    c.set('principal', {
      keyId: 'key-1',
      organisationId: 'organisation-1',
      organisation: 'acme',
      scopes: new Set(scopes),
      platformAdmin: false,
      expiresAt: null,
      limits: null,
    })
    await next()
  })
  for (const [path, dialect] of Object.entries(GATEWAY_PATHS))
    made.use(path, gatewayErrors(dialect))
  made.route('/', gateway)
  made.onError(onError)
  made.notFound(notFoundOf(made))
  return made
}

const send = (path: string, body: unknown, init: RequestInit = {}, scopes: Scope[] = ['write']) =>
  app(scopes).request(
    path,
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
    },
    env,
  )
const get = (path: string, scopes: Scope[] = ['read']) => app(scopes).request(path, {}, env)

const CHAT = { model: 'gpt-4.1-mini', messages: [{ role: 'user', content: 'Say hello' }] }
const chat = (more: Record<string, unknown> = {}) =>
  send('/v1/chat/completions', { ...CHAT, ...more })
const message = (more: Record<string, unknown> = {}) =>
  send('/v1/messages', { ...CHAT, max_tokens: 100, ...more })
const records = () => kept.records as RequestRecord[]

beforeAll(async () => shipArtifact(await smallArtifact()))
beforeEach(() => {
  kept.records.length = 0
  kept.estimates.length = 0
  kept.fault = null
  // Another deployment for each test: breakers are those of a provider's name.
  env = { PROVIDERS: JSON.stringify(PROVIDERS), PROVIDER_KEY: SECRET } as unknown as Env
  script = (host, request) => sound(host.split('.')[0] ?? '', request)
  const scripted = scriptedFetch(SYSTEM_CLOCK, (host, request) => script(host, request))
  sent = scripted.sent
  vi.stubGlobal('fetch', scripted.fetch)
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => vi.unstubAllGlobals())

describe('POST /v1/chat/completions', () => {
  it('sends a model by its name straight to its provider, and says who served it', async () => {
    const response = await chat()
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      choices: [{ message: { content: 'Hello world' } }],
    })
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-gjallar-provider': 'openai',
      'x-gjallar-model': 'gpt-4.1-mini',
      'x-gjallar-attempts': '1',
      'x-gjallar-cost-usd': '0.000007600',
      'x-gjallar-cache': 'none',
      'x-gjallar-decision-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    expect(response.headers.get('x-gjallar-bucket')).toBeNull()
    expect(sent[0]?.url).toBe('https://openai.upstream.test/v1/chat/completions')
    expect(sent[0]?.body).toMatchObject(CHAT)
    expect(records()).toMatchObject([
      {
        outcome: 'ok',
        kind: 'chat',
        keyId: 'key-1',
        requestedModel: 'gpt-4.1-mini',
        provider: 'openai',
        costNanoUsd: 7_600,
      },
    ])
  })

  it.each([
    { model: 'auto', bucket: 'cheap' },
    { model: 'gjallar', bucket: 'cheap' },
    { model: 'gjallar/hard', bucket: 'hard' },
  ])('decides for $model', async ({ model, bucket }) => {
    const response = await chat({ model })
    expect(response.headers.get('x-gjallar-bucket')).toBe(bucket)
    expect(sent[0]?.body.model).not.toBe(model)
    expect(records()).toMatchObject([
      { bucket, requestedModel: model, artifactVersion: expect.any(String) },
    ])
  })

  it('sends what is not in any catalogue to the provider that it names', async () => {
    const response = await chat({ model: 'spare/org/some-model' })
    expect(response.headers.get('x-gjallar-provider')).toBe('spare')
    expect(sent[0]?.body.model).toBe('org/some-model')
    expect(response.headers.get('x-gjallar-cost-usd')).toBe('0.000000000')
  })

  it('streams, and settles at the end', async () => {
    const response = await chat({ stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const text = await response.text()
    expect(text).toContain('cost-usd=0.000007600')
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
    expect(records()).toMatchObject([{ outcome: 'ok', isStream: true }])
  })

  it('falls over to the next candidate of a decision', async () => {
    let asked = 0
    script = (host, request) =>
      asked++ === 0 ? { kind: 'refused' } : sound(host.split('.')[0] ?? '', request)
    const response = await chat({ model: 'gjallar/hard' })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-gjallar-attempts')).toBe('2')
    expect(sent[0]?.url).not.toBe(sent[1]?.url)
  })

  it('stays with the model that stepped in, so that a conversation does not go to and fro', async () => {
    let asked = 0
    script = (host, request) =>
      asked++ === 0 ? { kind: 'refused' } : sound(host.split('.')[0] ?? '', request)
    // Long enough that its prompt cache is worth more than what the other one scores.
    const content = `Conversation ${crypto.randomUUID()}: ${'as it was '.repeat(20_000)}`
    const messages = [{ role: 'user', content }]
    const turn = async () => {
      const { headers } = await chat({ model: 'gjallar/hard', messages })
      return `${headers.get('x-gjallar-provider')}/${headers.get('x-gjallar-model')}`
    }
    const first = await turn()
    expect(asked).toBe(2)
    messages.push({ role: 'assistant', content: 'Hello world' }, { role: 'user', content: 'And?' })
    expect(await turn()).toBe(first)
    expect(asked).toBe(3)
  })

  it('sets the dearest candidate’s cost aside, with the most that it may answer', async () => {
    await chat({ max_tokens: 1_000 })
    const [estimate] = kept.estimates
    expect(estimate?.tokens).toBeGreaterThanOrEqual(1_000)
    expect(estimate?.costNanoUsd).toBeGreaterThanOrEqual(1_000 * 1_600)
    await chat()
    expect(kept.estimates[1]?.tokens).toBeGreaterThanOrEqual(4_096)
  })

  it.each([
    [
      {
        reason: 'budget-exceeded',
        spentNanoUsd: 1,
        budgetNanoUsd: 1,
        resetsAtMs: Date.now() + 60_000,
      },
      'insufficient_quota',
    ],
    [
      { reason: 'rate-exceeded', of: 'requests', limitPerMinute: 1, retryAfterMs: 1_500 },
      'rate_limit_exceeded',
    ],
  ])('answers 429 with the time to wait where the ledger refuses: %o', async (fault, code) => {
    kept.fault = fault
    const response = await chat()
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ error: { code } })
    expect(sent).toHaveLength(0)
  })

  it.each([
    [4_000_000, 'budget of $0.004 has'],
    [1_500_000_000, 'budget of $1.50 has'],
    [0, 'budget of $0.00 has'],
    [123, 'budget of $0.000000123 has'],
  ])('says a budget of %i billionths of a dollar exactly', async (budgetNanoUsd, told) => {
    kept.fault = { reason: 'budget-exceeded', spentNanoUsd: 1, budgetNanoUsd, resetsAtMs: null }
    const { error } = (await (await chat()).json()) as { error: { message: string } }
    expect(error.message).toContain(told)
  })

  it.each([
    ['{', 400],
    ['[]', 400],
    [{ ...CHAT, messages: [] }, 400],
    [{ ...CHAT, messages: [{ role: 'robot', content: 'x' }] }, 400],
    [{ ...CHAT, max_tokens: -1 }, 400],
    [{ ...CHAT, model: 'a\r\nx-injected: 1' }, 400],
    [{ ...CHAT, max_tokens: 9, model: 'no-such-model' }, 404],
  ])('refuses %o', async (body, status) => {
    for (const path of ['/v1/chat/completions', '/v1/messages']) {
      const response = await send(path, body)
      expect(response.status).toBe(status)
      const told = (await response.json()) as { error: { message: string; type: string } }
      expect(told.error).toMatchObject({ message: expect.any(String), type: expect.any(String) })
      expect(sent).toHaveLength(0)
      expect(records()).toHaveLength(0)
    }
  })

  it('shows neither key nor address of an upstream that fails', async () => {
    script = () => refusal('openai', 400, {}, `see https://openai.upstream.test/v1?key=${SECRET}`)
    const response = await chat()
    const all = JSON.stringify([...response.headers]) + (await response.text())
    expect(all).not.toContain(SECRET)
    expect(all).not.toContain('upstream.test')
  })
})

describe('POST /v1/messages', () => {
  it('answers Anthropic’s clients from a provider that speaks OpenAI’s dialect', async () => {
    const response = await message()
    expect(await response.json()).toMatchObject({
      type: 'message',
      content: [{ type: 'text', text: 'Hello world' }],
    })
  })

  it('passes Anthropic’s events on as they are', async () => {
    const response = await message({ model: 'claude-haiku-4-5', stream: true })
    const text = await response.text()
    expect(text).toContain(CLAUDE.hello)
    expect(text.endsWith(CLAUDE.done)).toBe(true)
  })

  it('tells errors in Anthropic’s words', async () => {
    script = () => refusal('claude', 529)
    env = {
      PROVIDERS: JSON.stringify([provider('claudeonly', 'anthropic')]),
      PROVIDER_KEY: SECRET,
      GATEWAY_TOTAL_MS: '100',
    } as unknown as Env
    const response = await message({ model: 'claudeonly/some' })
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'api_error' } })
  })
})

describe('POST /v1/embeddings', () => {
  const answer = {
    object: 'list',
    model: 'text-embedding-3-small',
    data: [{ object: 'embedding', index: 0, embedding: [0.5, -1] }],
    usage: { prompt_tokens: 3, total_tokens: 3 },
  }
  const embed = (more: Record<string, unknown> = {}) =>
    send('/v1/embeddings', { model: 'text-embedding-3-small', input: 'hello', ...more })
  beforeEach(() => {
    script = () => ({
      kind: 'answer',
      headers: { 'content-type': 'application/json' },
      acts: [JSON.stringify(answer)],
    })
  })

  it('answers vectors with their usage and cost', async () => {
    const response = await embed()
    expect(await response.json()).toEqual(answer)
    expect(response.headers.get('x-gjallar-cost-usd')).toBe('0.000000060')
    expect(records()).toMatchObject([{ kind: 'embeddings', outcome: 'ok', inputTokens: 3 }])
  })

  it('gives base64 to who asks for it, whatever the provider gave', async () => {
    const body = (await (await embed({ encoding_format: 'base64' })).json()) as {
      data: { embedding: string }[]
    }
    const bytes = Buffer.from(body.data[0]?.embedding ?? '', 'base64')
    expect([
      ...new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + 8)),
    ]).toEqual([0.5, -1])
  })

  it.each([[''], [[]], [[1.5]], [{ a: 1 }], [Array.from({ length: 2_049 }, () => 'x')]])(
    'refuses the input %j',
    async (input) => {
      expect((await embed({ input })).status).toBe(400)
      expect(sent).toHaveLength(0)
    },
  )
})

describe('what stands around', () => {
  it('needs the scope, and tells it in the dialect', async () => {
    const response = await send('/v1/messages', { ...CHAT, max_tokens: 1 }, {}, ['read'])
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({
      type: 'error',
      error: { type: 'permission_error' },
    })
  })

  it('answers another method with 405 and another media type with 415, in the dialect', async () => {
    const response = await get('/v1/chat/completions', ['write'])
    expect(response.status).toBe(405)
    expect(await response.json()).toMatchObject({ error: { message: expect.any(String) } })
    const text = await send('/v1/chat/completions', 'x', {
      headers: { 'content-type': 'text/plain' },
    })
    expect(text.status).toBe(415)
    expect(await text.json()).toMatchObject({ error: { type: 'invalid_request_error' } })
  })

  it('lists providers with their health and counts, without keys and addresses', async () => {
    await chat()
    const response = await get('/api/v1/llm/providers')
    const text = await response.text()
    const { providers } = JSON.parse(text) as { providers: { id: string; mock: boolean }[] }
    expect(providers.map(({ id }) => id).slice(0, 3)).toEqual(['openai', 'anthropic', 'spare'])
    expect(providers[0]).toMatchObject({ mock: true, state: 'closed', inFlight: 0 })
    expect(text).not.toMatch(/upstream\.test|sk-/)
  })

  it('does not tell which models others named', async () => {
    await chat({ model: 'openai/the-secret-project-of-another' })
    const text = await (await get('/api/v1/llm/providers')).text()
    expect(text).toContain('gpt-4.1-mini')
    expect(text).not.toContain('secret-project')
  })

  it('exposes its counters as OpenMetrics', async () => {
    await chat()
    const response = await get('/metrics')
    const text = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^application\/openmetrics-text/)
    expect(text).toMatch(/^gjallar_llm_attempts_total\{provider="openai"\} \d+$/m)
    expect(text).toMatch(/^gjallar_llm_in_flight\{provider="openai"\} 0$/m)
    expect(text.endsWith('# EOF\n')).toBe(true)
  })
})
