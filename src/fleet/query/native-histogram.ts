import { PbfReader } from 'pbf'
import { STALE_HIGH, STALE_LOW } from './stale-marker.ts'

/** Buckets by ascending index; bucket i of schema s ends at 2^(i · 2^−s). */
export interface Buckets {
  readonly index: readonly number[]
  /** Observations in each bucket. */
  readonly count: readonly number[]
}

/** A Prometheus native histogram with f64 counts. */
export interface FloatHistogram {
  /** Whether it says that its series ended. */
  readonly isStale: boolean
  /** −4 … 8: 2^schema buckets a power of two; −53 for buckets with bounds of their own. */
  readonly schema: number
  /** The zero bucket is [−zeroThreshold, zeroThreshold]. */
  readonly zeroThreshold: number
  readonly zeroCount: number
  readonly count: number
  readonly sum: number
  readonly positive: Buckets
  readonly negative: Buckets
  /** Upper bounds of the buckets of schema −53. */
  readonly customBounds: readonly number[]
}

export const CUSTOM_SCHEMA = -53
/** Buckets that one histogram may have; what claims more is damaged. */
const BUCKETS_MAX = 10_000

export const NO_BUCKETS: Buckets = { index: [], count: [] }

interface Spans {
  readonly offset: number[]
  readonly length: number[]
}

interface RawHistogram {
  isStale: boolean
  zeroCount: number
  count: number
  sum: number
  schema: number
  zeroThreshold: number
  negativeSpans: Spans
  negativeDeltas: number[]
  negativeCounts: number[]
  positiveSpans: Spans
  positiveDeltas: number[]
  positiveCounts: number[]
  customBounds: number[]
}

const readSpan = (tag: number, spans: Spans, pbf: PbfReader) => {
  if (tag === 1) spans.offset[spans.offset.length - 1] = pbf.readSVarint()
  else if (tag === 2) spans.length[spans.length.length - 1] = pbf.readVarint()
}

const spansFrom = (pbf: PbfReader, spans: Spans) => {
  spans.offset.push(0)
  spans.length.push(0)
  pbf.readMessage(readSpan, spans)
}

const sumBits = new Uint32Array(2)
const sumValue = new Float64Array(sumBits.buffer)

/** By its bits: a stale marker is a NaN like others once it is a number. */
const readSum = (raw: RawHistogram, pbf: PbfReader) => {
  sumBits[0] = pbf.readFixed32()
  sumBits[1] = pbf.readFixed32()
  raw.sum = sumValue[0] ?? 0
  raw.isStale = sumBits[0] === STALE_LOW && sumBits[1] === STALE_HIGH
}

const readField = (tag: number, raw: RawHistogram, pbf: PbfReader) => {
  if (tag === 1) raw.count = pbf.readVarint()
  else if (tag === 2) raw.count = pbf.readDouble()
  else if (tag === 3) readSum(raw, pbf)
  else if (tag === 4) raw.schema = pbf.readSVarint()
  else if (tag === 5) raw.zeroThreshold = pbf.readDouble()
  else if (tag === 6) raw.zeroCount = pbf.readVarint()
  else if (tag === 7) raw.zeroCount = pbf.readDouble()
  else if (tag === 8) spansFrom(pbf, raw.negativeSpans)
  else if (tag === 9) pbf.readPackedSVarint(raw.negativeDeltas)
  else if (tag === 10) pbf.readPackedDouble(raw.negativeCounts)
  else if (tag === 11) spansFrom(pbf, raw.positiveSpans)
  else if (tag === 12) pbf.readPackedSVarint(raw.positiveDeltas)
  else if (tag === 13) pbf.readPackedDouble(raw.positiveCounts)
  else if (tag === 16) pbf.readPackedDouble(raw.customBounds)
}

const bucketsOf = (spans: Spans, deltas: readonly number[], counts: readonly number[]): Buckets => {
  const absolute: number[] = [...counts]
  if (absolute.length === 0) {
    let count = 0
    for (const delta of deltas) {
      count += delta
      absolute.push(count)
    }
  }
  const index: number[] = []
  let next = 0
  spans.offset.forEach((offset, span) => {
    next += offset
    const end = index.length + Math.min(spans.length[span] ?? 0, BUCKETS_MAX)
    for (; index.length < end && index.length < absolute.length; next++) index.push(next)
  })
  return { index, count: absolute.slice(0, index.length) }
}

/** A histogram from the protobuf message `prometheus.Histogram` of remote write; null where it is damaged. */
export const decodeHistogram = (bytes: Uint8Array): FloatHistogram | null => {
  const noSpans = (): Spans => ({ offset: [], length: [] })
  const raw: RawHistogram = {
    isStale: false,
    zeroCount: 0,
    count: 0,
    sum: 0,
    schema: 0,
    zeroThreshold: 0,
    negativeSpans: noSpans(),
    negativeDeltas: [],
    negativeCounts: [],
    positiveSpans: noSpans(),
    positiveDeltas: [],
    positiveCounts: [],
    customBounds: [],
  }
  try {
    new PbfReader(bytes).readFields(readField, raw)
  } catch {
    // pbf throws on varints and lengths that run past the end.
    return null
  }
  const { isStale, schema, zeroThreshold, zeroCount, count, sum, customBounds } = raw
  return {
    isStale,
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    customBounds,
    positive: bucketsOf(raw.positiveSpans, raw.positiveDeltas, raw.positiveCounts),
    negative: bucketsOf(raw.negativeSpans, raw.negativeDeltas, raw.negativeCounts),
  }
}
