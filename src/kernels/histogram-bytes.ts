import type { Buckets } from './buckets.ts'
import type { Histogram } from './histogram.ts'

/**
 * Bytes of a histogram, version 1; `varint` is unsigned LEB128 (seven bits a byte, low first):
 *
 *   u8 version = 1 | i8 scale | varint bucketsMax | varint zeroCount | varint nonFiniteCount
 *   then positive, then negative buckets:
 *   varint length | where length > 0: varint zigzag(index of the first) | varint count × length
 *
 * The first and the last count of a run are not zero, so equal histograms have equal bytes.
 */
const VERSION = 1

/** Indices lie within ±1075·2^10, scale 10. */
const INDEX_MAX = 1_100_800

interface BucketRun {
  readonly low: number
  readonly counts: number[]
}

export interface DecodedHistogram {
  readonly scale: number
  readonly bucketsMax: number
  readonly zeroCount: number
  readonly nonFiniteCount: number
  readonly positive: BucketRun
  readonly negative: BucketRun
}

function writeVarint(bytes: number[], value: number): void {
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
}

function writeBuckets(bytes: number[], buckets: Buckets): void {
  buckets.trim()
  writeVarint(bytes, buckets.span)
  if (buckets.span === 0) return
  const { low, high } = buckets
  writeVarint(bytes, low < 0 ? -2 * low - 1 : 2 * low)
  for (let index = low; index <= high; index++) writeVarint(bytes, buckets.at(index))
}

export function encodeHistogram(histogram: Histogram): Uint8Array<ArrayBuffer> {
  const bytes = [VERSION, histogram.scale & 0xff]
  writeVarint(bytes, histogram.bucketsMax)
  writeVarint(bytes, histogram.zeroCount)
  writeVarint(bytes, histogram.nonFiniteCount)
  writeBuckets(bytes, histogram.positive)
  writeBuckets(bytes, histogram.negative)
  return Uint8Array.from(bytes)
}

/** @throws RangeError when the bytes are truncated, too long, or of another version */
export function decodeHistogram(bytes: Uint8Array): DecodedHistogram {
  let position = 2
  const varint = (): number => {
    let value = 0
    for (let unit = 1; unit <= 2 ** 49; unit *= 128) {
      const byte = bytes[position++]
      if (byte === undefined) throw new RangeError('histogram bytes end too early')
      value += (byte & 127) * unit
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break
        return value
      }
    }
    throw new RangeError('histogram bytes hold a number above 2^53')
  }
  const run = (): BucketRun => {
    const length = varint()
    if (length === 0) return { low: 0, counts: [] }
    if (length > bytes.length) throw new RangeError('histogram bytes end too early')
    const zigzag = varint()
    const low = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    if (Math.abs(low) > INDEX_MAX) throw new RangeError('histogram bytes hold no such bucket')
    return { low, counts: Array.from({ length }, varint) }
  }
  if (bytes[0] !== VERSION) throw new RangeError(`histogram bytes are not version ${VERSION}`)
  const decoded = {
    scale: ((bytes[1] ?? 0) << 24) >> 24,
    bucketsMax: varint(),
    zeroCount: varint(),
    nonFiniteCount: varint(),
    positive: run(),
    negative: run(),
  }
  if (position !== bytes.length) throw new RangeError('histogram bytes go on after the end')
  return decoded
}
