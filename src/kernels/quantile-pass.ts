import { CHUNK_ELEMENTS, Resident } from './memory.ts'
import type { Kernels } from './module.ts'
import { pieceOf } from './pieces.ts'

/** Smallest and largest value inside, or their order words. */
export interface Bracket {
  low: number
  high: number
}

const BRACKETS_MAX = 4

/** A chunk of this size and where it is copied from stay in the first cache together. */
const PASS_ELEMENTS = CHUNK_ELEMENTS / 2

/** Elements that the kernel takes at a time. */
const GROUP_ELEMENTS = 64

/** Below every word. */
const WORD_MIN = -0x80000000

/** Of coarse words; more than one bracket needs them. Eight bits are faster, sixteen finer. */
export type CoarseBits = 8 | 16

/** The word of what lies above all bounds; −1 − that of what lies below. */
const coarseMax = (bits: CoarseBits): number => 2 ** (bits - 1) - 1

/** What a kernel keeps from chunk to chunk lies before the chunk. */
export const STATE_BYTES = 1024

/** The structure of assembly/bracket.ts by its 32-bit words. */
const BELOW_AT = 8
const INSIDE_AT = 12
const SHIFT_AT = 16
const BASE_AT = 17
const ORIGIN_AT_F64 = 9

type Values = Float64Array | Float32Array | Resident

const value_f64 = new Float64Array(1)
const value_f32 = new Float32Array(1)
const bits_f64 = new Int32Array(value_f64.buffer)
const bits_f32 = new Int32Array(value_f32.buffer)

/** The order word of assembly/bracket.ts: of f32 the bits, of f64 the high half, of x − origin. */
function orderWord(value: number, isF32: boolean, origin = 0): number {
  value_f64[0] = value - origin
  // Rounded twice, which for a difference of floats is as once: 53 ≥ 2 · 24 + 2.
  value_f32[0] = value - origin
  return (isF32 ? bits_f32[0] : bits_f64[1]) ?? 0
}

/** Joins brackets that touch; `of[i]` is the place of the i-th one's union. */
function joined(brackets: readonly Bracket[]): { unions: Bracket[]; of: number[] } {
  const order = brackets.map((_bracket, i) => i)
  order.sort((a, b) => (brackets[a]?.low ?? 0) - (brackets[b]?.low ?? 0))
  const unions: Bracket[] = []
  const of: number[] = []
  for (const i of order) {
    const next = brackets[i]
    const last = unions.at(-1)
    if (!next) continue
    if (last && next.low <= last.high) last.high = Math.max(last.high, next.high)
    else unions.push({ ...next })
    of[i] = unions.length - 1
  }
  return { unions, of }
}

interface Coarse {
  readonly bits: CoarseBits
  readonly shift: number
  readonly base: number
}

/** How words become `bits` that span the bounds but the open ends. */
function coarseOf(words: readonly Bracket[], wordMax: number, bits: CoarseBits): Coarse {
  const bounds = words
    .flatMap(({ low, high }) => [low, high])
    .filter((word) => word !== WORD_MIN && word !== wordMax)
  const least = Math.min(...bounds)
  const most = Math.max(...bounds)
  const max = coarseMax(bits)
  let shift = 1
  while ((most >> shift) - (least >> shift) >= 2 * max) shift++
  return { bits, shift, base: (least >> shift) + max }
}

/** One pass with brackets: their structure lies at the scratch address, chunks behind it. */
export class BracketPass {
  /** Values of the last pass that are not NaN. */
  validCount = 0
  readonly #kernels: Kernels
  readonly #isF32: boolean
  readonly #origin: number | undefined
  readonly #brackets: readonly Bracket[]
  readonly #coarse: Coarse | undefined
  readonly #of: readonly number[]
  /** Words of the candidates that were kept unseen: what was left of a group. */
  #unseen: number[] = []

  private constructor(
    kernels: Kernels,
    brackets: readonly Bracket[],
    isF32: boolean,
    origin: number | undefined,
    bits: CoarseBits,
  ) {
    this.#kernels = kernels
    this.#isF32 = isF32
    this.#origin = origin
    const wordMax = isF32 ? 0x7f800000 : 0x7ff00000
    const word = (value: number): number => {
      if (value === Number.NEGATIVE_INFINITY) return WORD_MIN
      return value === Number.POSITIVE_INFINITY ? wordMax : orderWord(value, isF32, origin)
    }
    const fine = joined(brackets.map(({ low, high }) => ({ low: word(low), high: word(high) })))
    this.#brackets = fine.unions
    this.#of = fine.of
    if (fine.unions.length === 1) return
    this.#coarse = coarseOf(fine.unions, wordMax, bits)
    const { shift, base } = this.#coarse
    const max = coarseMax(bits)
    const { unions, of } = joined(
      fine.unions.map(({ low, high }) => ({
        // A bracket of nothing but +Inf begins above all bounds, and has more bits than a coarse word.
        low: low === WORD_MIN ? -1 - max : Math.min(max, (low >> shift) - base),
        high: high === wordMax ? max : (high >> shift) - base,
      })),
    )
    this.#brackets = unions
    this.#of = fine.of.map((union) => of[union] ?? 0)
  }

  /**
   * @param brackets of values: no bound negative unless it is −Inf, or less than the origin
   * @param origin what is taken from every value first; finite, no bound is less
   * @param bits of the words where there is more than one bracket
   * @returns undefined where the brackets are more than a pass takes
   */
  static of(
    kernels: Kernels,
    brackets: readonly Bracket[],
    isF32: boolean,
    origin: number | undefined,
    bits: CoarseBits,
  ): BracketPass | undefined {
    const pass = new BracketPass(kernels, brackets, isF32, origin, bits)
    return pass.#brackets.length > BRACKETS_MAX ? undefined : pass
  }

  get #state(): Uint32Array {
    const { arena } = this.#kernels
    return arena.u32(arena.scratch, 2 * ORIGIN_AT_F64 + 2)
  }

  #begin(): void {
    const { arena } = this.#kernels
    const state = this.#state.fill(0)
    for (let i = 0; i < BRACKETS_MAX; i++) {
      // Repeating the last bracket keeps nothing more.
      const { low, high } = this.#brackets[i] ?? this.#brackets.at(-1) ?? { low: 0, high: 0 }
      state[2 * i] = low
      state[2 * i + 1] = high
    }
    state[SHIFT_AT] = this.#coarse?.shift ?? 1
    state[BASE_AT] = this.#coarse?.base ?? 0
    arena.writeF64(arena.scratch, ORIGIN_AT_F64, this.#origin ?? 0)
    this.#unseen = []
    this.validCount = 0
  }

  #wordOf(value: number): number {
    const word = orderWord(value, this.#isF32, this.#origin)
    if (!this.#coarse) return word
    const { bits, shift, base } = this.#coarse
    const max = coarseMax(bits)
    return Math.max(-1 - max, Math.min(max, (word >> shift) - base))
  }

  /**
   * Of the i-th bracket given, after a pass that kept `count`: its ranks among the candidates, from
   * and behind the last, and how far a rank among all stands above that among the candidates.
   */
  ranksOf(i: number, count: number): [from: number, to: number, shift: number] {
    const place = this.#of[i] ?? 0
    const { low, high } = this.#brackets[place] ?? { low: 0, high: 0 }
    const state = this.#state
    let before = 0
    for (let other = 0; other < place; other++) before += state[INSIDE_AT + other] ?? 0
    const isLast = place === this.#brackets.length - 1
    const to = isLast ? count - this.#unseen.length : before + (state[INSIDE_AT + place] ?? 0)
    let unseenBelow = 0
    let unseenTo = 0
    for (const word of this.#unseen) {
      if (word < low) unseenBelow++
      if (word <= high) unseenTo++
    }
    return [before + unseenBelow, to + unseenTo, (state[BELOW_AT + place] ?? 0) - before]
  }

  /**
   * All of some values, chunk by chunk, counted anew.
   *
   * @param expectsNaN whether NaN are looked for before each chunk, which costs less than after it
   * @returns the address behind the candidates; undefined where there is no room for them, or a NaN
   *   came among f32
   */
  over(values: Values, candidates: number, room: number, expectsNaN: boolean): number | undefined {
    this.#begin()
    const { arena } = this.#kernels
    const input = arena.scratch + STATE_BYTES
    let target = candidates
    if (expectsNaN && this.#isF32) return undefined
    for (let start = 0; start < values.length; start += PASS_ELEMENTS) {
      const length = Math.min(PASS_ELEMENTS, values.length - start)
      if ((target - candidates) / 8 + length + GROUP_ELEMENTS > room) return undefined
      let pointer = input
      if (!(values instanceof Resident)) {
        arena.write(input, pieceOf(values, start, length))
      } else if (expectsNaN) {
        arena.write(input, arena.f64(values.pointer + start * 8, length))
      } else {
        pointer = values.pointer + start * 8
      }
      const end = this.#overChunk(pointer, length, target, expectsNaN)
      if (end === undefined) return undefined
      target = end
    }
    return target
  }

  #overChunk(
    pointer: number,
    length: number,
    target: number,
    expectsNaN: boolean,
  ): number | undefined {
    const { arena, exports } = this.#kernels
    const valid = expectsNaN ? exports.remove_nan_f64(pointer, length) : length
    const whole = valid - (valid % GROUP_ELEMENTS)
    const width = this.#isF32 ? 4 : 8
    const rest = whole === valid ? undefined : this.#read(pointer + whole * width, valid - whole)
    const kernel = this.#isF32 ? exports.bracket_f32 : exports.bracket_f64
    // The kernel's loop for one bracket has fine words, those for more have coarse ones.
    const wordBits = this.#coarse?.bits ?? 32
    const isShifted = this.#origin !== undefined
    let end = 0
    if (!rest?.some(Number.isNaN)) {
      end = kernel(pointer, whole, arena.scratch, wordBits, isShifted, target)
    }
    if (end === 0) {
      if (this.#isF32) return undefined
      const input = arena.scratch + STATE_BYTES
      if (pointer !== input) arena.write(input, arena.f64(pointer, length))
      return this.#overChunk(input, length, target, true)
    }
    for (const value of rest ?? []) {
      this.#unseen.push(this.#wordOf(value))
      arena.writeF64(end, 0, value)
      end += 8
    }
    this.validCount += valid
    return end
  }

  #read(pointer: number, length: number): Float64Array | Float32Array {
    const { arena } = this.#kernels
    return this.#isF32 ? arena.f32(pointer, length) : arena.f64(pointer, length)
  }
}
