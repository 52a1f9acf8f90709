/**
 * Prometheus remote write: one walk over the message, whatever it holds, into columns. What a sender
 * normally writes, fields in order with lengths of one byte, is recognised a word at a time; everything
 * else that protobuf allows goes field by field.
 */
import {
  BYTES, fail, FIXED64, joinVarint, readEnd, readFixed64, readTag, readVarint, skipField,
  skipMessage, varintBytes, VARINT, WRONG_TYPE,
} from './protobuf'
import {
  addLabel, addPart, addSample, BAD_REFERENCE, BAD_SYMBOLS, Columns, EXEMPLAR, finishSeries,
  HISTOGRAM, METADATA, ODD_REFERENCES, OTHER_VERSION, refuse, startSeries, TOO_MANY_SYMBOLS,
} from './remote-write-columns'

/** Bytes behind the body that are read: a label's head, both texts of one-byte lengths, a vector. */
const PADDING: usize = 320

export function remote_write_padding_bytes(): usize {
  return PADDING
}

export function remote_write_columns_bytes(): usize {
  return offsetof<Columns>()
}

/** The end of the message in a field that has to be one. */
function enter(c: Columns, tag: u32, end: usize): usize {
  if ((tag & 7) == BYTES) return readEnd(c, end)
  fail(c, WRONG_TYPE, c.at)
  return end
}

/** Field by field: value = 1, timestamp = 2. */
function readSample(c: Columns, end: usize): void {
  let bits: u64 = 0
  let timestamp: u64 = 0
  while (c.at < end) {
    const tag = readTag(c, end)
    if (tag == 0) return
    if (tag == ((1 << 3) | FIXED64)) bits = readFixed64(c, end)
    else if (tag == ((2 << 3) | VARINT)) timestamp = readVarint(c, end)
    else if (tag >>> 3 <= 2) fail(c, WRONG_TYPE, c.at)
    else skipField(c, tag, end)
  }
  if (c.fault == 0) addSample(c, bits, <i64>timestamp)
}

/** value = 1 and timestamp = 2, once each, in this order; false for any other sample. */
// @ts-ignore: decorator
@inline
function readUsualSample(c: Columns, at: usize, end: usize): bool {
  const word = load<u64>(at, 10)
  const sizeBytes = varintBytes(word)
  if (load<u8>(at) != 0x09 || load<u8>(at, 9) != 0x10) return false
  if (sizeBytes > 8 || at + 10 + <usize>sizeBytes != end) return false
  addSample(c, load<u64>(at, 1), <i64>joinVarint(word, sizeBytes))
  return true
}

/** A message that the host reads: only its fields' ends are looked at, and its timestamp. */
function readPart(c: Columns, kind: u32, end: usize): void {
  const timestampField: u32 = kind == HISTOGRAM ? 15 : kind == EXEMPLAR ? 3 : 0
  const start = c.at
  let timestamp: u64 = 0
  while (c.at < end) {
    const tag = readTag(c, end)
    if (tag == 0) return
    if (tag >>> 3 != timestampField) skipField(c, tag, end)
    else if ((tag & 7) == VARINT) timestamp = readVarint(c, end)
    else fail(c, WRONG_TYPE, c.at)
  }
  if (c.fault == 0) addPart(c, kind, start, end, <i64>timestamp)
}

/** Field by field: name = 1, value = 2. */
function readLabel(c: Columns, end: usize): void {
  let name: usize = c.at
  let nameBytes: u32 = 0
  let value: usize = c.at
  let valueBytes: u32 = 0
  while (c.at < end) {
    const tag = readTag(c, end)
    if (tag == 0) return
    if (tag >>> 3 > 2) {
      skipField(c, tag, end)
      continue
    }
    const textEnd = enter(c, tag, end)
    if (c.fault != 0) return
    if (tag >>> 3 == 1) {
      name = c.at
      nameBytes = <u32>(textEnd - name)
    } else {
      value = c.at
      valueBytes = <u32>(textEnd - value)
    }
    c.at = textEnd
  }
  if (c.fault == 0) addLabel(c, name, nameBytes, value, valueBytes)
}

/** One field of TimeSeries: labels = 1, samples = 2, exemplars = 3, histograms = 4. */
function readSeriesField(c: Columns, end: usize): void {
  const tag = readTag(c, end)
  if (tag == 0) return
  const field = tag >>> 3
  if (field > 4) return skipField(c, tag, end)
  const messageEnd = enter(c, tag, end)
  if (c.fault != 0) return
  if (field == 1) readLabel(c, messageEnd)
  else if (field == 2) readSample(c, messageEnd)
  else readPart(c, field == 3 ? EXEMPLAR : HISTOGRAM, messageEnd)
}

/** The labels and samples at the start of a TimeSeries that have the usual form. */
// @ts-ignore: decorator
@inline
function readUsualFields(c: Columns, end: usize): void {
  let at = c.at
  while (at < end) {
    const head = load<u32>(at)
    const messageEnd = at + 2 + <usize>((head >>> 8) & 0x7f)
    if ((head & 0x80ff80ff) == 0x000a000a) {
      const name = at + 4
      const nameBytes = head >>> 24
      const value = name + nameBytes + 2
      const tail = <u32>load<u16>(value - 2)
      const valueBytes = tail >>> 8
      if ((tail & 0x80ff) != 0x12 || value + valueBytes != messageEnd || messageEnd > end) break
      addLabel(c, name, nameBytes, value, valueBytes)
    } else if ((head & 0x80ff) == 0x12 && messageEnd <= end) {
      if (!readUsualSample(c, at + 2, messageEnd)) break
    } else {
      break
    }
    at = messageEnd
  }
  if (c.fault == 0) c.at = at
}

function readSeries(c: Columns, end: usize): void {
  startSeries(c)
  while (c.at < end) {
    readUsualFields(c, end)
    if (c.at < end) readSeriesField(c, end)
  }
  if (c.fault == 0) finishSeries(c)
}

/** A varint of one or two bytes at once, others one by one. */
// @ts-ignore: decorator
@inline
function readReference(c: Columns, end: usize): u32 {
  const at = c.at
  const pair = <u32>load<u16>(at)
  if ((pair & 0x80) == 0) {
    c.at = at + 1
    return pair & 0x7f
  }
  if ((pair & 0x8000) == 0 && at + 2 <= end) {
    c.at = at + 2
    return (pair & 0x7f) | ((pair >>> 1) & 0x3f80)
  }
  const reference = readVarint(c, end)
  if (reference < <u64>c.symbolCount) return <u32>reference
  fail(c, BAD_REFERENCE, at)
  return 0
}

/** labels_refs: a name and a value, each the number of a symbol. */
function readReferences(c: Columns, end: usize): void {
  while (c.at < end) {
    const at = c.at
    const nameReference = readReference(c, end)
    if (c.fault != 0) return
    if (c.at == end) return refuse(c, ODD_REFERENCES)
    const valueReference = readReference(c, end)
    if (c.fault != 0) return
    if (max(nameReference, valueReference) >= c.symbolCount) return fail(c, BAD_REFERENCE, at)
    const name = c.symbols + (<usize>nameReference << 3)
    const value = c.symbols + (<usize>valueReference << 3)
    addLabel(c, load<u32>(name), load<u32>(name, 4), load<u32>(value), load<u32>(value, 4))
  }
}

/** Metadata, unless it is that of the series before, with the same metric name. */
function readMetadata(c: Columns, end: usize): void {
  const start = c.at
  const sizeBytes = <u32>(end - start)
  const isKnown =
    c.metadata != 0 && c.metadataBytes == sizeBytes && c.metricName != 0 &&
    c.metadataName == c.metricName && memory.compare(c.metadata, start, sizeBytes) == 0
  if (isKnown) {
    c.at = end
    return
  }
  readPart(c, METADATA, end)
  c.metadata = start
  c.metadataBytes = sizeBytes
  c.metadataName = c.metricName
}

/**
 * One field of the TimeSeries of 2.0: labels_refs = 1, samples = 2, histograms = 3, exemplars = 4,
 * metadata = 5. When a counter began (6) is not stored.
 */
function readSeriesField2(c: Columns, end: usize): void {
  const tag = readTag(c, end)
  if (tag == 0) return
  const field = tag >>> 3
  if (field > 5) return skipField(c, tag, end)
  const messageEnd = enter(c, tag, end)
  if (c.fault != 0) return
  if (field == 1) return readReferences(c, messageEnd)
  if (field == 3) return readPart(c, HISTOGRAM, messageEnd)
  if (field == 4) return readPart(c, EXEMPLAR, messageEnd)
  if (field == 5) return readMetadata(c, messageEnd)
  if (readUsualSample(c, c.at, messageEnd)) {
    if (c.fault == 0) c.at = messageEnd
  } else {
    readSample(c, messageEnd)
  }
}

function readSeries2(c: Columns, end: usize): void {
  startSeries(c)
  while (c.at < end) readSeriesField2(c, end)
  if (c.fault == 0) finishSeries(c)
}

function addSymbol(c: Columns, end: usize): void {
  const count = c.symbolCount
  if (count >= c.symbolsMax) return fail(c, TOO_MANY_SYMBOLS, c.at)
  if (count == 0 && c.at != end) return fail(c, BAD_SYMBOLS, c.at)
  const symbol = c.symbols + (<usize>count << 3)
  store<u32>(symbol, <u32>c.at)
  store<u32>(symbol, <u32>(end - c.at), 4)
  c.symbolCount = count + 1
  c.at = end
}

/** prometheus.WriteRequest: timeseries = 1, metadata = 3; 4 and 5 are what 2.0 has. */
function readRequest(c: Columns, end: usize): void {
  while (c.at < end) {
    const at = c.at
    const tag = readTag(c, end)
    if (tag == 0) return
    const field = tag >>> 3
    if (field == 4 || field == 5) return fail(c, OTHER_VERSION, at)
    if (field != 1 && field != 3) {
      skipField(c, tag, end)
      continue
    }
    const messageEnd = enter(c, tag, end)
    if (c.fault != 0) return
    if (field == 1) readSeries(c, messageEnd)
    else readPart(c, METADATA, messageEnd)
  }
}

/** io.prometheus.write.v2.Request: symbols = 4, timeseries = 5, in any order; 1 to 3 are reserved. */
function readRequest2(c: Columns, end: usize): void {
  const start = c.at
  while (c.at < end) {
    const at = c.at
    const tag = readTag(c, end)
    if (tag == 0) return
    if (tag >>> 3 <= 3) return fail(c, OTHER_VERSION, at)
    if (tag >>> 3 != 4) {
      skipField(c, tag, end)
      continue
    }
    const symbolEnd = enter(c, tag, end)
    if (c.fault == 0) addSymbol(c, symbolEnd)
  }
  if (c.fault == 0) c.at = start
  while (c.at < end) {
    const tag = readTag(c, end)
    if (tag == 0) return
    if (tag >>> 3 != 5) {
      skipField(c, tag, end)
      continue
    }
    const messageEnd = enter(c, tag, end)
    if (c.fault == 0) readSeries2(c, messageEnd)
  }
}

/**
 * Reads a remote write into columns. A series with faulty labels is refused and leaves nothing behind;
 * a fault of the message ends the scan, and nothing that was found counts.
 *
 * @param body u8[length], then remote_write_padding_bytes() of zeros
 * @param version 1: prometheus.WriteRequest; 2: io.prometheus.write.v2.Request
 * @param columns remote_write_columns_bytes(): addresses and bounds as in Columns, other words 0
 * @returns 0 done; else the fault, Columns.faultAt says at which address
 * Accuracy: values keep their bits; timestamps beyond ±2^53 ms are refused.
 * Source: Prometheus remote write 1.0 and 2.0; protobuf.dev/programming-guides/encoding.
 */
export function remote_write_scan(body: usize, length: i32, version: i32, columns: usize): i32 {
  const c = changetype<Columns>(columns)
  const end = body + <usize>length
  c.at = body
  c.body = body
  c.labelAt = c.labels
  if (version == 1) readRequest(c, end)
  else readRequest2(c, end)
  return c.fault
}
