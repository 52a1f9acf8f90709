import { CHUNK_ELEMENTS, type Lease, Resident } from './memory.ts'
import type { Kernels } from './module.ts'
import { interpolate, wantedOf } from './quantile-ranks.ts'

/** Below this the sample costs more than it saves: bench/kernels/quantile. */
export const BRACKET_ELEMENTS_MIN = 12_000

/** More quantiles need more brackets than a pass takes. */
const QUANTILES_MAX = 8
const BRACKETS_MAX = 4

/** Half a bracket's width in standard deviations of a rank in the sample: it holds in 99.9 %. */
const DEVIATIONS = 3.3

/** Where more of the sample lies in the brackets, a pass over all costs more than it saves. */
const INSIDE_RATIO_MAX = 0.35

/** Elements that the kernel takes at a time. */
const GROUP_ELEMENTS = 64

const WORD_MIN = -0x80000000
const COARSE_MIN = -0x8000
const COARSE_MAX = 0x7fff

/** The structure of assembly/bracket.ts in the 1 KiB before a chunk, by its 32-bit words. */
const STATE_BYTES = 1024
const BELOW_AT = 8
const INSIDE_AT = 12
const SPECIAL_AT = 15
const SHIFT_AT = 16
const BASE_AT = 17

type Values = Float64Array | Float32Array | Resident

/** Smallest and largest order word. */
interface Bracket {
  low: number
  high: number
}

const value_f64 = new Float64Array(1)
const value_f32 = new Float32Array(1)
const bits_f64 = new Int32Array(value_f64.buffer)
const bits_f32 = new Int32Array(value_f32.buffer)

/** The order word of assembly/bracket.ts: of f32 its bits, of f64 the high half. */
function orderWord(value: number, isF32: boolean): number {
  value_f64[0] = value
  value_f32[0] = value
  const bits = (isF32 ? bits_f32[0] : bits_f64[1]) ?? 0
  return bits ^ ((bits >> 31) >>> 1)
}

/** Above the words of all finite values. */
const wordMax = (isF32: boolean): number => (isF32 ? 0x7f7fffff : 0x7fefffff)

const SAMPLE_MAX = 8192
const sample_f64 = new Float64Array(SAMPLE_MAX)
const sample_f32 = new Float32Array(SAMPLE_MAX)

/** Of values at positions that no pattern of the input follows, the same in every call. */
interface Sample {
  /** Valid until the next sample is taken. */
  readonly values: Float64Array | Float32Array
  /** Whether none has a sign bit. */
  readonly isPositive: boolean
}

/** Undefined where one is not finite: then a pass over all would be in vain. */
function sampleOf(values: Float64Array | Float32Array): Sample | undefined {
  const size = values.length < 50_000 ? 2048 : values.length < 500_000 ? 4096 : SAMPLE_MAX
  const into = values instanceof Float32Array ? sample_f32 : sample_f64
  const scale = values.length / 2 ** 32
  let state = 42
  let total = 0
  let isPositive = true
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const value = values[Math.floor(state * scale)] ?? 0
    total += value - value
    if (!(value > 0) && (value < 0 || Object.is(value, -0))) isPositive = false
    into[i] = value
  }
  return total === 0 ? { values: into.subarray(0, size), isPositive } : undefined
}

/** For each q the bracket that holds its ranks but for bad luck, of the sample's order statistics. */
function bracketsOf(
  { arena, exports }: Kernels,
  lease: Lease,
  sample: Float64Array | Float32Array,
  qs: readonly number[],
): Bracket[] {
  const last = sample.length - 1
  const isF32 = sample instanceof Float32Array
  const bounds = qs.map((q) => {
    const reach = DEVIATIONS * Math.sqrt(q * (1 - q) * sample.length) + 2
    return { low: Math.floor(q * last - reach), high: Math.ceil(q * last + reach) }
  })
  const ranks = Uint32Array.from(
    new Set(bounds.flatMap(({ low, high }) => [Math.max(0, low), Math.min(last, high)])),
  ).sort()
  const work = lease.allocate(exports.order_statistics_work_bytes(sample.length, ranks.length))
  const input = lease.copyInAsF64(sample)
  const ranksAt = lease.allocate(ranks.length * 4)
  const output = lease.allocate(ranks.length * 8)
  arena.u32(ranksAt, ranks.length).set(ranks)
  exports.order_statistics_f64(input, sample.length, ranksAt, ranks.length, work, output)
  const word = (rank: number) => orderWord(arena.readF64(output, ranks.indexOf(rank)), isF32)
  return bounds.map(({ low, high }) => ({
    low: low < 0 ? WORD_MIN : word(low),
    high: high > last ? wordMax(isF32) : word(high),
  }))
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

/** Brackets in the kernel's coarse words: 16 bits span all bounds but the open ends. */
function coarse(
  unions: readonly Bracket[],
  isF32: boolean,
): { words: Bracket[]; shift: number; base: number } {
  const bounds = unions
    .flatMap(({ low, high }) => [low, high])
    .filter((word) => word !== WORD_MIN && word !== wordMax(isF32))
  const least = Math.min(...bounds)
  const span = Math.max(...bounds) - least
  const shift = Math.max(1, Math.ceil(Math.log2(span + 1)) - 14)
  const base = least >> shift
  const words = unions.map(({ low, high }) => ({
    low: low === WORD_MIN ? COARSE_MIN : (low >> shift) - base,
    high: high === wordMax(isF32) ? COARSE_MAX : (high >> shift) - base,
  }))
  return { words, shift, base }
}

/** One pass with brackets: their structure lies at the scratch address, chunks behind it. */
class Pass {
  readonly #kernels: Kernels
  readonly #isF32: boolean
  readonly #isPositive: boolean
  readonly #brackets: readonly Bracket[]
  readonly #coarse: { shift: number; base: number } | undefined
  /** Words of the candidates that were kept unseen: the last values, less than a group. */
  #unseen: number[] = []
  /** Where each union went: those that share a coarse word are one bracket. */
  readonly bracketOf: readonly number[]

  constructor(kernels: Kernels, unions: readonly Bracket[], isF32: boolean, isPositive: boolean) {
    this.#kernels = kernels
    this.#isF32 = isF32
    this.#isPositive = isPositive
    if (unions.length > 1) {
      const { words, shift, base } = coarse(unions, isF32)
      const { unions: brackets, of } = joined(words)
      this.#brackets = brackets
      this.bracketOf = of
      this.#coarse = { shift, base }
    } else {
      this.#brackets = unions
      this.bracketOf = [0]
    }
    const state = this.#state.fill(0)
    state[SHIFT_AT] = this.#coarse?.shift ?? 1
    state[BASE_AT] = this.#coarse?.base ?? 0
    for (let i = 0; i < BRACKETS_MAX; i++) {
      // Repeating the last bracket keeps nothing more.
      const { low, high } = this.#brackets[i] ?? this.#brackets.at(-1) ?? { low: 0, high: 0 }
      state[2 * i] = low
      state[2 * i + 1] = high
    }
  }

  get #state(): Uint32Array {
    const { arena } = this.#kernels
    return arena.u32(arena.scratch, BASE_AT + 1)
  }

  #wordOf(value: number): number {
    const word = orderWord(value, this.#isF32)
    if (!this.#coarse) return word
    const { shift, base } = this.#coarse
    return Math.max(COARSE_MIN, Math.min(COARSE_MAX, (word >> shift) - base))
  }

  /** How far a rank among all stands above its rank among the candidates, in a bracket. */
  shiftOf(bracket: number): number {
    const state = this.#state
    let kept = 0
    for (let i = 0; i < bracket; i++) kept += state[INSIDE_AT + i] ?? 0
    return (state[BELOW_AT + bracket] ?? 0) - kept
  }

  /** Ranks among the candidates, of `count` in all, that a bracket holds: from, and behind the last. */
  ranksOf(bracket: number, count: number): [from: number, to: number] {
    const { low, high } = this.#brackets[bracket] ?? { low: 0, high: 0 }
    const state = this.#state
    let from = 0
    for (let i = 0; i < bracket; i++) from += state[INSIDE_AT + i] ?? 0
    const isLast = bracket === this.#brackets.length - 1
    const to = isLast ? count - this.#unseen.length : from + (state[INSIDE_AT + bracket] ?? 0)
    const unseenBelow = this.#unseen.filter((word) => word < low).length
    const unseenTo = this.#unseen.filter((word) => word <= high).length
    return [from + unseenBelow, to + unseenTo]
  }

  /**
   * All of some values, chunk by chunk, counted anew. Returns the address behind the candidates;
   * undefined where there is no room for them, or a value came that the pass cannot order.
   */
  over(values: Values, candidates: number, room: number): number | undefined {
    const { arena, exports } = this.#kernels
    const kernel = this.#isF32 ? exports.bracket_f32 : exports.bracket_f64
    this.#state.fill(0, BELOW_AT, SPECIAL_AT + 1)
    // The kernel's loop for one bracket has full words, that for more has coarse ones.
    const brackets = this.#coarse ? BRACKETS_MAX : 1
    const input = arena.scratch + STATE_BYTES
    const whole = values.length - (values.length % GROUP_ELEMENTS)
    let target = candidates
    for (let start = 0; start < whole; start += CHUNK_ELEMENTS) {
      const length = Math.min(CHUNK_ELEMENTS, whole - start)
      if ((target - candidates) / 8 + length + GROUP_ELEMENTS > room) return undefined
      let pointer = input
      if (values instanceof Resident) pointer = values.pointer + start * 8
      else arena.write(input, values.subarray(start, start + length))
      target = kernel(pointer, length, arena.scratch, brackets, this.#isPositive, target)
    }
    if (this.#state[SPECIAL_AT] === 1) return undefined
    const rest =
      values instanceof Resident
        ? arena.f64(values.pointer + whole * 8, values.length - whole)
        : values.subarray(whole)
    if (!rest.every(Number.isFinite)) return undefined
    this.#unseen = Array.from(rest, (value) => this.#wordOf(value))
    for (let i = 0; i < rest.length; i++) arena.writeF64(target, i, rest[i] ?? 0)
    return target + rest.length * 8
  }
}

/**
 * Exact quantiles of many values by one pass: brackets from a sample, then selection among what lies
 * in them. Undefined where that will not do (infinities or NaN, too many equal order words, too many
 * quantiles, bad luck): nothing is lost then but time.
 *
 * @param qs each in [0, 1]
 * Accuracy: as quantiles().
 */
export function bracketStatistics(
  kernels: Kernels,
  values: Values,
  qs: readonly number[],
): Float64Array<ArrayBuffer> | undefined {
  if (qs.length === 0 || qs.length > QUANTILES_MAX) return undefined
  const { arena, exports } = kernels
  const isF32 = values instanceof Float32Array
  const sample = sampleOf(
    values instanceof Resident ? arena.f64(values.pointer, values.length) : values,
  )
  if (!sample) return undefined
  const lease = arena.openLease()
  try {
    const { unions, of } = joined(bracketsOf(kernels, lease, sample.values, qs))
    if (unions.length > BRACKETS_MAX) return undefined
    const pass = new Pass(kernels, unions, isF32, sample.isPositive)
    const size = sample.values.length
    const trial = lease.allocate((size + CHUNK_ELEMENTS) * 8)
    const trialEnd = pass.over(sample.values, trial, size + CHUNK_ELEMENTS)
    const insideRatio = trialEnd === undefined ? 1 : (trialEnd - trial) / 8 / size
    if (insideRatio > INSIDE_RATIO_MAX) return undefined

    const room = Math.ceil(values.length * (insideRatio * 1.25 + 0.02)) + 2 * CHUNK_ELEMENTS
    const candidates = lease.allocate(room * 8)
    const end = pass.over(values, candidates, room)
    if (end === undefined) return undefined
    const count = (end - candidates) / 8

    const wanted = wantedOf(qs, values.length)
    const ranks = wanted.ranks.slice()
    for (let i = 0; i < qs.length; i++) {
      const bracket = pass.bracketOf[of[i] ?? 0] ?? 0
      const [from, to] = pass.ranksOf(bracket, count)
      const shift = pass.shiftOf(bracket)
      const lower = wanted.lower[i] ?? 0
      const upper = lower + ((wanted.fraction[i] ?? 0) > 0 ? 1 : 0)
      for (let index = lower; index <= upper; index++) {
        const rank = (wanted.ranks[index] ?? 0) - shift
        if (rank < from || rank >= to) return undefined
        ranks[index] = rank
      }
    }
    const work = lease.allocate(exports.order_statistics_work_bytes(count, ranks.length))
    const ranksAt = lease.allocate(ranks.length * 4)
    const statistics = lease.allocate(ranks.length * 8)
    arena.u32(ranksAt, ranks.length).set(ranks)
    exports.order_statistics_f64(candidates, count, ranksAt, ranks.length, work, statistics)
    return interpolate(wanted, (index) => arena.readF64(statistics, index))
  } finally {
    lease.close()
  }
}
