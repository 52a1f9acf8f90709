import type { HeadSamples } from './evaluation.ts'
import type { SelectedSeries } from './shard-api.ts'

/** A series to be packed: what its head holds is copied straight to where it goes. */
export interface PackedSeries extends Omit<SelectedSeries, 'head'> {
  readonly head: HeadSamples
}

const HEADER_BYTES = 24
const SERIES_WORDS = 5

/** A time in ms as two words, the high one signed. */
const wordsOf = (timestamp: number): [number, number] => [
  Math.floor(timestamp / 2 ** 32),
  timestamp >>> 0,
]

/**
 * Selected series as one buffer, for thousands of small arrays cost more to send than what is in them.
 *
 * Little-endian: | series u32 | words w u32 | head samples h u32 | evaluated series e u32 | steps s u32 | zero u32
 *   | timestamps f64[h] | values f64[h] | evaluated values f64[e][s]
 *   | words u32[w]: per series label bytes, head samples, chunks, histograms, 1 + samples evaluated or 0, then
 *     the length of each chunk, then of each histogram {high i32, low u32 of its time, length u32}
 *   | labels, chunks, histograms, evaluated presence u8[s] of each series |
 */
export const packSelected = (selected: readonly PackedSeries[]): Uint8Array<ArrayBuffer> => {
  let words = 0
  let samples = 0
  let sizeBytes = 0
  let evaluatedCount = 0
  let steps = 0
  for (const { labels, chunks, head, histograms, evaluated } of selected) {
    words += SERIES_WORDS + chunks.length + 3 * histograms.length
    samples += head.count
    sizeBytes += labels.length
    for (const chunk of chunks) sizeBytes += chunk.length
    for (const { bytes } of histograms) sizeBytes += bytes.length
    if (!evaluated) continue
    steps = evaluated.values.length
    sizeBytes += steps
    evaluatedCount++
  }
  const evaluatedAt = HEADER_BYTES + 16 * samples
  const wordsAt = evaluatedAt + 8 * evaluatedCount * steps
  const packed = new Uint8Array(wordsAt + 4 * words + sizeBytes)
  const header = [selected.length, words, samples, evaluatedCount, steps]
  new Uint32Array(packed.buffer, 0, header.length).set(header)
  const timestamps = new Float64Array(packed.buffer, HEADER_BYTES, samples)
  const bits = new Int32Array(packed.buffer, HEADER_BYTES + 8 * samples, 2 * samples)
  const results = new Float64Array(packed.buffer, evaluatedAt, evaluatedCount * steps)
  const counts = new Int32Array(packed.buffer, wordsAt, words)
  let sample = 0
  let result = 0
  let word = 0
  let at = wordsAt + 4 * words
  const put = (bytes: Uint8Array) => {
    packed.set(bytes, at)
    at += bytes.length
  }
  for (const { labels, chunks, head, histograms, evaluated } of selected) {
    head.copy(timestamps, bits, sample)
    sample += head.count
    counts[word++] = labels.length
    counts[word++] = head.count
    counts[word++] = chunks.length
    counts[word++] = histograms.length
    counts[word++] = evaluated ? 1 + evaluated.samples : 0
    put(labels)
    for (const chunk of chunks) {
      counts[word++] = chunk.length
      put(chunk)
    }
    for (const { timestamp, bytes } of histograms) {
      counts.set([...wordsOf(timestamp), bytes.length], word)
      word += 3
      put(bytes)
    }
    if (!evaluated) continue
    results.set(evaluated.values, result)
    result += steps
    put(evaluated.present)
  }
  return packed
}

/** The inverse of `packSelected`: views over the buffer. */
export const unpackSelected = (given: Uint8Array): SelectedSeries[] => {
  const packed = given.byteOffset % 8 === 0 ? given : given.slice()
  const { buffer, byteOffset } = packed
  const header = new Uint32Array(buffer, byteOffset, 5)
  const [count = 0, words = 0, samples = 0, evaluatedCount = 0, steps = 0] = header
  const headAt = byteOffset + HEADER_BYTES
  const timestamps = new Float64Array(buffer, headAt, samples)
  const values = new Float64Array(buffer, headAt + 8 * samples, samples)
  const resultsAt = headAt + 16 * samples
  const wordsAt = resultsAt + 8 * evaluatedCount * steps
  const counts = new Int32Array(buffer, wordsAt, words)
  let at = wordsAt - byteOffset + 4 * words
  let word = 0
  let sample = 0
  let result = 0
  const next = () => counts[word++] as number
  const take = (length: number) => {
    at += length
    return packed.subarray(at - length, at)
  }
  return Array.from({ length: count }, () => {
    const [labelBytes, headSamples, chunkCount, histogramCount] = [next(), next(), next(), next()]
    const evaluatedSamples = next() - 1
    const labels = take(labelBytes)
    const chunks = Array.from({ length: chunkCount }, () => take(next()))
    const histograms = Array.from({ length: histogramCount }, () => {
      const timestamp = next() * 2 ** 32 + (next() >>> 0)
      return { timestamp, bytes: take(next()) }
    })
    const head = {
      timestamps: timestamps.subarray(sample, sample + headSamples),
      values: values.subarray(sample, sample + headSamples),
    }
    sample += headSamples
    if (evaluatedSamples < 0) return { labels, chunks, head, histograms }
    const evaluated = {
      values: new Float64Array(buffer, resultsAt + 8 * steps * result++, steps),
      present: take(steps),
      samples: evaluatedSamples,
    }
    return { labels, chunks, head, histograms, evaluated }
  })
}
