import { ProtobufError, ProtobufReader } from './protobuf-reader.ts'

/** Schemas with buckets of powers of two, and the one with bounds of its own. */
const SCHEMA_MIN = -4
const SCHEMA_MAX = 8
const CUSTOM_SCHEMA = -53
const BUCKETS_MAX = 10_000
const SPANS_MAX = 10_000

/** Tags (number · 8 + wire type) of prometheus.Histogram. */
const SCHEMA = (4 << 3) | 0
const NEGATIVE = { spans: (8 << 3) | 2, deltas: 9, counts: 10 }
const POSITIVE = { spans: (11 << 3) | 2, deltas: 12, counts: 13 }
const CUSTOM_VALUES = 16

/** One side's buckets: those that its spans have room for, and those that it gives. */
interface Side {
  spanned: number
  readonly deltas: number[]
  readonly counts: number[]
}

const readSpan = (reader: ProtobufReader, side: Side): void =>
  reader.message(reader.length, (end) =>
    reader.eachField(end, (tag) => {
      if (tag === 2 << 3) side.spanned += reader.readVarint()
    }),
  )

const sideFault = (name: string, { spanned, deltas, counts }: Side): string | null => {
  const given = deltas.length + counts.length
  if (deltas.length > 0 && counts.length > 0) return `${name} buckets are both whole and fractional`
  if (given > BUCKETS_MAX) return `${given} ${name} buckets, at most ${BUCKETS_MAX} are stored`
  if (spanned !== given) return `${name} spans have ${spanned} buckets, ${given} are given`
  return null
}

/** What keeps the protobuf message prometheus.Histogram from being stored; null where nothing does. */
export const histogramFault = (bytes: Uint8Array): string | null => {
  const negative: Side = { spanned: 0, deltas: [], counts: [] }
  const positive: Side = { spanned: 0, deltas: [], counts: [] }
  const bounds: number[] = []
  let schema = 0
  const reader = new ProtobufReader(bytes, SPANS_MAX)
  const readNumbers = (field: number, end: number): void => {
    const { deltas, counts } = field <= NEGATIVE.counts ? negative : positive
    if (field === NEGATIVE.deltas || field === POSITIVE.deltas)
      reader.numbers(end, deltas, () => reader.readSVarint())
    else if (field === NEGATIVE.counts || field === POSITIVE.counts)
      reader.numbers(end, counts, () => reader.readDouble())
    else if (field === CUSTOM_VALUES) reader.numbers(end, bounds, () => reader.readDouble())
  }
  try {
    reader.eachField(bytes.length, (tag) => {
      if (tag === SCHEMA) schema = reader.readSVarint()
      else if (tag === NEGATIVE.spans) readSpan(reader, negative)
      else if (tag === POSITIVE.spans) readSpan(reader, positive)
      else readNumbers(tag >>> 3, bytes.length)
    })
  } catch (error) {
    // ProtobufError and its budget, RangeError of a DataView, pbf's own errors: the bytes are no message.
    return error instanceof ProtobufError ? error.message : 'the message is damaged'
  }
  if (schema !== CUSTOM_SCHEMA && !(schema >= SCHEMA_MIN && schema <= SCHEMA_MAX))
    return `schema ${schema} is not known`
  if (bounds.length > BUCKETS_MAX)
    return `${bounds.length} bounds, at most ${BUCKETS_MAX} are stored`
  return sideFault('negative', negative) ?? sideFault('positive', positive)
}
