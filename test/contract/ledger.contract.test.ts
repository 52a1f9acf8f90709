import { describe, expect, inject, it } from 'vitest'
import { type Api, createApi } from '../support/api.ts'
import { until } from '../support/until.ts'

const platform = createApi(inject('baseUrl'), inject('developmentKey'))
const run = crypto.randomUUID().slice(0, 8)

interface Key {
  id: string
  key: string
  limits: Record<string, unknown>
}

/** A new organisation, so that numbers of other tests are not in its own. */
let names = 0
const newTenant = async (): Promise<Api> => {
  const slug = `ledger-${run}-${++names}`
  await platform.post('/api/v1/organisations', { slug, name: 'A tenant' })
  const body = { name: 'admin', scopes: ['admin'], organisation: slug }
  const { key } = await platform.post<Key>('/api/v1/keys', body)
  return createApi(platform.url, key)
}

const send = (api: Api, method: string, path: string, body: unknown): Promise<Response> =>
  api.request(path, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const decide = (api: Api) =>
  api.post<{ decisionId: string; bucket: string }>('/v1/route', {
    messages: [{ role: 'user', content: 'What is seven times eight?' }],
  })

describe('limits of keys', () => {
  it('are given, shown with what is spent, changed and lifted', async () => {
    const admin = await newTenant()
    const made = await admin.post<Key>('/api/v1/keys', {
      name: 'limited',
      scopes: ['write'],
      budget_usd: 12.345678901,
      budget_period: 'day',
      tokens_per_minute: 100_000,
    })
    const limits = {
      budget_usd: 12.345678901,
      budget_period: 'day',
      requests_per_minute: null,
      tokens_per_minute: 100_000,
      spent_usd: 0,
    }
    expect(made.limits).toEqual(limits)
    const { keys } = await admin.json<{ keys: Key[] }>('/api/v1/keys')
    expect(keys.find(({ id }) => id === made.id)?.limits).toEqual(limits)
    const path = `/api/v1/keys/${made.id}/limits`
    const changed = await send(admin, 'PUT', path, { requests_per_minute: 5 })
    expect(((await changed.json()) as Key).limits).toMatchObject({
      budget_usd: null,
      requests_per_minute: 5,
      tokens_per_minute: null,
    })
    const foreign = await send(await newTenant(), 'PUT', path, {})
    expect(foreign.status).toBe(404)
    expect((await send(admin, 'PUT', path, { budget_usd: -1 })).status).toBe(422)
    expect((await send(createApi(admin.url, made.key), 'PUT', path, {})).status).toBe(403)
  })

  it('refuse what is beyond them with the dialect’s 429 and Retry-After, and charge what was served', async () => {
    const admin = await newTenant()
    const made = await admin.post<Key>('/api/v1/keys', {
      name: 'three a minute',
      scopes: ['read', 'write'],
      requests_per_minute: 3,
    })
    const limited = createApi(admin.url, made.key)
    const chat = { model: 'auto', messages: [{ role: 'user', content: 'Say yes.' }] }
    const statuses: number[] = []
    let refused: Response | undefined
    // A minute may end in between: then there are three more.
    for (let request = 0; request < 7; request++) {
      const response = await send(limited, 'POST', '/v1/chat/completions', chat)
      statuses.push(response.status)
      if (response.status === 429) refused = response
      else await response.text()
    }
    const served = statuses.filter((status) => status === 200).length
    expect(served).toBeGreaterThanOrEqual(3)
    expect(served).toBeLessThanOrEqual(6)
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0)
    const requests = await until('the requests to be listed', async () => {
      const page = await admin.json<{ requests: { outcome: string; costUsd: number }[] }>(
        `/api/v1/llm/requests?key=${made.id}&outcome=ok`,
      )
      return page.requests.length === served && page.requests
    })
    const spent = requests.reduce((sum, { costUsd }) => sum + Math.round(costUsd * 1e9), 0)
    expect(spent).toBeGreaterThan(0)
    const { keys } = await admin.json<{ keys: Key[] }>('/api/v1/keys')
    const shown = Number(keys.find(({ id }) => id === made.id)?.limits.spent_usd)
    expect(Math.round(shown * 1e9)).toBe(spent)
    const spend = await admin.json<{ rows: { name: string; costUsd: number }[] }>(
      '/api/v1/llm/spend?by=key&step=day',
    )
    expect(spend.rows).toMatchObject([{ name: made.id, requests: served, errors: 0 }])
    expect(Math.round((spend.rows[0]?.costUsd ?? 0) * 1e9)).toBe(spent)
  })
})

describe('feedback and statistics', () => {
  it('is taken for a decision that was just made, and stands in the statistics', async () => {
    const tenant = await newTenant()
    const { decisionId, bucket } = await decide(tenant)
    const told = await send(tenant, 'POST', '/v1/feedback', { decisionId, success: false })
    expect(told.status).toBe(202)
    expect(await told.json()).toEqual({ decisionId })
    expect((await send(tenant, 'POST', '/v1/feedback', { decisionId, score: 0.5 })).status).toBe(
      202,
    )
    const statistics = await until('the feedback to be counted', async () => {
      const found = await tenant.json<{
        artifacts: { decisions: number; feedback: { count: number; meanScore: number }[] }[]
      }>('/api/v1/router/statistics')
      return found.artifacts[0]?.feedback[0]?.meanScore === 0.5 && found
    })
    expect(statistics).toMatchObject({
      hours: 24,
      total: { decisions: 1, served: 0, latencyMs: null },
      buckets: [{ bucket, decisions: 1 }],
      artifacts: [{ decisions: 1, buckets: { [bucket]: 1 }, feedback: [{ count: 1 }] }],
    })
  })

  it.each([
    {
      name: 'an unknown decision',
      body: { decisionId: crypto.randomUUID(), success: true },
      status: 404,
    },
    { name: 'no UUID', body: { decisionId: 'x', success: true }, status: 422 },
    { name: 'nothing told', body: { decisionId: crypto.randomUUID() }, status: 422 },
    {
      name: 'a score beyond 1',
      body: { decisionId: crypto.randomUUID(), score: 1.1 },
      status: 422,
    },
    {
      name: 'a foreign member',
      body: { decisionId: crypto.randomUUID(), score: 1, x: 1 },
      status: 422,
    },
  ])('with $name answers $status', async ({ body, status }) => {
    expect((await send(platform, 'POST', '/v1/feedback', body)).status).toBe(status)
  })

  it('does not reach another organisation’s decisions', async () => {
    const { decisionId } = await decide(await newTenant())
    const other = await newTenant()
    const told = await send(other, 'POST', '/v1/feedback', { decisionId, success: true })
    expect(told.status).toBe(404)
    expect(await other.json('/api/v1/llm/requests')).toEqual({ requests: [], nextCursor: null })
  })

  it.each([
    '/api/v1/llm/requests?limit=0',
    '/api/v1/llm/requests?key=x',
    '/api/v1/llm/requests?outcome=lost',
    '/api/v1/llm/spend?from=2&to=1',
    '/api/v1/llm/spend?step=week',
    '/api/v1/llm/spend?from=0',
    '/api/v1/llm/requests?model=%00',
    '/api/v1/router/statistics?hours=745',
  ])('%s answers 422', async (path) => {
    expect((await platform.request(path)).status).toBe(422)
  })

  it('refuses a cursor that nobody gave', async () => {
    const response = await platform.request('/api/v1/llm/requests?cursor=x')
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ type: '/problems/cursor-invalid' })
  })
})
