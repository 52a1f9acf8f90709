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

const flush = async (store: ShardStore) => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  vi.spyOn(console, 'error').mockImplementation(() => {})
  const flusher = new Flusher(store, settings)
  await flusher.run(1_000, VM, [new VmSeries(VM, 1)])
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

  it('goes on after a store that could not be read', async () => {
    const { store } = storeOf(() => {
      throw new Error('disk I/O error')
    })
    const flusher = await flush(store)
    expect(flusher.running).toBe(false)
    expect(flusher.nextAt).toBeGreaterThan(1_000)
  })
})
