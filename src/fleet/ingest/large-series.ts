import type {
  RemoteWriteColumns,
  RemoteWritePart,
  RemoteWriteVersion,
} from '../../kernels/remote-write.ts'
import { IDENTITY_WORDS } from '../series/identity-table.ts'
import { SERIES_LABEL_BYTES_MAX, TOO_LARGE_FAULT } from '../series/labels.ts'
import type { SeriesRefusal } from '../series/series-write.ts'

interface Kept {
  readonly columns: RemoteWriteColumns
  readonly refused: readonly SeriesRefusal[]
}

const bytesOf = (ends: Uint32Array, series: number): number =>
  (ends[series] ?? 0) - (series === 0 ? 0 : (ends[series - 1] ?? 0))

type Refusal = { -readonly [Member in keyof SeriesRefusal]: SeriesRefusal[Member] }

/** A refusal a series that is too large, which counts nothing yet. */
const refusalsOf = (columns: RemoteWriteColumns): Map<number, Refusal> => {
  const refusals = new Map<number, Refusal>()
  for (let series = 0; series < columns.seriesCount; series++) {
    if (bytesOf(columns.labelEnds, series) <= SERIES_LABEL_BYTES_MAX) continue
    refusals.set(series, {
      index: columns.positions[series] ?? 0,
      reason: 'invalid-labels',
      detail: TOO_LARGE_FAULT,
      samples: 0,
      histograms: 0,
      exemplars: 0,
    })
  }
  return refusals
}

const KINDS = { histogram: 'histograms', exemplar: 'exemplars' } as const

/**
 * Leaves out the series whose labels are longer than SERIES_LABEL_BYTES_MAX, with all that belongs to them; their
 * metadata too, of which others may tell.
 */
export const withoutLargeSeries = (
  columns: RemoteWriteColumns,
  version: RemoteWriteVersion,
): Kept => {
  const refusals = refusalsOf(columns)
  if (refusals.size === 0) return { columns, refused: [] }
  const { labelEnds, seriesCount, sampleSeries } = columns
  const places = new Int32Array(seriesCount).fill(-1)
  const kept: number[] = []
  for (let series = 0; series < seriesCount; series++)
    if (!refusals.has(series)) places[series] = kept.push(series) - 1
  const ends = new Uint32Array(kept.length)
  const labels = columns.labels.slice()
  let end = 0
  kept.forEach((series, place) => {
    const to = labelEnds[series] ?? 0
    const length = bytesOf(labelEnds, series)
    labels.copyWithin(end, to - length, to)
    end += length
    ends[place] = end
  })
  const isKept = (_: number, sample: number) => (places[sampleSeries[sample] ?? 0] ?? -1) >= 0
  for (const series of sampleSeries) {
    const refusal = refusals.get(series)
    if (refusal) refusal.samples++
  }
  const parts = columns.parts.flatMap((part): RemoteWritePart[] => {
    // Metadata of 1.0 is of no series.
    if (part.kind === 'metadata' && version === 1) return [part]
    const refusal = refusals.get(part.series)
    if (!refusal) return [{ ...part, series: places[part.series] ?? 0 }]
    if (part.kind !== 'metadata') refusal[KINDS[part.kind]]++
    return []
  })
  const bits = new BigUint64Array(columns.values.buffer).filter((_, sample) => isKept(0, sample))
  return {
    columns: {
      ...columns,
      seriesCount: kept.length,
      identity: columns.identity.filter(
        (_, word) => (places[Math.floor(word / IDENTITY_WORDS)] ?? -1) >= 0,
      ),
      positions: Uint32Array.from(kept, (series) => columns.positions[series] ?? 0),
      labelEnds: ends,
      labels: labels.slice(0, end),
      sampleSeries: sampleSeries.filter(isKept).map((series) => places[series] ?? 0),
      timestamps: columns.timestamps.filter(isKept),
      values: new Float64Array(bits.buffer),
      parts,
    },
    refused: [...refusals.values()],
  }
}
