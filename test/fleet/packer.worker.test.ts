import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { HOUR_MS, MINUTE_MS, MinuteBuffer } from '../../src/fleet/minute-buffer.ts'
import { MinuteStore } from '../../src/fleet/minute-store.ts'
import { Packer } from '../../src/fleet/packer.ts'
import type { SeriesShard } from '../../src/fleet/series-shard.ts'
import type { ShardBatch } from '../../src/fleet/shard-batch.ts'
import { PENDING } from '../../src/fleet/shard-store.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000aa'
const VM = '0190a000-0000-7000-8000-000000000001'
const NOW = 1_700_000_000_000 - (1_700_000_000_000 % HOUR_MS)
const OLD = NOW - 6 * HOUR_MS

const shardNamed = (name: string): DurableObjectStub<SeriesShard> =>
  env.SERIES_SHARD.get(env.SERIES_SHARD.idFromName(name))

/** Runs in the storage of an object that nothing else uses. */
const withStorage = <T>(name: string, use: (storage: DurableObjectStorage) => T | Promise<T>) =>
  runInDurableObject(shardNamed(name), (_, state) => use(state.storage))

const rowOf = (cpu: number) => Float64Array.of(cpu, cpu / 3, Number.NaN, 1e9 + cpu, -0, 5, 0.1)

const put = (
  store: MinuteStore,
  vm: number,
  minute: number,
  seconds: readonly number[],
  cpu = 1,
) => {
  const buffer = store.read(vm, minute) ?? new MinuteBuffer()
  for (const second of seconds) buffer.insert(minute + second * 1_000, rowOf(cpu), 0)
  store.put(vm, minute, buffer)
}

const settle = (storage: DurableObjectStorage, pending: number = PENDING.written) =>
  storage.sql.exec('UPDATE minutes SET pending = ?', pending)

const rowsLeft = (storage: DurableObjectStorage): number =>
  Number(storage.sql.exec('SELECT count(*) AS n FROM minutes').one().n)

/** Everything of a VM, oldest first: time and cpu of each sample. */
const samplesOf = (store: MinuteStore, vm: number, from = 0, to = NOW + HOUR_MS) =>
  [...store.between(vm, from, to)]
    .reverse()
    .flatMap(({ samples }) =>
      Array.from(samples.timestamps, (time, index) => [time, samples.column(0)[index]] as const),
    )

const packAll = (store: MinuteStore) => {
  const packer = new Packer(store)
  let steps = 0
  while (packer.step(NOW)) steps++
  return steps
}

afterAll(reset)

describe('packer', () => {
  it('packs hours that are over, and reads back what was there', () =>
    withStorage('packs', (storage) => {
      const store = new MinuteStore(storage)
      for (let minute = 0; minute < 180; minute++)
        put(store, 7, OLD + minute * MINUTE_MS, [0, 15, 30, 45], minute)
      put(store, 8, OLD, [1, 2, 3])
      settle(storage)
      const [before, other] = [samplesOf(store, 7), samplesOf(store, 8)]
      expect(packAll(store)).toBe(4)
      expect(rowsLeft(storage)).toBe(0)
      expect(samplesOf(new MinuteStore(storage), 7)).toEqual(before)
      expect(samplesOf(store, 8)).toEqual(other)
      expect(store.read(7, OLD + 5 * MINUTE_MS)?.count).toBe(4)
      expect(store.read(7, OLD - MINUTE_MS)).toBeNull()
      const [from, to] = [OLD + 90 * MINUTE_MS, OLD + 92 * MINUTE_MS - 1]
      expect(samplesOf(store, 7, from, to)).toEqual(
        before.filter(([time]) => time >= from && time <= to),
      )
    }))

  it('leaves alone what waits for PostgreSQL, and the last two hours', () =>
    withStorage('leaves', (storage) => {
      const store = new MinuteStore(storage)
      put(store, 1, OLD, [1])
      put(store, 1, NOW - 2 * HOUR_MS, [1])
      put(store, 1, NOW - 30 * MINUTE_MS, [1])
      expect(packAll(store)).toBe(0)
      settle(storage, PENDING.refused)
      expect(packAll(store)).toBe(1)
      expect(rowsLeft(storage)).toBe(2)
      expect(samplesOf(store, 1)).toHaveLength(3)
    }))

  it('takes late samples into packed minutes, and new minutes between them', () =>
    withStorage('late', (storage) => {
      const store = new MinuteStore(storage)
      for (const minute of [10, 11, 30]) put(store, 1, OLD + minute * MINUTE_MS, [0, 2])
      settle(storage)
      packAll(store)
      put(store, 1, OLD + 11 * MINUTE_MS, [1], 9)
      put(store, 1, OLD + 5 * MINUTE_MS, [5], 9)
      put(store, 1, OLD + 20 * MINUTE_MS, [5], 9)
      const expected = [
        [5, 5, 9],
        [10, 0, 1],
        [10, 2, 1],
        [11, 0, 1],
        [11, 1, 9],
        [11, 2, 1],
        [20, 5, 9],
        [30, 0, 1],
        [30, 2, 1],
      ].map(([minute = 0, second = 0, cpu]) => [OLD + minute * MINUTE_MS + second * 1_000, cpu])
      expect(samplesOf(store, 1)).toEqual(expected)
      settle(storage)
      packAll(store)
      expect(rowsLeft(storage)).toBe(0)
      expect(samplesOf(store, 1)).toEqual(expected)
    }))

  it('bounds the samples of a part, whatever comes late into the hour', () =>
    withStorage('parts', (storage) => {
      const store = new MinuteStore(storage)
      const dense = Array.from({ length: 2_000 }, (_, n) => n * 0.03)
      for (const minute of [1, 3, 5, 7, 9, 11]) put(store, 1, OLD + minute * MINUTE_MS, dense)
      settle(storage)
      packAll(store)
      for (const minute of [0, 2, 4, 6, 8, 10]) put(store, 1, OLD + minute * MINUTE_MS, dense)
      settle(storage)
      const before = samplesOf(store, 1)
      packAll(store)
      expect(samplesOf(store, 1)).toEqual(before)
      expect(before).toHaveLength(24_000)
      const [{ name }] = storage.sql
        .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE name LIKE 'packed_2%'")
        .toArray() as [{ name: string }]
      expect(Number(storage.sql.exec(`SELECT count(*) AS n FROM ${name}`).one().n)).toBeGreaterThan(
        2,
      )
    }))

  it('is the same as minutes that were never packed, in any order of samples, steps and failures', () =>
    withStorage('random', (storage) => {
      const store = new MinuteStore(storage)
      const model = new Map<number, number>()
      let seed = 42
      const random = (below: number) => {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
        return Math.floor((seed / 2 ** 32) * below)
      }
      const packer = new Packer(store)
      for (let round = 0; round < 400; round++) {
        const what = random(10)
        if (what < 6) {
          const minute = OLD + (random(26) - 24) * HOUR_MS + random(60) * MINUTE_MS
          const [second, cpu] = [random(60), random(100)]
          put(store, 1, minute, [second], cpu)
          const time = minute + second * 1_000
          if (!model.has(time)) model.set(time, cpu)
        } else if (what < 8) settle(storage)
        else if (what === 8) packer.step(NOW)
        else
          try {
            // As if the object had been killed before its transaction was stored.
            storage.transactionSync(() => {
              packer.step(NOW)
              throw new Error('killed')
            })
          } catch (error) {
            expect(String(error)).toContain('killed')
          }
      }
      const expected = [...model].sort(([a], [b]) => a - b)
      expect(samplesOf(new MinuteStore(storage), 1)).toEqual(expected)
    }))

  it('drops days as a whole, and everything of a deleted VM, though a reader stopped half-way', () =>
    withStorage('drops', (storage) => {
      const store = new MinuteStore(storage)
      const DAY_MS = 24 * HOUR_MS
      for (const vm of [1, 2])
        for (const minute of [OLD - DAY_MS, OLD]) {
          put(store, vm, minute, [1])
          put(store, vm, minute + MINUTE_MS, [1])
        }
      settle(storage)
      packAll(store)
      put(store, 1, OLD + HOUR_MS, [1])
      put(store, 1, OLD + 2 * HOUR_MS, [1])
      for (const _ of [0, 1, 2]) store.between(1, 0, NOW).next()
      storage.transactionSync(() => store.deleteVm(2))
      expect(samplesOf(store, 2)).toEqual([])
      store.dropBefore(OLD - (OLD % DAY_MS))
      expect(samplesOf(store, 1)).toHaveLength(4)
      expect(samplesOf(new MinuteStore(storage), 1)).toHaveLength(4)
      store.dropBefore(NOW + DAY_MS)
      expect(samplesOf(store, 1)).toHaveLength(2)
    }))
})

describe('a shard with packed minutes', () => {
  const batchOf = (samples: ReadonlyArray<readonly [number, number]>): ShardBatch => ({
    vmIds: [VM],
    vm: new Uint32Array(samples.length),
    timestamp: Float64Array.from(samples, ([time]) => time),
    values: Float64Array.from(samples.flatMap(([, cpu]) => [...rowOf(cpu)])),
  })
  const now = Date.now()
  const old = now - (now % HOUR_MS) - 8 * HOUR_MS
  const samples = Array.from({ length: 300 }, (_, n) => [old + n * 10_000, n] as const)

  it('answers as before, knows its duplicates, and takes what is late', async () => {
    const shard = shardNamed('whole')
    await shard.append(ORGANISATION, batchOf(samples))
    const statistics = await shard.statistics(VM)
    await runDurableObjectAlarm(shard)
    await runInDurableObject(shard, (_, state) => {
      settle(state.storage)
    })
    await runDurableObjectAlarm(shard)
    await vi.waitFor(() =>
      runInDurableObject(shard, (_, { storage }) => expect(rowsLeft(storage)).toBe(0)),
    )
    await evictDurableObject(shard)
    const read = async () => (await shard.points(VM, old, now, 1_000)).columns
    expect((await read()).cpu_usage).toEqual(samples.map(([, cpu]) => cpu))
    expect(await shard.statistics(VM)).toEqual(statistics)
    expect(await shard.append(ORGANISATION, batchOf(samples))).toMatchObject({
      accepted: 0,
      duplicates: 300,
    })
    const late = [[old + 5, 77]] as const
    expect(await shard.append(ORGANISATION, batchOf(late))).toMatchObject({ accepted: 1 })
    expect(await shard.append(ORGANISATION, batchOf([[old + 10_000, 5]]))).toMatchObject({
      conflicts: [0],
    })
    await runDurableObjectAlarm(shard)
    await evictDurableObject(shard)
    expect((await read()).cpu_usage.slice(0, 3)).toEqual([0, 77, 1])
    expect((await shard.statistics(VM))?.cpu_usage.count).toBe(301)
    await shard.forget(VM)
    await evictDurableObject(shard)
    await shard.append(ORGANISATION, batchOf(samples))
    expect((await read()).timestamp).toEqual([])
  })
})
