import { FUTURE_MS_MAX } from '../ingest.ts'
import { IDENTITY_WORDS } from '../series/identity-table.ts'
import { encodeSeriesBatch, type SeriesDescription } from '../series/series-batch.ts'
import type { SeriesRefusal, SeriesRefusalReason, SeriesWrite } from '../series/series-write.ts'
import type { SeriesExtras } from '../series/shard-api.ts'

/** What of a write goes to one shard, as positions in the write. */
export interface ShardPart {
  readonly shard: number
  readonly series: number[]
  readonly samples: number[]
  readonly histograms: number[]
  readonly exemplars: number[]
  readonly metadata: number[]
}

type Kind = 'samples' | 'histograms' | 'exemplars'

/** Collects refusals by series and reason, with how much of each kind. */
export class Refusals {
  readonly #positions: Uint32Array
  readonly #found = new Map<string, SeriesRefusal>()

  /** @param positions of the series in the request */
  constructor(positions: Uint32Array) {
    this.#positions = positions
  }

  add(series: number, reason: SeriesRefusalReason, detail: string, kind: Kind): void {
    const key = `${series}/${reason}`
    const before = this.#found.get(key) ?? {
      index: this.#positions[series] ?? series,
      reason,
      detail,
      samples: 0,
      histograms: 0,
      exemplars: 0,
    }
    this.#found.set(key, { ...before, [kind]: before[kind] + 1 })
  }

  get list(): readonly SeriesRefusal[] {
    return [...this.#found.values()]
  }
}

export interface TimeBounds {
  /** ms since the epoch. */
  readonly now: number
  readonly ageMsMax: number
}

const timeFault = (
  timestamp: number,
  { now, ageMsMax }: TimeBounds,
): readonly [SeriesRefusalReason, string] | null => {
  if (timestamp > now + FUTURE_MS_MAX)
    return [
      'timestamp-in-future',
      `timestamp is ${timestamp - now} ms ahead, at most ${FUTURE_MS_MAX} are taken; check the sender's clock`,
    ]
  if (timestamp >= now - ageMsMax) return null
  return Number.isNaN(timestamp)
    ? ['timestamp-out-of-range', 'timestamp is no time']
    : ['timestamp-too-old', `timestamp is older than the ${ageMsMax / 3_600_000} h kept`]
}

/**
 * Parts of a write by shard; what is outside the time bounds is refused. Series of which nothing is
 * left are in no part.
 *
 * @param shardOf shard of a series     @param shardOfMetric shard that keeps the metadata of a metric
 */
export const partsOf = (
  write: SeriesWrite,
  bounds: TimeBounds,
  shardOf: (series: number) => number,
  shardOfMetric: (metric: string) => number,
  refusals: Refusals,
): ShardPart[] => {
  const parts = new Map<number, ShardPart>()
  const partAt = (shard: number): ShardPart => {
    let part = parts.get(shard)
    if (!part) {
      part = { shard, series: [], samples: [], histograms: [], exemplars: [], metadata: [] }
      parts.set(shard, part)
    }
    return part
  }
  const partOfSeries: Array<ShardPart | undefined> = []
  const partFor = (series: number): ShardPart => {
    const known = partOfSeries[series]
    if (known) return known
    const part = partAt(shardOf(series))
    partOfSeries[series] = part
    part.series.push(series)
    return part
  }
  const { timestamps, sampleSeries } = write
  const [oldest, newest] = [bounds.now - bounds.ageMsMax, bounds.now + FUTURE_MS_MAX]
  for (let sample = 0; sample < timestamps.length; sample++) {
    const timestamp = timestamps[sample] as number
    const series = sampleSeries[sample] as number
    if (timestamp >= oldest && timestamp <= newest) partFor(series).samples.push(sample)
    else {
      const fault = timeFault(timestamp, bounds)
      if (fault) refusals.add(series, ...fault, 'samples')
    }
  }
  const sort = (kind: 'histograms' | 'exemplars') =>
    write[kind].forEach(({ series, timestamp }, position) => {
      const fault = timeFault(timestamp, bounds)
      if (fault) refusals.add(series, ...fault, kind)
      else partFor(series)[kind].push(position)
    })
  sort('histograms')
  sort('exemplars')
  write.metadata.forEach(({ metric }, position) => {
    partAt(shardOfMetric(metric)).metadata.push(position)
  })
  return [...parts.values()]
}

/** The part's series that are in `wanted`, and what belongs to them. */
export const narrow = (
  part: ShardPart,
  write: SeriesWrite,
  wanted: ReadonlySet<number>,
): ShardPart => ({
  shard: part.shard,
  series: part.series.filter((series) => wanted.has(series)),
  samples: part.samples.filter((sample) => wanted.has(write.sampleSeries[sample] as number)),
  histograms: part.histograms.filter((at) => wanted.has(write.histograms[at]?.series ?? -1)),
  exemplars: part.exemplars.filter((at) => wanted.has(write.exemplars[at]?.series ?? -1)),
  metadata: [],
})

/**
 * The part as it goes over the wire.
 * @param descriptionOf of a series that the shard may not know as it is now; else null
 */
export const wireOf = (
  part: ShardPart,
  write: SeriesWrite,
  descriptionOf: (series: number) => SeriesDescription | null,
): { batch: Uint8Array<ArrayBuffer>; extras: SeriesExtras | null } => {
  const places = new Uint32Array(write.seriesCount)
  const identity = new Uint32Array(part.series.length * IDENTITY_WORDS)
  const described: Array<SeriesDescription & { series: number }> = []
  for (let place = 0; place < part.series.length; place++) {
    const series = part.series[place] as number
    places[series] = place
    const at = series * IDENTITY_WORDS
    for (let word = 0; word < IDENTITY_WORDS; word++)
      identity[place * IDENTITY_WORDS + word] = write.identity[at + word] as number
    const description = descriptionOf(series)
    if (description) described.push({ ...description, series: place })
  }
  const count = part.samples.length
  const sampleSeries = new Uint32Array(count)
  const timestamps = new Float64Array(count)
  const values = new Float64Array(count)
  // Words, because a value that goes through a number may lose the payload of a NaN.
  const from = new Int32Array(write.values.buffer, write.values.byteOffset, 2 * write.values.length)
  const to = new Int32Array(values.buffer)
  for (let index = 0; index < count; index++) {
    const sample = part.samples[index] as number
    sampleSeries[index] = places[write.sampleSeries[sample] as number] as number
    timestamps[index] = write.timestamps[sample] as number
    to[2 * index] = from[2 * sample] as number
    to[2 * index + 1] = from[2 * sample + 1] as number
  }
  const isPlain = part.histograms.length + part.exemplars.length + part.metadata.length === 0
  const placed = <T extends { readonly series: number }>(items: readonly T[], at: number[]): T[] =>
    at.flatMap((position) => {
      const item = items[position]
      return item ? [{ ...item, series: places[item.series] as number }] : []
    })
  return {
    batch: encodeSeriesBatch(identity, { sampleSeries, timestamps, values }, described),
    extras: isPlain
      ? null
      : {
          histograms: placed(write.histograms, part.histograms).map((histogram) => ({
            ...histogram,
            // Of a view, the whole buffer below it would be sent.
            bytes: histogram.bytes.slice(),
          })),
          exemplars: placed(write.exemplars, part.exemplars),
          metadata: part.metadata.flatMap((position) => write.metadata[position] ?? []),
        },
  }
}
