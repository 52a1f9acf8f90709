import {
  decodeRemoteWrite,
  type RefusedSeries,
  type RemoteWriteColumns,
  type RemoteWriteFault,
  type RemoteWritePart,
  type RemoteWriteVersion,
  type SeriesFault,
} from '../../kernels/remote-write.ts'
import { err, ok, type Result } from '../../result.ts'
import {
  decodeLabels,
  LABEL_NAME_BYTES_MAX,
  LABEL_VALUE_BYTES_MAX,
  LABELS_PER_SERIES_MAX,
  METRIC_NAME,
} from '../series/labels.ts'
import type {
  Exemplar,
  HistogramSample,
  MetricMetadata,
  SeriesRefusal,
  SeriesRefusalReason,
  SeriesWrite,
} from '../series/series-write.ts'
import { histogramFault } from './histogram-check.ts'
import { withoutLargeSeries } from './large-series.ts'
import {
  exemplarFault,
  type MessageTexts,
  readExemplar,
  readMetadata,
} from './remote-write-parts.ts'

const BOUNDS = {
  nameBytesMax: LABEL_NAME_BYTES_MAX,
  valueBytesMax: LABEL_VALUE_BYTES_MAX,
  labelsMax: LABELS_PER_SERIES_MAX,
}

/** A part that is no message of its type: the request as a whole cannot be trusted. */
export interface PartFault {
  readonly ok: false
  readonly error: 'bad-part'
  readonly detail: string
}

const sentences: Readonly<Record<SeriesFault, (label: number) => string>> = {
  'empty-name': (label) => `labels[${label}] has an empty name`,
  'long-name': (label) =>
    `the name of labels[${label}] is longer than ${LABEL_NAME_BYTES_MAX} bytes`,
  'long-value': (label) =>
    `the value of labels[${label}] is longer than ${LABEL_VALUE_BYTES_MAX} bytes`,
  unsorted: (label) =>
    `labels[${label}] is out of order: its name comes before that in front of it`,
  repeated: (label) => `labels[${label}] has the name of the label in front of it`,
  'too-many-labels': () => `the series has more than ${LABELS_PER_SERIES_MAX} labels`,
  'no-metric-name': () => `the series has no label ${METRIC_NAME}`,
  'invalid-utf8': () => 'a label is not valid UTF-8',
  'odd-references': () => 'labels_refs has a name without a value',
  'bad-timestamp': () => 'a timestamp is not within ±2^53 ms of the epoch',
}

const reasonOf = (fault: SeriesFault): SeriesRefusalReason => {
  if (fault === 'invalid-utf8') return 'invalid-utf8'
  return fault === 'bad-timestamp' ? 'timestamp-out-of-range' : 'invalid-labels'
}

const refusalOf = ({ position, reason, label, ...counts }: RefusedSeries): SeriesRefusal => ({
  index: position,
  reason: reasonOf(reason),
  detail: sentences[reason](label),
  ...counts,
})

/** Reads the parts; throws where one is no message of its type. */
class PartReader {
  readonly histograms: HistogramSample[] = []
  readonly exemplars: Exemplar[] = []
  readonly metadata = new Map<string, MetricMetadata>()
  readonly refused: SeriesRefusal[] = []
  readonly #columns: RemoteWriteColumns
  readonly #texts: MessageTexts
  readonly #labelsOf: (series: number) => Uint8Array

  constructor(
    columns: RemoteWriteColumns,
    version: RemoteWriteVersion,
    labelsOf: (series: number) => Uint8Array,
  ) {
    this.#columns = columns
    this.#texts = version === 1 ? { version } : { version, symbolOf: columns.symbolOf }
    this.#labelsOf = labelsOf
  }

  #refuse(series: number, reason: SeriesRefusalReason, detail: string, kind: string): void {
    this.refused.push({
      index: this.#columns.positions[series] ?? 0,
      reason,
      detail,
      samples: 0,
      histograms: kind === 'histogram' ? 1 : 0,
      exemplars: kind === 'exemplar' ? 1 : 0,
    })
  }

  read({ kind, series, timestamp, bytes }: RemoteWritePart): void {
    if (kind === 'histogram') {
      const fault = histogramFault(bytes)
      if (fault === null) this.histograms.push({ series, timestamp, bytes })
      else this.#refuse(series, 'unsupported-histogram', fault, kind)
    } else if (kind === 'exemplar') {
      const { labels, value } = readExemplar(bytes, this.#texts)
      const fault = exemplarFault(labels)
      if (fault === null) this.exemplars.push({ series, timestamp, value, labels })
      else this.#refuse(series, fault.reason, fault.detail, kind)
    } else {
      const found = readMetadata(bytes, this.#texts, () => this.#metricOf(series))
      // The first that is told of a metric stays.
      if (found && !this.metadata.has(found.metric)) this.metadata.set(found.metric, found)
    }
  }

  #metricOf(series: number): string {
    const labels = decodeLabels(this.#labelsOf(series))
    return labels.find(([name]) => name === METRIC_NAME)?.[1] ?? ''
  }
}

/**
 * Decodes the body of a remote write. Series with faulty labels, samples at impossible times, histograms
 * and exemplars that cannot be stored are in `refused`, the others in the columns.
 *
 * @param block Snappy block of prometheus.WriteRequest (1) or io.prometheus.write.v2.Request (2)
 * @throws ArenaExhaustedError
 */
export const readRemoteWrite = (
  block: Uint8Array,
  version: RemoteWriteVersion,
): Result<SeriesWrite, RemoteWriteFault | PartFault> => {
  const decoded = decodeRemoteWrite(block, version, BOUNDS)
  if (!decoded.ok) return err(decoded)
  const { columns, refused } = withoutLargeSeries(decoded, version)
  const { labels, labelEnds } = columns
  const labelsOf = (series: number): Uint8Array =>
    labels.subarray(series === 0 ? 0 : (labelEnds[series - 1] ?? 0), labelEnds[series] ?? 0)
  const parts = new PartReader(columns, version, labelsOf)
  try {
    for (const part of columns.parts) parts.read(part)
  } catch (error) {
    // Of protobuf: ProtobufError, pbf's Error, RangeError of a DataView.
    const detail = error instanceof Error ? error.message : String(error)
    return err({ ok: false, error: 'bad-part', detail })
  }
  return ok({
    seriesCount: columns.seriesCount,
    identity: columns.identity,
    positions: columns.positions,
    labelsOf,
    sampleSeries: columns.sampleSeries,
    timestamps: columns.timestamps,
    values: columns.values,
    histograms: parts.histograms,
    exemplars: parts.exemplars,
    metadata: [...parts.metadata.values()],
    refused: [...columns.refused.map(refusalOf), ...refused, ...parts.refused],
  })
}
