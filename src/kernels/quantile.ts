import { Resident } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'
import { BRACKET_ELEMENTS_MIN, bracketStatistics } from './quantile-bracket.ts'
import { between, interpolate, wantedOf } from './quantile-ranks.ts'

/** Most quantiles of one call. */
export const QUANTILES_MAX = 4096

/** Fewer values are sorted here: cheaper than the way into the kernels' memory. */
const SORT_ELEMENTS_MAX = 16

const few = new Float64Array(SORT_ELEMENTS_MAX)

/** Quantiles of a few values, by insertion. */
function selectAmongFew(
  values: Float64Array | Float32Array,
  qs: readonly number[],
): Float64Array<ArrayBuffer> {
  let count = 0
  for (let i = 0; i < values.length; i++) {
    const x = values[i] ?? Number.NaN
    if (Number.isNaN(x)) continue
    let hole = count++
    for (; hole > 0 && (few[hole - 1] ?? 0) > x; hole--) few[hole] = few[hole - 1] ?? 0
    few[hole] = x
  }
  const found = new Float64Array(qs.length)
  for (let i = 0; i < qs.length; i++) {
    const position = (qs[i] ?? 0) * (count - 1)
    const rank = Math.floor(position)
    found[i] =
      count === 0 ? Number.NaN : between(few[rank] ?? 0, few[rank + 1] ?? 0, position - rank)
  }
  return found
}

/** What fits the scratch memory with its working space needs no lease. */
const SCRATCH_ELEMENTS_MAX = 1280
const SCRATCH_QUANTILES_MAX = 8

/** Quantiles of values that fit the scratch memory, all in one call: quantiles | values | work. */
function selectInScratch(
  { arena, exports }: Kernels,
  values: Float64Array,
  qs: readonly number[],
): Float64Array<ArrayBuffer> {
  const { scratch } = arena
  const input = scratch + SCRATCH_QUANTILES_MAX * 8
  const work = (input + values.length * 8 + 15) & ~15
  for (let i = 0; i < qs.length; i++) arena.writeF64(scratch, i, qs[i] ?? 0)
  arena.write(input, values)
  exports.quantiles_f64(input, values.length, scratch, qs.length, work, scratch)
  const found = new Float64Array(qs.length)
  for (let i = 0; i < found.length; i++) found[i] = arena.readF64(scratch, i)
  return found
}

/** More have blocks of their own: together they would be rounded up to a power of two nearly twice. */
const TOGETHER_ELEMENTS_MAX = 65_536

/** Order statistics of all values, by radix selection. */
function selectAmongAll(
  { arena, exports }: Kernels,
  values: Float64Array | Float32Array | Resident,
  qs: readonly number[],
): Float64Array<ArrayBuffer> {
  const count = values.length
  const lease = arena.openLease()
  try {
    const workBytes = exports.order_statistics_work_bytes(count, 2 * qs.length)
    // work | values | ranks | statistics: one block, for each costs a small array its share.
    const inputBytes = values instanceof Resident ? 0 : count * 8
    const narrowBytes = values instanceof Float32Array ? count * 4 : 0
    const sizeBytes = workBytes + 8 + inputBytes + narrowBytes + qs.length * 24
    const apart = count > TOGETHER_ELEMENTS_MAX ? lease : undefined
    const work = lease.allocate(apart ? workBytes : sizeBytes)
    const own = apart ? apart.allocate(inputBytes) : (work + workBytes + 7) & ~7
    const narrow = apart ? apart.allocate(narrowBytes) : own + inputBytes
    const input = values instanceof Resident ? values.pointer : own
    let valid: number
    if (values instanceof Float32Array) {
      arena.write(narrow, values)
      valid = exports.widen_valid_f32(narrow, count, input)
    } else {
      if (!(values instanceof Resident)) arena.write(input, values)
      valid = exports.remove_nan_f64(input, count)
    }
    if (valid === 0) return new Float64Array(qs.length).fill(Number.NaN)
    const wanted = wantedOf(qs, valid)
    const { ranks } = wanted
    const statistics = apart ? apart.allocate(qs.length * 24) : narrow + ((narrowBytes + 7) & ~7)
    const ranksAt = statistics + qs.length * 16
    arena.u32(ranksAt, ranks.length).set(ranks)
    exports.order_statistics_f64(input, valid, ranksAt, ranks.length, work, statistics)
    return interpolate(wanted, (index) => arena.readF64(statistics, index))
  } finally {
    lease.close()
  }
}

/**
 * Exact quantiles by linear interpolation between order statistics (numpy's `linear`): with m
 * values that are not NaN and h = q·(m − 1), the value at h between the ranks ⌊h⌋ and ⌊h⌋ + 1.
 *
 * NaN are left out. ±Inf are values; between a finite value and an infinity lies that infinity,
 * between −Inf and +Inf NaN. Without values every quantile is NaN.
 *
 * @param values f64[n] or f32[n], left as they are unless Resident
 * @param qs each in [0, 1], any order, at most QUANTILES_MAX
 * @returns f64[qs.length], in the order of qs
 * @throws RangeError when a q is outside [0, 1] or there are too many
 * Accuracy: equal to numpy's formula to the last bit. Time is O(n) in any order of the input.
 * Sources: sample brackets (Floyd & Rivest 1975) where n is large, else radix selection.
 */
export function quantiles(
  values: Float64Array | Float32Array | Resident,
  qs: readonly number[],
): Float64Array<ArrayBuffer> {
  if (qs.length > QUANTILES_MAX) throw new RangeError(`at most ${QUANTILES_MAX} quantiles a call`)
  for (const q of qs) if (!(q >= 0 && q <= 1)) throw new RangeError(`q = ${q} is not in [0, 1]`)
  const kernels = getKernels()
  if (values.length <= SORT_ELEMENTS_MAX && !(values instanceof Resident)) {
    return selectAmongFew(values, qs)
  }
  if (
    values.length <= SCRATCH_ELEMENTS_MAX &&
    qs.length <= SCRATCH_QUANTILES_MAX &&
    values instanceof Float64Array
  ) {
    return selectInScratch(kernels, values, qs)
  }
  if (values.length >= BRACKET_ELEMENTS_MIN) {
    const found = bracketStatistics(kernels, values, qs)
    if (found) return found
  }
  return selectAmongAll(kernels, values, qs)
}
