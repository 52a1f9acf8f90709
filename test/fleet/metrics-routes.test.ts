import { Hono } from 'hono'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { settingsOf } from '../../src/env.ts'
import { vmMetrics } from '../../src/fleet/metrics-routes.ts'
import { METRICS } from '../../src/fleet/types.ts'
import type { AppEnv } from '../../src/http/context.ts'
import { onError } from '../../src/http/errors.ts'
import '../kernels/load.ts'

const world = vi.hoisted(() => ({ points: vi.fn(), statistics: vi.fn(), vm: vi.fn() }))
vi.mock('../../src/database/client.ts', () => ({ connect: () => ({}) }))
vi.mock('../../src/database/fleet-queries.ts', async (original) => ({
  ...(await original<typeof import('../../src/database/fleet-queries.ts')>()),
  getVm: async () => world.vm(),
}))
vi.mock('../../src/fleet/shards.ts', () => ({ shardOfVm: () => world }))

const VM = '0190a000-0000-7000-8000-000000000001'
const NOW = Date.UTC(2026, 10, 21, 12)

const app = new Hono<AppEnv>()
  .use(async (c, next) => {
    c.set('requestId', 'request-1')
    c.set('settings', settingsOf({} as never))
    c.set('principal', {
      keyId: 'key-1',
      organisationId: VM,
      organisation: 'acme',
      scopes: new Set(['read'] as const),
      platformAdmin: false,
      expiresAt: null,
      limits: null,
    })
    await next()
  })
  .route('/', vmMetrics)
  .onError(onError)

const get = (query = '', headers: Record<string, string> = {}) =>
  app.request(`/api/v1/vms/web-1/metrics?resolution=raw${query}`, { headers }, {})

const windowOf = (cpu: number) => ({
  columns: {
    timestamp: [NOW - 60_000],
    ...Object.fromEntries(METRICS.map((metric) => [metric, [cpu]])),
  },
  truncated: false,
})

/** Status of the second of two requests, ten seconds later; `change` happens between them. */
const again = async (query: string, change = () => {}) => {
  const first = await get(query)
  expect(first.status).toBe(200)
  vi.setSystemTime(NOW + 10_000)
  change()
  const second = await get(query, { 'if-none-match': first.headers.get('etag') ?? '' })
  return second.status
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date'] })
  world.points.mockReset().mockResolvedValue(windowOf(50))
  world.statistics.mockReset().mockResolvedValue(null)
  world.vm.mockReset().mockReturnValue({ id: VM, name: 'web-1' })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the range of a VM as JSON', () => {
  it('has its ends and the VM', async () => {
    expect(await (await get()).json()).toMatchObject({
      vm: VM,
      from: NOW - 3_600_000,
      to: NOW,
      resolution: 'raw',
      columns: { cpu_usage: [50] },
    })
  })

  it.each(['', `&from=${NOW - 120_000}`, `&from=${NOW - 120_000}&to=${NOW}`, '&format=columns'])(
    'answers 304 later while nothing changed: %j',
    async (query) => {
      expect(await again(query)).toBe(304)
    },
  )

  it.each([
    ['a sample', () => world.points.mockResolvedValue(windowOf(51))],
    ['a longer range', () => world.points.mockResolvedValue({ ...windowOf(50), truncated: true })],
    ['the statistics', () => world.statistics.mockResolvedValue({ relativeErrorMax: 0.01 })],
    ['the VM of the name', () => world.vm.mockReturnValue({ id: VM.replace('1', '2') })],
  ])('answers 200 once %s is another', async (_, change) => {
    expect(await again('', change)).toBe(200)
  })
})

describe('every form of a range', () => {
  it.each([
    'application/json',
    'text/csv',
    'application/x-ndjson',
    'application/vnd.gjallar.columns',
  ])('tells caches that Accept chose it: %s', async (accept) => {
    const first = await get('', { accept })
    expect(first.headers.get('content-type')).toContain(accept)
    expect(first.headers.get('vary')).toBe('accept')
    expect(first.headers.get('cache-control')).toBe('private, no-cache')
    const tag = first.headers.get('etag')
    if (tag === null) return
    const second = await get('', { accept, 'if-none-match': tag })
    expect([second.status, second.headers.get('vary')]).toEqual([304, 'accept'])
  })
})
