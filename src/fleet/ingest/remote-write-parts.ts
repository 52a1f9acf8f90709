import { type Label, labelFault, METRIC_NAME } from '../series/labels.ts'
import type { MetricMetadata, MetricType, SeriesRefusalReason } from '../series/series-write.ts'
import { NOT_TEXT, ProtobufError, ProtobufReader } from './protobuf-reader.ts'

/** Where a message's texts stand: in itself, or among the symbols of its request. */
export type MessageTexts =
  | { readonly version: 1 }
  | { readonly version: 2; symbolOf(reference: number): string | undefined }

/** Labels of one exemplar that are read before it is refused. */
const EXEMPLAR_LABELS_MAX = 128
/** Help and units of kilobytes are cut: they are there to be shown. */
const METADATA_LENGTH_MAX = 4096

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const tagOf = (field: number, type: number): number => (field << 3) | type

const symbol = (texts: MessageTexts, reference: number): string => {
  const text = texts.version === 2 ? texts.symbolOf(reference) : undefined
  if (text === undefined) throw new ProtobufError(`there is no symbol ${reference}`)
  // A replacement character is what bytes that are not UTF-8 became.
  return text.includes('\ufffd') ? NOT_TEXT : text
}

const readLabel = (reader: ProtobufReader): Label => {
  let name = ''
  let value = ''
  reader.message(reader.length, (end) =>
    reader.eachField(end, (tag) => {
      if (tag === tagOf(1, BYTES)) name = reader.text(end)
      else if (tag === tagOf(2, BYTES)) value = reader.text(end)
    }),
  )
  return [name, value]
}

const readReferences = (reader: ProtobufReader, texts: MessageTexts): Label[] => {
  const references: number[] = []
  reader.numbers(reader.length, references, () => reader.readVarint())
  if (references.length % 2 !== 0) throw new ProtobufError('labels_refs are no pairs')
  return Array.from({ length: references.length / 2 }, (_, i) => [
    symbol(texts, references[2 * i] ?? 0),
    symbol(texts, references[2 * i + 1] ?? 0),
  ])
}

/** The protobuf message Exemplar. @throws Error where it is none */
export const readExemplar = (
  bytes: Uint8Array,
  texts: MessageTexts,
): { labels: Label[]; value: number } => {
  const reader = new ProtobufReader(bytes, EXEMPLAR_LABELS_MAX)
  const labels: Label[] = []
  let value = 0
  reader.eachField(bytes.length, (tag) => {
    if (tag === tagOf(1, BYTES)) {
      if (texts.version === 1) labels.push(readLabel(reader))
      else labels.push(...readReferences(reader, texts))
    } else if (tag === tagOf(2, FIXED64)) value = reader.readDouble()
  })
  return { labels, value }
}

/** Why an exemplar with these labels is not stored; the bounds are those of a series. */
export const exemplarFault = (
  labels: readonly Label[],
): { reason: SeriesRefusalReason; detail: string } | null => {
  const detail = labelFault([[METRIC_NAME, 'exemplar'], ...labels])
  if (detail === null) return null
  const isText = labels.flat().every((text) => text.isWellFormed())
  return { reason: isText ? 'invalid-labels' : 'invalid-utf8', detail: `exemplar: ${detail}` }
}

/** By the number of the enum, which is the same in both versions. */
const TYPES: readonly MetricType[] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
]

/** Series of these types have names of their own, and what is known of them is their family's. */
const SUFFIXES: Partial<Record<MetricType, RegExp>> = {
  histogram: /_(?:bucket|sum|count)$/,
  gaugehistogram: /_(?:bucket|gsum|gcount)$/,
  summary: /_(?:sum|count)$/,
}

const shown = (text: string): string =>
  (text.length > METADATA_LENGTH_MAX ? text.slice(0, METADATA_LENGTH_MAX) : text).toWellFormed()

/**
 * The protobuf message MetricMetadata (1.0) or Metadata (2.0). null where it tells nothing.
 *
 * @param metricOf the metric name of the series that it came with, for 2.0
 * @throws Error where it is no such message
 */
export const readMetadata = (
  bytes: Uint8Array,
  texts: MessageTexts,
  metricOf: () => string,
): MetricMetadata | null => {
  const reader = new ProtobufReader(bytes, 0)
  const end = bytes.length
  let type: MetricType = 'unknown'
  let metric = ''
  let help = ''
  let unit = ''
  reader.eachField(end, (tag) => {
    if (tag === tagOf(1, VARINT)) type = TYPES[reader.readVarint()] ?? 'unknown'
    else if (texts.version === 1) {
      if (tag === tagOf(2, BYTES)) metric = reader.text(end)
      else if (tag === tagOf(4, BYTES)) help = reader.text(end)
      else if (tag === tagOf(5, BYTES)) unit = reader.text(end)
    } else if (tag === tagOf(3, VARINT)) help = symbol(texts, reader.readVarint())
    else if (tag === tagOf(4, VARINT)) unit = symbol(texts, reader.readVarint())
  })
  if (texts.version === 2) {
    if (type === 'unknown' && help === '' && unit === '') return null
    metric = metricOf().replace(SUFFIXES[type] ?? /^$/, '')
  }
  if (metric === '' || !metric.isWellFormed()) return null
  return { metric, type, help: shown(help), unit: shown(unit) }
}
