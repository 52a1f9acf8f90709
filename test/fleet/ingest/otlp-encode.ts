import { PbfWriter } from 'pbf'

/** A request as OTLP's JSON has it; the tests say what they need. */
// biome-ignore lint/suspicious/noExplicitAny: members are checked by what reads them
type Members = Record<string, any>
type Write = (of: Members, writer: PbfWriter) => void

const list = (of: Members, name: string, tag: number, write: Write, writer: PbfWriter) => {
  for (const item of of[name] ?? []) writer.writeMessage(tag, write, item)
}

const fixed64 = (value: string | number, tag: number, writer: PbfWriter) => {
  const bytes = bytes8((view) => view.setBigInt64(0, BigInt(value), true))
  writer.writeTag(tag, 1)
  writer.realloc(8)
  writer.buf.set(bytes, writer.pos)
  writer.pos += 8
}

const writeValue: Write = (of, writer) => {
  if (of.stringValue !== undefined) writer.writeStringField(1, of.stringValue)
  if (of.boolValue !== undefined) writer.writeBooleanField(2, of.boolValue)
  if (of.intValue !== undefined) writer.writeVarintField(3, Number(of.intValue))
  if (of.doubleValue !== undefined) writer.writeDoubleField(4, of.doubleValue)
  if (of.arrayValue !== undefined)
    writer.writeMessage(
      5,
      (value: Members, w) => list(value, 'values', 1, writeValue, w),
      of.arrayValue,
    )
  if (of.kvlistValue !== undefined)
    writer.writeMessage(
      6,
      (value: Members, w) => list(value, 'values', 1, writeKeyValue, w),
      of.kvlistValue,
    )
  if (of.bytesValue !== undefined)
    writer.writeBytesField(7, new Uint8Array(Buffer.from(of.bytesValue, 'base64')))
}

const writeKeyValue: Write = (of, writer) => {
  writer.writeStringField(1, of.key)
  if (of.value) writer.writeMessage(2, writeValue, of.value)
}

const writeExemplar: Write = (of, writer) => {
  list(of, 'filteredAttributes', 7, writeKeyValue, writer)
  if (of.timeUnixNano) fixed64(of.timeUnixNano, 2, writer)
  if (of.asDouble !== undefined) writer.writeDoubleField(3, of.asDouble)
  if (of.asInt !== undefined) fixed64(of.asInt, 6, writer)
  if (of.spanId) writer.writeBytesField(4, new Uint8Array(Buffer.from(of.spanId, 'hex')))
  if (of.traceId) writer.writeBytesField(5, new Uint8Array(Buffer.from(of.traceId, 'hex')))
}

const packed = (tag: number, parts: Uint8Array[], writer: PbfWriter) => {
  if (parts.length > 0) writer.writeBytesField(tag, new Uint8Array(Buffer.concat(parts)))
}

const bytes8 = (write: (view: DataView) => void): Uint8Array => {
  const bytes = new Uint8Array(8)
  write(new DataView(bytes.buffer))
  return bytes
}

const times = (of: Members, writer: PbfWriter) => {
  if (of.startTimeUnixNano) fixed64(of.startTimeUnixNano, 2, writer)
  if (of.timeUnixNano) fixed64(of.timeUnixNano, 3, writer)
}

const writeNumber: Write = (of, writer) => {
  list(of, 'attributes', 7, writeKeyValue, writer)
  times(of, writer)
  if (of.asDouble !== undefined) writer.writeDoubleField(4, of.asDouble)
  if (of.asInt !== undefined) fixed64(of.asInt, 6, writer)
  list(of, 'exemplars', 5, writeExemplar, writer)
  if (of.flags) writer.writeVarintField(8, of.flags)
}

const writeHistogram: Write = (of, writer) => {
  list(of, 'attributes', 9, writeKeyValue, writer)
  times(of, writer)
  if (of.count) fixed64(of.count, 4, writer)
  if (of.sum !== undefined) writer.writeDoubleField(5, of.sum)
  const counts: string[] = of.bucketCounts ?? []
  const bounds: number[] = of.explicitBounds ?? []
  packed(6, counts.map((n) => bytes8((v) => v.setBigUint64(0, BigInt(n), true))), writer) // biome-ignore format: one list
  packed(7, bounds.map((n) => bytes8((v) => v.setFloat64(0, n, true))), writer) // biome-ignore format: one list
  list(of, 'exemplars', 8, writeExemplar, writer)
  if (of.flags) writer.writeVarintField(10, of.flags)
}

const writeBuckets: Write = (of, writer) => {
  if (of.offset) writer.writeSVarintField(1, of.offset)
  writer.writePackedVarint(2, (of.bucketCounts ?? []).map(Number))
}

const writeExponential: Write = (of, writer) => {
  list(of, 'attributes', 1, writeKeyValue, writer)
  times(of, writer)
  if (of.count) fixed64(of.count, 4, writer)
  if (of.sum !== undefined) writer.writeDoubleField(5, of.sum)
  if (of.scale) writer.writeSVarintField(6, of.scale)
  if (of.zeroCount) fixed64(of.zeroCount, 7, writer)
  if (of.positive) writer.writeMessage(8, writeBuckets, of.positive)
  if (of.negative) writer.writeMessage(9, writeBuckets, of.negative)
  if (of.flags) writer.writeVarintField(10, of.flags)
  list(of, 'exemplars', 11, writeExemplar, writer)
  if (of.zeroThreshold) writer.writeDoubleField(14, of.zeroThreshold)
}

const writeSummary: Write = (of, writer) => {
  list(of, 'attributes', 7, writeKeyValue, writer)
  times(of, writer)
  if (of.count) fixed64(of.count, 4, writer)
  if (of.sum !== undefined) writer.writeDoubleField(5, of.sum)
  const writeQuantile: Write = (at, w) => {
    w.writeDoubleField(1, at.quantile)
    w.writeDoubleField(2, at.value)
  }
  list(of, 'quantileValues', 6, writeQuantile, writer)
  if (of.flags) writer.writeVarintField(8, of.flags)
}

const data =
  (write: Write): Write =>
  (of, writer) => {
    // The points first: a decoder must not rely on the order of fields.
    list(of, 'dataPoints', 1, write, writer)
    if (of.aggregationTemporality) writer.writeVarintField(2, of.aggregationTemporality)
    if (of.isMonotonic) writer.writeBooleanField(3, true)
  }

const KINDS: readonly (readonly [string, number, Write])[] = [
  ['gauge', 5, data(writeNumber)],
  ['sum', 7, data(writeNumber)],
  ['histogram', 9, data(writeHistogram)],
  ['exponentialHistogram', 10, data(writeExponential)],
  ['summary', 11, data(writeSummary)],
]

const writeMetric: Write = (of, writer) => {
  for (const [kind, tag, write] of KINDS) if (of[kind]) writer.writeMessage(tag, write, of[kind])
  writer.writeStringField(1, of.name ?? '')
  if (of.description) writer.writeStringField(2, of.description)
  if (of.unit) writer.writeStringField(3, of.unit)
}

const writeScopeMetrics: Write = (of, writer) => {
  list(of, 'metrics', 2, writeMetric, writer)
  const writeScope: Write = (scope, w) => {
    if (scope.name) w.writeStringField(1, scope.name)
    if (scope.version) w.writeStringField(2, scope.version)
    list(scope, 'attributes', 3, writeKeyValue, w)
  }
  if (of.scope) writer.writeMessage(1, writeScope, of.scope)
  if (of.schemaUrl) writer.writeStringField(3, of.schemaUrl)
}

const writeResourceMetrics: Write = (of, writer) => {
  list(of, 'scopeMetrics', 2, writeScopeMetrics, writer)
  const writeResource: Write = (resource, w) => list(resource, 'attributes', 1, writeKeyValue, w)
  if (of.resource) writer.writeMessage(1, writeResource, of.resource)
}

/** ExportMetricsServiceRequest in protobuf, from its JSON; inner fields stand before outer ones. */
export const encodeOtlp = (request: Members): Uint8Array => {
  const writer = new PbfWriter()
  list(request, 'resourceMetrics', 1, writeResourceMetrics, writer)
  return writer.finish().slice()
}
