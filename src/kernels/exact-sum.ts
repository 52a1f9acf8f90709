import { CHUNK_ELEMENTS } from './memory.ts'
import { getKernels } from './module.ts'

/** i64 digits of 32 bits and, behind them, the f64 sum of NaN and ±Inf: see assembly/exact-sum.ts. */
const DIGITS = 67
const STATE_ELEMENTS = DIGITS + 1
const STATE_BYTES = 1024

/** The digits' value is an integer count of 2^UNIT_EXPONENT. */
const UNIT_EXPONENT = -1074

/** units · 2^−1074, rounded to nearest, ties to even. */
function roundUnits(units: bigint): number {
  const magnitude = units < 0n ? -units : units
  const excessBits = magnitude.toString(16).length * 4 - 64
  if (excessBits <= 0) {
    // Below 2^64 units Number() rounds, or there is nothing to round as below 2^53.
    const value = Number(magnitude) * 2 ** -537 * 2 ** (UNIT_EXPONENT + 537)
    return units < 0n ? -value : value
  }
  const shift = BigInt(excessBits)
  const top = magnitude >> shift
  // Whether anything lies below decides a tie.
  const sticky = top << shift === magnitude ? 0n : 1n
  const exponent = UNIT_EXPONENT + excessBits
  const half = Math.trunc(exponent / 2)
  const value = Number(top | sticky) * 2 ** half * 2 ** (exponent - half)
  return units < 0n ? -value : value
}

/**
 * A sum that no rounding touches until it is read. Adding in any order and merging in any grouping
 * give the same state, bit for bit. NaN and ±Inf propagate as in IEEE addition.
 *
 * Accuracy: `value` is the exact sum, rounded once.
 * Source: Neal 2015, arXiv:1505.05571, the small superaccumulator.
 */
export class ExactSum {
  readonly #state = new Float64Array(STATE_ELEMENTS)
  readonly #digits = new BigInt64Array(this.#state.buffer, 0, DIGITS)

  /** @param values f64[n] */
  add(values: Float64Array): void {
    const { arena, exports } = getKernels()
    const state = arena.scratch
    arena.write(state, this.#state)
    for (let start = 0; start < values.length; start += CHUNK_ELEMENTS) {
      const chunk = values.subarray(start, start + CHUNK_ELEMENTS)
      arena.write(state + STATE_BYTES, chunk)
      exports.sum_exact_f64(state + STATE_BYTES, chunk.length, state)
    }
    // As bytes: a digit may look like a NaN, whose bits a copy of doubles need not keep.
    new Uint8Array(this.#state.buffer).set(arena.u8(state, STATE_ELEMENTS * 8))
  }

  /** Adds another sum; the other stays as it is. */
  merge(other: ExactSum): void {
    let carry = 0n
    for (let i = 0; i < DIGITS - 1; i++) {
      const digit = (this.#digits[i] ?? 0n) + (other.#digits[i] ?? 0n) + carry
      this.#digits[i] = digit & 0xffffffffn
      carry = digit >> 32n
    }
    const last = DIGITS - 1
    this.#digits[last] = (this.#digits[last] ?? 0n) + (other.#digits[last] ?? 0n) + carry
    this.#state[DIGITS] = (this.#state[DIGITS] ?? 0) + (other.#state[DIGITS] ?? 0)
  }

  /** The sum as the nearest double; ±Infinity beyond the largest. */
  get value(): number {
    const notFinite = this.#state[DIGITS] ?? 0
    if (notFinite !== 0) return notFinite
    let units = 0n
    for (let i = DIGITS - 1; i >= 0; i--) units = (units << 32n) + (this.#digits[i] ?? 0n)
    return roundUnits(units)
  }

  /** The digits, lowest first: equal where, and only where, the sums are. */
  get digits(): readonly bigint[] {
    return [...this.#digits]
  }
}

/**
 * The exact sum, rounded once: for values that cancel so far that even sumCompensated is too coarse.
 *
 * @param values f64[n]
 * @returns 0 for an empty array; NaN and ±Inf as in IEEE addition
 * Accuracy: the nearest double to the exact sum.
 */
export function sumExact(values: Float64Array): number {
  const total = new ExactSum()
  total.add(values)
  return total.value
}
