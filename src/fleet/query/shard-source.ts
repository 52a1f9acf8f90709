import type { Result } from '../../result.ts'
import type { WindowCall } from '../series/evaluation.ts'
import { decodeLabels, type Label } from '../series/labels.ts'
import type { Matcher } from '../series/matchers.ts'
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
/** Bytes of all shards' answers to the selectors of one query; copies on their way come on top of them. */
const ANSWER_BYTES_MAX = 48 * 1024 * 1024

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

/** The series of all shards of an organisation, for one query; the same one in two shards is made one. */
export const shardSource = (shards: readonly ShardReads[]): SeriesSource => {
  let sizeBytes = 0
  const select = async (
    matchers: readonly Matcher[],
    fromMs: number,
    toMs: number,
    call: WindowCall | null = null,
  ): Promise<readonly StoredSeries[]> => {
    const selection = {
      matchers,
      from: fromMs,
      to: toMs,
      seriesMax: SERIES_MAX,
      samplesMax: SAMPLES_MAX,
      call,
    }
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
    const all = [...byLabels.values()]
    // A window may reach over what several shards have, as while series move.
    if (all.some((parts) => parts.length > 1 && parts.some(({ evaluated }) => evaluated)))
      return select(matchers, fromMs, toMs)
    return all.map((parts) => storedSeriesOf(parts, fromMs, toMs, call))
  }
  return { select }
}

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
  /** What the filters find, each once by its key; one filter after the other bounds what is in memory. */
  const askFilters = async <T>(
    filters: readonly SeriesFilter[],
    keyOf: (found: T) => string,
    ask: (shard: ShardReads, filter: SeriesFilter) => Promise<Result<T[], SelectionFault>>,
  ): Promise<T[]> => {
    const byKey = new Map<string, T>()
    for (const filter of filters)
      for (const answer of await askAll(shards, (shard) => ask(shard, filter)))
        for (const found of answer) {
          const key = keyOf(found)
          if (!byKey.has(key)) byKey.set(key, found)
        }
    return [...byKey.values()]
  }
  const askTexts = async (
    filters: readonly SeriesFilter[],
    limit: number,
    ask: (shard: ShardReads, filter: SeriesFilter) => Promise<Result<string[], SelectionFault>>,
  ) => (await askFilters(filters, (text) => text, ask)).sort(compareTexts).slice(0, limit)
  const keyOfLabels = (labels: Uint8Array) => keyText.decode(labels)
  return {
    series: async (filters, limit) => {
      const found = await askFilters(filters, keyOfLabels, (shard, filter) =>
        shard.labelSets(filter, limit),
      )
      return found.map(decodeLabels).sort(compareLabels).slice(0, limit)
    },
    labelNames: (filters, limit) =>
      askTexts(filters, limit, (shard, filter) => shard.labelNames(filter, limit)),
    labelValues: (name, filters, limit) =>
      askTexts(filters, limit, (shard, filter) => shard.labelValues(name, filter, limit)),
    exemplars: async (filters, limit) => {
      const found = await askFilters<SelectedExemplar>(
        filters,
        ({ series, timestamp }) => `${timestamp} ${keyText.decode(series)}`,
        (shard, filter) => shard.exemplars(filter, limit),
      )
      return found.sort((a, b) => a.timestamp - b.timestamp).slice(0, limit)
    },
    metadata: async (metric, limit) => {
      const found = await Promise.all(shards.map((shard) => shard.metadata(metric, limit)))
      return found.flat().sort((a, b) => compareTexts(a.metric, b.metric))
    },
  }
}
