import { evictDurableObject, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type Settings, settingsOf } from '../../../src/env.ts'
import { distributeSeries, forgetOwners } from '../../../src/fleet/ingest/distribute-series.ts'
import { encodeLabels, type Label } from '../../../src/fleet/series/labels.ts'
import type { SeriesWrite } from '../../../src/fleet/series/series-write.ts'
import { shardOf } from '../../../src/fleet/sharding.ts'
import { shardAt } from '../../../src/fleet/shards.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'

const settings: Settings = { ...settingsOf(env), shardsPerOrganisation: 3 }

type Given = readonly [labels: readonly Label[], samples: ReadonlyArray<readonly [number, number]>]

const writeOf = (given: readonly Given[], extras: Partial<SeriesWrite> = {}): SeriesWrite => {
  const labels = given.map(([labels]) => encodeLabels(labels))
  const rows = given.flatMap(([, samples], series) =>
    samples.map(([timestamp, value]) => ({ series, timestamp, value })),
  )
  return {
    seriesCount: given.length,
    identity: Uint32Array.from(labels.flatMap((bytes) => [...identityOf(bytes)])),
    positions: Uint32Array.from(given.keys()),
    labelsOf: (series) => labels[series] ?? new Uint8Array(),
    sampleSeries: Uint32Array.from(rows, ({ series }) => series),
    timestamps: Float64Array.from(rows, ({ timestamp }) => timestamp),
    values: Float64Array.from(rows, ({ value }) => value),
    histograms: [],
    exemplars: [],
    metadata: [],
    refused: [],
    ...extras,
  }
}

const now = Date.now()
const named = (name: string, instance: string): Label[] => [
  ['__name__', name],
  ['instance', instance],
]

/** Series by shard. */
const stored = (organisation: string) =>
  Promise.all(
    [0, 1, 2].map(async (shard) => {
      const filter = { matchers: [], from: 0, to: now + 1_000_000 }
      const sets = await shardAt(env, organisation, shard).labelSets(filter, 1_000)
      return sets.ok ? sets.value.length : -1
    }),
  )

afterAll(reset)

describe('a write of series', () => {
  let organisation: string
  beforeEach(() => {
    organisation = crypto.randomUUID()
  })
  const send = (write: SeriesWrite) => distributeSeries(env, settings, organisation, write, now)

  it('is stored while the database is away; all series of a target are in one shard', async () => {
    const outcome = await send(
      writeOf([
        [named('up', 'web:9100'), [[now, 1]]],
        [named('load1', 'web:9100'), [[now, 2]]],
        [named('load5', 'web:9100'), [[now, 3]]],
      ]),
    )
    expect(outcome).toEqual({
      samplesWritten: 3,
      histogramsWritten: 0,
      exemplarsWritten: 0,
      duplicates: 0,
      refused: [],
    })
    expect((await stored(organisation)).sort()).toEqual([0, 0, 3])
  })

  it('has hosts that are new here wait for a minute when the database is away', async () => {
    const host = writeOf([[named('node_memory_MemTotal_bytes', 'new:9100'), [[now, 1]]]])
    const at = (ms: number) => distributeSeries(env, settings, organisation, host, now + ms)
    const refused = { problem: { status: 503, retryAfterSeconds: 2 } }
    await expect(at(0)).rejects.toMatchObject(refused)
    await expect(at(59_999)).rejects.toMatchObject(refused)
    expect(await stored(organisation)).toEqual([0, 0, 0])
    expect(await at(60_000)).toMatchObject({ samplesWritten: 1, refused: [] })
    expect((await stored(organisation)).sort()).toEqual([0, 0, 1])
  })

  it('counts what it sends again as written, and tells that it was there', async () => {
    const write = writeOf([[named('up', 'a'), [[now, 1]]]])
    await send(write)
    expect(await send(write)).toMatchObject({ samplesWritten: 1, duplicates: 1, refused: [] })
  })

  it('refuses samples by themselves: other values of a moment, beyond the bounds of time', async () => {
    await send(writeOf([[named('up', 'a'), [[now, 1]]]]))
    const outcome = await send(
      writeOf([
        [
          named('up', 'a'),
          [
            [now - 500 * 3_600_000, 1],
            [now - 400 * 3_600_000, 1],
            [now, 2],
            [now + 1, 5],
            [now + 400_000, 1],
          ],
        ],
        [named('up', 'b'), [[now, 7]]],
      ]),
    )
    expect(outcome.samplesWritten).toBe(2)
    expect(outcome.refused.map(({ index, reason, samples }) => [index, reason, samples])).toEqual([
      [0, 'timestamp-too-old', 2],
      [0, 'timestamp-in-future', 1],
      [0, 'duplicate-timestamp', 1],
    ])
  })

  it('refuses new series beyond the limit and goes on with those that are there', async () => {
    const { seriesMaxPerShard: max } = settings
    const series = (count: number) =>
      Array.from({ length: count }, (_, n) => [named(`m${n}`, 'host'), [[now, n]]] as Given)
    await send(writeOf(series(max)))
    const outcome = await send(writeOf(series(max + 2)))
    expect(outcome).toMatchObject({ samplesWritten: max, duplicates: max })
    expect(outcome.refused.map(({ index, reason }) => [index, reason])).toEqual([
      [max, 'series-limit'],
      [max + 1, 'series-limit'],
    ])
    expect(outcome.refused[0]?.detail).toContain(`${max} in this shard`)
  })

  it('describes a series again to a shard that does not know it any more', async () => {
    await send(writeOf([[named('up', 'a'), [[now, 1]]]]))
    const other = organisation
    organisation = crypto.randomUUID()
    // The isolate remembers what another organisation's shard was told; this one starts from nothing.
    expect(await send(writeOf([[named('up', 'a'), [[now, 1]]]]))).toMatchObject({
      samplesWritten: 1,
      duplicates: 0,
    })
    forgetOwners(other)
    organisation = other
    expect(await send(writeOf([[named('up', 'a'), [[now, 1]]]]))).toMatchObject({ duplicates: 1 })
  })

  it('spreads what names no VM by itself', async () => {
    const given = Array.from(
      { length: 12 },
      (_, n) => [[['__name__', `m${n}`]], [[now, n]]] as Given,
    )
    await distributeSeries(env, settings, organisation, writeOf(given), now)
    const counts = await stored(organisation)
    expect(counts.reduce((sum, count) => sum + count)).toBe(12)
    expect(Math.max(...counts)).toBeLessThan(12)
  })

  it('stores histograms, exemplars and metadata with the series, also after an eviction', async () => {
    const given = [[named('latency', 'a'), []] as Given]
    const extras = {
      histograms: [{ series: 0, timestamp: now, bytes: Uint8Array.of(8, 1) }],
      exemplars: [{ series: 0, timestamp: now, value: 1, labels: [['trace_id', 'x']] as Label[] }],
      metadata: [{ metric: 'latency', type: 'histogram' as const, help: '', unit: 'seconds' }],
    }
    expect(await send(writeOf(given, extras))).toMatchObject({
      histogramsWritten: 1,
      exemplarsWritten: 1,
      refused: [],
    })
    await evictDurableObject(shardAt(env, organisation, shardOf('a', 3)))
    const conflict = {
      ...extras,
      histograms: [{ series: 0, timestamp: now, bytes: Uint8Array.of(9) }],
    }
    expect(await send(writeOf(given, conflict))).toMatchObject({
      histogramsWritten: 0,
      refused: [{ reason: 'duplicate-timestamp', histograms: 1 }],
    })
    const found = await Promise.all(
      [0, 1, 2].map((shard) => shardAt(env, organisation, shard).metadata(null, 10)),
    )
    expect(found.flat()).toEqual(extras.metadata)
  })
})
