/**
 * An exponential histogram between its formats, nothing rounded: ours, Prometheus' native histogram
 * and OTLP's ExponentialHistogram data point. All three have the same buckets; they differ in how the
 * buckets are numbered and packed.
 *
 *   ours and OTLP   bucket i holds γ^i < |x| ≤ γ^(i+1)
 *   Prometheus      bucket i holds γ^(i−1) < |x| ≤ γ^i
 *
 * Sources: OpenTelemetry metrics data model, "ExponentialHistogram"; Prometheus, "Native histograms"
 * specification, sections "Schema" and "Buckets".
 */

/** Counts by bucket: indices ascend, counts are integers > 0. */
export interface SparseBuckets {
  readonly indices: readonly number[]
  readonly counts: readonly number[]
}

/** What the formats have in common. */
export interface ExponentialData {
  /** −4…10, γ = 2^(2^−scale). */
  readonly scale: number
  /** Largest magnitude that counts as zero. */
  readonly zeroThreshold: number
  readonly zeroCount: number
  /** Observations in no bucket: NaN, and infinities where a format has no bucket for them. */
  readonly unbucketedCount: number
  readonly positive: SparseBuckets
  /** By magnitude. */
  readonly negative: SparseBuckets
  /** NaN where it is not known. */
  readonly sum: number
}

/** Bucket numbers beyond this belong to no double, at any scale from −4 to 10. */
const indexMaxOf = (scale: number): number => Math.ceil(1075 * 2 ** scale)

const requireCount = (count: number, what: string): number => {
  if (!Number.isSafeInteger(count) || count < 0)
    throw new RangeError(`${what} is no count: ${count}`)
  return count
}

const requireScale = (scale: number, max: number): number => {
  if (!Number.isInteger(scale) || scale < -4 || scale > max) {
    throw new RangeError(`scale ${scale} is not an integer from -4 to ${max}`)
  }
  return scale
}

const requireThreshold = (threshold: number): number => {
  if (!(threshold >= 0 && threshold < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`zero threshold ${threshold} is not finite and ≥ 0`)
  }
  return threshold
}

const total = ({ counts }: SparseBuckets): number => counts.reduce((a, b) => a + b, 0)

/** All observations, those in no bucket too. */
export const countOf = ({
  zeroCount,
  unbucketedCount,
  positive,
  negative,
}: ExponentialData): number => zeroCount + unbucketedCount + total(positive) + total(negative)

/** What `count` says beyond the buckets. @throws RangeError when it says less */
function unbucketed(count: number, zeroCount: number, ...buckets: SparseBuckets[]): number {
  const rest = requireCount(count, 'count') - buckets.reduce((sum, b) => sum + total(b), zeroCount)
  if (rest < 0) throw new RangeError(`count ${count} is less than its buckets hold`)
  return requireCount(rest, 'the number of observations in no bucket')
}

function downscaledBuckets({ indices, counts }: SparseBuckets, by: number): SparseBuckets {
  const merged: { indices: number[]; counts: number[] } = { indices: [], counts: [] }
  for (let i = 0; i < indices.length; i++) {
    // Not >>: at OTLP's scale 20 an index may pass 31 bits.
    const index = Math.floor((indices[i] ?? 0) / 2 ** by)
    const last = merged.indices.length - 1
    if (merged.indices[last] === index) {
      merged.counts[last] = (merged.counts[last] ?? 0) + (counts[i] ?? 0)
    } else {
      merged.indices.push(index)
      merged.counts.push(counts[i] ?? 0)
    }
  }
  return merged
}

/**
 * The same observations with 2^by neighbouring buckets merged into one: exact, but coarser.
 * @throws RangeError when the scale would fall below −4
 */
export function downscaled(data: ExponentialData, by: number): ExponentialData {
  if (!Number.isInteger(by) || by < 0) throw new RangeError(`cannot downscale by ${by}`)
  return {
    ...data,
    scale: requireScale(data.scale - by, 20),
    positive: downscaledBuckets(data.positive, by),
    negative: downscaledBuckets(data.negative, by),
  }
}

/** Buckets of consecutive numbers: the first number is `offset` behind the end of the span before. */
export interface PrometheusSpan {
  readonly offset: number
  readonly length: number
}

/** Fields of `Histogram` in prometheus/remote.proto, integer counts. */
export interface PrometheusHistogram {
  readonly schema: number
  readonly zeroThreshold: number
  readonly zeroCount: number
  readonly count: number
  readonly sum: number
  readonly positiveSpans: readonly PrometheusSpan[]
  /** The first count, then each one's difference to the one before. */
  readonly positiveDeltas: readonly number[]
  readonly negativeSpans: readonly PrometheusSpan[]
  readonly negativeDeltas: readonly number[]
}

const PROMETHEUS_SCHEMA_MAX = 8

/** Two empty buckets cost less than a span of their own. */
const GAP_MAX = 2

function toSpans({ indices, counts }: SparseBuckets): {
  spans: PrometheusSpan[]
  deltas: number[]
} {
  const spans: { offset: number; length: number }[] = []
  const deltas: number[] = []
  let next = 0
  let previous = 0
  const push = (count: number) => {
    deltas.push(count - previous)
    previous = count
  }
  for (let i = 0; i < indices.length; i++) {
    const number = (indices[i] ?? 0) + 1
    const gap = number - next
    const span = spans.at(-1)
    if (span && gap <= GAP_MAX) {
      for (let empty = 0; empty < gap; empty++) push(0)
      span.length += gap + 1
    } else {
      spans.push({ offset: gap, length: 1 })
    }
    push(counts[i] ?? 0)
    next = number + 1
  }
  return { spans, deltas }
}

function fromSpans(
  spans: readonly PrometheusSpan[],
  deltas: readonly number[],
  schema: number,
): SparseBuckets {
  const indices: number[] = []
  const counts: number[] = []
  const numberMax = indexMaxOf(schema)
  let number = 0
  let count = 0
  let used = 0
  spans.forEach(({ offset, length }, i) => {
    if (!Number.isInteger(offset) || (i > 0 && offset < 0)) {
      throw new RangeError(`span ${i} has the offset ${offset}`)
    }
    number += offset
    const end = used + requireCount(length, `length of span ${i}`)
    if (end > deltas.length) throw new RangeError('the spans are longer than their deltas')
    if (Math.abs(number) > numberMax || Math.abs(number + length) > numberMax + 1) {
      throw new RangeError(`span ${i} holds no bucket of a double`)
    }
    for (; used < end; used++, number++) {
      count = requireCount(count + (deltas[used] ?? 0), `bucket ${number}`)
      if (count === 0) continue
      indices.push(number - 1)
      counts.push(count)
    }
  })
  if (used !== deltas.length) throw new RangeError('the spans are shorter than their deltas')
  return { indices, counts }
}

/**
 * As a Prometheus native histogram with integer counts.
 * @throws RangeError when the scale is above 8, the finest schema: downscaled() first
 */
export function toPrometheus(data: ExponentialData): PrometheusHistogram {
  const positive = toSpans(data.positive)
  const negative = toSpans(data.negative)
  return {
    schema: requireScale(data.scale, PROMETHEUS_SCHEMA_MAX),
    zeroThreshold: data.zeroThreshold,
    zeroCount: data.zeroCount,
    count: countOf(data),
    sum: data.sum,
    positiveSpans: positive.spans,
    positiveDeltas: positive.deltas,
    negativeSpans: negative.spans,
    negativeDeltas: negative.deltas,
  }
}

/** @throws RangeError when the schema is not −4…8 (custom buckets), or spans, deltas and count contradict */
export function fromPrometheus(histogram: PrometheusHistogram): ExponentialData {
  const { positiveSpans, positiveDeltas, negativeSpans, negativeDeltas } = histogram
  const scale = requireScale(histogram.schema, PROMETHEUS_SCHEMA_MAX)
  const positive = fromSpans(positiveSpans, positiveDeltas, scale)
  const negative = fromSpans(negativeSpans, negativeDeltas, scale)
  const zeroCount = requireCount(histogram.zeroCount, 'zero count')
  return {
    scale,
    zeroThreshold: requireThreshold(histogram.zeroThreshold),
    zeroCount,
    unbucketedCount: unbucketed(histogram.count, zeroCount, positive, negative),
    positive,
    negative,
    sum: histogram.sum,
  }
}

/** Counts of consecutive buckets from number `offset`. */
export interface OtlpBuckets {
  readonly offset: number
  readonly bucketCounts: readonly number[]
}

/** Fields of `ExponentialHistogramDataPoint` in opentelemetry/proto/metrics/v1/metrics.proto. */
export interface OtlpExponentialPoint {
  readonly scale: number
  readonly count: number
  /** Absent where it is not known. */
  readonly sum?: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  readonly positive: OtlpBuckets
  readonly negative: OtlpBuckets
}

const OTLP_SCALE_MAX = 20
const OUR_SCALE_MAX = 10

/** Buckets of one side, empty ones between them included: what a point may reasonably be. */
const OTLP_BUCKETS_MAX = 2 ** 16

function toDense({ indices, counts }: SparseBuckets): OtlpBuckets {
  const offset = indices[0] ?? 0
  const length = indices.length === 0 ? 0 : (indices.at(-1) ?? 0) - offset + 1
  if (length > OTLP_BUCKETS_MAX) {
    throw new RangeError(`${length} buckets, more than ${OTLP_BUCKETS_MAX}: downscale first`)
  }
  const bucketCounts = new Array<number>(length).fill(0)
  indices.forEach((index, i) => {
    bucketCounts[index - offset] = counts[i] ?? 0
  })
  return { offset, bucketCounts }
}

function fromDense({ offset, bucketCounts }: OtlpBuckets, scale: number): SparseBuckets {
  const indices: number[] = []
  const counts: number[] = []
  if (!Number.isInteger(offset)) throw new RangeError(`bucket offset ${offset} is no integer`)
  bucketCounts.forEach((count, i) => {
    if (requireCount(count, `bucket ${offset + i}`) === 0) return
    if (Math.abs(offset + i) > indexMaxOf(scale)) {
      throw new RangeError(`bucket ${offset + i} is that of no double`)
    }
    indices.push(offset + i)
    counts.push(count)
  })
  return { indices, counts }
}

/**
 * As an OTLP data point.
 * @throws RangeError when one side spans more than 65 536 buckets: downscaled() first
 */
export function toOtlp(data: ExponentialData): OtlpExponentialPoint {
  return {
    scale: requireScale(data.scale, OUR_SCALE_MAX),
    count: countOf(data),
    ...(Number.isNaN(data.sum) ? {} : { sum: data.sum }),
    zeroCount: data.zeroCount,
    zeroThreshold: data.zeroThreshold,
    positive: toDense(data.positive),
    negative: toDense(data.negative),
  }
}

/**
 * Scales above 10 are brought to 10, exactly but coarser: an SDK starts at 20 and seldom means it.
 * @throws RangeError when the scale is not −4…20, or buckets and count contradict
 */
export function fromOtlp(point: OtlpExponentialPoint): ExponentialData {
  const scale = requireScale(point.scale, OTLP_SCALE_MAX)
  const positive = fromDense(point.positive, scale)
  const negative = fromDense(point.negative, scale)
  const zeroCount = requireCount(point.zeroCount, 'zero count')
  const data: ExponentialData = {
    scale,
    zeroThreshold: requireThreshold(point.zeroThreshold),
    zeroCount,
    unbucketedCount: unbucketed(point.count, zeroCount, positive, negative),
    positive,
    negative,
    sum: point.sum ?? Number.NaN,
  }
  return scale > OUR_SCALE_MAX ? downscaled(data, scale - OUR_SCALE_MAX) : data
}
