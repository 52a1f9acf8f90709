import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, it, vi } from 'vitest'
import type { SeriesShard } from '../../src/fleet/series-shard.ts'
import type { ShardBatch } from '../../src/fleet/shard-batch.ts'
import { ShardStore } from '../../src/fleet/shard-store.ts'
import { METRICS } from '../../src/fleet/types.ts'
import { admissionHeaders, hubOf } from '../../src/streams/hub-client.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000aa'
const VM = '0190a000-0000-7000-8000-000000000001'
const OTHER_VM = '0190a000-0000-7000-8000-000000000002'

const shardNamed = (name: string): DurableObjectStub<SeriesShard> =>
  env.SERIES_SHARD.get(env.SERIES_SHARD.idFromName(name))

/** Samples of one VM, cpu_usage given, memory_usage = cpu / 2, the rest missing. */
const batchOf = (vm: string, samples: ReadonlyArray<readonly [number, number]>): ShardBatch => {
  const values = new Float64Array(samples.length * METRICS.length).fill(Number.NaN)
  samples.forEach(([, cpu], row) => {
    values[row * METRICS.length] = cpu
    values[row * METRICS.length + 1] = cpu / 2
  })
  return {
    vmIds: [vm],
    vm: new Uint32Array(samples.length),
    timestamp: Float64Array.from(samples, ([timestamp]) => timestamp),
    values,
  }
}

const start = Date.now() - 30 * 60_000
const series = (count: number) =>
  Array.from({ length: count }, (_, n) => [start + n * 1_000, (n * 37) % 101] as const)

// Without a database the shards try again for ever, and workerd would not end.
afterAll(reset)

describe('series shard', () => {
  it('has every acknowledged sample after an eviction, before anything was flushed', async () => {
    const shard = shardNamed('evicted')
    const samples = series(200)
    expect(await shard.append(ORGANISATION, batchOf(VM, samples))).toMatchObject({ accepted: 200 })
    await evictDurableObject(shard)
    const { columns, truncated } = await shard.points(VM, start, start + 200_000, 1_000)
    expect(truncated).toBe(false)
    expect(columns.timestamp).toEqual(samples.map(([timestamp]) => timestamp))
    expect(columns.cpu_usage).toEqual(samples.map(([, cpu]) => cpu))
    expect(columns.disk_usage.every((value) => value === null)).toBe(true)
  })

  it('counts nothing twice: a batch sent again is all duplicates, also after checkpoint and eviction', async () => {
    const shard = shardNamed('again')
    const batch = batchOf(VM, series(100))
    await shard.append(ORGANISATION, batch)
    expect(await shard.append(ORGANISATION, batch)).toMatchObject({ accepted: 0, duplicates: 100 })
    await runDurableObjectAlarm(shard)
    await evictDurableObject(shard)
    expect(await shard.append(ORGANISATION, batch)).toMatchObject({ accepted: 0, duplicates: 100 })
    expect((await shard.statistics(VM))?.cpu_usage.count).toBe(100)
  })

  it('keeps the first values of a time and tells which samples contradict them', async () => {
    const shard = shardNamed('conflict')
    await shard.append(ORGANISATION, batchOf(VM, [[start, 10]]))
    const result = await shard.append(
      ORGANISATION,
      batchOf(VM, [
        [start + 1_000, 20],
        [start, 11],
      ]),
    )
    expect(result).toMatchObject({ accepted: 1, duplicates: 0, conflicts: [1] })
    expect((await shard.points(VM, start, start, 10)).columns.cpu_usage).toEqual([10])
  })

  it('computes exact counts, means and extremes and bounded quantiles over the window', async () => {
    const shard = shardNamed('statistics')
    const samples = series(1_000)
    await shard.append(ORGANISATION, batchOf(VM, samples))
    const statistics = await shard.statistics(VM)
    const sorted = samples.map(([, cpu]) => cpu).sort((a, b) => a - b)
    const exact = (sorted[949] as number) * 0.95 + (sorted[950] as number) * 0.05
    expect(statistics?.cpu_usage).toMatchObject({ count: 1_000, min: 0, max: 100 })
    expect(statistics?.cpu_usage.mean).toBeCloseTo(
      sorted.reduce((sum, value) => sum + value, 0) / 1_000,
      10,
    )
    const p95 = statistics?.cpu_usage.p95 ?? 0
    expect(Math.abs(p95 - exact) / exact).toBeLessThanOrEqual(statistics?.relativeErrorMax ?? 0)
    expect(statistics?.relativeErrorMax).toBeLessThan(0.011)
  })

  it('takes late samples into stored minutes and hours', async () => {
    const shard = shardNamed('late')
    await shard.append(
      ORGANISATION,
      batchOf(VM, [
        [start, 10],
        [start + 2_000, 30],
      ]),
    )
    await runDurableObjectAlarm(shard)
    await evictDurableObject(shard)
    await shard.append(ORGANISATION, batchOf(VM, [[start + 1_000, 20]]))
    const { columns } = await shard.points(VM, start, start + 5_000, 10)
    expect(columns.cpu_usage).toEqual([10, 20, 30])
    const statistics = await shard.statistics(VM)
    expect(statistics?.cpu_usage).toMatchObject({ count: 3, mean: 20 })
  })

  it('does not let samples older than the window into its statistics', async () => {
    const shard = shardNamed('old')
    const old = Date.now() - 30 * 3_600_000
    await shard.append(
      ORGANISATION,
      batchOf(VM, [
        [old, 99],
        [start, 1],
      ]),
    )
    expect((await shard.statistics(VM))?.cpu_usage).toMatchObject({ count: 1, max: 1 })
    expect((await shard.points(VM, old, old, 10)).columns.cpu_usage).toEqual([99])
  })

  it('empties the journal at a checkpoint but keeps the minutes until PostgreSQL has them', async () => {
    const shard = shardNamed('checkpoint')
    await shard.append(ORGANISATION, batchOf(VM, series(10)))
    await runDurableObjectAlarm(shard)
    const counts = await runInDurableObject(shard, (_, state) => ({
      journal: state.storage.sql.exec('SELECT count(*) AS n FROM journal').one().n,
      pending: state.storage.sql
        .exec('SELECT sum(samples) AS n FROM minutes WHERE pending = 1')
        .one().n,
      alarm: state.storage.getAlarm(),
    }))
    expect(counts).toMatchObject({ journal: 0, pending: 10 })
    expect(await counts.alarm).toBeGreaterThan(Date.now() - 1)
  })

  it('refuses a batch beyond the bound of what waits for PostgreSQL, and says when to come back', async () => {
    const shard = shardNamed('full')
    const bound = Number(env.JOURNAL_SAMPLES_MAX)
    const fill = Array.from({ length: bound }, (_, n) => [start + n * 20, 1] as const)
    expect(await shard.append(ORGANISATION, batchOf(VM, fill))).toMatchObject({ stored: true })
    const refused = await shard.append(ORGANISATION, batchOf(OTHER_VM, series(1)))
    expect(refused).toMatchObject({ stored: false, unflushedSamples: bound })
    expect((await shard.points(OTHER_VM, start, start, 1)).columns.timestamp).toEqual([])
  })

  it('bounds the samples of one VM and minute', async () => {
    const shard = shardNamed('rate')
    const minute = start - (start % 60_000)
    const many = Array.from({ length: 6_002 }, (_, n) => [minute + n, 1] as const)
    const result = await shard.append(ORGANISATION, batchOf(VM, many))
    expect(result).toMatchObject({ accepted: 6_000, overRate: [6_000, 6_001] })
  })

  it('forgets a deleted VM, and not another one', async () => {
    const shard = shardNamed('forget')
    await shard.append(ORGANISATION, batchOf(VM, series(5)))
    await shard.append(ORGANISATION, batchOf(OTHER_VM, series(5)))
    await shard.forget(VM)
    await evictDurableObject(shard)
    expect(await shard.statistics(VM)).toBeNull()
    expect((await shard.points(VM, start, Date.now(), 100)).columns.timestamp).toEqual([])
    expect((await shard.statistics(OTHER_VM))?.cpu_usage.count).toBe(5)
  })

  it('refuses what is still sent to a deleted VM, and not what is sent beside it', async () => {
    const shard = shardNamed('deleted')
    await shard.append(ORGANISATION, batchOf(VM, series(5)))
    await shard.forget(VM)
    for (const late of [start + 60_000, start + 61_000]) {
      const [first, second] = [batchOf(VM, [[late, 1]]), batchOf(OTHER_VM, [[late, 2]])]
      const both: ShardBatch = {
        vmIds: [VM, OTHER_VM],
        vm: Uint32Array.of(0, 1),
        timestamp: Float64Array.of(late, late),
        values: Float64Array.from([...first.values, ...second.values]),
      }
      expect(await shard.append(ORGANISATION, both)).toMatchObject({ accepted: 1, deleted: [0] })
      await evictDurableObject(shard)
    }
    expect(await shard.statistics(VM)).toBeNull()
    expect((await shard.statistics(OTHER_VM))?.cpu_usage.count).toBe(2)
  })

  it('never gives the number of a deleted VM to another: a flush under way may still name it', async () => {
    const shard = shardNamed('numbers')
    const numberOf = (id: string) =>
      runInDurableObject(
        shard,
        (_, state) =>
          state.storage.sql.exec('SELECT number FROM vms WHERE id = ?', id).one().number,
      )
    await shard.append(ORGANISATION, batchOf(VM, series(1)))
    const deleted = await numberOf(VM)
    await shard.forget(VM)
    await shard.append(ORGANISATION, batchOf(OTHER_VM, series(1)))
    expect(await numberOf(OTHER_VM)).not.toBe(deleted)
  })

  it('hands the oldest minutes and hours to PostgreSQL first', async () => {
    const shard = shardNamed('oldest')
    const old = start - 3 * 3_600_000
    const samples = [...series(1), [old, 1], [old + 1, 1], [old + 2, 1]] as const
    await shard.append(ORGANISATION, batchOf(VM, samples))
    await runDurableObjectAlarm(shard)
    const [minutes, hours] = await runInDurableObject(shard, (_, state) => {
      const store = new ShardStore(state.storage)
      return [store.pendingMinutes(1), store.pendingHours(1)]
    })
    expect(minutes).toMatchObject([{ start: old - (old % 60_000) }])
    expect(hours).toMatchObject([{ start: old - (old % 3_600_000) }])
  })

  it('keeps the whole window over an eviction when a clock ran ahead into the next hour', async () => {
    const shard = shardNamed('ahead')
    const hour = 3_600_000
    const oldest = Math.floor(Date.now() / hour) * hour - 23 * hour
    const samples = [
      [oldest, 1],
      [oldest + 24 * hour, 2],
    ] as const
    await shard.append(ORGANISATION, batchOf(VM, samples))
    expect((await shard.statistics(VM))?.cpu_usage.count).toBe(2)
    await runDurableObjectAlarm(shard)
    await evictDurableObject(shard)
    expect((await shard.statistics(VM))?.cpu_usage.count).toBe(2)
  })

  it('counts thousands of repeated samples in stored minutes as duplicates', async () => {
    const shard = shardNamed('repeated')
    const many = Array.from({ length: 2_500 }, (_, n) => [start - n * 60_000, 1] as const)
    await shard.append(ORGANISATION, batchOf(VM, many))
    await runDurableObjectAlarm(shard)
    await evictDurableObject(shard)
    for (let round = 0; round < 3; round++)
      expect(await shard.append(ORGANISATION, batchOf(VM, many))).toMatchObject({
        accepted: 0,
        duplicates: 2_500,
      })
  })

  it('does not wait for the time that a clock showed before it was set back', async () => {
    const shard = shardNamed('clock')
    const ahead = Date.now() + 2 * 3_600_000
    const clock = vi.spyOn(Date, 'now').mockReturnValue(ahead)
    await shard.append(ORGANISATION, batchOf(VM, [[start, 1]]))
    await runDurableObjectAlarm(shard)
    clock.mockRestore()
    await shard.append(ORGANISATION, batchOf(VM, [[start + 1, 1]]))
    const alarm = await runInDurableObject(shard, (_, state) => state.storage.getAlarm())
    expect((alarm ?? ahead) - Date.now()).toBeLessThan(1_000)
  })

  it('sends a listener every sample since it connected, though nobody listened before', async () => {
    const shard = shardNamed('listener')
    const organisation = 'organisation-of-a-listener'
    await shard.append(organisation, batchOf(VM, [[start, 1]]))
    await runDurableObjectAlarm(shard)
    const { webSocket } = await hubOf(env, organisation).fetch('https://hub/', {
      headers: admissionHeaders({
        organisation: 'local',
        keyId: VM,
        expiresAtMs: null,
        requestId: 'request',
        offersProtocol: false,
      }),
    })
    const times: number[] = []
    const kinds: string[] = []
    webSocket?.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data))
      kinds.push(frame.kind)
      times.push(...(frame.vms?.[0]?.points?.timestamp ?? []))
    })
    webSocket?.accept()
    webSocket?.send(JSON.stringify({ kind: 'subscribe', topics: [`vm:${VM}`] }))
    await expect.poll(() => kinds).toContain('subscribed')
    await shard.append(organisation, batchOf(VM, [[start + 1_000, 2]]))
    await expect.poll(() => times).toEqual([start + 1_000])
    webSocket?.close(1000)
  })
})
