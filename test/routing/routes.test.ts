import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Scope } from '../../src/http/context.ts'
import { routerConfigSchema } from '../../src/routing/catalog.ts'
import { DEFAULT_CONFIG } from '../../src/routing/default-config.ts'
import { shipArtifact } from '../../src/routing/isolate.ts'
import { ROUTE_BODY_BYTES_MAX } from '../../src/routing/routes.ts'
import { routingApp } from './routing-app.ts'
import '../kernels/load.ts'
import { bodyOf, LARGE, SMALL } from './routers.ts'
import { smallArtifact } from './small-artifact.ts'
import { stored } from './stored-routers.ts'

vi.mock('../../src/database/client.ts', () => ({ connect: () => ({}) }))
vi.mock(
  '../../src/database/router-queries.ts',
  async () => (await import('./stored-routers.ts')).routerQueries,
)
vi.mock(
  '../../src/database/outcome-queries.ts',
  async () => (await import('./stored-routers.ts')).outcomeQueries,
)

/** Routes of an organisation of its own for each test. */
let organisation = 0
const app = (scopes: Scope[] = ['read', 'admin']) =>
  routingApp(`organisation-${organisation}`, scopes)

/** A ledger that takes everything, and a request that lives for as long as it is needed. */
const ENVIRONMENT = {
  LEDGER: {
    idFromName: String,
    get: () => ({ report: async () => ({ stored: true, ended: [] }) }),
  },
}
const CONTEXT = {
  waitUntil: () => {},
  passThroughOnException: () => {},
} as unknown as ExecutionContext

const JSON_TYPE = { 'content-type': 'application/json' }
const send = (path: string, init: RequestInit, scopes?: Scope[]) =>
  app(scopes).request(path, init, ENVIRONMENT, CONTEXT)
const route = (body: unknown, headers: Record<string, string> = {}) =>
  send('/v1/route', {
    method: 'POST',
    headers: { ...JSON_TYPE, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const putConfig = (config: unknown) =>
  send('/api/v1/router/config', { method: 'PUT', headers: JSON_TYPE, body: JSON.stringify(config) })
const putArtifact = (body: Uint8Array<ArrayBuffer>) =>
  send('/api/v1/router/artifact', {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body,
  })

beforeAll(async () => shipArtifact(await smallArtifact()))
beforeEach(() => {
  organisation++
  vi.spyOn(console, 'error').mockReturnValue()
})

const HARD = 'Prove that every bounded monotone sequence of real numbers has a limit'

describe('POST /v1/route', () => {
  it('answers the decision with its explanation, in body and headers', async () => {
    const response = await route(bodyOf(HARD))
    expect(response.status).toBe(200)
    const answer = (await response.json()) as Record<string, unknown>
    expect(answer).toMatchObject({
      decision: { provider: 'openai', model: 'gpt-4.1', params: { model: 'gpt-4.1' } },
      bucket: 'hard',
      cache: 'miss',
      affinity: null,
      alpha: 0.75,
    })
    expect(answer.candidates).toHaveLength(DEFAULT_CONFIG.candidates.length)
    const headers = Object.fromEntries(response.headers)
    expect(headers).toMatchObject({
      'x-gjallar-decision-id': answer.decisionId,
      'x-gjallar-provider': 'openai',
      'x-gjallar-model': 'gpt-4.1',
      'x-gjallar-bucket': 'hard',
      'x-gjallar-cache': 'miss',
      'x-gjallar-artifact': answer.artifactVersion,
    })
    expect((await route(bodyOf(HARD))).headers.get('x-gjallar-cache')).toBe('hit')
  })

  it('sends what is easy to a cheaper one', async () => {
    const response = await route(bodyOf('Say hello'))
    expect(response.headers.get('x-gjallar-model')).toBe('gpt-4.1-nano')
  })

  it('reads an Anthropic body where the protocol’s header is sent', async () => {
    const body = {
      model: 'claude-haiku-4-5',
      system: 'Be brief.',
      messages: [{ role: 'user', content: [{ type: 'tool_result', content: 'x' }] }],
    }
    const response = await route(body, { 'anthropic-version': '2023-06-01' })
    expect(response.headers.get('x-gjallar-model')).toBe('claude-haiku-4-5')
    expect((await route(body)).status).toBe(400)
  })

  it.each([
    ['no JSON', '{"messages":', 400, null, null],
    ['no messages', {}, 400, 'messages', null],
    ['an unknown part', bodyOf([{ type: 'x' }]), 400, 'messages[0].content[0].type', null],
    ['α outside [0, 1]', bodyOf('x', { alpha: 2 }), 400, 'alpha', null],
    ['an unknown model', bodyOf('x', { model: 'gpt-9' }), 404, 'model', 'model_not_found'],
    ['ten megabytes', bodyOf('a'.repeat(10_000_000)), 413, 'messages', 'request_too_large'],
    ['more than any answers', bodyOf('x', { max_tokens: 9_000_000 }), 422, null, 'no_candidate'],
  ])('answers %s as OpenAI does', async (_, body, status, param, code) => {
    const response = await route(body)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({
      error: { message: expect.stringMatching(/./), type: 'invalid_request_error', param, code },
    })
  })

  it('refuses a body beyond its bound, another type, and a key without the scope, likewise', async () => {
    const long = { 'content-length': String(ROUTE_BODY_BYTES_MAX + 1) }
    const refusals = [
      await route('{}', long),
      await route('{}', { 'content-type': 'text/plain' }),
      await send('/v1/route', { method: 'POST', headers: JSON_TYPE, body: '{}' }, ['write']),
    ]
    expect(refusals.map(({ status }) => status)).toEqual([413, 415, 403])
    for (const refusal of refusals) expect(await refusal.json()).toHaveProperty('error.message')
  })

  it('routes a text that is no Unicode, and one of a million letters', async () => {
    expect((await route('{"messages":[{"role":"user","content":"\\ud800"}]}')).status).toBe(200)
    expect((await route(bodyOf('a'.repeat(1_000_000)))).status).toBe(200)
    const bytes = new Uint8Array([0x7b, 0xff, 0x7d])
    const response = await send('/v1/route', { method: 'POST', headers: JSON_TYPE, body: bytes })
    expect(response.status).toBe(400)
  })
})

const MEASURED = { ...SMALL, measuredAs: 'gpt-4-1106-preview' }

describe('the configuration', () => {
  it('is the shipped one until the organisation puts its own, which holds at once', async () => {
    const before = await send('/api/v1/router/config', {})
    expect(await before.json()).toEqual({ source: 'default', config: DEFAULT_CONFIG })
    expect((await putConfig({ candidates: [MEASURED] })).status).toBe(200)
    const after = await send('/api/v1/router/config', {})
    const config = routerConfigSchema.parse({ candidates: [MEASURED] })
    expect(await after.json()).toEqual({ source: 'organisation', config })
    expect((await route(bodyOf('Say hello'))).headers.get('x-gjallar-model')).toBe('small')
  })

  it('is refused with the place of what is wrong, and the old one stays', async () => {
    const unknown = await putConfig({ candidates: [MEASURED, LARGE] })
    expect(unknown.status).toBe(422)
    expect(await unknown.json()).toMatchObject({
      errors: [{ pointer: '#/candidates/1/measuredAs' }],
    })
    const empty = await putConfig({ candidates: [] })
    expect(await empty.json()).toMatchObject({ errors: [{ pointer: '#/candidates' }] })
    expect(stored.routers.has(`organisation-${organisation}`)).toBe(false)
  })

  it('is changed by an admin alone', async () => {
    const init = { method: 'PUT', headers: JSON_TYPE, body: '{}' }
    expect((await send('/api/v1/router/config', init, ['read', 'write'])).status).toBe(403)
    expect((await send('/api/v1/router/artifact', init, ['read', 'write'])).status).toBe(403)
  })

  it('that storage has and that cannot be read is left out, with a logged reason', async () => {
    stored.routers.set(`organisation-${organisation}`, { config: '{"candidates":7}' })
    expect((await route(bodyOf('Say hello'))).status).toBe(200)
    expect(console.error).toHaveBeenCalledWith(expect.stringContaining('last good'))
  })
})

describe('the artifact', () => {
  const MODELS = ['mistralai/Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106-preview', 'third']

  it('is the shipped one until the organisation puts its own', async () => {
    const before = await send('/api/v1/router/artifact', {})
    const told = (await before.json()) as { version: string }
    expect(told).toMatchObject({ source: 'shipped', clusters: 2, report: { of: 'tests' } })
    const file = await smallArtifact(MODELS)
    const after = await putArtifact(file)
    expect(await after.json()).toMatchObject({ source: 'organisation', models: MODELS })
    const routed = await route(bodyOf('Say hello'))
    expect(routed.headers.get('x-gjallar-artifact')).not.toBe(told.version)

    const accept = { accept: 'application/octet-stream' }
    const whole = await send('/api/v1/router/artifact', { headers: accept })
    expect(Buffer.from(await whole.arrayBuffer()).equals(Buffer.from(file))).toBe(true)
    const etag = whole.headers.get('etag') ?? ''
    const again = await send('/api/v1/router/artifact', {
      headers: { ...accept, 'if-none-match': etag },
    })
    expect(again.status).toBe(304)
  })

  it('is refused with another hash, a shape of its own or a candidate missing', async () => {
    const flipped = await smallArtifact()
    flipped[flipped.length - 40] = (flipped[flipped.length - 40] ?? 0) ^ 1
    for (const [file, reason] of [
      [flipped, 'SHA-256'],
      [(await smallArtifact()).slice(0, -8), 'bytes'],
      [new Uint8Array([1, 2, 3]), 'shorter'],
      [await smallArtifact(['a', 'b']), 'no measured quality'],
    ] as const) {
      const response = await putArtifact(file)
      expect(response.status).toBe(422)
      expect(((await response.json()) as { detail: string }).detail).toContain(reason)
    }
    expect((await putArtifact(new Uint8Array(2 * 1024 * 1024 + 1))).status).toBe(413)
    const { source } = (await (await send('/api/v1/router/artifact', {})).json()) as {
      source: string
    }
    expect(source).toBe('shipped')
  })

  it('that storage has and that is damaged is left out: the last good one decides', async () => {
    const id = `organisation-${organisation}`
    stored.routers.set(id, { artifactVersion: 'damaged' })
    stored.artifacts.set(id, new Uint8Array(100))
    expect((await route(bodyOf('Say hello'))).headers.get('x-gjallar-model')).toBe('gpt-4.1-nano')
    expect(console.error).toHaveBeenCalledWith(expect.stringContaining('no artifact'))
  })
})
