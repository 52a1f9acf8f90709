import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ArenaExhaustedError } from '../../src/kernels/memory.ts'
import { getKernels } from '../../src/kernels/module.ts'
import { ARTIFACT_BYTES_MAX } from '../../src/routing/artifact-format.ts'
import {
  isTrustedAddress,
  parseArtifactUrl,
  parsePublicKey,
} from '../../src/routing/artifact-settings.ts'
import { ArtifactSource, REDIRECTS_MAX } from '../../src/routing/artifact-source.ts'
import '../kernels/load.ts'
import { smallArtifact } from './small-artifact.ts'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let answer: Answer = () => {}
const asked: IncomingMessage[] = []
const server: Server = createServer((request, response) => {
  asked.push(request)
  answer(request, response)
})
let base = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  asked.length = 0
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => vi.restoreAllMocks())

const sends =
  (file: Uint8Array, etag?: string): Answer =>
  (request, response) => {
    if (etag !== undefined && request.headers['if-none-match'] === etag)
      return response.writeHead(304, { etag }).end()
    response.writeHead(200, etag === undefined ? {} : { etag }).end(file)
  }
const redirects =
  (location: string): Answer =>
  (_, response) =>
    response.writeHead(302, { location }).end()

const sourceOf = (more: Partial<ConstructorParameters<typeof ArtifactSource>[0]> = {}) =>
  new ArtifactSource({
    url: new URL('/router.gjr', base),
    reloadMs: 60_000,
    publicKey: null,
    candidates: ['gpt-4-1106-preview'],
    fetch,
    ...more,
  })
const at = (ms: number) => () => ms
const MODELS = ['mistralai/Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106-preview', 'third']

describe('an artifact at an address', () => {
  it('is loaded once, and asked for by its tag from then on', async () => {
    answer = sends(await smallArtifact(), '"one"')
    const source = sourceOf()
    const first = await source.load(at(1))
    expect(first?.models).toHaveLength(2)
    expect(source.state).toEqual({
      etag: '"one"',
      loadedAtMs: 1,
      checkedAtMs: 1,
      lastFailure: null,
    })
    expect(await source.load(at(2))).toBeNull()
    expect(asked[1]?.headers['if-none-match']).toBe('"one"')
    expect(source.state).toMatchObject({ loadedAtMs: 1, checkedAtMs: 2 })
    answer = sends(await smallArtifact(MODELS), '"two"')
    const second = await source.load(at(3))
    expect(second?.models).toEqual(MODELS)
    expect(source.state).toMatchObject({ etag: '"two"', loadedAtMs: 3 })
    first?.close()
    second?.close()
  })

  it('is not taken anew where the same file comes without a tag', async () => {
    answer = sends(await smallArtifact())
    const source = sourceOf()
    const artifact = await source.load(at(1))
    const live = getKernels().arena.liveBlocks
    expect(await source.load(at(2))).toBeNull()
    expect(getKernels().arena.liveBlocks).toBe(live)
    expect(source.state).toMatchObject({ loadedAtMs: 1, checkedAtMs: 2, lastFailure: null })
    artifact?.close()
  })

  it('is asked for once an interval', () => {
    const source = sourceOf()
    expect([0, 1, 59_999, 60_000, 60_001].map((ms) => source.claim(ms))).toEqual([
      true,
      false,
      false,
      true,
      false,
    ])
  })

  it('that is refused is told once, with its reason, and what was loaded before stays known', async () => {
    answer = sends(await smallArtifact(), '"one"')
    const source = sourceOf()
    const artifact = await source.load(at(1))
    answer = (_, response) => response.writeHead(500).end('broken')
    for (const ms of [2, 3, 4]) expect(await source.load(at(ms))).toBeNull()
    expect(source.state).toEqual({
      etag: '"one"',
      loadedAtMs: 1,
      checkedAtMs: 1,
      lastFailure: { atMs: 4, reason: 'the address answered 500' },
    })
    expect(console.error).toHaveBeenCalledTimes(1)
    answer = sends(await smallArtifact(), '"one"')
    expect(await source.load(at(5))).toBeNull()
    expect(source.state.lastFailure).toBeNull()
    artifact?.close()
  })

  it('that is not sound is read once, and refused until it is another', async () => {
    const wrong = await smallArtifact()
    wrong[wrong.length - 40] = (wrong[wrong.length - 40] ?? 0) ^ 1
    answer = sends(wrong, '"wrong"')
    const source = sourceOf()
    expect(await source.load(at(1))).toBeNull()
    expect(await source.load(at(2))).toBeNull()
    expect(asked[1]?.headers['if-none-match']).toBe('"wrong"')
    expect(source.state).toMatchObject({ etag: null, lastFailure: { atMs: 1 } })
    expect(source.state.lastFailure?.reason).toContain('SHA-256')
    answer = sends(await smallArtifact(), '"right"')
    const artifact = await source.load(at(3))
    expect(artifact).not.toBeNull()
    artifact?.close()
  })

  it.each([
    ['another file', async () => sends(new Uint8Array(100)), 'no artifact'],
    ['an empty one', async () => sends(new Uint8Array(0)), 'shorter'],
    [
      'one without a candidate',
      async () => sends(await smallArtifact(['a', 'b'])),
      'no measured quality',
    ],
    [
      'one beyond the bound',
      async () => sends(new Uint8Array(ARTIFACT_BYTES_MAX + 1)),
      'more than',
    ],
    [
      'one beyond the bound that does not tell its length',
      async (): Promise<Answer> => (_, response) => {
        response.write(new Uint8Array(ARTIFACT_BYTES_MAX))
        response.end(new Uint8Array(1))
      },
      'more than',
    ],
    ['no answer', async (): Promise<Answer> => (request) => request.socket.destroy(), 'failed'],
    [
      'half an answer',
      async (): Promise<Answer> => (request, response) => {
        response.writeHead(200, { 'content-length': 100 })
        response.write('x', () => request.socket.destroy())
      },
      'failed',
    ],
    [
      'redirects without an end',
      async () => redirects('/router.gjr'),
      `${REDIRECTS_MAX} redirects`,
    ],
    ['a redirect to another machine’s http', async () => redirects('http://10.0.0.1/'), 'redirect'],
    ['a redirect to a file', async () => redirects('file:///etc/passwd'), 'redirect'],
    [
      '304 to who has nothing',
      async (): Promise<Answer> => (_, r) => r.writeHead(304).end(),
      '304',
    ],
  ])('%s leaves the last good one', async (_, make, reason) => {
    answer = await make()
    const source = sourceOf()
    const live = getKernels().arena.liveBlocks
    expect(await source.load(at(1))).toBeNull()
    expect(source.state.lastFailure?.reason).toContain(reason)
    expect(source.state.lastFailure?.reason).not.toContain('127.0.0.1')
    expect(getKernels().arena.liveBlocks).toBe(live)
  })

  it.each([
    'https://127.0.0.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://169.254.169.254/latest/meta-data',
    'https://10.1.2.3/',
    'https://172.31.0.1/',
    'https://192.168.0.1/',
    'https://100.64.0.1/',
    'https://0.0.0.0/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fe80::1]/',
    'https://[fd00::1]/',
    'https://localhost./',
    'https://metadata.google.internal/',
    'http://127.0.0.1/',
  ])('of a public address is not followed to %s', async (location) => {
    const calls: string[] = []
    const source = sourceOf({
      url: new URL('https://models.example.com/router.gjr'),
      fetch: async (url) => {
        calls.push(String(url))
        return new Response(null, { status: 302, headers: { location } })
      },
    })
    expect(await source.load(at(1))).toBeNull()
    expect(calls).toHaveLength(1)
    expect(source.state.lastFailure?.reason).toContain('redirect')
  })

  it.each([
    'https://cdn.example.com/a',
    'https://172.15.0.1/',
    'https://100.128.0.1/',
    'https://[2606:4700::1111]/',
  ])('of a public address is followed to %s', async (location) => {
    const calls: string[] = []
    const source = sourceOf({
      url: new URL('https://models.example.com/router.gjr'),
      fetch: async (url) => {
        calls.push(String(url))
        return calls.length === 1
          ? new Response(null, { status: 302, headers: { location } })
          : new Response(null, { status: 404 })
      },
    })
    expect(await source.load(at(1))).toBeNull()
    expect(calls).toHaveLength(2)
  })

  it('for which there was no memory is read again, though it has not changed', async () => {
    answer = sends(await smallArtifact(), '"one"')
    const source = sourceOf()
    const { arena } = getKernels()
    const take = vi.spyOn(arena, 'take').mockImplementation((bytes) => {
      throw new ArenaExhaustedError(bytes)
    })
    expect(await source.load(at(1))).toBeNull()
    expect(source.state.lastFailure?.reason).toContain('memory')
    take.mockRestore()
    const artifact = await source.load(at(2))
    expect(artifact).not.toBeNull()
    artifact?.close()
  })

  it('is followed to where it moved', async () => {
    const file = await smallArtifact()
    answer = (request, response) =>
      request.url === '/moved'
        ? sends(file)(request, response)
        : redirects('/moved')(request, response)
    const artifact = await sourceOf().load(at(1))
    expect(artifact).not.toBeNull()
    artifact?.close()
  })

  it('that takes too long is given up', async () => {
    answer = (_, response) => response.write('x')
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      const late = new AbortController()
      setTimeout(() => late.abort(new DOMException('late', 'TimeoutError')), 20)
      return late.signal
    })
    const source = sourceOf()
    expect(await source.load(at(1))).toBeNull()
    expect(source.state.lastFailure?.reason).toContain('no whole answer')
  })

  it('must be signed where a key is configured', async () => {
    const keys = (await crypto.subtle.generateKey({ name: 'Ed25519' }, true, [
      'sign',
      'verify',
    ])) as CryptoKeyPair
    const publicKey = new Uint8Array(
      (await crypto.subtle.exportKey('raw', keys.publicKey)) as ArrayBuffer,
    )
    answer = sends(await smallArtifact())
    const source = sourceOf({ publicKey })
    expect(await source.load(at(1))).toBeNull()
    expect(source.state.lastFailure?.reason).toBe('the file is not signed')
    answer = sends(await smallArtifact(undefined, keys.privateKey))
    const artifact = await source.load(at(2))
    expect(artifact).not.toBeNull()
    artifact?.close()
  })
})

describe('the settings of the address', () => {
  it.each([
    ['https://models.example.com/router.gjr', true],
    ['http://127.0.0.1:8000/router.gjr', true],
    ['http://localhost/router.gjr', true],
    ['http://[::1]/router.gjr', true],
    ['http://models.example.com/router.gjr', false],
    ['http://127.0.0.1.example.com/', false],
    ['https://user:secret@example.com/', false],
    ['file:///router.gjr', false],
  ])('%s: %s', (text, isTaken) => {
    expect(isTrustedAddress(new URL(text))).toBe(isTaken)
    if (isTaken) expect(parseArtifactUrl(text)?.href).toBe(text)
    else expect(() => parseArtifactUrl(text)).toThrow(RangeError)
  })

  it('are nothing where they are empty, and refused without being told', () => {
    expect([parseArtifactUrl(''), parsePublicKey('')]).toEqual([null, null])
    expect(parsePublicKey(btoa('k'.repeat(32)))).toEqual(new Uint8Array(32).fill(107))
    for (const text of ['not base64!', btoa('short')])
      expect(() => parsePublicKey(text)).toThrow(/^ROUTER_PUBLIC_KEY must be 32 bytes in base64$/)
  })
})
