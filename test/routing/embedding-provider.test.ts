import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { EmbeddingCache } from '../../src/routing/embedding-cache.ts'
import {
  EMBEDDED_BYTES_MAX,
  EmbeddingProvider,
  PAUSE_MS,
  parseEmbedding,
} from '../../src/routing/embedding-provider.ts'
import { makeRouter } from '../../src/routing/router.ts'
import '../kernels/load.ts'
import { artifactWith, bodyOf, configWith, EASY, routedBy, stateWith } from './routers.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void
let answer: Answer = () => {}
const asked: { body: Record<string, unknown>; authorization: string | undefined }[] = []
const server = createServer(async (request, response) => {
  const body = JSON.parse(await textOf(request)) as Record<string, unknown>
  asked.push({ body, authorization: request.headers.authorization })
  answer(response, request)
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/embeddings`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  asked.length = 0
  vi.restoreAllMocks()
  vi.spyOn(console, 'warn').mockReturnValue()
})

const sends =
  (body: unknown): Answer =>
  (response) => {
    response.writeHead(200).end(typeof body === 'string' ? body : JSON.stringify(body))
  }
const vector = (...embedding: unknown[]) => sends({ data: [{ embedding }] })
const providerOf = (timeoutMs = 5_000, key = '', max?: number) => {
  const settings = parseEmbedding(url, 'e5', { dimensions: 2, timeoutMs, key })
  if (settings === null) throw new Error('an address was given')
  return new EmbeddingProvider(settings, new EmbeddingCache(2, 42, max), fetch)
}
const utf8 = new TextEncoder()
const find = (provider: EmbeddingProvider, text: string, nowMs = 0, organisation = 'o') =>
  provider.find(organisation, utf8.encode(text), nowMs)

describe('a server of embeddings', () => {
  it('is asked as OpenAI’s are, once for each question of an organisation', async () => {
    answer = vector(3, 4)
    const provider = providerOf(5_000, 'secret')
    const found = await find(provider, 'Why?')
    expect(found?.embedding).toBe('e5')
    expect(found?.vector[0]).toBeCloseTo(0.6, 6)
    expect(found?.vector[1]).toBeCloseTo(0.8, 6)
    expect(await find(provider, 'Why?')).toEqual(found)
    expect(asked).toEqual([
      {
        body: { model: 'e5', input: 'Why?', encoding_format: 'float' },
        authorization: 'Bearer secret',
      },
    ])
    await find(provider, 'Why?', 0, 'another')
    expect(asked).toHaveLength(2)
  })

  it.each([
    ['500', ((response) => response.writeHead(500).end('secret detail')) as Answer, '500'],
    ['a redirect', ((r) => r.writeHead(302, { location: '/' }).end()) as Answer, '302'],
    ['no JSON', sends('<html>'), 'no JSON'],
    ['no embedding', sends({ data: [] }), 'no embedding'],
    ['null', sends('null'), 'no embedding'],
    ['other dimensions', vector(1, 2, 3), '3 dimensions'],
    ['what is no number', vector(1, 'x'), 'not finite'],
    ['zeros', vector(0, 0), 'zeros'],
    ['a megabyte too much', sends(' '.repeat(1024 * 1024 + 1)), 'too long'],
    ['nothing', ((_, request) => request.socket.destroy()) as Answer, 'no connection'],
  ])('that answers %s is left alone for a while, told once', async (_, given, reason) => {
    answer = given
    const provider = providerOf()
    expect(await find(provider, 'Why?', 0)).toBeNull()
    expect(await find(provider, 'Who?', PAUSE_MS - 1)).toBeNull()
    expect(asked).toHaveLength(1)
    expect(await find(provider, 'Who?', PAUSE_MS)).toBeNull()
    expect(asked).toHaveLength(2)
    expect(console.warn).toHaveBeenCalledTimes(1)
    expect(console.warn).toHaveBeenCalledWith(expect.stringContaining(reason))
    expect(console.warn).not.toHaveBeenCalledWith(expect.stringMatching(/127\.0\.0\.1|secret/))
    answer = vector(1, 0)
    // A clock that was set back an hour pauses nobody for an hour.
    expect(await find(provider, 'Who?', PAUSE_MS - 3_600_000)).not.toBeNull()
  })

  it('is not waited for beyond its time', async () => {
    answer = () => {}
    expect(await find(providerOf(20), 'Why?')).toBeNull()
    expect(console.warn).toHaveBeenCalledWith(expect.stringContaining('no answer in time'))
  })

  it('gets the beginning of a long question, with whole characters, and no empty one', async () => {
    answer = vector(1, 0)
    const provider = providerOf()
    await find(provider, '漢'.repeat(10_000))
    expect(asked[0]?.body.input).toBe('漢'.repeat(Math.floor(EMBEDDED_BYTES_MAX / 3)))
    expect(await find(provider, '')).toBeNull()
    expect(asked).toHaveLength(1)
  })

  it('is remembered for a bounded number of questions', async () => {
    answer = vector(1, 0)
    const provider = providerOf(5_000, '', 2)
    for (const text of ['a', 'b', 'c', 'c', 'b', 'a']) await find(provider, text)
    expect(asked).toHaveLength(4)
    const cache = new EmbeddingCache(4_096, 1)
    for (let i = 0; i < 600; i++) cache.keep(String(i), new Float32Array(1))
    expect(cache.size).toBe(512)
  })

  it('is set by an address, a model and no password', () => {
    const of = { dimensions: 2, timeoutMs: 50, key: '' }
    expect(parseEmbedding('', '', of)).toBeNull()
    expect(() => parseEmbedding('ftp://x', 'e5', of)).toThrow('ROUTER_EMBEDDING_URL')
    expect(() => parseEmbedding('http://a:b@x', 'e5', of)).toThrow('ROUTER_EMBEDDING_URL')
    expect(() => parseEmbedding('http://x', '', of)).toThrow('ROUTER_EMBEDDING_MODEL')
  })
})

describe('a decision', () => {
  const provided = { embedding: 'e5', dimensions: 2, centroids: Float32Array.of(1, 0, 0, 1) }
  const router = makeRouter(configWith(), artifactWith({ provided }))
  const at = (x: number, y: number, embedding = 'e5') => ({
    embedding: { embedding, vector: Float32Array.of(x, y) },
  })

  it('goes by the clusters near to the question in the server’s embedding, and says so', () => {
    const by = (options: object) => routedBy(router, bodyOf(EASY), stateWith(), options).analysis
    expect(by(at(1, 0))).toMatchObject({ embedding: 'e5', clusters: [0] })
    expect(by(at(0, 1))).toMatchObject({ embedding: 'e5', clusters: [1] })
    for (const options of [{}, { embedding: null }, at(0, 1, 'another')])
      expect(by(options)).toMatchObject({ embedding: 'lexical-hash-v1', clusters: [0] })
    const other = { embedding: { embedding: 'e5', vector: new Float32Array(3) } }
    expect(by(other).embedding).toBe('lexical-hash-v1')
  })

  it('is not remembered where the server was asked in vain', () => {
    const state = stateWith()
    const by = (options: object) => routedBy(router, bodyOf(EASY), state, options)
    by({ embedding: null })
    expect(by(at(0, 1))).toMatchObject({ cache: 'miss', analysis: { embedding: 'e5' } })
    expect(by({ embedding: null })).toMatchObject({ cache: 'hit', analysis: { embedding: 'e5' } })
  })
})
