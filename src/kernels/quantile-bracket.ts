import { CHUNK_ELEMENTS, type Lease, Resident } from './memory.ts'
import type { Kernels } from './module.ts'
import { type Bracket, BracketPass, STATE_BYTES } from './quantile-pass.ts'
import { interpolate, wantedOf } from './quantile-ranks.ts'

/** Below this the sample costs more than it saves: bench/kernels/quantile. */
export const BRACKET_ELEMENTS_MIN = 12_000

/** More quantiles need more brackets than a pass takes. */
const QUANTILES_MAX = 8

/** Half a bracket's width in standard deviations of a rank in the sample: it holds in 99.9 %. */
const DEVIATIONS = 3.3

/** Where more of the sample lies in the brackets, a pass over all costs more than it saves. */
const INSIDE_RATIO_MAX = 0.35

const SAMPLE_MAX = 8192
const SAMPLE_MIN = 256
const sample_f64 = new Float64Array(SAMPLE_MAX)
const sample_f32 = new Float32Array(SAMPLE_MAX)

type Values = Float64Array | Float32Array | Resident

/**
 * Values at positions that no pattern of the input follows, the same in every call; NaN are left out.
 * Valid until the next sample is taken.
 */
function sampleOf(values: Float64Array | Float32Array): {
  readonly sample: Float64Array | Float32Array
  readonly hasNaN: boolean
} {
  const size = values.length < 50_000 ? 2048 : values.length < 500_000 ? 4096 : SAMPLE_MAX
  const into = values instanceof Float32Array ? sample_f32 : sample_f64
  const scale = values.length / 2 ** 32
  let state = 42
  let length = 0
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    // Truncated to 32 bits, which costs less than Math.floor and a conversion to an index.
    const value = values[(state * scale) | 0] ?? 0
    into[length] = value
    if (!Number.isNaN(value)) length++
  }
  return { sample: into.subarray(0, length), hasNaN: length < size }
}

/**
 * For each q values that its ranks lie between but for bad luck: order statistics of the sample, or
 * an infinity beyond its ends.
 */
function bracketsOf(
  { arena, exports }: Kernels,
  lease: Lease,
  sample: Float64Array | Float32Array,
  qs: readonly number[],
): Bracket[] {
  const last = sample.length - 1
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
  const value = (rank: number) => arena.readF64(output, ranks.indexOf(rank))
  return bounds.map(({ low, high }) => ({
    low: low < 0 ? Number.NEGATIVE_INFINITY : value(low),
    high: high > last ? Number.POSITIVE_INFINITY : value(high),
  }))
}

interface Chosen {
  readonly pass: BracketPass
  /** Of the sample, how much it keeps. */
  readonly insideRatio: number
}

/** A pass is not looked for any further where it keeps no more than this. */
const INSIDE_RATIO_GOOD = 0.16

/** Of the sample, what a pass is tried on: five deviations of what it keeps are within the room for it. */
const TRIAL_ELEMENTS_MAX = 1024

/**
 * What to take from every value before its word is taken: nothing, where words without a sign are
 * spread as the values' logarithms are; or so much that the bounds come to lie within one octave, where
 * words are spread as the values are.
 */
function originsOf(finite: readonly number[], isF32: boolean): (number | undefined)[] {
  const least = Math.min(...finite)
  const span = Math.max(...finite) - least
  const below = isF32 ? Math.fround(least - span) : least - span
  const origin = Number.isFinite(below) && below < least ? below : least
  return least < 0 || Object.is(least, -0) ? [origin] : [undefined, origin]
}

/** The pass that keeps least of the sample, of those that are not much slower; undefined for none. */
function passFor(
  kernels: Kernels,
  lease: Lease,
  sample: Float64Array | Float32Array,
  brackets: readonly Bracket[],
): Chosen | undefined {
  const finite = brackets.flatMap(({ low, high }) => [low, high]).filter(Number.isFinite)
  // Negative words are in no order, and none is less than that of −Inf.
  if (finite.length === 0 || brackets.some(({ high }) => high === Number.NEGATIVE_INFINITY)) {
    return undefined
  }
  const tried = sample.subarray(0, TRIAL_ELEMENTS_MAX)
  const room = tried.length + CHUNK_ELEMENTS
  const trial = lease.allocate(room * 8)
  const isF32 = sample instanceof Float32Array
  const origins = originsOf(finite, isF32)
  let best: Chosen | undefined
  for (const bits of [8, 16] as const) {
    for (const origin of origins) {
      const pass = BracketPass.of(kernels, brackets, isF32, origin, bits)
      const end = pass?.over(tried, trial, room, false)
      if (!pass || end === undefined) continue
      const insideRatio = (end - trial) / 8 / tried.length
      if (insideRatio < (best?.insideRatio ?? INSIDE_RATIO_MAX)) best = { pass, insideRatio }
      if (insideRatio <= INSIDE_RATIO_GOOD) return best
    }
  }
  return best
}

/** More pivots would cost as much as selection. */
const PIVOTS_MAX = 3

interface Around {
  readonly below: number
  readonly equal: number
}

/** How many values are less than each pivot, and equal to it. Undefined where there is a NaN. */
function countAround(
  { arena, exports }: Kernels,
  values: Values,
  pivots: readonly number[],
): Around[] | undefined {
  const kernel =
    values instanceof Float32Array ? exports.count_around_f32 : exports.count_around_f64
  const input = arena.scratch + STATE_BYTES
  for (let i = 0; i < 3 * pivots.length; i++) arena.writeF64(arena.scratch, i, 0)
  for (let start = 0; start < values.length; start += CHUNK_ELEMENTS) {
    const length = Math.min(CHUNK_ELEMENTS, values.length - start)
    let pointer = input
    if (values instanceof Resident) pointer = values.pointer + start * 8
    else arena.write(input, values.subarray(start, start + length))
    pivots.forEach((pivot, i) => {
      kernel(pointer, length, pivot, arena.scratch + 24 * i)
    })
  }
  const around = pivots.map((_pivot, i) => ({
    below: arena.readF64(arena.scratch, 3 * i),
    equal: arena.readF64(arena.scratch, 3 * i + 1),
    above: arena.readF64(arena.scratch, 3 * i + 2),
  }))
  const isOrdered = around.every((a) => a.below + a.equal + a.above === values.length)
  return isOrdered ? around : undefined
}

/**
 * Where the sample has one value all over a bracket, that value is likely the quantile: counting
 * around it tells. Found quantiles go into `found`. Returns the places of the others.
 */
function settleTies(
  kernels: Kernels,
  values: Values,
  qs: readonly number[],
  brackets: readonly Bracket[],
  found: Float64Array,
): number[] {
  const places = qs.map((_q, i) => i)
  const tied = places.filter((i) => brackets[i]?.low === brackets[i]?.high)
  const pivots = [...new Set(tied.map((i) => brackets[i]?.low ?? 0))]
  if (pivots.length === 0 || pivots.length > PIVOTS_MAX) return places
  const around = countAround(kernels, values, pivots)
  if (!around) return places
  return places.filter((i) => {
    const pivot = brackets[i]?.low ?? Number.NaN
    const { below, equal } = around[pivots.indexOf(pivot)] ?? { below: 0, equal: 0 }
    const position = (qs[i] ?? 0) * (values.length - 1)
    const isFound = below <= position && position <= below + equal - 1
    if (isFound) found[i] = pivot
    return !isFound
  })
}

/**
 * Exact quantiles of many values by one pass: brackets from a sample, then selection among what lies
 * in them. Undefined where that will not do (too many equal values or quantiles, f32 with NaN, bad
 * luck): nothing is lost then but time.
 *
 * @param allQs each in [0, 1]
 * Accuracy: as quantiles().
 */
export function bracketStatistics(
  kernels: Kernels,
  values: Values,
  allQs: readonly number[],
): Float64Array<ArrayBuffer> | undefined {
  if (allQs.length === 0 || allQs.length > QUANTILES_MAX) return undefined
  const { arena, exports } = kernels
  const { sample, hasNaN } = sampleOf(
    values instanceof Resident ? arena.f64(values.pointer, values.length) : values,
  )
  if (sample.length < SAMPLE_MIN) return undefined
  const lease = arena.openLease()
  try {
    const allBrackets = bracketsOf(kernels, lease, sample, allQs)
    const found = new Float64Array(allQs.length)
    const places = hasNaN
      ? allQs.map((_q, i) => i)
      : settleTies(kernels, values, allQs, allBrackets, found)
    if (places.length === 0) return found
    const qs = places.map((i) => allQs[i] ?? 0)
    const brackets = places.flatMap((i) => allBrackets[i] ?? [])
    const chosen = passFor(kernels, lease, sample, brackets)
    if (!chosen) return undefined
    const { pass, insideRatio } = chosen
    const room = Math.ceil(values.length * (insideRatio * 1.25 + 0.02)) + 2 * CHUNK_ELEMENTS
    const candidates = lease.allocate(room * 8)
    const end = pass.over(values, candidates, room, hasNaN)
    if (end === undefined) return undefined
    const count = (end - candidates) / 8

    const wanted = wantedOf(qs, pass.validCount)
    const ranks = wanted.ranks.slice()
    for (let i = 0; i < qs.length; i++) {
      const [from, to, shift] = pass.ranksOf(i, count)
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
    const selected = interpolate(wanted, (index) => arena.readF64(statistics, index))
    places.forEach((place, i) => {
      found[place] = selected[i] ?? Number.NaN
    })
    return found
  } finally {
    lease.close()
  }
}
