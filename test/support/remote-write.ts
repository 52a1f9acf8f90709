/** Writes remote-write messages, 1.0 and 2.0, well-formed or not. */
import { PbfWriter } from 'pbf'
import SnappyJS from 'snappyjs'

/** A Snappy block that compresses nothing. */
export const literalBlock = (plain: Uint8Array): Uint8Array => {
  if (plain.length === 0) return Uint8Array.of(0)
  const size = varint(BigInt(plain.length))
  const block = new Uint8Array(size.length + 5 + plain.length)
  block.set(size)
  block[size.length] = 0xfc
  new DataView(block.buffer).setUint32(size.length + 1, plain.length - 1, true)
  block.set(plain, size.length + 5)
  return block
}

/** A value by its bits where it is a bigint. */
export type Value = number | bigint

export interface SentExemplar {
  readonly labels: readonly (readonly [string, string])[]
  readonly value: number
  readonly timestamp: number
}

export interface SentSeries {
  /** In the order in which they are sent. */
  readonly labels: readonly (readonly [string, string])[]
  readonly samples?: readonly { readonly value: Value; readonly timestamp: Value }[]
  readonly histograms?: readonly Uint8Array[]
  readonly exemplars?: readonly SentExemplar[]
  /** 2.0 alone. */
  readonly metadata?: { readonly type: number; readonly help: string; readonly unit: string }
}

export interface SentMetadata {
  readonly type: number
  readonly metric: string
  readonly help: string
  readonly unit: string
}

const VARINT = 0
const FIXED64 = 1

export const snappy = (message: Uint8Array): Uint8Array => SnappyJS.compress(message)

export const varint = (value: bigint): Uint8Array => {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, value)
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  bytes.push(Number(left))
  return Uint8Array.from(bytes)
}

/** Appends bytes as they are. */
export const writeRaw = (pbf: PbfWriter, bytes: Uint8Array): void => {
  pbf.realloc(bytes.length)
  pbf.buf.set(bytes, pbf.pos)
  pbf.pos += bytes.length
}

/** A message of its own. */
export const message = (write: (pbf: PbfWriter) => void): Uint8Array => {
  const pbf = new PbfWriter()
  write(pbf)
  return pbf.finish()
}

const writeMessage = (pbf: PbfWriter, field: number, write: (pbf: PbfWriter) => void): void =>
  pbf.writeBytesField(field, message(write))

const writeValue = (pbf: PbfWriter, field: number, value: Value): void => {
  if (typeof value === 'number') {
    pbf.writeDoubleField(field, value)
    return
  }
  pbf.writeTag(field, FIXED64)
  pbf.writeFixed32(Number(value & 0xffffffffn))
  pbf.writeFixed32(Number(value >> 32n))
}

const writeTimestamp = (pbf: PbfWriter, field: number, timestamp: Value): void => {
  pbf.writeTag(field, VARINT)
  writeRaw(pbf, varint(BigInt(timestamp)))
}

const writeSample = (pbf: PbfWriter, { value, timestamp }: { value: Value; timestamp: Value }) => {
  writeValue(pbf, 1, value)
  writeTimestamp(pbf, 2, timestamp)
}

const writeLabel = (pbf: PbfWriter, [name, value]: readonly [string, string]): void => {
  pbf.writeStringField(1, name)
  pbf.writeStringField(2, value)
}

export const timeSeries = ({ labels, samples, exemplars, histograms }: SentSeries): Uint8Array =>
  message((pbf) => {
    for (const label of labels) writeMessage(pbf, 1, (inner) => writeLabel(inner, label))
    for (const sample of samples ?? []) writeMessage(pbf, 2, (inner) => writeSample(inner, sample))
    for (const exemplar of exemplars ?? []) {
      writeMessage(pbf, 3, (inner) => {
        for (const label of exemplar.labels) {
          writeMessage(inner, 1, (innermost) => writeLabel(innermost, label))
        }
        writeValue(inner, 2, exemplar.value)
        writeTimestamp(inner, 3, exemplar.timestamp)
      })
    }
    for (const histogram of histograms ?? []) pbf.writeBytesField(4, histogram)
  })

/** prometheus.WriteRequest */
export const writeRequest = (
  series: readonly SentSeries[],
  metadata: readonly SentMetadata[] = [],
): Uint8Array =>
  message((pbf) => {
    for (const one of series) pbf.writeBytesField(1, timeSeries(one))
    for (const { type, metric, help, unit } of metadata) {
      writeMessage(pbf, 3, (inner) => {
        inner.writeVarintField(1, type)
        inner.writeStringField(2, metric)
        inner.writeStringField(4, help)
        inner.writeStringField(5, unit)
      })
    }
  })

/** io.prometheus.write.v2.Request, its symbols in the order of their first use. */
export const writeRequest2 = (series: readonly SentSeries[]): Uint8Array => {
  const symbols = new Map<string, number>([['', 0]])
  const reference = (text: string): number => {
    const known = symbols.get(text)
    if (known !== undefined) return known
    symbols.set(text, symbols.size)
    return symbols.size - 1
  }
  const references = (labels: SentSeries['labels']): number[] => labels.flat().map(reference)
  const messages = series.map(({ labels, samples, histograms, exemplars, metadata }) =>
    message((pbf) => {
      pbf.writePackedVarint(1, references(labels))
      for (const sample of samples ?? []) {
        writeMessage(pbf, 2, (inner) => writeSample(inner, sample))
      }
      for (const histogram of histograms ?? []) pbf.writeBytesField(3, histogram)
      for (const exemplar of exemplars ?? []) {
        writeMessage(pbf, 4, (inner) => {
          inner.writePackedVarint(1, references(exemplar.labels))
          writeValue(inner, 2, exemplar.value)
          writeTimestamp(inner, 3, exemplar.timestamp)
        })
      }
      if (metadata) {
        writeMessage(pbf, 5, (inner) => {
          inner.writeVarintField(1, metadata.type)
          inner.writeVarintField(3, reference(metadata.help))
          inner.writeVarintField(4, reference(metadata.unit))
        })
      }
    }),
  )
  return message((pbf) => {
    for (const symbol of symbols.keys()) pbf.writeStringField(4, symbol)
    for (const bytes of messages) pbf.writeBytesField(5, bytes)
  })
}

/** A native histogram of schema 3 with three buckets. */
export const nativeHistogram = (timestamp: number): Uint8Array =>
  message((pbf) => {
    pbf.writeVarintField(1, 6)
    pbf.writeDoubleField(3, 12.5)
    pbf.writeSVarintField(4, 3)
    pbf.writeDoubleField(5, 1e-128)
    pbf.writeVarintField(6, 0)
    pbf.writeBytesField(
      11,
      message((span) => {
        span.writeSVarintField(1, 2)
        span.writeVarintField(2, 3)
      }),
    )
    pbf.writePackedSVarint(12, [1, 1, 1])
    writeTimestamp(pbf, 15, timestamp)
  })
