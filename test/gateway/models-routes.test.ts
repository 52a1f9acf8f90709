import { Hono as Router } from 'hono'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type Env, settingsOf } from '../../src/env.ts'
import { models, modelsErrors } from '../../src/gateway/models-routes.ts'
import { PASS_THROUGH_ADAPTERS, readCredentials } from '../../src/gateway/pass-through.ts'
import type { AppEnv, Scope } from '../../src/http/context.ts'
import { notFoundOf, onError } from '../../src/http/errors.ts'
import { shipArtifact } from '../../src/routing/isolate.ts'
import '../kernels/load.ts'
import { smallArtifact } from '../routing/small-artifact.ts'

vi.mock('../../src/database/client.ts', () => ({ connect: () => ({}) }))
vi.mock('../../src/database/outcome-queries.ts', () => ({ findOutcomes: async () => [] }))
vi.mock('../../src/database/router-queries.ts', () => ({
  findRouter: async () => ({
    config: null,
    configUpdatedAt: null,
    artifactVersion: null,
    artifactUpdatedAt: null,
    canary: null,
  }),
  findRouterArtifact: async () => null,
  findRouterCanary: async () => null,
}))

const ENV = {
  ANTHROPIC_API_KEY: 'sk-ant-operator',
  PROVIDERS: JSON.stringify([
    { id: 'openai', baseUrl: 'http://127.0.0.1:9/v1', keys: [], mock: true },
  ]),
} as unknown as Env

const ask = (
  path: string,
  headers: Record<string, string> = {},
  { scopes = ['read'], env = ENV }: { scopes?: Scope[]; env?: Env } = {},
) => {
  const app = new Router<AppEnv>()
  app.use(async (c, next) => {
    c.set('requestId', 'request-1')
    c.set('settings', settingsOf({} as Env))
    c.set('principal', {
      keyId: 'key-1',
      organisationId: 'organisation-1',
      organisation: 'acme',
      scopes: new Set(scopes),
      platformAdmin: false,
      expiresAt: null,
      limits: null,
    })
    const read = readCredentials(new Headers(headers), new Set(PASS_THROUGH_ADAPTERS))
    c.set('passThrough', read.ok ? read.value.passThrough : null)
    await next()
  })
  app.use('/v1/models/*', modelsErrors)
  app.route('/', models)
  app.onError(onError)
  app.notFound(notFoundOf(app))
  return app.request(path, { headers }, env)
}

interface Listed {
  readonly data: { id: string; mock?: boolean }[]
}

const idsOf = async (response: Response | Promise<Response>) =>
  ((await (await response).json()) as Listed).data.map(({ id }) => id)

beforeAll(async () => shipArtifact(await smallArtifact()))

describe('GET /v1/models', () => {
  it('lists the names of the router, the candidates and the models of providers that are there', async () => {
    const response = await ask('/v1/models')
    expect(response.status).toBe(200)
    const list = (await response.json()) as Listed
    expect(list).toMatchObject({ object: 'list' })
    const ids = list.data.map(({ id }) => id)
    expect(ids.slice(0, 5)).toEqual([
      'auto',
      'gjallar/cheap',
      'gjallar/mid',
      'gjallar/hard',
      'openai/gpt-4.1-nano',
    ])
    expect(ids).toContain('anthropic/claude-opus-4-5')
    expect(ids.some((id) => id.startsWith('google/'))).toBe(false)
    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, mock } of list.data) expect(mock === true).toBe(id.startsWith('openai/'))
    expect(JSON.stringify(list)).not.toMatch(/operator|127\.0\.0\.1/)
  })

  it('is the list of Anthropic for its clients, by pages', async () => {
    const anthropic = { 'anthropic-version': '2023-06-01' }
    const first = await ask('/v1/models?limit=3', anthropic)
    expect(await first.json()).toMatchObject({
      data: [
        { type: 'model', id: 'auto', display_name: expect.any(String) },
        { id: 'gjallar/cheap' },
        { id: 'gjallar/mid' },
      ],
      first_id: 'auto',
      last_id: 'gjallar/mid',
      has_more: true,
    })
    expect(await idsOf(ask('/v1/models?limit=1&after_id=gjallar/mid', anthropic))).toEqual([
      'gjallar/hard',
    ])
    const before = await ask('/v1/models?limit=2&before_id=gjallar/hard', anthropic)
    expect(await before.json()).toMatchObject({
      first_id: 'gjallar/cheap',
      last_id: 'gjallar/mid',
      has_more: true,
    })
    const wrong = await ask('/v1/models?limit=0', anthropic)
    expect(wrong.status).toBe(400)
    expect(await wrong.json()).toMatchObject({
      type: 'error',
      error: { type: 'invalid_request_error' },
    })
  })

  it('is that of one provider for a caller with its own credential', async () => {
    const ids = await idsOf(ask('/v1/models', { 'x-goog-api-key': 'AIza-caller' }))
    expect(ids.length).toBeGreaterThan(3)
    // The router chooses among that provider's candidates.
    const served = ids.filter((id) => id !== 'auto' && !id.startsWith('gjallar/'))
    expect(served.every((id) => id.startsWith('google/'))).toBe(true)
  })

  it('is empty without providers, and closed without the scope', async () => {
    expect(await idsOf(ask('/v1/models', {}, { env: {} as Env }))).toEqual([])
    const refused = await ask('/v1/models', {}, { scopes: ['write'] })
    expect(refused.status).toBe(403)
    expect(await refused.json()).toHaveProperty('error.message')
  })
})

describe('GET /v1/models/{id}', () => {
  it('answers one, also with slashes in its id and by its name alone', async () => {
    const openai = { PROVIDERS: '', GROQ_API_KEY: 'gsk' } as unknown as Env
    const slashes = await ask('/v1/models/groq/openai/gpt-oss-120b', {}, { env: openai })
    expect(await slashes.json()).toMatchObject({
      id: 'groq/openai/gpt-oss-120b',
      object: 'model',
      owned_by: 'groq',
      context_tokens: 131_072,
      usd_per_million_tokens: { input: 0.15, output: 0.6 },
    })
    const named = await ask('/v1/models/claude-haiku-4-5', { 'anthropic-version': '2023-06-01' })
    expect(await named.json()).toMatchObject({ type: 'model', id: 'anthropic/claude-haiku-4-5' })
    expect(((await (await ask('/v1/models/auto')).json()) as { id: string }).id).toBe('auto')
  })

  it('tells all prices that a candidate is charged by', async () => {
    const candidate = await ask('/v1/models/anthropic/claude-haiku-4-5')
    expect(await candidate.json()).toMatchObject({
      usd_per_million_tokens: { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 5 },
    })
  })

  it('says in the dialect of the client that there is none', async () => {
    const openai = await ask('/v1/models/openai/none')
    expect(openai.status).toBe(404)
    expect(await openai.json()).toMatchObject({ error: { message: 'there is no such model' } })
    const anthropic = await ask('/v1/models/none', { 'anthropic-version': '2023-06-01' })
    expect(await anthropic.json()).toMatchObject({
      type: 'error',
      error: { type: 'not_found_error' },
    })
  })
})
