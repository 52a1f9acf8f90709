import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, inject, it } from 'vitest'
import { createApi, createVm, samplesOf } from '../support/api.ts'
import { until } from '../support/until.ts'

interface DashboardVm {
  id: string
  name: string
  status: string
  latest: Record<string, number | null> | null
  window_24h: Record<string, number | null>
  cpu_status: string
  memory_status: string
  health_score: number
  cpu_efficiency: number | null
  estimated_hourly_cost: number
}
interface Dashboard {
  vms: DashboardVm[]
  summary: { total: number; by_status: Record<string, number>; total_hourly_cost: number }
  next_cursor: string | null
}

const platform = createApi(inject('baseUrl'), inject('developmentKey'))

/** An organisation of its own, so that no other test's VMs stand in the answers. */
const tenant = async () => {
  const slug = `fleet-${crypto.randomUUID().slice(0, 8)}`
  await platform.post('/api/v1/organisations', { slug, name: slug })
  const { key } = await platform.post<{ key: string }>('/api/v1/keys', {
    name: 'fleet',
    scopes: ['admin'],
    organisation: slug,
  })
  return createApi(platform.url, key)
}

const ingest = (api: typeof platform, samples: unknown[]) =>
  api.request('/api/v1/metrics', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ samples }),
  })

describe('VM life cycle', () => {
  it('creates, reads by id and name, changes, and deletes so that 404 follows and the name is free', async () => {
    const api = await tenant()
    const created = await api.request('/api/v1/vms', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'web-1', cpu_cores: 4, memory_mb: 8_192, disk_gb: 100 }),
    })
    expect(created.status).toBe(201)
    const vm = (await created.json()) as { id: string; status: string; region: string }
    expect(vm).toMatchObject({ status: 'stopped', region: 'local', instance_type: 'custom' })
    expect(created.headers.get('location')).toBe(`/api/v1/vms/${vm.id}`)
    expect(await api.json(`/api/v1/vms/${vm.id}`)).toEqual(vm)
    expect(await api.json('/api/v1/vms/web-1')).toEqual(vm)
    const changed = await api.json(`/api/v1/vms/${vm.id}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ cpu_cores: 8 }),
    })
    expect(changed).toMatchObject({ cpu_cores: 8, memory_mb: 8_192 })
    expect((await api.request(`/api/v1/vms/${vm.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await api.request(`/api/v1/vms/${vm.id}`)).status).toBe(404)
    expect((await api.request(`/api/v1/vms/${vm.id}`, { method: 'DELETE' })).status).toBe(404)
    expect(await createVm(api, 'web-1')).toMatchObject({ name: 'web-1' })
  })

  it('refuses a taken name, and illegal changes with what is allowed', async () => {
    const api = await tenant()
    const vm = await createVm(api, 'db-1')
    await expect(createVm(api, 'db-1')).rejects.toThrow('409')
    const start = await api.request(`/api/v1/vms/${vm.id}/start`, { method: 'POST' })
    expect(start.status).toBe(409)
    expect(await start.json()).toMatchObject({
      type: '/problems/illegal-transition',
      from: 'running',
      allowed: ['stop', 'restart'],
    })
    expect(await api.post(`/api/v1/vms/${vm.id}/stop`, {})).toMatchObject({ status: 'stopped' })
    expect(await api.post(`/api/v1/vms/${vm.id}/start`, {})).toMatchObject({ status: 'starting' })
  })

  it('makes a starting VM running by its first newer sample', async () => {
    const api = await tenant()
    const vm = await createVm(api, 'app-1')
    await api.post(`/api/v1/vms/${vm.id}/restart`, {})
    await sleep(5)
    await ingest(api, samplesOf(vm.id, 1, Date.now()))
    await until('the VM runs', async () => {
      const { status } = await api.json<{ status: string }>(`/api/v1/vms/${vm.id}`)
      return status === 'running'
    })
  })

  it('lists by page in order, each VM once', async () => {
    const api = await tenant()
    for (const name of ['d', 'a', 'c', 'b', 'e']) await createVm(api, name)
    const names: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: { vms: { name: string }[]; next_cursor: string | null } = await api.json(
        `/api/v1/vms?limit=2&cursor=${cursor}`.replace(/&cursor=$/, ''),
      )
      names.push(...page.vms.map(({ name }) => name))
      cursor = page.next_cursor
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect((await api.request('/api/v1/vms?cursor=forged')).status).toBe(400)
  })
})

describe('dashboard', () => {
  it('shows what was ingested: newest sample, exact 24 h statistics, health, efficiency, cost', async () => {
    const api = await tenant()
    const busy = await createVm(api, 'busy')
    await createVm(api, 'silent')
    const now = Date.now()
    const cpu = Array.from({ length: 100 }, (_, n) => (n * 37) % 100)
    cpu.push(96)
    const answer = await ingest(
      api,
      cpu.map((cpu_usage, n) => ({
        vm: 'busy',
        timestamp: now - (cpu.length - 1 - n) * 1_000,
        cpu_usage,
        memory_usage: 50,
      })),
    )
    expect(await answer.json()).toEqual({
      accepted: 101,
      duplicates: 0,
      refused: [],
      refusedTotal: 0,
    })
    const page = await until('the flush', async () => {
      const found = await api.json<Dashboard>('/api/v1/dashboard')
      return found.vms[0]?.latest?.timestamp === now && found
    })
    const [first, second] = page.vms
    expect(first).toMatchObject({
      id: busy.id,
      latest: { timestamp: now, cpu_usage: 96, memory_usage: 50, disk_usage: null },
      cpu_status: 'critical',
      memory_status: 'normal',
      disk_status: 'unknown',
      health_score: 0,
    })
    const mean = cpu.reduce((sum, value) => sum + value, 0) / cpu.length
    expect(first?.window_24h).toMatchObject({ cpu_max: 99, sample_count: 101, memory_avg: 50 })
    expect(first?.window_24h.cpu_avg).toBeCloseTo(mean, 9)
    expect(first?.cpu_efficiency).toBeCloseTo(mean / 100, 9)
    const exact = [...cpu].sort((a, b) => a - b)[95] as number
    expect(Math.abs((first?.window_24h.cpu_p95 ?? 0) - exact) / exact).toBeLessThan(0.011)
    expect(first?.estimated_hourly_cost).toBeCloseTo(2 * 0.05 + 2 * 0.02 + 0.2 * 0.01, 9)
    expect(second).toMatchObject({
      name: 'silent',
      latest: null,
      cpu_status: 'unknown',
      health_score: 100,
    })
    expect(page.summary).toMatchObject({ total: 2, by_status: { running: 2, stopped: 0 } })
    const healthy = await api.json<Dashboard>('/api/v1/dashboard?minHealthScore=50')
    expect(healthy.vms.map(({ name }) => name)).toEqual(['silent'])
    expect(healthy.summary.total).toBe(1)
  })

  it('refuses a filter that makes no sense, with pointers', async () => {
    for (const [query, pointer] of [
      ['minHealthScore=101', '#/minHealthScore'],
      ['limit=0', '#/limit'],
      ['status=gone', '#/status'],
      ['sort=colour', '#/sort'],
    ]) {
      const answer = await platform.request(`/api/v1/dashboard?${query}`)
      expect(answer.status).toBe(422)
      expect(await answer.json()).toMatchObject({ errors: [{ pointer }] })
    }
  })
})

describe('ingest', () => {
  it('stores the good samples of a batch and lists the others by index and reason', async () => {
    const api = await tenant()
    const vm = await createVm(api, 'mixed')
    const now = Date.now()
    const answer = await ingest(api, [
      { vm: vm.id, timestamp: now, cpu_usage: 1 },
      { vm: 'nobody', timestamp: now, cpu_usage: 1 },
      { vm: vm.id, timestamp: now + 301_000, cpu_usage: 1 },
      { vm: vm.id, timestamp: now, cpu_usage: 2 },
      { vm: vm.id, timestamp: now, cpu_usage: 1 },
      { vm: vm.id, timestamp: now - 49 * 3_600_000, cpu_usage: 1 },
    ])
    expect(answer.status).toBe(200)
    const body = (await answer.json()) as { refused: { index: number; reason: string }[] }
    expect(body).toMatchObject({ accepted: 1, duplicates: 1, refusedTotal: 4 })
    expect(body.refused.map(({ index, reason }) => [index, reason])).toEqual([
      [1, 'unknown-vm'],
      [2, 'timestamp-in-future'],
      [3, 'duplicate-timestamp'],
      [5, 'timestamp-too-old'],
    ])
  })

  it('takes NDJSON and gives every sample back at full resolution, in order', async () => {
    const api = await tenant()
    const vm = await createVm(api, 'lines')
    const samples = samplesOf(vm.id, 90, Date.now())
    const lines = [...samples].reverse().map((sample) => JSON.stringify(sample))
    const answer = await api.request('/api/v1/metrics', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: `${lines.join('\n')}\n{broken\n`,
    })
    expect(await answer.json()).toMatchObject({
      accepted: 90,
      refused: [{ index: 90, reason: 'invalid-sample' }],
    })
    const range = await api.json<{ columns: Record<string, number[]>; resolution: string }>(
      `/api/v1/vms/${vm.id}/metrics?resolution=raw`,
    )
    expect(range.columns.timestamp).toEqual(samples.map(({ timestamp }) => timestamp))
    expect(range.columns.cpu_usage).toEqual(samples.map(({ cpu_usage }) => cpu_usage))
  })

  it('exports a range as CSV, as NDJSON that can be sent back, and as columns', async () => {
    const api = await tenant()
    const vm = await createVm(api, 'export')
    const samples = samplesOf(vm.id, 90, Date.now())
    await ingest(api, samples)
    const path = `/api/v1/vms/${vm.id}/metrics?resolution=raw`
    const csv = await api.request(`${path}&format=csv`)
    expect(csv.headers.get('content-type')).toContain('text/csv')
    const lines = (await csv.text()).trim().split('\r\n')
    expect(lines).toHaveLength(91)
    expect(lines[1]).toMatch(`${new Date(samples[0]?.timestamp ?? 0).toISOString()},`)
    const ndjson = await (
      await api.request(path, { headers: { accept: 'application/x-ndjson' } })
    ).text()
    const again = await api.request('/api/v1/metrics', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: ndjson,
    })
    expect(await again.json()).toMatchObject({ accepted: 0, duplicates: 90, refusedTotal: 0 })
    const columns = await api.request(`${path}&format=columns`)
    const bytes = new DataView(await columns.arrayBuffer())
    expect(bytes.getFloat64(4 + bytes.getUint32(0, true), true)).toBe(samples[0]?.timestamp)
  })

  it('answers 304 while a range and the dashboard stay as they are', async () => {
    const api = await tenant()
    const vm = await createVm(api, 'tagged')
    const to = Date.now()
    await ingest(api, samplesOf(vm.id, 3, to))
    for (const path of [
      `/api/v1/vms/${vm.id}/metrics?resolution=raw&from=${to - 3_600_000}&to=${to}`,
      // What ends now has the same samples a moment later.
      `/api/v1/vms/${vm.id}/metrics?resolution=raw`,
      '/api/v1/dashboard?sort=name',
    ]) {
      // The first flush changes the dashboard once more.
      await until(`304 of ${path}`, async () => {
        const first = await api.request(path)
        const tag = first.headers.get('etag') ?? ''
        expect(tag).toMatch(/^W\/"[0-9a-f]{32}"$/)
        const second = await api.request(path, { headers: { 'if-none-match': tag } })
        return second.status === 304 && (await second.text()) === ''
      })
    }
  })

  it.each([
    ['no JSON', '{', 'application/json', 400, 'bad-request'],
    ['no samples', '{}', 'application/json', 400, 'bad-request'],
    ['no UTF-8', new Uint8Array([0xff, 0xfe]), 'application/json', 400, 'bad-request'],
    ['another type', 'a', 'text/plain', 415, 'media-type-unsupported'],
    ['only faults', '{"samples":[1]}', 'application/json', 422, 'samples-refused'],
    [
      '1e999',
      '{"samples":[{"vm":"a","timestamp":1e999}]}',
      'application/json',
      422,
      'samples-refused',
    ],
  ])('answers %s with a problem', async (_, body, type, status, slug) => {
    const answer = await platform.request('/api/v1/metrics', {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(await answer.json()).toMatchObject({ type: `/problems/${slug}`, status })
  })

  it('refuses a million samples at once without storing any, and stays up', async () => {
    const body = `{"samples":[${'{"vm":"a","timestamp":1},'.repeat(999_999)}{"vm":"a","timestamp":1}]}`
    const answer = await platform.request('/api/v1/metrics', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    })
    expect(answer.status).toBe(413)
    expect((await platform.request('/healthz')).status).toBe(200)
  })
})

describe('errors', () => {
  it.each([
    ['GET', '/api/v1/nothing', 404, null],
    ['PATCH', '/api/v1/vms', 405, 'GET, POST, HEAD'],
    ['GET', '/api/v1/metrics', 405, 'POST'],
    ['POST', '/api/v1/dashboard', 405, 'GET, HEAD'],
    ['DELETE', '/healthz', 405, 'GET, HEAD'],
  ])('%s %s gives %s', async (method, path, status, allow) => {
    const answer = await platform.request(path, { method })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('allow')).toBe(allow)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    const body = (await answer.json()) as Record<string, unknown>
    expect(body.instance).toBe(answer.headers.get('x-request-id'))
  })

  it('points at each faulty field of a body', async () => {
    const answer = await platform.request('/api/v1/vms', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x'.repeat(254), cpu_cores: 0, memory_mb: 1.5, disk_gb: 'big' }),
    })
    expect(answer.status).toBe(422)
    const { errors } = (await answer.json()) as { errors: { pointer: string }[] }
    expect(errors.map(({ pointer }) => pointer)).toEqual([
      '#/name',
      '#/cpu_cores',
      '#/memory_mb',
      '#/disk_gb',
    ])
  })

  it('needs a JSON content type and refuses more than it reads', async () => {
    const plain = await platform.request('/api/v1/vms', { method: 'POST', body: '{}' })
    expect(plain.status).toBe(415)
    const large = await platform.request('/api/v1/vms', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'x'.repeat(1_100_000) }),
    })
    expect(large.status).toBe(413)
  })

  it('never shows a stack or SQL, whatever stands in the path', async () => {
    for (const id of [
      '%00',
      "'; DROP TABLE vms; --",
      '%F0%9F%92%A9',
      '..%2f..%2fetc',
      'a'.repeat(5_000),
    ]) {
      const answer = await platform.request(
        `/api/v1/vms/${id.startsWith('%') || id.startsWith('.') ? id : encodeURIComponent(id)}`,
      )
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.status).toBeLessThan(500)
      expect(await answer.text()).not.toMatch(/SELECT|at .*\.js|postgres/i)
    }
  })

  it('describes every route of the API in OpenAPI', async () => {
    const { paths } = await platform.json<{ paths: Record<string, unknown> }>('/openapi.json')
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/compute/summary',
        '/api/v1/vms',
        '/api/v1/vms/{id}/start',
        '/api/v1/vms/{id}/metrics',
        '/api/v1/dashboard',
        '/api/v1/metrics',
        '/api/v1/stream',
        '/api/v1/keys',
        '/healthz',
      ]),
    )
  })
})
