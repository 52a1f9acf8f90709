import { decodeResident } from '../../kernels/chunk.ts'
import { Resident } from '../../kernels/memory.ts'
import { getKernels } from '../../kernels/module.ts'
import {
  evaluateWindows,
  isAscending,
  type WindowFunction,
  type WindowOptions,
} from '../../kernels/windows.ts'

/** A function of windows to be evaluated over each series. */
export interface WindowCall {
  readonly name: WindowFunction
  readonly windows: WindowOptions
}

/** A function's value at each step, and how many samples were read for it. */
export interface EvaluatedWindows {
  /** f64[steps] */
  readonly values: Float64Array
  /** u8[steps]: 1 where there is a value. */
  readonly present: Uint8Array
  readonly samples: number
}

/** Samples that are not in chunks; they stand behind those. */
export interface HeadSamples {
  readonly count: number
  /** @param at where they go: f64[] of times, i32[][2] of the words of values */
  copy(timestamps: Float64Array, bits: Int32Array, at: number): void
}

/** Thrown where a stored chunk cannot be decoded: a bug, or damaged storage. */
export class DamagedChunkError extends Error {}

/**
 * A function of windows over a series that is decoded into the kernels' memory and read there; null where its
 * samples are not in order as they are stored.
 *
 * @throws DamagedChunkError, ArenaExhaustedError
 */
export const evaluateInPlace = (
  chunks: readonly Uint8Array[],
  head: HeadSamples,
  { name, windows }: WindowCall,
): EvaluatedWindows | null => {
  const { arena } = getKernels()
  return arena.lease((lease) => {
    const found = decodeResident(lease, chunks, 1, head.count)
    if (!found.ok) throw new DamagedChunkError(`a stored chunk is damaged: ${found.error}`)
    const { timestamps, values } = found
    const count = found.count + head.count
    if (head.count > 0)
      head.copy(arena.f64(timestamps, count), arena.i32(values, 2 * count), found.count)
    const times = new Resident(timestamps, count)
    if (!isAscending(times)) return null
    const result = evaluateWindows(name, times, new Resident(values, count), windows)
    return { values: result.values, present: result.present, samples: count }
  })
}
