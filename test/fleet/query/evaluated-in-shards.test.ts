import { describe, expect, it } from 'vitest'
import '../../kernels/load.ts'
import { type ShardReads, shardSource } from '../../../src/fleet/query/shard-source.ts'
import type { SeriesSource } from '../../../src/fleet/query/source.ts'
import { evaluateInPlace } from '../../../src/fleet/series/evaluation.ts'
import { encodeLabels } from '../../../src/fleet/series/labels.ts'
import { type PackedSeries, packSelected } from '../../../src/fleet/series/selection.ts'
import type { SeriesSelection } from '../../../src/fleet/series/shard-api.ts'
import { encodeChunk } from '../../../src/kernels/chunk.ts'
import { ok } from '../../../src/result.ts'
import { demoSeries, memorySource } from './demo-data.ts'
import { GOLDEN_GRID, readGolden } from './golden.ts'
import { ourAnswer } from './our-answers.ts'

const memory = memorySource(demoSeries())
const NOTHING = { count: 0, copy: () => {} }

/** A shard with the series of a source that `keeps` takes; it evaluates whatever it may. */
const shardOf = (
  source: SeriesSource,
  keeps: (place: number) => boolean,
  count: { evaluated: number; read: number },
): ShardReads =>
  ({
    selectSeries: async ({ matchers, from, to, call }: SeriesSelection) => {
      const series = (await source.select(matchers, from, to)).filter((_, place) => keeps(place))
      const packed = series.map((one): PackedSeries => {
        const { timestamps, values, histograms } = one.read()
        const labels = encodeLabels(one.labels)
        const chunks = [encodeChunk(timestamps, values)]
        const evaluated =
          call && histograms.length === 0 ? evaluateInPlace(chunks, NOTHING, call) : null
        if (evaluated) count.evaluated++
        else count.read++
        return evaluated
          ? { labels, chunks: [], head: NOTHING, histograms: [], evaluated }
          : { labels, chunks, head: NOTHING, histograms }
      })
      return ok(packSelected(packed))
    },
  }) as unknown as ShardReads

/** A query's answer where shards may evaluate it, and where they are not told of it. */
const answersOf = (query: string, shards: readonly ShardReads[]) => {
  const told = shardSource(shards)
  const untold: SeriesSource = {
    select: (matchers, fromMs, toMs) => shardSource(shards).select(matchers, fromMs, toMs),
  }
  return Promise.all([told, untold].map((source) => ourAnswer(query, GOLDEN_GRID, source, 'range')))
}

describe('queries that shards evaluate', () => {
  it('have the answers of those whose samples are read', async () => {
    const count = { evaluated: 0, read: 0 }
    const queries = Object.keys(readGolden() ?? {})
    expect(queries.length).toBeGreaterThan(200)
    for (const query of queries) {
      const shards = [0, 1].map((shard) => shardOf(memory, (place) => place % 2 === shard, count))
      const [pushed, plain] = await answersOf(query, shards)
      expect(pushed, query).toEqual(plain)
    }
    // Of each query's two answers one reads.
    expect(count.evaluated).toBeGreaterThan(0.6 * count.read)
  })

  it('read the samples of series that several shards have', async () => {
    const count = { evaluated: 0, read: 0 }
    const shards = [0, 1].map(() => shardOf(memory, () => true, count))
    const [pushed, plain] = await answersOf('rate(demo_cpu_usage_seconds_total[5m])', shards)
    expect(pushed).toEqual(plain)
    expect(pushed?.data?.result).not.toEqual([])
    expect(count.read).toBe(2 * count.evaluated)
  })
})
