import { PbfWriter } from 'pbf'
import {
  downscaled,
  type ExponentialData,
  type PrometheusSpan,
  toPrometheus,
} from '../../kernels/histogram-formats.ts'
import { STALE_MARKER_BITS } from '../series/series-write.ts'

/** The finest schema of a Prometheus native histogram with exponential buckets. */
const SCHEMA_MAX = 8

/** `Histogram.ResetHint`: an increase over an interval is a gauge to PromQL. */
export const RESET_HINT = { unknown: 0, gauge: 3 } as const

const writeSpan = ({ offset, length }: PrometheusSpan, writer: PbfWriter): void => {
  if (offset !== 0) writer.writeSVarintField(1, offset)
  writer.writeVarintField(2, length)
}

/**
 * A histogram as message `Histogram` of prometheus/prompb/types.proto (and of io.prometheus.write.v2: the
 * same fields), integer counts. Scales above 8 are brought to 8: exactly, but coarser.
 *
 * @param timestamp ms since the epoch
 * @throws RangeError when the scale is below −4
 */
export const nativeHistogramBytes = (
  data: ExponentialData,
  timestamp: number,
  resetHint: number,
): Uint8Array => {
  const by = Math.max(0, data.scale - SCHEMA_MAX)
  const histogram = toPrometheus(by === 0 ? data : downscaled(data, by))
  const writer = new PbfWriter()
  writer.writeVarintField(1, histogram.count)
  writer.writeDoubleField(3, histogram.sum)
  writer.writeSVarintField(4, histogram.schema)
  writer.writeDoubleField(5, histogram.zeroThreshold)
  writer.writeVarintField(6, histogram.zeroCount)
  for (const span of histogram.negativeSpans) writer.writeMessage(8, writeSpan, span)
  writer.writePackedSVarint(9, [...histogram.negativeDeltas])
  for (const span of histogram.positiveSpans) writer.writeMessage(11, writeSpan, span)
  writer.writePackedSVarint(12, [...histogram.positiveDeltas])
  if (resetHint !== RESET_HINT.unknown) writer.writeVarintField(14, resetHint)
  writer.writeVarintField(15, timestamp)
  return writer.finish()
}

/** The histogram that ends a series until its next one: its sum is the stale marker. */
export const staleHistogramBytes = (timestamp: number): Uint8Array => {
  const writer = new PbfWriter()
  writer.writeVarintField(1, 0)
  const marker = new Uint8Array(BigUint64Array.of(STALE_MARKER_BITS).buffer)
  // Bytes, not a number: a marker read as a number may lose its payload. 0x19 is field 3 in 64 bits.
  const tail = new PbfWriter()
  tail.writeVarintField(6, 0)
  tail.writeVarintField(15, timestamp)
  return Uint8Array.of(...writer.finish(), 0x19, ...marker, ...tail.finish())
}
