import { chunkSpan, decodeChunks, encodeChunk } from '../../kernels/chunk.ts'
import { type ChunkStore, GROUPS_MAX, PARTS_MAX } from './chunk-store.ts'
import { dayOf } from './day.ts'
import type { Column, Heads } from './heads.ts'
import { SegmentBuilder } from './segment.ts'

/** Samples in one chunk that is stored. */
export const STORED_CHUNK_SAMPLES_MAX = 8_192
/** Series in one step of a compaction: a few milliseconds. */
const COMPACTION_STEP_SERIES = 256

/** Where a chunk that begins at `from` ends: at the bound, or with the UTC day. */
const endOfChunk = (timestamps: Float64Array, from: number, count: number): number => {
  const end = Math.min(count, from + STORED_CHUNK_SAMPLES_MAX)
  const day = dayOf(timestamps[from] as number)
  if (dayOf(timestamps[end - 1] as number) === day) return end
  let at = from + 1
  while (dayOf(timestamps[at] as number) === day) at++
  return at
}

/**
 * Encodes the heads of the slots in [first, end) and stores the chunks as segments of their days. Inside
 * a transaction.
 *
 * @param numberOf number of a slot's series, ascending with the slots
 * @param cut any number that no other cut has
 */
export const sealHeads = (
  heads: Heads,
  first: number,
  end: number,
  numberOf: (slot: number) => number,
  store: ChunkStore,
  cut: number,
): void => {
  const builders = new Map<number, SegmentBuilder>()
  let samplesMax = 0
  for (let slot = first; slot < end; slot++) samplesMax = Math.max(samplesMax, heads.count(slot))
  const timestamps = new Float64Array(samplesMax)
  const values = new Float64Array(samplesMax)
  const bits = new Int32Array(values.buffer)
  for (let slot = first; slot < end; slot++) {
    const count = heads.copy(slot, timestamps, bits)
    for (let from = 0; from < count; ) {
      const chunkEnd = endOfChunk(timestamps, from, count)
      const oldest = timestamps[from] as number
      const day = dayOf(oldest)
      let builder = builders.get(day)
      if (!builder) {
        builder = new SegmentBuilder((segment) => store.addSegment(day, cut, segment))
        builders.set(day, builder)
      }
      const chunk = encodeChunk(
        timestamps.subarray(from, chunkEnd),
        values.subarray(from, chunkEnd),
      )
      builder.add(numberOf(slot), chunk, oldest, timestamps[chunkEnd - 1] as number)
      from = chunkEnd
    }
  }
  for (const builder of builders.values()) builder.end()
  store.saveDays(builders.keys())
}

/** A chunk of the store that cannot be read: its samples are lost, the rest is served. */
export type OnFault = (detail: string) => void

/** The samples of chunks in order of time, each time once, the first written of several. */
export const mergedSamples = (chunks: readonly Uint8Array[], onFault: OnFault): Column => {
  const readable = chunks.filter((chunk) => {
    const span = chunkSpan(chunk)
    if (!span.ok) onFault(span.error)
    return span.ok
  })
  let found = decodeChunks(readable)
  if (!found.ok) {
    onFault(found.error)
    const good = readable.filter((chunk) => decodeChunks([chunk]).ok)
    found = decodeChunks(good)
    if (!found.ok) throw new Error(`chunks cannot be read: ${found.error}`)
  }
  return ordered(found)
}

/** Sorted by time, each time once, the first of several. */
export const ordered = ({ timestamps, values }: Column): Column => {
  let isOrdered = true
  for (let at = 1; at < timestamps.length && isOrdered; at++)
    isOrdered = (timestamps[at] as number) > (timestamps[at - 1] as number)
  if (isOrdered) return { timestamps, values }
  const order = Uint32Array.from(timestamps.keys()).sort(
    (a, b) => (timestamps[a] as number) - (timestamps[b] as number) || a - b,
  )
  const times = new Float64Array(order.length)
  const sorted = new Float64Array(order.length)
  const from = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
  const to = new Int32Array(sorted.buffer)
  let count = 0
  for (const at of order) {
    const timestamp = timestamps[at] as number
    if (count > 0 && times[count - 1] === timestamp) continue
    times[count] = timestamp
    to[2 * count] = from[2 * at] as number
    to[2 * count + 1] = from[2 * at + 1] as number
    count++
  }
  return { timestamps: times.subarray(0, count), values: sorted.subarray(0, count) }
}

/**
 * Merges the segments of a day into chunks by series, step by step: between steps the object serves
 * others. Killed at any point, the segments are still there, and the chunks that were written repeat them
 * until the next try replaces them.
 *
 * @param transaction runs its argument as one transaction
 */
export function* compactDay(
  store: ChunkStore,
  day: number,
  transaction: (write: () => void) => void,
  onFault: OnFault,
): Generator<void> {
  const { upTo, groups, highest } = store.waiting(day)
  if (groups >= GROUPS_MAX || upTo === 0) return
  let first = 0
  while (first <= highest) {
    const last = Math.min(highest, first + COMPACTION_STEP_SERIES - 1)
    const bySeries = new Map<number, Uint8Array[]>()
    for (const { reader } of store.segments(day, first, last, upTo))
      for (let entry = reader.seek(first); entry < reader.count; entry++) {
        const number = reader.number(entry)
        if (number > last) break
        const chunks = bySeries.get(number)
        if (chunks) chunks.push(reader.chunk(entry))
        else bySeries.set(number, [reader.chunk(entry)])
      }
    transaction(() => {
      for (const [number, chunks] of bySeries) {
        const { timestamps, values } = mergedSamples(chunks, onFault)
        const samplesMax = Math.max(
          STORED_CHUNK_SAMPLES_MAX,
          Math.ceil(timestamps.length / PARTS_MAX),
        )
        for (let part = 0; part * samplesMax < timestamps.length; part++) {
          const [from, to] = [part * samplesMax, (part + 1) * samplesMax]
          const chunk = encodeChunk(timestamps.subarray(from, to), values.subarray(from, to))
          store.putChunk(day, number, groups, part, chunk)
        }
      }
    })
    first = last + 1
    yield
  }
  transaction(() => store.endGroup(day, upTo))
}
