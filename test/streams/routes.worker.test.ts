import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { AppEnv, Scope } from '../../src/http/context.ts'
import { onError } from '../../src/http/errors.ts'
import { requestId, securityHeaders } from '../../src/http/headers.ts'
import { hubOf } from '../../src/streams/hub-client.ts'
import { streams } from '../../src/streams/routes.ts'

/** The stream's routes behind the worker's own middleware, for a principal that was let in. */
const appFor = (scopes: Scope[], organisationId: string) =>
  new Hono<AppEnv>()
    .use(requestId)
    .use(securityHeaders)
    .use(async (c, next) => {
      c.set('principal', {
        keyId: 'key-1',
        organisationId,
        organisation: 'acme',
        scopes: new Set(scopes),
        platformAdmin: false,
        expiresAt: null,
        limits: null,
      })
      await next()
    })
    .route('/', streams)
    .onError(onError)

const request = (app: Hono<AppEnv>, headers: Record<string, string>) =>
  app.request('/api/v1/stream', { headers }, env)

const helloOf = (response: Response): Promise<Record<string, unknown>> =>
  new Promise((resolve, reject) => {
    if (!response.webSocket) return reject(new Error('no socket in the answer'))
    response.webSocket.addEventListener('message', ({ data }) => resolve(JSON.parse(String(data))))
    response.webSocket.accept()
  })

describe('GET /api/v1/stream', () => {
  it('asks for an upgrade where there is none', async () => {
    const response = await request(appFor(['read'], 'organisation-a'), {})
    expect(response.status).toBe(426)
    expect(response.headers.get('upgrade')).toBe('websocket')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ type: '/problems/upgrade-required' })
  })

  it.each<{ scopes: Scope[]; status: number }>([
    { scopes: ['read'], status: 101 },
    { scopes: ['admin'], status: 101 },
    { scopes: ['write'], status: 403 },
  ])('answers a key with $scopes by $status', async ({ scopes, status }) => {
    const response = await request(appFor(scopes, 'organisation-b'), { upgrade: 'websocket' })
    expect(response.status).toBe(status)
    response.webSocket?.accept()
    response.webSocket?.close(1000)
  })

  it.each([
    { offered: 'gjallar.v1, gjallar.key.c2VjcmV0', answered: 'gjallar.v1' },
    { offered: 'gjallar.key.c2VjcmV0,gjallar.v1', answered: 'gjallar.v1' },
    { offered: 'gjallar.v2', answered: null },
  ])(
    'offered "$offered", it answers $answered and never the key',
    async ({ offered, answered }) => {
      const response = await request(appFor(['read'], 'organisation-c'), {
        upgrade: 'WebSocket',
        'sec-websocket-protocol': offered,
      })
      expect(response.status).toBe(101)
      expect(response.headers.get('sec-websocket-protocol')).toBe(answered)
      response.webSocket?.accept()
      response.webSocket?.close(1000)
    },
  )

  it('connects to the principal’s organisation, whatever headers the client sends', async () => {
    const response = await request(appFor(['read'], 'organisation-d'), {
      upgrade: 'websocket',
      'x-gjallar-organisation': 'theirs',
      'x-gjallar-key-id': 'another',
      'x-gjallar-expires-at-ms': '1',
    })
    expect(await helloOf(response)).toMatchObject({ kind: 'hello', organisation: 'acme' })
    expect(await hubOf(env, 'organisation-d').publish({ vms: [] })).toEqual({ connections: 1 })
    expect(await hubOf(env, 'theirs').publish({ vms: [] })).toEqual({ connections: 0 })
    response.webSocket?.close(1000)
  })
})
