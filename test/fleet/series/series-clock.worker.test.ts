import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { settingsOf } from '../../../src/env.ts'
import { HOST_ROLE } from '../../../src/fleet/ingest/host-roles.ts'
import { encodeLabels } from '../../../src/fleet/series/labels.ts'
import { mergedSamples, ordered } from '../../../src/fleet/series/sealing.ts'
import { unpackSelected } from '../../../src/fleet/series/selection.ts'
import { encodeSeriesBatch } from '../../../src/fleet/series/series-batch.ts'
import type { SeriesShard } from '../../../src/fleet/series-shard.ts'
import { METRICS } from '../../../src/fleet/types.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000aa'
const VM = '0190a000-0000-7000-8000-000000000001'
const STEP_MS = 15_000
const HOUR_MS = 3_600_000
const start = Date.now() - HOUR_MS

const shardNamed = (name: string): DurableObjectStub<SeriesShard> =>
  env.SERIES_SHARD.get(env.SERIES_SHARD.idFromName(name))

/** Samples of the named series at some ticks; `memory` is that of VM. */
const samplesOf = (names: readonly string[], ticks: readonly number[], isDescribed: boolean) => {
  const labels = names.map((name) => encodeLabels([['__name__', name]]))
  return encodeSeriesBatch(
    Uint32Array.from(labels.flatMap((bytes) => [...identityOf(bytes)])),
    {
      sampleSeries: Uint32Array.from(ticks.flatMap(() => names.map((_, series) => series))),
      timestamps: Float64Array.from(
        ticks.flatMap((tick) => names.map(() => start + tick * STEP_MS)),
      ),
      values: Float64Array.from(ticks.flatMap((tick) => names.map(() => tick % 100))),
    },
    isDescribed
      ? labels.map((bytes, series) => ({
          series,
          labels: bytes,
          role: names[series] === 'memory' ? HOST_ROLE.memoryPercent : HOST_ROLE.none,
          vm: names[series] === 'memory' ? VM : null,
        }))
      : [],
  )
}
const batchOf = (ticks: readonly number[], isDescribed = true) =>
  samplesOf(['plain', 'memory'], ticks, isDescribed)
const plainOf = (ticks: readonly number[]) => samplesOf(['plain'], ticks, false)

const ticksOf = async (shard: DurableObjectStub<SeriesShard>): Promise<number[][]> => {
  const answer = await shard.selectSeries({
    matchers: [],
    from: 0,
    to: start + 1_000 * HOUR_MS,
    seriesMax: 10,
    samplesMax: 1_000_000,
  })
  if (!answer.ok) throw new Error(answer.error.reason)
  return unpackSelected(answer.value).map(({ chunks, head }) => {
    const sealed = mergedSamples(chunks, (detail) => {
      throw new Error(detail)
    })
    const { timestamps } = ordered({
      timestamps: Float64Array.from([...sealed.timestamps, ...head.timestamps]),
      values: Float64Array.from([...sealed.values, ...head.values]),
    })
    return Array.from(timestamps, (timestamp) => (timestamp - start) / STEP_MS)
  })
}

const vmTicks = async (shard: DurableObjectStub<SeriesShard>): Promise<number[]> => {
  const { columns } = await shard.points(VM, 0, start + 1_000 * HOUR_MS, 10_000)
  return columns.timestamp.map((timestamp) => (timestamp - start) / STEP_MS)
}

/** A round may be under way already: then its own is the next one. */
const ticksAfterRound = async (shard: DurableObjectStub<SeriesShard>): Promise<number[]> => {
  await runDurableObjectAlarm(shard)
  return vmTicks(shard)
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

let shift = 0
const realNow = Date.now
const shiftClock = (ms: number): void => {
  shift = ms
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + shift)
}

afterEach(() => vi.restoreAllMocks())
// Without a database the shards try again for ever, and workerd would not end.
afterAll(reset)

describe('a clock that jumps while series are appended', () => {
  it.each([
    ['back by an hour', [0, -HOUR_MS]],
    ['ahead by a day', [0, 24 * HOUR_MS]],
    ['ahead by a day and back', [0, 24 * HOUR_MS, 0, -HOUR_MS]],
  ])(
    '%s loses no sample, doubles none, and every one becomes a sample of its VM',
    async (name, shifts) => {
      const shard = shardNamed(`clock ${name}`)
      let tick = 0
      for (const ms of shifts) {
        shiftClock(ms)
        const ticks = range(tick, tick + 20)
        tick += 20
        for (let at = 0; at < 20; at += 5)
          await shard.appendSeries(ORGANISATION, batchOf(ticks.slice(at, at + 5)))
        // What is sent again is known, whatever the clock says.
        expect(await shard.appendSeries(ORGANISATION, batchOf(ticks))).toMatchObject({
          duplicates: 40,
        })
        await runDurableObjectAlarm(shard)
        const alarm = await runInDurableObject(shard, (_, { storage }) => storage.getAlarm())
        // The platform takes a time that is over by its own clock for now.
        const soon = Math.max(Date.now(), realNow()) + 5_000
        expect(alarm).toBeLessThan(soon)
      }
      const all = range(0, tick)
      expect(await ticksOf(shard)).toEqual([all, all])
      // The scrapes before the newest settle within seconds of the clock as it is now.
      shiftClock((shifts.at(-1) ?? 0) + 6_000)
      await expect.poll(() => ticksAfterRound(shard)).toEqual(all.slice(0, -1))
      await evictDurableObject(shard)
      expect(await ticksOf(shard)).toEqual([all, all])
      // What a new incarnation reads in its journal has come, by that clock, when it looks first.
      for (const later of [70_000, 76_000]) {
        shiftClock((shifts.at(-1) ?? 0) + later)
        await runDurableObjectAlarm(shard)
      }
      await expect.poll(() => ticksAfterRound(shard)).toEqual(all)
    },
  )
})

describe('a shard whose VMs wait for PostgreSQL up to the bound', () => {
  it('refuses series that tell of a VM, and goes on to take the others', async () => {
    const shard = shardNamed('bound')
    const rows = settingsOf(env).journalSamplesMax
    // Without a database nothing is flushed.
    for (let first = 0; first < rows; first += 1_000)
      await shard.append(ORGANISATION, {
        vmIds: [VM],
        vm: new Uint32Array(1_000),
        timestamp: Float64Array.from({ length: 1_000 }, (_, n) => start - (first + n) * 1_000),
        values: new Float64Array(1_000 * METRICS.length).fill(1),
      })
    expect(await shard.appendSeries(ORGANISATION, batchOf([1, 2]))).toMatchObject({ stored: true })
    shiftClock(70_000)
    await runDurableObjectAlarm(shard)
    const refused = { stored: false, unflushedSamples: rows + 2, retryAfterSeconds: 6 }
    expect(await shard.appendSeries(ORGANISATION, batchOf([3]))).toEqual(refused)
    expect(await shard.appendSeries(ORGANISATION, batchOf([3], false))).toEqual(refused)
    expect(await shard.appendSeries(ORGANISATION, plainOf([3]))).toMatchObject({ stored: true })
    expect(await ticksOf(shard)).toEqual([
      [1, 2, 3],
      [1, 2],
    ])
  })
})
