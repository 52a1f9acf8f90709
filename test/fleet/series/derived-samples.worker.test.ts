import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, it } from 'vitest'
import { settingsOf } from '../../../src/env.ts'
import { HOST_ROLE } from '../../../src/fleet/ingest/host-roles.ts'
import { encodeLabels } from '../../../src/fleet/series/labels.ts'
import { encodeSeriesBatch } from '../../../src/fleet/series/series-batch.ts'
import { SeriesEngine } from '../../../src/fleet/series/series-engine.ts'
import type { SeriesShard } from '../../../src/fleet/series-shard.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000aa'
const VM = '0190a000-0000-7000-8000-000000000001'
const STEP_MS = 15_000
const start = Date.now() - 30 * 60_000

/** Idle and busy seconds of a processor that is `busy` of the time, and memory half used. */
const scrape = (n: number, busy: number, vm: string | null = VM): Uint8Array => {
  const series = [
    [['__name__', 'idle'], HOST_ROLE.cpuIdleSeconds, (n * STEP_MS * (1 - busy)) / 1_000],
    [['__name__', 'busy'], HOST_ROLE.cpuBusySeconds, (n * STEP_MS * busy) / 1_000],
    [['__name__', 'memory'], HOST_ROLE.memoryPercent, 50],
  ] as const
  const labels = series.map(([[name, value]]) => encodeLabels([[name, value]]))
  return encodeSeriesBatch(
    Uint32Array.from(labels.flatMap((bytes) => [...identityOf(bytes)])),
    {
      sampleSeries: Uint32Array.of(0, 1, 2),
      timestamps: new Float64Array(3).fill(start + n * STEP_MS),
      values: Float64Array.from(series, ([, , value]) => value),
    },
    series.map(([, role], place) => ({
      series: place,
      labels: labels[place] ?? new Uint8Array(),
      role,
      vm,
    })),
  )
}

const shardNamed = (name: string): DurableObjectStub<SeriesShard> =>
  env.SERIES_SHARD.get(env.SERIES_SHARD.idFromName(name))

/** Ends the object with every scrape old enough to be complete. */
const settle = async (shard: DurableObjectStub<SeriesShard>): Promise<void> => {
  await runInDurableObject(shard, (_, { storage }) => {
    storage.sql.exec('UPDATE series_journal SET at = at - 120000')
  })
  await evictDurableObject(shard)
  await runDurableObjectAlarm(shard)
}

const points = async (shard: DurableObjectStub<SeriesShard>) =>
  (await shard.points(VM, start, Date.now(), 1_000)).columns

afterAll(reset)

describe('samples of a VM from its host metrics', () => {
  it('come from complete scrapes, one a scrape, and once only', async () => {
    const shard = shardNamed('derived')
    for (let n = 0; n < 5; n++) await shard.appendSeries(ORGANISATION, scrape(n, 0.25))
    await settle(shard)
    const columns = await points(shard)
    expect(columns.timestamp).toEqual([0, 1, 2, 3, 4].map((n) => start + n * STEP_MS))
    expect(columns.memory_usage).toEqual([50, 50, 50, 50, 50])
    // The first scrape has nothing to count from.
    expect(columns.cpu_usage.map((value) => value && Math.round(value))).toEqual([
      null,
      25,
      25,
      25,
      25,
    ])
    await evictDurableObject(shard)
    await runDurableObjectAlarm(shard)
    expect(await points(shard)).toEqual(columns)
    expect((await shard.statistics(VM))?.memory_usage.count).toBe(5)
  })

  it('are kept when the journal that they came from is sealed', async () => {
    const shard = shardNamed('derived-sealed')
    for (let n = 0; n < 3; n++) await shard.appendSeries(ORGANISATION, scrape(n, 0.5))
    await settle(shard)
    const before = await points(shard)
    await runInDurableObject(shard, (object, { storage }) => {
      expect(object).toBeDefined()
      new SeriesEngine(storage, settingsOf(env)).sealer.sealNow(Date.now(), () => {})
    })
    await evictDurableObject(shard)
    await shard.appendSeries(ORGANISATION, scrape(3, 0.5))
    await settle(shard)
    const { timestamp, cpu_usage } = await points(shard)
    expect(timestamp).toEqual([...before.timestamp, start + 3 * STEP_MS])
    // The increase goes on from what the chunks have.
    expect(Math.round(cpu_usage.at(-1) ?? Number.NaN)).toBe(50)
  })

  it('end with the VM, and begin with the one that takes its place', async () => {
    const shard = shardNamed('derived-forgotten')
    await shard.appendSeries(ORGANISATION, scrape(0, 0.5))
    await shard.appendSeries(ORGANISATION, scrape(1, 0.5))
    await settle(shard)
    await shard.forget(VM)
    await shard.appendSeries(ORGANISATION, scrape(2, 0.5))
    await settle(shard)
    expect((await points(shard)).timestamp).toEqual([])
    const other = '0190a000-0000-7000-8000-000000000002'
    await shard.appendSeries(ORGANISATION, scrape(3, 0.5, other))
    await shard.appendSeries(ORGANISATION, scrape(4, 0.5, other))
    await settle(shard)
    const { columns } = await shard.points(other, start, Date.now(), 100)
    expect(columns.timestamp).toEqual([start + 3 * STEP_MS, start + 4 * STEP_MS])
  })
})
