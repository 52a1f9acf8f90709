import { describe, expect, it } from 'vitest'
import {
  type ShardReads,
  shardCatalogue,
  shardSource,
} from '../../../src/fleet/query/shard-source.ts'
import { encodeLabels } from '../../../src/fleet/series/labels.ts'
import { ok } from '../../../src/result.ts'

const MIB = 1024 * 1024

/** Series without samples, packed: their answers weigh what the test says. */
const shardOf = (answerBytes: number): ShardReads =>
  ({
    selectSeries: async () => ok(new Uint8Array(answerBytes)),
    labelSets: async () => ok([encodeLabels([['__name__', 'x']])]),
    exemplars: async () =>
      ok([
        { series: encodeLabels([['__name__', 'x']]), timestamp: 2, value: 1, labels: [] },
        { series: encodeLabels([['__name__', 'x']]), timestamp: 1, value: 1, labels: [] },
      ]),
  }) as unknown as ShardReads

describe('a source of shards', () => {
  it('bounds what the selectors of a query bring together', async () => {
    const source = shardSource([shardOf(20 * MIB), shardOf(20 * MIB)])
    expect(await source.select([], 0, 1)).toEqual([])
    await expect(source.select([], 0, 1)).rejects.toThrow('too many samples')
  })
})

describe('a catalogue of shards', () => {
  const filter = { matchers: [], from: 0, to: 1 }

  it('has what several shards and filters find once', async () => {
    const catalogue = shardCatalogue([shardOf(0), shardOf(0)])
    expect(await catalogue.series([filter, filter], 10)).toEqual([[['__name__', 'x']]])
    const exemplars = await catalogue.exemplars([filter, filter], 10)
    expect(exemplars.map(({ timestamp }) => timestamp)).toEqual([1, 2])
  })
})
