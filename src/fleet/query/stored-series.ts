import { decodeChunks, decodeResident } from '../../kernels/chunk.ts'
import { type Lease, Resident } from '../../kernels/memory.ts'
import { getKernels } from '../../kernels/module.ts'
import {
  evaluateWindows,
  isAscending,
  type WindowFunction,
  type WindowOptions,
} from '../../kernels/windows.ts'
import { decodeLabels } from '../series/labels.ts'
import type { SelectedSeries } from '../series/shard-api.ts'
import type { EvaluatedWindows, Samples, StoredHistogram, StoredSeries } from './source.ts'

interface Floats {
  readonly timestamps: Float64Array
  readonly values: Float64Array
}

const NO_FLOATS: Floats = { timestamps: new Float64Array(0), values: new Float64Array(0) }

/** Thrown where a stored chunk cannot be decoded: a bug, or damaged storage. */
export class DamagedChunkError extends Error {}

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

/** The columns of chunks with the head's behind them, in the kernels' memory. */
const resident = (lease: Lease, { chunks, head }: SelectedSeries) => {
  const { arena } = getKernels()
  const found = decodeResident(lease, chunks, 1, head.timestamps.length)
  if (!found.ok) throw new DamagedChunkError(`a stored chunk is damaged: ${found.error}`)
  const { timestamps, values } = found
  const count = found.count + head.timestamps.length
  if (count > found.count) {
    arena.f64(timestamps, count).set(head.timestamps, found.count)
    arena.f64(values, count).set(head.values, found.count)
  }
  return { times: new Resident(timestamps, count), values: new Resident(values, count) }
}

/** The windows of a series whose samples are in order as they are stored; null where they are not. */
const evaluateInPlace = (
  part: SelectedSeries,
  name: WindowFunction,
  windows: WindowOptions,
): EvaluatedWindows | null => {
  return getKernels().arena.lease((lease) => {
    const { times, values } = resident(lease, part)
    if (!isAscending(times)) return null
    return { ...evaluateWindows(name, times, values, windows), samples: times.length }
  })
}

/**
 * One series of what shards answered, its samples in [fromMs, toMs]. Decoded when read; where the series
 * is in several shards, as while it moves, the first one's samples come first.
 *
 * @param parts of the same labels, at least one
 */
export const storedSeriesOf = (
  parts: readonly SelectedSeries[],
  fromMs: number,
  toMs: number,
): StoredSeries => {
  const [first] = parts
  return {
    labels: decodeLabels(first?.labels ?? new Uint8Array(0)),
    read: () => read(parts, fromMs, toMs),
    evaluate: (name, windows) =>
      first && parts.length === 1 && first.histograms.length === 0
        ? evaluateInPlace(first, name, windows)
        : null,
  }
}
