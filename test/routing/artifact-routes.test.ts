import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Scope } from '../../src/http/context.ts'
import { DEFAULT_CONFIG } from '../../src/routing/default-config.ts'
import { shipArtifact } from '../../src/routing/isolate.ts'
import { routingApp } from './routing-app.ts'
import '../kernels/load.ts'
import { bodyOf } from './routers.ts'
import { smallArtifact } from './small-artifact.ts'
import { stored } from './stored-routers.ts'

vi.mock('../../src/database/client.ts', () => ({ connect: () => ({}) }))
// Requests have no platform here: what would run behind them is waited for.
vi.mock('../../src/ledger/account.ts', () => ({ accountOf: () => ({ record: () => {} }) }))
vi.mock(
  '../../src/database/router-queries.ts',
  async () => (await import('./stored-routers.ts')).routerQueries,
)
vi.mock(
  '../../src/database/outcome-queries.ts',
  async () => (await import('./stored-routers.ts')).outcomeQueries,
)

let organisation = 0
let env: Record<string, string> = {}
const app = (scopes: Scope[]) => routingApp(`organisation-${organisation}`, scopes, env)

const PATH = '/api/v1/router/artifact'
const send = (path: string, init: RequestInit = {}, scopes: Scope[] = ['read', 'admin']) =>
  app(scopes).request(path, init, {})
const put = (body: Uint8Array<ArrayBuffer>, query = '') =>
  send(`${PATH}${query}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body,
  })
const setShare = (share: unknown) =>
  send(`${PATH}/canary`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ share }),
  })
const act = (name: string) => send(`${PATH}/${name}`, { method: 'POST' })
const told = async () => (await send(PATH)).json() as Promise<Record<string, unknown>>
const decidedBy = async (conversation: string) => {
  const response = await send('/v1/route', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(bodyOf('Say hello', { conversation })),
  })
  const { headers } = response
  return { version: headers.get('x-gjallar-artifact'), canary: headers.get('x-gjallar-canary') }
}

const MODELS = ['mistralai/Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106-preview']
beforeEach(async () => {
  organisation++
  env = {}
  shipArtifact(await smallArtifact())
  vi.spyOn(console, 'error').mockReturnValue()
})

describe('an artifact that is tried', () => {
  it('decides for its share, is told with what it did, and is promoted', async () => {
    const before = await told()
    expect(before).toMatchObject({
      source: 'shipped',
      updatedAt: null,
      canary: null,
      address: null,
    })
    const file = await smallArtifact([...MODELS, 'third'])
    const answer = await put(file, '?canary=0.5')
    expect(answer.status).toBe(200)
    const { version, canary } = (await answer.json()) as {
      version: string
      canary: { version: string }
    }
    expect(version).toBe(before.version)
    expect(canary).toMatchObject({ share: 0.5, isUsed: true, counts: { trials: 0 } })

    const versions = new Set<string | null>()
    for (let i = 0; i < 40; i++) {
      const one = await decidedBy(`c${i}`)
      expect(one.canary).toBe(one.version === version ? null : 'true')
      versions.add(one.version)
    }
    expect(versions).toEqual(new Set([version, canary.version]))

    stored.counts.set(canary.version, { trials: 7, successRate: 0.5 })
    expect(await told()).toMatchObject({ canary: { counts: { trials: 7, successRate: 0.5 } } })
    const promoted = await act('promote')
    expect(await promoted.json()).toMatchObject({
      source: 'organisation',
      version: canary.version,
      canary: null,
      counts: { trials: 7 },
    })
    expect(await decidedBy('c0')).toEqual({ version: canary.version, canary: null })
    const gone = await send(PATH, { method: 'DELETE' })
    expect(await gone.json()).toMatchObject({ source: 'shipped', version })
  })

  it('has a share that changes, and is discarded', async () => {
    await put(await smallArtifact([...MODELS, 'third']), '?canary=0')
    expect((await decidedBy('c')).canary).toBeNull()
    expect(await (await setShare(1)).json()).toMatchObject({ canary: { share: 1 } })
    expect((await decidedBy('c')).canary).toBe('true')
    expect(await (await act('discard')).json()).toMatchObject({ canary: null })
    expect((await decidedBy('c')).canary).toBeNull()
  })

  it('is not there to promote, discard or share where none was put', async () => {
    const answers = [await act('promote'), await act('discard'), await setShare(0.5)]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
  })

  it.each(['?canary=1.1', '?canary=-1', '?canary=', '?canary=NaN', '?canary=0x1'])(
    'is refused with a share of %s',
    async (query) => {
      expect((await put(await smallArtifact(), query)).status).toBe(400)
      expect(stored.canaries.has(`organisation-${organisation}`)).toBe(false)
    },
  )

  it.each([1.5, -0.1, 'x', null, undefined])('does not get a share of %s', async (share) => {
    await put(await smallArtifact([...MODELS, 'third']), '?canary=0.5')
    expect((await setShare(share)).status).toBe(422)
    expect(await told()).toMatchObject({ canary: { share: 0.5 } })
  })

  it('is checked as every other, and changed by an admin alone', async () => {
    expect((await put(await smallArtifact(['a', 'b']), '?canary=0.5')).status).toBe(422)
    const changes = [
      ['POST', '/promote'],
      ['POST', '/discard'],
      ['PATCH', '/canary'],
      ['DELETE', ''],
    ] as const
    for (const [method, path] of changes)
      expect((await send(`${PATH}${path}`, { method }, ['read', 'write'])).status).toBe(403)
  })

  it('that storage has and that is damaged decides nothing, and is told as not used', async () => {
    stored.routers.set(`organisation-${organisation}`, {
      canary: { version: 'damaged', share: 1, updatedAt: new Date(0) },
    })
    stored.canaries.set(`organisation-${organisation}`, new Uint8Array(100))
    expect((await decidedBy('c')).canary).toBeNull()
    expect(await told()).toMatchObject({ canary: { version: 'damaged', isUsed: false } })
    expect(console.error).toHaveBeenCalledWith(expect.stringContaining('to be tried'))
  })
})

describe('the deployment’s artifact', () => {
  let file = new Uint8Array(0)
  const server = createServer((_, response) => {
    response.writeHead(200, { etag: '"one"' }).end(file)
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/router.gjr`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  it('is that of the address once it is loaded; organisations with their own keep it', async () => {
    const shipped = (await told()).version
    const own = await smallArtifact([...MODELS, 'own'])
    await put(own)
    const ownVersion = (await told()).version
    file = await smallArtifact([...MODELS, 'of the address'])
    env = { ROUTER_ARTIFACT_URL: url }
    expect(await told()).toMatchObject({ source: 'organisation', version: ownVersion })
    organisation++
    const answer = await told()
    expect(answer).toMatchObject({
      source: 'url',
      updatedAt: expect.any(String),
      models: [...MODELS, 'of the address'],
      address: { etag: '"one"', loadedAt: expect.any(String), lastFailure: null },
    })
    expect(answer.version).not.toBe(shipped)
    expect(JSON.stringify(answer)).not.toContain('127.0.0.1')
    const whole = await send(PATH, { headers: { accept: 'application/octet-stream' } })
    expect(Buffer.from(await whole.arrayBuffer()).equals(Buffer.from(file))).toBe(true)
    expect((await decidedBy('c')).version).toBe(answer.version)
  })

  it('is the shipped one where the address has none that is sound', async () => {
    file = new Uint8Array(50)
    env = { ROUTER_ARTIFACT_URL: url }
    expect(await told()).toMatchObject({
      source: 'shipped',
      address: { etag: null, loadedAt: null, lastFailure: { reason: expect.stringMatching(/./) } },
    })
    expect((await decidedBy('c')).version).toMatch(/^[0-9a-f]{64}$/)
  })

  it('and those of organisations must be signed where a key is configured; the shipped one need not be', async () => {
    const keys = (await crypto.subtle.generateKey({ name: 'Ed25519' }, true, [
      'sign',
      'verify',
    ])) as CryptoKeyPair
    const raw = (await crypto.subtle.exportKey('raw', keys.publicKey)) as ArrayBuffer
    const publicKey = btoa(String.fromCharCode(...new Uint8Array(raw)))
    file = await smallArtifact([...MODELS, 'unsigned'])
    env = { ROUTER_ARTIFACT_URL: url, ROUTER_PUBLIC_KEY: publicKey }
    expect(await told()).toMatchObject({
      source: 'shipped',
      address: { lastFailure: { reason: 'the file is not signed' } },
    })
    const refused = await put(await smallArtifact([...MODELS, 'unsigned']))
    expect(refused.status).toBe(422)
    expect(await refused.json()).toMatchObject({ detail: 'body: the file is not signed' })
    const signed = await smallArtifact([...MODELS, 'signed'], keys.privateKey)
    expect((await put(signed)).status).toBe(200)
  })
})

describe('the deployment’s embedding', () => {
  const server = createServer((request, response) => {
    request.resume()
    response.end(JSON.stringify({ data: [{ embedding: [1, 0] }] }))
  })
  const putConfig = (config: object) =>
    send('/api/v1/router/config', {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...DEFAULT_CONFIG, ...config }),
    })
  const embeddingOf = async (text: string) => {
    const response = await send('/v1/route', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(bodyOf(text)),
    })
    return ((await response.json()) as { embedding: string }).embedding
  }
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const made = { embedding: 'e5', dimensions: 2 }

  it('places questions for who asks for it, with an artifact that was made for it', async () => {
    const { port } = server.address() as AddressInfo
    expect((await putConfig({ embedding: 'provider' })).status).toBe(422)
    env = {
      ROUTER_EMBEDDING_URL: `http://127.0.0.1:${port}/v1/embeddings`,
      ROUTER_EMBEDDING_MODEL: 'e5',
      ROUTER_EMBEDDING_DIMENSIONS: '2',
      ROUTER_EMBEDDING_TIMEOUT_MS: '5000',
    }
    const refused = await putConfig({ embedding: 'provider' })
    expect(await refused.json()).toMatchObject({ errors: [{ pointer: '#/embedding' }] })
    expect((await put(await smallArtifact(MODELS, undefined, made))).status).toBe(200)
    expect(await embeddingOf('Why?')).toBe('lexical-hash-v1')
    expect((await putConfig({ embedding: 'provider' })).status).toBe(200)
    expect(await embeddingOf('Why?')).toBe('e5')
    const unfit = await put(await smallArtifact())
    expect(unfit.status).toBe(422)
    expect(await unfit.json()).toMatchObject({ detail: 'body: no centroids of the embedding e5' })
  })
})
