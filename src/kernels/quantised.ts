import { CHUNK_ELEMENTS } from './memory.ts'
import { getKernels } from './module.ts'
import type { Summary } from './reduce.ts'
import { EMPTY_SUMMARY } from './reduce.ts'

/** Bytes q that stand for x = scale · (q − zeroPoint). */
export interface Quantised {
  readonly values: Uint8Array | Int8Array
  /** Finite and not zero. */
  readonly scale: number
  /** An integer in the range of the bytes' type. */
  readonly zeroPoint: number
}

const STATE_BYTES = 1024
const CHUNK_BYTES = CHUNK_ELEMENTS * 8

/** What i8 gain on their way to u8. */
const I8_BIAS = 128

interface Integers {
  readonly sum: number
  readonly squares: number
  readonly min: number
  readonly max: number
}

/** Σu, Σu², min and max of u = q − zeroPoint, exact while n < 2^31. */
function integersOf({ values, scale, zeroPoint }: Quantised): Integers {
  if (!Number.isFinite(scale) || scale === 0) {
    throw new RangeError(`scale ${scale} is not finite and other than zero`)
  }
  const bias = values instanceof Int8Array ? I8_BIAS : 0
  if (!Number.isInteger(zeroPoint) || zeroPoint < -bias || zeroPoint > 255 - bias) {
    throw new RangeError(`zeroPoint ${zeroPoint} is not an integer from ${-bias} to ${255 - bias}`)
  }
  const { arena, exports } = getKernels()
  const kernel = bias === 0 ? exports.summary_u8 : exports.summary_i8
  const state = arena.scratch
  arena.writeF64(state, 0, 0)
  arena.writeF64(state, 1, 0)
  arena.writeF64(state, 2, Number.POSITIVE_INFINITY)
  arena.writeF64(state, 3, Number.NEGATIVE_INFINITY)
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, bytes.length - start)
    arena.u8(state + STATE_BYTES, length).set(bytes.subarray(start, start + length))
    kernel(state + STATE_BYTES, length, state)
  }
  const zero = zeroPoint + bias
  const sum = arena.readF64(state)
  return {
    sum: sum - zero * values.length,
    squares: arena.readF64(state, 1) - 2 * zero * sum + zero * zero * values.length,
    min: arena.readF64(state, 2) - zero,
    max: arena.readF64(state, 3) - zero,
  }
}

/**
 * Sum of quantised values; 0 for an empty array.
 *
 * @throws RangeError when the scale or the zero point is out of its range
 * Accuracy: rounded once, from integers.
 */
export const sumQuantised = (quantised: Quantised): number =>
  quantised.scale * integersOf(quantised).sum

/**
 * Smallest and largest of quantised values; NaN where there are none.
 *
 * @throws RangeError when the scale or the zero point is out of its range
 * Accuracy: rounded once.
 */
export function minMaxQuantised(quantised: Quantised): { min: number; max: number } {
  const { min, max } = summaryQuantised(quantised)
  return { min, max }
}

/**
 * Summary of quantised values, mergeable with those of other arrays.
 *
 * @throws RangeError when the scale or the zero point is out of its range
 * Accuracy: sum, min and max rounded once, from integers; mean twice, M2 four times.
 */
export function summaryQuantised(quantised: Quantised): Summary {
  const { sum, squares, min, max } = integersOf(quantised)
  const { scale } = quantised
  const count = quantised.values.length
  if (count === 0) return EMPTY_SUMMARY
  // n·Σu² − (Σu)² passes 2^53, and cancels.
  const spread = BigInt(count) * BigInt(squares) - BigInt(sum) * BigInt(sum)
  return {
    count,
    sum: scale * sum,
    min: scale * (scale > 0 ? min : max),
    max: scale * (scale > 0 ? max : min),
    mean: scale * (sum / count),
    m2: scale * scale * (Number(spread) / count),
    nanCount: 0,
    sumLow: 0,
  }
}
