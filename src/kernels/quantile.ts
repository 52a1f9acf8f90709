import type { Resident } from './memory.ts'
import { getKernels } from './module.ts'

/** Most quantiles of one call. */
export const QUANTILES_MAX = 4096

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
 */
export function quantiles(
  values: Float64Array | Float32Array | Resident,
  qs: readonly number[],
): Float64Array<ArrayBuffer> {
  if (qs.length > QUANTILES_MAX) throw new RangeError(`at most ${QUANTILES_MAX} quantiles a call`)
  for (const q of qs) if (!(q >= 0 && q <= 1)) throw new RangeError(`q = ${q} is not in [0, 1]`)
  const ascending = Float64Array.from(qs).sort()
  const { arena, exports } = getKernels()
  const found = arena.lease((lease) => {
    const input = lease.copyInAsF64(values)
    const levels = lease.copyIn(ascending)
    const work = lease.allocate(exports.quantiles_work_bytes(values.length, qs.length))
    const output = lease.allocate(qs.length * 8)
    exports.quantiles_f64(input, values.length, levels, qs.length, work, output)
    return arena.f64(output, qs.length).slice()
  })
  return Float64Array.from(qs, (q) => found[ascending.indexOf(q)] ?? Number.NaN)
}
