import type { Column } from './heads.ts'

/** Late samples of one series as positions in the batch that they came in. */
export interface LateSamples {
  /** Ascending by time; of one time in the order in which they came. */
  readonly positions: readonly number[]
  readonly timestamps: Float64Array
  /** i32[2n]: words of the batch's values. */
  readonly bits: Int32Array
}

/** What became of late samples. */
export interface LateOutcome {
  /** The series' head with what was accepted, ascending. */
  readonly timestamps: Float64Array
  /** i32[2n]. */
  readonly bits: Int32Array
  readonly accepted: readonly number[]
  readonly duplicates: number
  readonly conflicts: readonly number[]
}

/** Words of the sealed value at each time, the first written; by time. */
const sealedBits = (sealed: Column | null, times: ReadonlySet<number>) => {
  const found = new Map<number, number>()
  sealed?.timestamps.forEach((timestamp, at) => {
    if (times.has(timestamp) && !found.has(timestamp)) found.set(timestamp, at)
  })
  return found
}

/**
 * Puts late samples in their places in a head. For each moment the first value stays: the same bits
 * again are a duplicate, others a conflict.
 *
 * @param head ascending, each time once
 * @param sealed chunks' samples that may stand at the same times, in any order
 */
export const mergeLate = (head: Column, sealed: Column | null, late: LateSamples): LateOutcome => {
  const { positions } = late
  const headBits = new Int32Array(
    head.values.buffer,
    head.values.byteOffset,
    2 * head.values.length,
  )
  const sealedWords =
    sealed &&
    new Int32Array(sealed.values.buffer, sealed.values.byteOffset, 2 * sealed.values.length)
  const times = new Set(positions.map((position) => late.timestamps[position] as number))
  const sealedAt = sealedBits(sealed, times)
  const size = head.timestamps.length + positions.length
  const timestamps = new Float64Array(size)
  const bits = new Int32Array(2 * size)
  const accepted: number[] = []
  const conflicts: number[] = []
  let duplicates = 0
  let count = 0
  let next = 0
  const put = (timestamp: number, from: Int32Array, at: number) => {
    timestamps[count] = timestamp
    bits[2 * count] = from[2 * at] as number
    bits[2 * count + 1] = from[2 * at + 1] as number
    count++
  }
  for (const position of positions) {
    const timestamp = late.timestamps[position] as number
    while (next < head.timestamps.length && (head.timestamps[next] as number) <= timestamp) {
      put(head.timestamps[next] as number, headBits, next)
      next++
    }
    const isEqual = (from: Int32Array, at: number) =>
      from[2 * at] === late.bits[2 * position] && from[2 * at + 1] === late.bits[2 * position + 1]
    const inSealed = sealedAt.get(timestamp)
    let known: boolean | null = null
    if (count > 0 && timestamps[count - 1] === timestamp) known = isEqual(bits, count - 1)
    else if (inSealed !== undefined && sealedWords) known = isEqual(sealedWords, inSealed)
    if (known === null) {
      put(timestamp, late.bits, position)
      accepted.push(position)
    } else if (known) duplicates++
    else conflicts.push(position)
  }
  for (; next < head.timestamps.length; next++) put(head.timestamps[next] as number, headBits, next)
  return {
    timestamps: timestamps.subarray(0, count),
    bits: bits.subarray(0, 2 * count),
    accepted,
    duplicates,
    conflicts,
  }
}
