import '../kernels/load.ts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Env, settingsOf } from '../../src/env.ts'
import { Flusher } from '../../src/fleet/flusher.ts'
import { MinuteBuffer } from '../../src/fleet/minute-buffer.ts'
import type { ShardStore } from '../../src/fleet/shard-store.ts'
import { VmSeries } from '../../src/fleet/vm-series.ts'

const settings = settingsOf({
  DATABASE_URL: 'postgresql://user:password@localhost/gjallar',
  NEON_PROXY: 'localhost:1',
} as Env)
const VM = '0190a000-0000-7000-8000-000000000001'

const minute = new MinuteBuffer()
minute.insert(60_000, new Float64Array(7).fill(1), 0)

/** A store with one waiting minute that remembers how it was settled. */
const storeOf = (pendingMinutes = () => [{ vm: 1, start: 60_000, version: 1, value: minute }]) => {
  const settled: number[] = []
  const store = {
    pendingMinutes,
    pendingHours: () => [],
    settle: (_minutes: unknown, _hours: unknown, pending: number) => settled.push(pending),
  }
  return { settled, store: store as unknown as ShardStore }
}

/** PostgreSQL's answer to every statement. */
const answer = (status: number, body: unknown) =>
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify(body), { status }))

const OTHER_VM = '0190a000-0000-7000-8000-000000000002'
const MINUTES = 2_500

/** Minutes of a VM that wait. */
const minutesOf = (vm: number, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    vm,
    start: (n + 1) * 60_000,
    version: 1,
    value: minute,
  }))

/** A store of some minutes that tells which were settled how; those that were are not given again. */
const storeOfMinutes = (given: ReturnType<typeof minutesOf>) => {
  const settled = new Map<string, number>()
  const key = ({ vm, start }: { vm: number; start: number }) => `${vm}/${start}`
  const store = {
    pendingMinutes: () => given.filter((chunk) => !settled.has(key(chunk))),
    pendingHours: () => [],
    settle: (minutes: ReturnType<typeof minutesOf>, _: unknown, pending: number) => {
      for (const chunk of minutes) settled.set(key(chunk), pending)
    },
  }
  const refused = () => [...settled].filter(([, pending]) => pending === 2).map(([name]) => name)
  return { settled, refused, store: store as unknown as ShardStore }
}

/** PostgreSQL refuses what has one of these minutes of the VM; tells how often it was asked. */
const refusing = (vm: string, starts: readonly number[]) => {
  const asked = { times: 0 }
  vi.stubGlobal('fetch', async (_: string, { body }: { body: string }) => {
    asked.times++
    const { queries } = JSON.parse(body) as { queries: { params: string[] }[] }
    const [, , vms = '', times = ''] = queries[0]?.params ?? []
    const listed = (text: string) => text.slice(1, -1).replaceAll('"', '').split(',')
    const ids = listed(vms)
    const isBad = listed(times).some((time, n) => ids[n] === vm && starts.includes(Number(time)))
    const results = queries.map(() => ({ fields: [], rows: [], command: 'INSERT', rowCount: 0 }))
    return isBad
      ? new Response(JSON.stringify({ message: 'out of range', code: '22003' }), { status: 400 })
      : new Response(JSON.stringify({ results }))
  })
  return asked
}

const flush = async (store: ShardStore) => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.spyOn(console, 'error').mockImplementation(() => {})
  const flusher = new Flusher(store, settings)
  await flusher.run(1_000, VM, [new VmSeries(VM, 1), new VmSeries(OTHER_VM, 2)])
  return flusher
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('flusher', () => {
  it.each([
    ['a replica that takes no writes', '25006'],
    ['missing tables', '42P01'],
    ['a changed password', '28P01'],
    ['a deadlock', '40P01'],
    ['a lock that was not had in time', '55P03'],
    ['an internal error', 'XX000'],
  ])('keeps rows waiting behind %s', async (_, code) => {
    answer(400, { message: 'refused', code })
    const { store, settled } = storeOf()
    const flusher = await flush(store)
    expect(settled).toEqual([])
    expect(flusher.nextAt).toBeGreaterThan(1_000)
  })

  it.each([
    ['22003', 'a value out of range'],
    ['23503', 'a violated constraint'],
  ])('sets rows aside that PostgreSQL refuses for what is in them (%s)', async (code) => {
    answer(400, { message: 'refused', code })
    const { store, settled } = storeOf()
    await flush(store)
    expect(settled).toEqual([2])
  })

  it('writes the minutes of a VM around those that PostgreSQL refuses', async () => {
    const asked = refusing(VM, [180_000, 90_000_000])
    const { settled, refused, store } = storeOfMinutes([
      ...minutesOf(1, MINUTES),
      ...minutesOf(2, 2),
    ])
    await flush(store)
    expect(refused().sort()).toEqual(['1/180000', '1/90000000'])
    expect(settled.size).toBe(MINUTES + 2)
    expect(asked.times).toBeLessThan(60)
    expect(console.error).toHaveBeenCalledTimes(1)
    expect(vi.mocked(console.error).mock.calls[0]?.[0]).toContain(`refused 2 rows of VM ${VM}`)
  })

  it('searches so far in one flush and goes on with the next; nothing good is set aside', async () => {
    const bad = minutesOf(1, MINUTES)
      .filter((_, n) => n % 20 === 0)
      .map(({ start }) => start)
    const asked = refusing(VM, bad)
    const { settled, refused, store } = storeOfMinutes([
      ...minutesOf(1, MINUTES),
      ...minutesOf(2, 2),
    ])
    await flush(store)
    expect(asked.times).toBeLessThanOrEqual(131)
    expect(settled.get('2/60000')).toBe(0)
    expect(settled.size).toBeLessThan(MINUTES)
    for (let round = 0; round < 20 && settled.size < MINUTES + 2; round++) await flush(store)
    expect(refused()).toEqual(bad.map((start) => `1/${start}`))
    expect(settled.size).toBe(MINUTES + 2)
  })

  it('keeps waiting what is unsearched when the database goes away meanwhile', async () => {
    const { settled, store } = storeOfMinutes(minutesOf(1, 4))
    let asked = 0
    vi.stubGlobal('fetch', async () => {
      const code = asked++ < 2 ? '22003' : '57P01'
      return new Response(JSON.stringify({ message: 'refused', code }), { status: 400 })
    })
    const flusher = await flush(store)
    expect(settled.size).toBe(0)
    expect(flusher.nextAt).toBeGreaterThan(1_000)
  })

  it('goes on after a store that could not be read', async () => {
    const { store } = storeOf(() => {
      throw new Error('disk I/O error')
    })
    const flusher = await flush(store)
    expect(flusher.running).toBe(false)
    expect(flusher.nextAt).toBeGreaterThan(1_000)
  })
})
