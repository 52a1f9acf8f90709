/** The columns that a remote write goes to, and what makes a series whole or refuses it. */
import { compareBytes, copyWide } from './bytes'
import { fail, Reader } from './protobuf'
import { series_identity } from './series-identity'
import { areTextsValid } from './utf8'

// Faults behind those of protobuf.ts.
export const TOO_MANY_SERIES: i32 = 5
export const TOO_MANY_SAMPLES: i32 = 6
export const TOO_MANY_PARTS: i32 = 7
export const TOO_MANY_LABEL_BYTES: i32 = 8
export const TOO_MANY_SYMBOLS: i32 = 9
export const BAD_REFERENCE: i32 = 10 // to a symbol that there is not
export const BAD_SYMBOLS: i32 = 11 // the first is not empty
export const OTHER_VERSION: i32 = 12 // a field of the other version's request

// Why a series is refused.
const EMPTY_NAME: i32 = 1
const LONG_NAME: i32 = 2
const LONG_VALUE: i32 = 3
const UNSORTED: i32 = 4
const REPEATED: i32 = 5
const TOO_MANY_LABELS: i32 = 6
const NO_METRIC_NAME: i32 = 7
const INVALID_UTF8: i32 = 8
export const ODD_REFERENCES: i32 = 9
const BAD_TIMESTAMP: i32 = 10 // some of its samples alone are refused

// Kinds of parts.
export const EXEMPLAR: u32 = 1
export const HISTOGRAM: u32 = 2
export const METADATA: u32 = 3

/** Milliseconds beyond which neighbouring doubles are not whole ones. */
const TIMESTAMP_MAX: i64 = 1 << 53

const METRIC_NAME: u64 = 0x5f5f656d616e5f5f // __name__

/**
 * Addresses and bounds from the host, then what the scan found, then what it keeps in mind. u32 each.
 */
@unmanaged
export class Columns extends Reader {
  body: usize
  identity: usize // u32[seriesMax][4]
  positions: usize // u32[seriesMax]
  labelEnds: usize // u32[seriesMax]
  labels: usize // u8[labelBytesMax], then 32
  sampleSeries: usize // u32[samplesMax]
  timestamps: usize // f64[samplesMax]
  values: usize // u64[samplesMax]
  parts: usize // PART_WORDS u32[partsMax]: kind, series, offset in the body, bytes, timestamp (f64)
  refusals: usize // u32[seriesMax][6]: position, reason, label, samples, histograms, exemplars
  symbols: usize // u32[symbolsMax][2]: address, bytes
  seriesMax: u32
  labelBytesMax: u32
  samplesMax: u32
  partsMax: u32
  symbolsMax: u32
  nameBytesMax: u32
  valueBytesMax: u32
  labelsMax: u32

  position: u32 // series of the request, refused ones too
  seriesCount: u32
  sampleCount: u32
  partCount: u32
  refusalCount: u32
  symbolCount: u32

  labelAt: usize // where the next label goes
  labelCount: u32 // of the series that is read, empty ones too
  labelTexts: i32 // names and values that were kept
  previousName: usize
  previousBytes: u32
  metricName: usize // 0 before it came
  reason: i32
  firstSample: u32
  firstPart: u32
  histograms: u32
  exemplars: u32
  // Refused for their time.
  badSamples: u32
  badHistograms: u32
  badExemplars: u32
  // The last metadata of remote write 2.0, which every series of a metric repeats.
  metadata: usize
  metadataBytes: u32
  metadataName: usize
}

const PART_WORDS: u32 = 6

export function startSeries(c: Columns): void {
  c.labelCount = 0
  c.labelTexts = 0
  c.metricName = 0
  c.reason = 0
  c.firstSample = c.sampleCount
  c.firstPart = c.partCount
  c.histograms = 0
  c.exemplars = 0
  c.badSamples = 0
  c.badHistograms = 0
  c.badExemplars = 0
  if (c.position >= c.seriesMax) fail(c, TOO_MANY_SERIES, c.at)
}

/** Refuses the series that is read; its first fault is told. */
export function refuse(c: Columns, reason: i32): void {
  if (c.reason == 0) c.reason = reason
}

/** Whether a name comes before another. */
// @ts-ignore: decorator
@inline
function isBefore(a: usize, aBytes: u32, b: usize, bBytes: u32): bool {
  const first = load<u8>(a)
  const second = load<u8>(b)
  if (first != second) return first < second
  return compareBytes(a, <i32>aBytes, b, <i32>bBytes) < 0
}

/** Appends a label to the canonical bytes; one without a value is as if it were not there. */
// @ts-ignore: decorator
@inline
export function addLabel(
  c: Columns, name: usize, nameBytes: u32, value: usize, valueBytes: u32,
): void {
  if (c.reason != 0) return
  const count = c.labelCount
  if (nameBytes - 1 >= c.nameBytesMax) return refuse(c, nameBytes == 0 ? EMPTY_NAME : LONG_NAME)
  if (valueBytes > c.valueBytesMax) return refuse(c, LONG_VALUE)
  if (count > 0 && !isBefore(c.previousName, c.previousBytes, name, nameBytes)) {
    const isAfter = isBefore(name, nameBytes, c.previousName, c.previousBytes)
    return refuse(c, isAfter ? UNSORTED : REPEATED)
  }
  if (count >= c.labelsMax) return refuse(c, TOO_MANY_LABELS)
  c.labelCount = count + 1
  c.previousName = name
  c.previousBytes = nameBytes
  if (valueBytes == 0) return
  let to = c.labelAt
  if (to - c.labels + nameBytes + valueBytes + 2 > c.labelBytesMax) {
    return fail(c, TOO_MANY_LABEL_BYTES, name)
  }
  if (nameBytes == 8 && load<u64>(name) == METRIC_NAME) c.metricName = value
  copyWide(to, name, nameBytes)
  to += nameBytes
  store<u8>(to++, 0xff)
  copyWide(to, value, valueBytes)
  to += valueBytes
  store<u8>(to++, 0xff)
  c.labelAt = to
  c.labelTexts += 2
}

// @ts-ignore: decorator
@inline
function isTime(timestamp: i64): bool {
  return timestamp >= -TIMESTAMP_MAX && timestamp <= TIMESTAMP_MAX
}

/** Appends a sample, its value as the bits that came. */
// @ts-ignore: decorator
@inline
export function addSample(c: Columns, bits: u64, timestamp: i64): void {
  if (!isTime(timestamp)) {
    c.badSamples++
    return
  }
  const at = c.sampleCount
  if (at >= c.samplesMax) return fail(c, TOO_MANY_SAMPLES, c.at)
  store<u32>(c.sampleSeries + (<usize>at << 2), c.seriesCount)
  store<f64>(c.timestamps + (<usize>at << 3), <f64>timestamp)
  store<u64>(c.values + (<usize>at << 3), bits)
  c.sampleCount = at + 1
}

/** Appends a message that the host reads. */
export function addPart(c: Columns, kind: u32, from: usize, to: usize, timestamp: i64): void {
  if (c.partCount >= c.partsMax) return fail(c, TOO_MANY_PARTS, from)
  if (!isTime(timestamp)) {
    if (kind == HISTOGRAM) c.badHistograms++
    else c.badExemplars++
    return
  }
  const part = c.parts + <usize>(c.partCount++ * PART_WORDS * 4)
  store<u32>(part, kind)
  store<u32>(part, c.seriesCount, 4)
  store<u32>(part, <u32>(from - c.body), 8)
  store<u32>(part, <u32>(to - from), 12)
  store<f64>(part, <f64>timestamp, 16)
  if (kind == HISTOGRAM) c.histograms++
  else if (kind == EXEMPLAR) c.exemplars++
}

/** Refuses some of a series, and whatever of it has an impossible time. */
function addRefusal(c: Columns, reason: i32, samples: u32, histograms: u32, exemplars: u32): void {
  const refusal = c.refusals + <usize>(c.refusalCount++ * 24)
  store<u32>(refusal, c.position)
  store<u32>(refusal, reason, 4)
  store<u32>(refusal, c.labelCount, 8)
  store<u32>(refusal, samples + c.badSamples, 12)
  store<u32>(refusal, histograms + c.badHistograms, 16)
  store<u32>(refusal, exemplars + c.badExemplars, 20)
}

/** Takes back what a series added. */
// @ts-ignore: decorator
@inline
function drop(c: Columns, labelsFrom: usize): void {
  c.labelAt = labelsFrom
  c.sampleCount = c.firstSample
  c.partCount = c.firstPart
  c.metadata = 0
}

/** Gives the series that was read its identity, or refuses it. One without samples is left out. */
export function finishSeries(c: Columns): void {
  const index = c.seriesCount
  const start = index == 0 ? 0 : load<u32>(c.labelEnds + (<usize>(index - 1) << 2))
  const labels = c.labels + <usize>start
  const count = <i32>(c.labelAt - labels)
  if (c.metricName == 0) refuse(c, NO_METRIC_NAME)
  v128.store(c.labelAt, i32x4.splat(0))
  if (c.reason == 0 && !areTextsValid(labels, count, c.labelTexts)) refuse(c, INVALID_UTF8)
  const samples = c.sampleCount - c.firstSample
  if (c.reason != 0) {
    addRefusal(c, c.reason, samples, c.histograms, c.exemplars)
    drop(c, labels)
  } else {
    if ((c.badSamples | c.badHistograms | c.badExemplars) != 0) {
      addRefusal(c, BAD_TIMESTAMP, 0, 0, 0)
    }
    if (samples == 0 && c.histograms == 0 && c.exemplars == 0) {
      drop(c, labels)
    } else {
      series_identity(labels, count, 0, c.identity + (<usize>index << 4))
      store<u32>(c.positions + (<usize>index << 2), c.position)
      store<u32>(c.labelEnds + (<usize>index << 2), start + <u32>count)
      c.seriesCount = index + 1
    }
  }
  c.position++
}
