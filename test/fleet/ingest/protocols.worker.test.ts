import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { beforeAll, describe, expect, it } from 'vitest'
import { settingsOf } from '../../../src/env.ts'
import { influx, influxErrors } from '../../../src/fleet/ingest/influx-routes.ts'
import { OTLP_BODY_BYTES_MAX, otlp, otlpErrors } from '../../../src/fleet/ingest/otlp-routes.ts'
import { ingest } from '../../../src/fleet/ingest-routes.ts'
import type { AppEnv } from '../../../src/http/context.ts'
import { onError } from '../../../src/http/errors.ts'
import { requestId } from '../../../src/http/headers.ts'
import '../../../src/kernels/worker-module.ts'

/** The ingest routes over the worker's own shards. */
const appFor = (organisationId: string) =>
  new Hono<AppEnv>()
    .use(requestId)
    .use(async (c, next) => {
      c.set('settings', settingsOf(c.env))
      c.set('principal', {
        keyId: 'key-1',
        organisationId,
        organisation: 'acme',
        scopes: new Set(['write'] as const),
        platformAdmin: false,
        expiresAt: null,
        limits: null,
      })
      await next()
    })
    .use('/v1/metrics', otlpErrors)
    .use('/api/v2/write', influxErrors)
    .route('/', otlp)
    .route('/', influx)
    .route('/', ingest)
    .onError(onError)

const gzip = async (body: BodyInit): Promise<Uint8Array> => {
  const stream = new Response(body).body?.pipeThrough(new CompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

const now = Date.now()

const gauge = (dataPoints: object[]) =>
  JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'a', gauge: { dataPoints } }] }] }] }) // biome-ignore format: one request

const post = (path: string, body: BodyInit, headers: Record<string, string>, organisation = 'o') =>
  appFor(organisation).request(path, { method: 'POST', body, headers }, env)

describe('the protocols over real shards', () => {
  it('store OTLP once, and say so when another value comes', async () => {
    const point = (asDouble: number) => ({ timeUnixNano: `${now}000000`, asDouble })
    const type = { 'content-type': 'application/json' }
    const send = (value: number) => post('/v1/metrics', gauge([point(value)]), type, 'otlp')
    for (const round of [1, 2]) {
      const stored = await send(1)
      expect([round, stored.status, await stored.json()]).toEqual([round, 200, {}])
    }
    const conflicting = await send(2)
    expect(conflicting.status).toBe(400)
    expect(await conflicting.json()).toMatchObject({
      code: 3,
      message: expect.stringContaining('duplicate-timestamp'),
    })
  })

  it('store Influx lines, gzip too, and refuse the old ones by line', async () => {
    const body = await gzip(`a,host=x value=1 ${now}\na,host=y value=2 ${now - 1e12}\n`)
    const response = await post('/api/v2/write?precision=ms', body, { 'content-encoding': 'gzip' })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      line: 2,
      errors: [{ line: 2, reason: 'timestamp-too-old' }],
    })
    const again = await post('/api/v2/write?precision=ms', `a,host=x value=1 ${now}`, {})
    expect(again.status).toBe(204)
  })

  it('store JSON series, and count what came before as duplicates', async () => {
    const sample = { name: 'up', labels: { job: 'x' }, timestamp: now, value: 1 }
    const body = JSON.stringify({ samples: [sample, { ...sample, timestamp: now + 1e7 }] })
    const send = async () =>
      (await post('/api/v1/metrics', body, { 'content-type': 'application/json' }, 'json')).json()
    const refused = [{ index: 0, reason: 'timestamp-in-future', detail: expect.any(String) }]
    expect(await send()).toEqual({ accepted: 1, duplicates: 0, refused, refusedTotal: 1 })
    expect(await send()).toEqual({ accepted: 0, duplicates: 1, refused, refusedTotal: 1 })
  })
})

describe('a body that inflates', () => {
  const type = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' }
  let bomb: Uint8Array = new Uint8Array(0)

  beforeAll(async () => {
    // Zeros: 1,000 times smaller. Members of gzip one after another are one body.
    bomb = await gzip(new Uint8Array(OTLP_BODY_BYTES_MAX + 1024 * 1024))
  })

  it('is refused at the bound', async () => {
    expect(bomb.length).toBeLessThan(100_000)
    const response = await post('/v1/metrics', bomb, type)
    expect(response.status).toBe(413)
  })

  it('is refused at the bound, however much would follow', async () => {
    const chain = new Uint8Array(bomb.length * 200)
    for (let i = 0; i < 200; i++) chain.set(bomb, i * bomb.length)
    const response = await post('/v1/metrics', chain, type)
    expect([400, 413]).toContain(response.status)
  })

  it.each([
    ['that was cut', (bytes: Uint8Array) => bytes.subarray(0, bytes.length >> 1)],
    ['whose checksum is wrong', (bytes: Uint8Array) => bytes.with(bytes.length - 6, 1)],
    ['that is no gzip', () => new Uint8Array(100).fill(7)],
    ['that is empty', () => new Uint8Array(0)],
  ])('is malformed: one %s', async (_, damage) => {
    const whole = await gzip(gauge([{ timeUnixNano: `${now}000000`, asDouble: 1 }]))
    const response = await post('/v1/metrics', damage(whole), type)
    expect(response.status).toBe(400)
  })
})
