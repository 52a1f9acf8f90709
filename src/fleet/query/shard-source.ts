import type { Result } from '../../result.ts'
import { decodeLabels, type Label } from '../series/labels.ts'
import { unpackSelected } from '../series/selection.ts'
import type { MetricMetadata } from '../series/series-write.ts'
import type {
  SelectedExemplar,
  SelectedSeries,
  SelectionFault,
  SeriesFilter,
  SeriesSelection,
} from '../series/shard-api.ts'
import { compareLabels } from './column.ts'
import { SAMPLES_MAX, SERIES_MAX } from './limits.ts'
import { limitFault, parseFault, type QueryFault } from './query-error.ts'
import type { SeriesSource, StoredSeries } from './source.ts'
import { storedSeriesOf } from './stored-series.ts'

/** Shards that one query asks at the same time. */
const CALLS_MAX = 64
/** Bytes of all shards' answers to one selector; decoded series by series. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

/** What is asked of a shard. */
export interface ShardReads {
  selectSeries(selection: SeriesSelection): Promise<Result<Uint8Array, SelectionFault>>
  labelSets(filter: SeriesFilter, limit: number): Promise<Result<Uint8Array[], SelectionFault>>
  labelNames(filter: SeriesFilter, limit: number): Promise<Result<string[], SelectionFault>>
  labelValues(
    name: string,
    filter: SeriesFilter,
    limit: number,
  ): Promise<Result<string[], SelectionFault>>
  exemplars(
    filter: SeriesFilter,
    limit: number,
  ): Promise<Result<SelectedExemplar[], SelectionFault>>
  metadata(metric: string | null, limit: number): Promise<MetricMetadata[]>
}

const faultOf = (fault: SelectionFault): QueryFault => {
  switch (fault.reason) {
    case 'invalid-pattern':
      return parseFault(`${fault.name}: ${fault.detail}`, { start: 0, end: 0 })
    case 'too-many-series':
      return limitFault(`a query reads at most ${SERIES_MAX} series`, null)
    case 'too-many-samples':
      return limitFault(
        'query processing would load too many samples into memory in query execution',
        null,
      )
  }
}

/** Asks every shard, `CALLS_MAX` at a time. Throws QueryFault where one refuses. */
const askAll = async <T>(
  shards: readonly ShardReads[],
  ask: (shard: ShardReads) => Promise<Result<T, SelectionFault>>,
): Promise<T[]> => {
  const answers = new Array<T>(shards.length)
  let next = 0
  const worker = async () => {
    while (next < shards.length) {
      const index = next++
      const answer = await ask(shards[index] as ShardReads)
      if (!answer.ok) throw faultOf(answer.error)
      answers[index] = answer.value
    }
  }
  await Promise.all(Array.from({ length: Math.min(CALLS_MAX, shards.length) }, worker))
  return answers
}

const keyText = new TextDecoder('latin1')

/** The series of all shards of an organisation; the same one in two shards is made one. */
export const shardSource = (shards: readonly ShardReads[]): SeriesSource => ({
  select: async (matchers, fromMs, toMs): Promise<readonly StoredSeries[]> => {
    const selection = {
      matchers,
      from: fromMs,
      to: toMs,
      seriesMax: SERIES_MAX,
      samplesMax: SAMPLES_MAX,
    }
    let sizeBytes = 0
    const answers = await askAll(shards, async (shard) => {
      const answer = await shard.selectSeries(selection)
      sizeBytes += answer.ok ? answer.value.length : 0
      if (sizeBytes > ANSWER_BYTES_MAX)
        throw limitFault(
          'query processing would load too many samples into memory in query execution',
          null,
        )
      return answer
    })
    const byLabels = new Map<string, SelectedSeries[]>()
    for (const series of answers.flatMap(unpackSelected)) {
      const key = keyText.decode(series.labels)
      const parts = byLabels.get(key)
      if (parts) parts.push(series)
      else byLabels.set(key, [series])
    }
    return [...byLabels.values()].map((parts) => storedSeriesOf(parts, fromMs, toMs))
  },
})

/** What a catalogue of series answers: whose labels match one of the filters. */
export interface SeriesCatalogue {
  series(filters: readonly SeriesFilter[], limit: number): Promise<Label[][]>
  labelNames(filters: readonly SeriesFilter[], limit: number): Promise<string[]>
  labelValues(name: string, filters: readonly SeriesFilter[], limit: number): Promise<string[]>
  exemplars(filters: readonly SeriesFilter[], limit: number): Promise<SelectedExemplar[]>
  metadata(metric: string | null, limit: number): Promise<MetricMetadata[]>
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The catalogue of all shards of an organisation: sorted, and each entry once. */
export const shardCatalogue = (shards: readonly ShardReads[]): SeriesCatalogue => {
  const askFilters = async <T>(
    filters: readonly SeriesFilter[],
    ask: (shard: ShardReads, filter: SeriesFilter) => Promise<Result<T[], SelectionFault>>,
  ): Promise<T[]> => {
    const answers = await Promise.all(
      filters.map((filter) => askAll(shards, (shard) => ask(shard, filter))),
    )
    return answers.flat(2)
  }
  const texts = async (found: Promise<string[]>, limit: number) =>
    [...new Set(await found)].sort(compareTexts).slice(0, limit)
  return {
    series: async (filters, limit) => {
      const found = await askFilters(filters, (shard, filter) => shard.labelSets(filter, limit))
      const byKey = new Map(found.map((labels) => [keyText.decode(labels), labels]))
      return [...byKey.values()].map(decodeLabels).sort(compareLabels).slice(0, limit)
    },
    labelNames: (filters, limit) =>
      texts(
        askFilters(filters, (shard, filter) => shard.labelNames(filter, limit)),
        limit,
      ),
    labelValues: (name, filters, limit) =>
      texts(
        askFilters(filters, (shard, filter) => shard.labelValues(name, filter, limit)),
        limit,
      ),
    exemplars: async (filters, limit) =>
      (await askFilters(filters, (shard, filter) => shard.exemplars(filter, limit))).slice(
        0,
        limit,
      ),
    metadata: async (metric, limit) => {
      const found = await Promise.all(shards.map((shard) => shard.metadata(metric, limit)))
      return found.flat().sort((a, b) => compareTexts(a.metric, b.metric))
    },
  }
}
