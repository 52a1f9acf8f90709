import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settingsOf } from '../../../src/env.ts'
import { queryGate } from '../../../src/fleet/query/admission.ts'
import { catalogue } from '../../../src/fleet/query/catalogue-routes.ts'
import {
  QUERIES_RUNNING_PER_ORGANISATION_MAX,
  QUERIES_WAITING_PER_ORGANISATION_MAX,
} from '../../../src/fleet/query/limits.ts'
import { prometheusErrors, queries } from '../../../src/fleet/query/query-routes.ts'
import { encodeLabels, type Label } from '../../../src/fleet/series/labels.ts'
import { encodeSeriesBatch } from '../../../src/fleet/series/series-batch.ts'
import { shardAt } from '../../../src/fleet/shards.ts'
import type { AppEnv, Scope } from '../../../src/http/context.ts'
import { onError } from '../../../src/http/errors.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000bb'
const OTHER = '0190a000-0000-7000-8000-0000000000cc'
/** A whole minute an hour ago. */
const START_MS = Math.floor((Date.now() - 3_600_000) / 60_000) * 60_000
const SAMPLES = 41

const appFor = (scopes: Scope[] = ['read'], organisationId = ORGANISATION) =>
  new Hono<AppEnv>()
    .use(prometheusErrors)
    .use(async (c, next) => {
      c.set('requestId', 'request-1')
      c.set('settings', settingsOf(c.env))
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
    .route('/', queries)
    .route('/', catalogue)
    .onError(onError)

const get = async (path: string, parameters: Record<string, string> = {}, app = appFor()) => {
  const response = await app.request(`${path}?${new URLSearchParams(parameters)}`, {}, env)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

const store = async (
  shard: number,
  organisation: string,
  series: readonly (readonly Label[])[],
) => {
  const bytes = series.map(encodeLabels)
  const count = series.length * SAMPLES
  const batch = encodeSeriesBatch(
    Uint32Array.from(bytes.flatMap((labels) => [...identityOf(labels)])),
    {
      sampleSeries: Uint32Array.from({ length: count }, (_, n) => Math.floor(n / SAMPLES)),
      timestamps: Float64Array.from({ length: count }, (_, n) => START_MS + (n % SAMPLES) * 15_000),
      values: Float64Array.from({ length: count }, (_, n) => (n % SAMPLES) * 3),
    },
    bytes.map((labels, index) => ({ series: index, labels, role: 0, vm: null })),
  )
  await shardAt(env, organisation, shard).appendSeries(organisation, batch)
}

const requestsOf = (host: string): Label[] => [
  ['__name__', 'http_requests_total'],
  ['host', host],
]

beforeAll(async () => {
  await store(0, ORGANISATION, [requestsOf('web-1'), requestsOf('web-2')])
  await store(3, ORGANISATION, [requestsOf('db-1')])
  await store(1, OTHER, [requestsOf('foreign')])
})

// Without a database the shards try again for ever, and workerd would not end.
afterAll(reset)

const END = String((START_MS + 600_000) / 1_000)

describe('queries at the same time', () => {
  const query = { query: 'http_requests_total', time: END }

  it('are bounded for an organisation: beyond, 503 as Prometheus says it, and others go on', async () => {
    const running = await Promise.all(
      Array.from({ length: QUERIES_RUNNING_PER_ORGANISATION_MAX }, () =>
        queryGate.enter(ORGANISATION),
      ),
    )
    const waiting = Array.from({ length: QUERIES_WAITING_PER_ORGANISATION_MAX }, async () =>
      (await queryGate.enter(ORGANISATION))?.end(),
    )
    for (const path of ['/api/v1/query', '/api/v1/labels']) {
      const response = await appFor().request(`${path}?${new URLSearchParams(query)}`, {}, env)
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('1')
      expect(await response.json()).toEqual({
        status: 'error',
        errorType: 'unavailable',
        error: 'too many queries run or wait at the same time; try again soon',
      })
    }
    expect((await get('/api/v1/query', query, appFor(['read'], OTHER))).status).toBe(200)
    for (const place of running) place?.end()
    await Promise.all(waiting)
    expect((await get('/api/v1/query', query)).status).toBe(200)
  })

  it('give their places back with answers, faults, bodies that nobody reads', async () => {
    const app = appFor()
    const ask = (parameters: Record<string, string>, method = 'GET') =>
      app.request(`/api/v1/query?${new URLSearchParams(parameters)}`, { method }, env)
    for (let n = 0; n <= QUERIES_RUNNING_PER_ORGANISATION_MAX; n++) {
      expect((await ask({ query: '(' })).status).toBe(400)
      expect((await ask({ ...query, time: 'x' })).status).toBe(400)
      expect((await ask(query, 'HEAD')).status).toBe(200)
      await (await ask(query)).body?.cancel()
    }
    const places = await Promise.all(
      Array.from({ length: QUERIES_RUNNING_PER_ORGANISATION_MAX }, () =>
        queryGate.enter(ORGANISATION),
      ),
    )
    expect(places.every(Boolean)).toBe(true)
    for (const place of places) place?.end()
  })
})

describe('GET /api/v1/query', () => {
  it('answers with the series of every shard, and with none of another organisation', async () => {
    const { status, body } = await get('/api/v1/query', { query: 'http_requests_total', time: END })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'success', data: { resultType: 'vector' } })
    const { result } = body.data as { result: { metric: Record<string, string>; value: unknown }[] }
    expect(result.map(({ metric }) => metric.host).sort()).toEqual(['db-1', 'web-1', 'web-2'])
    expect(result[0]?.value).toEqual([Number(END), '120'])
  })

  it('answers a range selector with the samples themselves', async () => {
    const query = 'http_requests_total{host="db-1"}[45s]'
    const { body } = await get('/api/v1/query', { query, time: END })
    expect(body.data).toMatchObject({
      resultType: 'matrix',
      result: [
        { values: [108, 111, 114, 117, 120].slice(1).map((v) => [expect.any(Number), `${v}`]) },
      ],
    })
  })

  it('takes a form, and times as RFC 3339', async () => {
    const response = await appFor().request(
      '/api/v1/query',
      {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          query: 'sum(increase(http_requests_total[5m]))',
          time: new Date(START_MS + 600_000).toISOString(),
        }).toString(),
      },
      env,
    )
    expect(await response.json()).toMatchObject({
      data: { resultType: 'vector', result: [{ metric: {}, value: [Number(END), '180'] }] },
    })
  })

  it.each([
    { query: '1 + 1', data: { resultType: 'scalar', result: [Number(END), '2'] } },
    { query: '"text"', data: { resultType: 'string', result: [Number(END), 'text'] } },
  ])('answers $query with its own type', async ({ query, data }) => {
    const { body } = await get('/api/v1/query', { query, time: END })
    expect(body).toEqual({ status: 'success', data })
  })

  it('leaves out series beyond a limit, and says so', async () => {
    const { body } = await get('/api/v1/query', {
      query: 'http_requests_total',
      time: END,
      limit: '2',
    })
    expect((body.data as { result: unknown[] }).result).toHaveLength(2)
    expect(body.warnings).toEqual(['results truncated due to limit'])
  })

  it('says where an expression is wrong, by 400', async () => {
    const { status, body } = await get('/api/v1/query', { query: 'sum(rate(x[5m))' })
    expect(status).toBe(400)
    expect(body).toEqual({
      status: 'error',
      errorType: 'bad_data',
      error:
        'invalid parameter "query": 1:14: parse error: unexpected ")", expected a duration, ":" or "]"',
      position: { start: 13, end: 14 },
      expected: 'a duration, ":" or "]"',
    })
  })

  it('says what is not answered here, and where, by 422', async () => {
    const { status, body } = await get('/api/v1/query', { query: '1 + info(x)' })
    expect(status).toBe(422)
    expect(body).toMatchObject({ errorType: 'execution', position: { start: 4, end: 8 } })
  })

  it('refuses a key without the scope as Prometheus says errors', async () => {
    const { status, body } = await get('/api/v1/query', { query: '1' }, appFor(['write']))
    expect(status).toBe(403)
    expect(body).toMatchObject({ status: 'error', errorType: 'forbidden' })
  })

  it('refuses a body that is no form', async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
    const response = await appFor().request('/api/v1/query', init, env)
    expect(response.status).toBe(415)
    expect(await response.json()).toMatchObject({ status: 'error', errorType: 'bad_data' })
  })
})

describe('GET /api/v1/query_range', () => {
  const range = { start: String(START_MS / 1_000), end: END, step: '1m' }

  it('answers with a value at every step', async () => {
    const query = 'http_requests_total{host="web-1"}'
    const { body } = await get('/api/v1/query_range', { query, ...range })
    const { resultType, result } = body.data as {
      resultType: string
      result: { values: [number, string][] }[]
    }
    expect(resultType).toBe('matrix')
    expect(result[0]?.values.map(([, value]) => value)).toEqual(
      Array.from({ length: 11 }, (_, n) => `${n * 12}`),
    )
    expect(result[0]?.values[1]?.[0]).toBe(START_MS / 1_000 + 60)
  })

  it.each([
    { change: { step: '0' }, text: 'zero or negative query resolution step' },
    { change: { step: '1ms' }, text: 'exceeded maximum resolution of 11,000 points' },
    { change: { end: '1' }, text: 'end timestamp must not be before start time' },
    { change: { start: 'yesterday' }, text: 'cannot parse "yesterday" to a valid timestamp' },
    { change: { end: '2026-02-30T00:00:00Z' }, text: 'to a valid timestamp' },
    { change: { timeout: 'abc' }, text: 'invalid parameter "timeout": cannot parse "abc"' },
    { change: { timeout: '1.5s', query: '1 +' }, text: 'to a valid duration' },
    { change: { limit: '-1' }, text: 'limit must be non-negative' },
    { change: { query: 'x[5m]' }, text: 'invalid expression type "range vector"' },
  ])('refuses $change by 400', async ({ change, text }) => {
    const { status, body } = await get('/api/v1/query_range', { query: '1', ...range, ...change })
    expect(status).toBe(400)
    expect(body).toMatchObject({ status: 'error', errorType: 'bad_data' })
    expect(body.error).toContain(text)
  })
})

describe('the catalogue', () => {
  it('lists the label sets that match', async () => {
    const { body } = await get('/api/v1/series', { 'match[]': '{host=~"web-.*"}' })
    expect(body.data).toEqual(
      ['web-1', 'web-2'].map((host) => ({ __name__: 'http_requests_total', host })),
    )
  })

  it('needs a selector to list series, and no more than one', async () => {
    expect((await get('/api/v1/series')).status).toBe(400)
    expect((await get('/api/v1/series', { 'match[]': 'sum(x)' })).status).toBe(400)
  })

  it('lists names and values of labels', async () => {
    // With a name that no metric of VMs has: their names would be asked of PostgreSQL.
    const named = { 'match[]': 'http_requests_total' }
    expect((await get('/api/v1/labels', named)).body.data).toEqual(['__name__', 'host'])
    const values = await get('/api/v1/label/host/values', { ...named, limit: '2' })
    expect(values.body).toEqual({
      status: 'success',
      data: ['db-1', 'web-1'],
      warnings: ['results truncated due to limit'],
    })
    expect((await get('/api/v1/label/a-b/values')).status).toBe(400)
  })

  it('answers what clients look at first', async () => {
    expect((await get('/api/v1/metadata')).body).toEqual({ status: 'success', data: {} })
    expect((await get('/api/v1/status/buildinfo')).body).toMatchObject({
      data: { version: '2.42.0' },
    })
    const exemplars = { query: 'http_requests_total', start: '0', end: END }
    expect((await get('/api/v1/query_exemplars', exemplars)).body.data).toEqual([])
  })
})
