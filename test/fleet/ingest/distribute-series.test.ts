import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type Settings, settingsOf } from '../../../src/env.ts'
import { distributeSeries, forgetOwners } from '../../../src/fleet/ingest/distribute-series.ts'
import { encodeLabels, type Label } from '../../../src/fleet/series/labels.ts'
import { decodeSeriesBatch } from '../../../src/fleet/series/series-batch.ts'
import type { MetricMetadata, SeriesWrite } from '../../../src/fleet/series/series-write.ts'
import type { SeriesAppendResult, SeriesExtras } from '../../../src/fleet/series/shard-api.ts'
import { shardOf } from '../../../src/fleet/sharding.ts'
import { forgetVms } from '../../../src/fleet/vm-directory.ts'
import { identityOf } from '../../../src/kernels/series-identity.ts'
import '../../kernels/load.ts'

const world = vi.hoisted(() => ({ resolve: vi.fn(), append: vi.fn() }))
vi.mock('../../../src/database/client.ts', () => ({ connect: () => ({}) }))
vi.mock('../../../src/database/vm-queries.ts', () => ({
  resolveVms: (_: unknown, __: string, names: readonly string[]) => world.resolve(names),
}))
vi.mock('../../../src/fleet/shards.ts', () => ({
  shardAt: (_: unknown, __: string, shard: number) => ({
    appendSeries: (___: string, batch: Uint8Array, extras: SeriesExtras | null) =>
      world.append(shard, batch, extras),
  }),
}))

const ORGANISATION = '0190a000-0000-7000-8000-0000000000dd'
const FIRST_VM = '0190a000-0000-7000-8000-000000000001'
const OTHER_VM = '0190a000-0000-7000-8000-000000000002'
const SHARDS = 16
const settings: Settings = { ...settingsOf({} as never), shardsPerOrganisation: SHARDS }
const now = Date.now()
/** Owners are asked about again. */
const LATER_MS = 30_000

const labels: Label[] = [
  ['__name__', 'node_load1'],
  ['instance', 'web-1:9100'],
]
const writeAt = (timestamp: number, metadata: readonly MetricMetadata[] = []): SeriesWrite => ({
  seriesCount: 1,
  identity: Uint32Array.from(identityOf(encodeLabels(labels))),
  positions: Uint32Array.of(0),
  labelsOf: () => encodeLabels(labels),
  sampleSeries: Uint32Array.of(0),
  timestamps: Float64Array.of(timestamp),
  values: Float64Array.of(1),
  histograms: [],
  exemplars: [],
  metadata: [...metadata],
  refused: [],
})
const send = (write: SeriesWrite, at: number) =>
  distributeSeries({} as never, settings, ORGANISATION, write, at)

const stored = (unknown: readonly number[] = []): SeriesAppendResult => ({
  stored: true,
  unknown: Uint32Array.from(unknown),
  overLimit: new Uint32Array(),
  overLabelBytes: new Uint32Array(),
  seriesMax: 1_000,
  conflicts: new Uint32Array(),
  duplicates: 0,
  histogramConflicts: [],
})

/** What the shards got of the series: their number, and the VM where it was described. */
const calls = () =>
  world.append.mock.calls.map(([shard, batch]) => {
    const decoded = decodeSeriesBatch(batch as Uint8Array)
    if (!decoded.ok) throw new Error(decoded.error)
    return { shard, vm: decoded.value.descriptionOf(0)?.vm }
  })

beforeEach(() => {
  forgetOwners(ORGANISATION)
  forgetVms(ORGANISATION)
  world.append.mockReset().mockResolvedValue(stored())
  world.resolve.mockReset().mockResolvedValue(new Map([['web-1', FIRST_VM]]))
})

describe('a series whose VM changes while its shard answers', () => {
  const first = shardOf(FIRST_VM, SHARDS)
  const other = shardOf(OTHER_VM, SHARDS)

  /** The first request waits for its shard, the second learns of another VM, the first goes on. */
  const race = async () => {
    const answer = Promise.withResolvers<SeriesAppendResult>()
    world.append.mockImplementationOnce(() => answer.promise)
    const waiting = send(writeAt(now), now)
    await vi.waitFor(() => expect(world.append).toHaveBeenCalledTimes(1))
    world.resolve.mockResolvedValue(new Map([['web-1', OTHER_VM]]))
    world.append.mockRejectedValueOnce(new Error('the shard is away'))
    const later = now + LATER_MS
    await expect(send(writeAt(later), later)).rejects.toMatchObject({ problem: { status: 503 } })
    answer.resolve(stored([0]))
    expect(await waiting).toMatchObject({ samplesWritten: 1, refused: [] })
    return later
  }

  it('feeds the new VM from its own shard alone', async () => {
    expect(first).not.toBe(other)
    await race()
    expect(calls()).toEqual([
      { shard: first, vm: FIRST_VM },
      { shard: other, vm: OTHER_VM },
      { shard: first, vm: null },
    ])
  })

  it('is told to the new shard, which did not answer meanwhile', async () => {
    const later = await race()
    await send(writeAt(later + 1), later + 1)
    expect(calls().at(-1)).toEqual({ shard: other, vm: OTHER_VM })
  })
})

describe('metadata', () => {
  it('is sent once, and again where it changed by a NUL alone', async () => {
    const of = (help: string, unit: string): MetricMetadata[] => [
      { metric: 'node_load1', type: 'gauge', help, unit },
    ]
    for (const [help, unit] of [
      ['a\0b', 'c'],
      ['a\0b', 'c'],
      ['a', 'b\0c'],
    ] as const)
      await send(writeAt(now, of(help, unit)), now)
    const sent = world.append.mock.calls.flatMap(
      ([, , extras]) => (extras as SeriesExtras | null)?.metadata ?? [],
    )
    expect(sent.map(({ help, unit }) => [help, unit])).toEqual([
      ['a\0b', 'c'],
      ['a', 'b\0c'],
    ])
  })
})
