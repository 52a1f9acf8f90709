import { decodeChunks } from '../../kernels/chunk.ts'
import { isAscending, type WindowOptions } from '../../kernels/windows.ts'
import {
  DamagedChunkError,
  type EvaluatedWindows,
  evaluateInPlace,
  type HeadSamples,
  type WindowCall,
} from '../series/evaluation.ts'
import { decodeLabels } from '../series/labels.ts'
import type { SelectedSeries } from '../series/shard-api.ts'
import type { Samples, StoredHistogram, StoredSeries } from './source.ts'

interface Floats {
  readonly timestamps: Float64Array
  readonly values: Float64Array
}

const NO_FLOATS: Floats = { timestamps: new Float64Array(0), values: new Float64Array(0) }

const decoded = (chunks: readonly Uint8Array[]): Floats => {
  if (chunks.length === 0) return NO_FLOATS
  const floats = decodeChunks(chunks)
  if (!floats.ok) throw new DamagedChunkError(`a stored chunk is damaged: ${floats.error}`)
  return floats
}

/** One behind the other; by typed arrays alone, for a stale marker's bits have to survive. */
const joined = (parts: readonly Floats[]): Floats => {
  const filled = parts.filter(({ timestamps }) => timestamps.length > 0)
  if (filled.length < 2) return filled[0] ?? NO_FLOATS
  const count = filled.reduce((sum, { timestamps }) => sum + timestamps.length, 0)
  const timestamps = new Float64Array(count)
  const values = new Float64Array(count)
  let offset = 0
  for (const part of filled) {
    timestamps.set(part.timestamps, offset)
    values.set(part.values, offset)
    offset += part.timestamps.length
  }
  return { timestamps, values }
}

/** Ascending and unique; of samples at one time the one in front stays. */
const ordered = (floats: Floats): Floats => {
  if (isAscending(floats.timestamps)) return floats
  const order = Uint32Array.from(floats.timestamps.keys()).sort(
    (a, b) => (floats.timestamps[a] as number) - (floats.timestamps[b] as number) || a - b,
  )
  const kept = order.filter(
    (index, position) =>
      position === 0 ||
      floats.timestamps[index] !== floats.timestamps[order[position - 1] as number],
  )
  const words = new Uint32Array(2 * kept.length)
  const from = new Uint32Array(floats.values.buffer, floats.values.byteOffset)
  kept.forEach((index, position) => {
    words[2 * position] = from[2 * index] as number
    words[2 * position + 1] = from[2 * index + 1] as number
  })
  return {
    timestamps: Float64Array.from(kept, (index) => floats.timestamps[index] as number),
    values: new Float64Array(words.buffer),
  }
}

/** The position of the first time that is at least `time`. */
const lowerBound = (timestamps: Float64Array, time: number): number => {
  let low = 0
  let high = timestamps.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((timestamps[middle] as number) < time) low = middle + 1
    else high = middle
  }
  return low
}

const orderedHistograms = (parts: readonly SelectedSeries[]): StoredHistogram[] => {
  const byTime = new Map<number, StoredHistogram>()
  for (const { histograms } of parts)
    for (const histogram of histograms)
      if (!byTime.has(histogram.timestamp)) byTime.set(histogram.timestamp, histogram)
  return [...byTime.values()].sort((a, b) => a.timestamp - b.timestamp)
}

const read = (parts: readonly SelectedSeries[], fromMs: number, toMs: number): Samples => {
  const floats = ordered(joined(parts.flatMap(({ chunks, head }) => [decoded(chunks), head])))
  const first = lowerBound(floats.timestamps, fromMs)
  const end = lowerBound(floats.timestamps, toMs + 1)
  return {
    timestamps: floats.timestamps.subarray(first, end),
    values: floats.values.subarray(first, end),
    histograms: orderedHistograms(parts),
  }
}

const headOf = ({ head: { timestamps, values } }: SelectedSeries): HeadSamples => ({
  count: timestamps.length,
  copy: (times, bits, at) => {
    times.set(timestamps, at)
    bits.set(new Int32Array(values.buffer, values.byteOffset, 2 * values.length), 2 * at)
  },
})

const isSame = (a: WindowOptions, b: WindowOptions): boolean =>
  a.startMs === b.startMs &&
  a.stepMs === b.stepMs &&
  a.steps === b.steps &&
  a.rangeMs === b.rangeMs &&
  a.leftOpen === b.leftOpen &&
  a.parameter === b.parameter

/** A series of which the shard answered what the call makes of it. */
const evaluatedSeries = (
  labels: StoredSeries['labels'],
  evaluated: EvaluatedWindows,
  call: WindowCall | null,
): StoredSeries => ({
  labels,
  read: () => {
    throw new Error('the samples are in their shard')
  },
  evaluate: (name, windows) => {
    if (call?.name !== name || !isSame(call.windows, windows))
      throw new Error(`${name} was not asked of the shard`)
    return evaluated
  },
})

/**
 * One series of what shards answered, its samples in [fromMs, toMs]. Decoded when read; where the series
 * is in several shards, as while it moves, the first one's samples come first.
 *
 * @param parts of the same labels, at least one; if it was evaluated, that one alone
 * @param call that it was evaluated by
 */
export const storedSeriesOf = (
  parts: readonly SelectedSeries[],
  fromMs: number,
  toMs: number,
  call: WindowCall | null = null,
): StoredSeries => {
  const [first] = parts
  const labels = decodeLabels(first?.labels ?? new Uint8Array(0))
  if (first?.evaluated) return evaluatedSeries(labels, first.evaluated, call)
  return {
    labels,
    read: () => read(parts, fromMs, toMs),
    evaluate: (name, windows) =>
      first && parts.length === 1 && first.histograms.length === 0
        ? evaluateInPlace(first.chunks, headOf(first), { name, windows })
        : null,
  }
}
