import type { Lease, Resident } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'

/**
 * One operation of a chain. NaN stay NaN and ±Inf follow IEEE arithmetic where not said otherwise.
 */
export type Operation =
  /** x · factor. */
  | { readonly op: 'scale'; readonly factor: number }
  /** x + value. */
  | { readonly op: 'offset'; readonly value: number }
  /** x held between min and max, min ≤ max. */
  | { readonly op: 'clamp'; readonly min: number; readonly max: number }
  | { readonly op: 'abs' }
  /** x[i + 1] − x[i]: one value less. */
  | { readonly op: 'diff' }
  /** (x − mean) / standard deviation (population); 0 where the deviation is 0. NaN left out. */
  | { readonly op: 'normalize' }
  /**
   * level ← (1 − weight) · level + weight · x from the first value on, weight in (0, 1]. NaN are
   * left out: the level holds there. Accuracy: |error| ≤ ACCURACY.ewma · max|x| so far, weight ≥ 0.01.
   */
  | { readonly op: 'ewma'; readonly weight: number }
  /**
   * Mean of the last `window` values, of fewer at the start; NaN are left out.
   * Accuracy: |error| ≤ ACCURACY.rollingMean · max|x| of the window, window ≤ 5 000.
   */
  | { readonly op: 'rollingMean'; readonly window: number }

/** A series in the kernels' memory and a block of the same size beside it. */
interface Series {
  values: number
  spare: number
  count: number
}

function check(operation: Operation): void {
  const fail = (detail: string): never => {
    throw new RangeError(`${operation.op}: ${detail}`)
  }
  switch (operation.op) {
    case 'clamp':
      if (!(operation.min <= operation.max)) fail('min must not be above max')
      return
    case 'ewma':
      if (!(operation.weight > 0 && operation.weight <= 1)) fail('weight must be in (0, 1]')
      return
    case 'rollingMean':
      if (!(Number.isInteger(operation.window) && operation.window >= 1)) {
        fail('window must be a whole number ≥ 1')
      }
      return
    case 'scale':
    case 'offset':
    case 'abs':
    case 'diff':
    case 'normalize':
      return
  }
}

/** Between these the squares of a series, and the sum of 2^21 of them, are normal numbers. */
const DEVIATION_MIN = 2 ** -490
const MAGNITUDE_MAX = 2 ** 490

function normalize({ arena, exports }: Kernels, lease: Lease, series: Series): void {
  const { values, count } = series
  const output = lease.allocate(128)
  const moments = () => {
    exports.summary_f64(values, count, output)
    const [n = 0, , min = 0, max = 0, mean = Number.NaN, m2 = 0] = arena.f64(output, 6).slice()
    return { min, max, mean, deviation: Math.sqrt(m2 / n) }
  }
  let found = moments()
  const magnitude = Math.max(-found.min, found.max)
  const isFar = found.deviation < DEVIATION_MIN || magnitude > MAGNITUDE_MAX
  if (isFar && found.min < found.max && Number.isFinite(magnitude)) {
    // The answer does not depend on the unit: in another one the squares do not leave the range of f64.
    const factor = 2 ** Math.min(1000, -Math.floor(Math.log2(magnitude)) - 1)
    exports.scale_f64(values, count, factor, values)
    found = moments()
  }
  const { mean, deviation } = found
  // A constant series has no deviation to divide by: its centred zeros are the answer.
  exports.standardize_f64(values, count, mean, deviation === 0 ? 1 : deviation, values)
}

function apply(kernels: Kernels, lease: Lease, series: Series, operation: Operation): void {
  const { exports } = kernels
  const { values, spare, count } = series
  switch (operation.op) {
    case 'scale':
      exports.scale_f64(values, count, operation.factor, values)
      return
    case 'offset':
      exports.offset_f64(values, count, operation.value, values)
      return
    case 'clamp':
      exports.clamp_f64(values, count, operation.min, operation.max, values)
      return
    case 'abs':
      exports.abs_f64(values, count, values)
      return
    case 'diff':
      exports.diff_f64(values, count, values)
      series.count = Math.max(0, count - 1)
      return
    case 'normalize':
      normalize(kernels, lease, series)
      return
    case 'ewma':
      exports.ewma_f64(values, count, operation.weight, values)
      return
    case 'rollingMean': {
      if (count === 0) return
      const window = Math.min(operation.window, count)
      const work = lease.allocate(exports.rolling_work_bytes(window))
      exports.rolling_mean_f64(values, count, window, work, spare)
      series.values = spare
      series.spare = values
    }
  }
}

/**
 * Runs a chain of operations; the series stays in the kernels' memory from the first to the last.
 *
 * @param values f64[n] or f32[n], left as they are unless Resident
 * @returns f64[n], one value less for each `diff`
 * @throws RangeError when an operation's parameters are outside the ranges named above
 */
export function transform(
  values: Float64Array | Float32Array | Resident,
  operations: readonly Operation[],
): Float64Array<ArrayBuffer> {
  operations.forEach(check)
  const kernels = getKernels()
  return kernels.arena.lease((lease) => {
    const spareBytes = operations.some(({ op }) => op === 'rollingMean') ? values.length * 8 : 0
    const spare = lease.allocate(spareBytes)
    const series: Series = { values: lease.copyInAsF64(values), spare, count: values.length }
    for (const operation of operations) {
      kernels.arena.lease((step) => apply(kernels, step, series, operation))
    }
    return kernels.arena.f64(series.values, series.count).slice()
  })
}
