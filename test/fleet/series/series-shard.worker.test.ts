import { evictDurableObject, reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, it } from 'vitest'
import { settingsOf } from '../../../src/env.ts'
import { encodeLabels, type Label } from '../../../src/fleet/series/labels.ts'
import { mergedSamples, ordered } from '../../../src/fleet/series/sealing.ts'
import { unpackSelected } from '../../../src/fleet/series/selection.ts'
import { encodeSeriesBatch } from '../../../src/fleet/series/series-batch.ts'
import { SeriesEngine } from '../../../src/fleet/series/series-engine.ts'
import type { SeriesFilter } from '../../../src/fleet/series/shard-api.ts'
import type { SeriesShard } from '../../../src/fleet/series-shard.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000aa'

const shardNamed = (name: string): DurableObjectStub<SeriesShard> =>
  env.SERIES_SHARD.get(env.SERIES_SHARD.idFromName(name))

const labelsOf = (name: string, host: string): Label[] => [
  ['__name__', name],
  ['instance', host],
]

interface Given {
  readonly labels: readonly Label[]
  readonly samples: ReadonlyArray<readonly [timestamp: number, value: number]>
}

/** @param isDescribed whether the labels go with it */
const batchOf = (given: readonly Given[], isDescribed = true): Uint8Array => {
  const bytes = given.map(({ labels }) => encodeLabels(labels))
  const samples = given.flatMap(({ samples }, series) =>
    samples.map(([timestamp, value]) => ({ series, timestamp, value })),
  )
  return encodeSeriesBatch(
    Uint32Array.from(bytes.flatMap((labels) => [...identityOf(labels)])),
    {
      sampleSeries: Uint32Array.from(samples, ({ series }) => series),
      timestamps: Float64Array.from(samples, ({ timestamp }) => timestamp),
      values: Float64Array.from(samples, ({ value }) => value),
    },
    isDescribed ? bytes.map((labels, series) => ({ series, labels, role: 0, vm: null })) : [],
  )
}

const start = Date.now() - 3_600_000
const everything: SeriesFilter = {
  matchers: [{ name: '__name__', op: '=~', value: '.+' }],
  from: 0,
  to: start + 7_200_000,
}

const fault = (detail: string) => {
  throw new Error(detail)
}

/** All samples of a shard: by labels, in order of time. */
const read = async (shard: DurableObjectStub<SeriesShard>, filter = everything) => {
  const answer = await shard.selectSeries({ ...filter, seriesMax: 1_000, samplesMax: 1_000_000 })
  if (!answer.ok) throw new Error(answer.error.reason)
  return unpackSelected(answer.value).map(({ labels, chunks, head, histograms }) => {
    const sealed = mergedSamples(chunks, fault)
    const all = ordered({
      timestamps: Float64Array.from([...sealed.timestamps, ...head.timestamps]),
      values: Float64Array.from([...sealed.values, ...head.values]),
    })
    return {
      labels: new TextDecoder('latin1').decode(labels),
      timestamps: [...all.timestamps],
      values: [...all.values],
      chunks: chunks.length,
      head: head.timestamps.length,
      histograms,
    }
  })
}

const range = (count: number, from = start, step = 15_000) =>
  Array.from({ length: count }, (_, n) => [from + n * step, (n * 37) % 101] as const)

/** Seals what a shard holds, by another engine over its storage, and ends the object. */
const seal = async (shard: DurableObjectStub<SeriesShard>): Promise<void> => {
  await runInDurableObject(shard, (_, { storage }) =>
    new SeriesEngine(storage, settingsOf(env)).sealer.sealNow(Date.now(), () => {}),
  )
  await evictDurableObject(shard)
}

// Without a database the shards try again for ever, and workerd would not end.
afterAll(reset)

describe('label series of a shard', () => {
  const web = labelsOf('up', 'web:9100')
  const db = labelsOf('up', 'db:9100')

  it('have every acknowledged sample after an eviction', async () => {
    const shard = shardNamed('s-evicted')
    const result = await shard.appendSeries(
      ORGANISATION,
      batchOf([
        { labels: web, samples: range(50) },
        { labels: db, samples: range(20) },
      ]),
    )
    expect(result).toMatchObject({ stored: true, duplicates: 0 })
    await evictDurableObject(shard)
    const [first, second] = await read(shard)
    expect(first?.timestamps).toEqual(range(50).map(([timestamp]) => timestamp))
    expect(first?.values).toEqual(range(50).map(([, value]) => value))
    expect(second?.timestamps.length).toBe(20)
  })

  it('tell which series they do not know, and store those that they do', async () => {
    const shard = shardNamed('s-unknown')
    await shard.appendSeries(ORGANISATION, batchOf([{ labels: web, samples: range(1) }]))
    const second = batchOf(
      [
        { labels: db, samples: [[start, 5]] },
        { labels: web, samples: [[start + 60_000, 7]] },
      ],
      false,
    )
    const result = await shard.appendSeries(ORGANISATION, second)
    expect(result.stored && [...result.unknown]).toEqual([0])
    expect((await read(shard)).map(({ values }) => values)).toEqual([[0, 7]])
  })

  it('keep the first value of a moment: the same again is a duplicate, another one is refused', async () => {
    const shard = shardNamed('s-again')
    const batch = batchOf([{ labels: web, samples: range(30) }])
    await shard.appendSeries(ORGANISATION, batch)
    expect(await shard.appendSeries(ORGANISATION, batch)).toMatchObject({ duplicates: 30 })
    await seal(shard)
    expect(await shard.appendSeries(ORGANISATION, batch)).toMatchObject({ duplicates: 30 })
    const other = batchOf([
      {
        labels: web,
        samples: [
          [start, 99],
          [start + 1, 1],
        ],
      },
    ])
    const result = await shard.appendSeries(ORGANISATION, other)
    expect(result.stored && [...result.conflicts]).toEqual([0])
    const [series] = await read(shard)
    expect(series?.timestamps.length).toBe(31)
    expect(series?.values.slice(0, 2)).toEqual([0, 1])
  })

  it('go into chunks when they are sealed, and lose nothing by it', async () => {
    const shard = shardNamed('s-sealed')
    const given = Array.from({ length: 40 }, (_, n) => ({
      labels: labelsOf('up', `host-${n}:9100`),
      samples: range(100 + n),
    }))
    await shard.appendSeries(ORGANISATION, batchOf(given))
    const before = await read(shard)
    await seal(shard)
    const after = await read(shard)
    expect(after.every(({ head, chunks }) => head === 0 && chunks >= 1)).toBe(true)
    expect(after.map(({ timestamps }) => timestamps)).toEqual(
      before.map(({ timestamps }) => timestamps),
    )
    expect(after.map(({ values }) => values)).toEqual(before.map(({ values }) => values))
    await evictDurableObject(shard)
    expect((await read(shard)).map(({ values }) => values)).toEqual(
      before.map(({ values }) => values),
    )
  })

  it('are selected by matchers and range, and answer with names and values of labels', async () => {
    const shard = shardNamed('s-select')
    await shard.appendSeries(
      ORGANISATION,
      batchOf([
        { labels: web, samples: range(10) },
        { labels: db, samples: range(10) },
        { labels: [['__name__', 'load1']], samples: range(10) },
      ]),
    )
    const select = async (...matchers: SeriesFilter['matchers']) =>
      (await read(shard, { ...everything, matchers })).length
    expect(await select({ name: 'instance', op: '=', value: 'web:9100' })).toBe(1)
    expect(await select({ name: 'instance', op: '!=', value: 'web:9100' })).toBe(2)
    expect(await select({ name: 'instance', op: '=', value: '' })).toBe(1)
    expect(
      await select(
        { name: '__name__', op: '=', value: 'up' },
        { name: 'instance', op: '=~', value: '(?i)DB.*' },
      ),
    ).toBe(1)
    expect(await shard.labelNames({ ...everything, matchers: [] }, 10)).toEqual({
      ok: true,
      value: ['__name__', 'instance'],
    })
    expect(await shard.labelValues('instance', everything, 1)).toEqual({
      ok: true,
      value: ['db:9100'],
    })
    const [series] = await read(shard, { ...everything, from: start + 30_000, to: start + 45_000 })
    expect(series?.timestamps).toEqual([start + 30_000, start + 45_000])
    const faulty = { ...everything, matchers: [{ name: 'a', op: '=~' as const, value: '(' }] }
    expect(await shard.labelNames(faulty, 1)).toMatchObject({
      ok: false,
      error: { reason: 'invalid-pattern' },
    })
    const selection = { ...everything, seriesMax: 2, samplesMax: 1_000 }
    expect(await shard.selectSeries(selection)).toMatchObject({
      error: { reason: 'too-many-series', max: 2 },
    })
    expect(await shard.selectSeries({ ...selection, seriesMax: 3, samplesMax: 29 })).toMatchObject({
      error: { reason: 'too-many-samples', max: 29 },
    })
  })

  it('keep NaN payloads bit for bit, in the head, in chunks and in the journal', async () => {
    const shard = shardNamed('s-stale')
    const stale = new Float64Array(new BigUint64Array([0x7ff0000000000002n]).buffer)
    const labels = encodeLabels(web)
    const batch = encodeSeriesBatch(
      identityOf(labels),
      {
        sampleSeries: new Uint32Array(1),
        timestamps: Float64Array.of(start),
        values: stale,
      },
      [{ series: 0, labels, role: 0, vm: null }],
    )
    await shard.appendSeries(ORGANISATION, batch)
    const bitsOf = async () => {
      const answer = await shard.selectSeries({ ...everything, seriesMax: 1, samplesMax: 9 })
      if (!answer.ok) throw new Error(answer.error.reason)
      const [series] = unpackSelected(answer.value)
      const values = series?.head.values.length
        ? series.head.values
        : mergedSamples(series?.chunks ?? [], fault).values
      return new BigUint64Array(values.slice().buffer)[0]
    }
    expect(await bitsOf()).toBe(0x7ff0000000000002n)
    await evictDurableObject(shard)
    expect(await bitsOf()).toBe(0x7ff0000000000002n)
    await seal(shard)
    expect(await bitsOf()).toBe(0x7ff0000000000002n)
    expect(await shard.appendSeries(ORGANISATION, batch)).toMatchObject({ duplicates: 1 })
  })

  it('store histograms, exemplars and metadata once', async () => {
    const shard = shardNamed('s-extras')
    const extras = {
      histograms: [{ series: 0, timestamp: start, bytes: Uint8Array.of(1, 2, 3) }],
      exemplars: [
        { series: 0, timestamp: start, value: 0.25, labels: [['trace_id', 'abc']] as Label[] },
      ],
      metadata: [{ metric: 'up', type: 'gauge' as const, help: 'Whether it is up.', unit: '' }],
    }
    const batch = batchOf([{ labels: web, samples: [] }])
    expect(await shard.appendSeries(ORGANISATION, batch, extras)).toMatchObject({
      histogramConflicts: [],
    })
    expect(await shard.appendSeries(ORGANISATION, batch, extras)).toMatchObject({
      histogramConflicts: [],
    })
    const [histogram] = extras.histograms
    const other = {
      ...extras,
      histograms: [{ series: 0, timestamp: start, bytes: Uint8Array.of(9) }, histogram as never],
    }
    expect(await shard.appendSeries(ORGANISATION, batch, other)).toMatchObject({
      histogramConflicts: [0],
    })
    await evictDurableObject(shard)
    const [series] = await read(shard)
    expect(series?.histograms).toEqual([{ timestamp: start, bytes: Uint8Array.of(1, 2, 3) }])
    expect(await shard.exemplars(everything, 10)).toMatchObject({
      value: [{ timestamp: start, value: 0.25, labels: [['trace_id', 'abc']] }],
    })
    expect(await shard.metadata('up', 10)).toEqual(extras.metadata)
  })
})
