import type { Lease, Resident } from './memory.ts'
import { getKernels } from './module.ts'

/** In the order of the kernel's numbers. */
const FUNCTIONS = [
  'instant',
  'last_over_time',
  'count_over_time',
  'present_over_time',
  'rate',
  'increase',
  'delta',
  'irate',
  'idelta',
  'changes',
  'resets',
  'sum_over_time',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'stdvar_over_time',
  'stddev_over_time',
  'deriv',
  'predict_linear',
  'quantile_over_time',
] as const

/** PromQL's names; `instant` is a vector selector: the newest sample of the lookback, if not stale. */
export type WindowFunction = (typeof FUNCTIONS)[number]

export const isWindowFunction = (name: string): name is WindowFunction =>
  (FUNCTIONS as readonly string[]).includes(name)

export interface WindowOptions {
  /** Time of the first step, ms. */
  readonly startMs: number
  readonly stepMs: number
  readonly steps: number
  /** Length of a window that ends at its step; of the lookback for `instant`. */
  readonly rangeMs: number
  /** q of quantile_over_time; seconds ahead of predict_linear. */
  readonly parameter?: number
  /** Windows (t − range, t] and rates as in Prometheus 3; else [t − range, t] as in Prometheus 2. */
  readonly leftOpen?: boolean
}

export interface WindowValues {
  /** f64[steps]; NaN where there is none. */
  readonly values: Float64Array<ArrayBuffer>
  /** u8[steps]: 1 where the step has a value, NaN or not. */
  readonly present: Uint8Array<ArrayBuffer>
  /** Steps that have a value. */
  readonly count: number
}

/** f64[n] of the caller, or in the kernels' memory already. */
type Column = Float64Array | Resident

function evaluate(
  lease: Lease,
  name: WindowFunction,
  timestamps: Column,
  values: Column,
  options: WindowOptions,
): WindowValues {
  const { arena, exports } = getKernels()
  const { startMs, stepMs, steps, rangeMs, parameter = Number.NaN, leftOpen = false } = options
  const count = values.length
  const times = lease.copyIn(timestamps)
  const samples = lease.copyIn(values)
  const work = lease.allocate(exports.windows_work_bytes(count, steps))
  const output = lease.allocate(steps * 8)
  const present = lease.allocate(steps)
  const found = exports.windows_evaluate(
    FUNCTIONS.indexOf(name),
    times,
    samples,
    count,
    startMs,
    stepMs,
    steps,
    rangeMs,
    parameter,
    leftOpen ? 1 : 0,
    work,
    output,
    present,
  )
  return {
    values: arena.f64(output, steps).slice(),
    present: arena.u8(present, steps).slice(),
    count: found,
  }
}

/**
 * A function of PromQL over one series, at every step of a query.
 *
 * Stale samples are left out; an instant vector ends at one. Sums, means, extremes, deviations, deriv and
 * predict_linear cost O(samples + steps) whatever the range; rate and increase too, unless the series
 * holds infinities; quantile_over_time moves half of a window for each sample.
 *
 * @param timestamps f64[n], strictly ascending, ms; views of the kernels' memory when Resident
 * @param values f64[n]
 * @throws RangeError when lengths differ, steps is not a whole number ≥ 0, or a time is not finite
 * @throws ArenaExhaustedError
 * Accuracy: rate, increase, delta, irate, idelta, quantile, counts and extremes are what Prometheus
 * computes, resets summed at once; sum and avg are within one rounding of its Kahan sums; deviations and
 * regressions within ACCURACY.windows of the two-pass ones.
 * Source: prometheus/promql/functions.go.
 */
export function evaluateWindows(
  name: WindowFunction,
  timestamps: Column,
  values: Column,
  options: WindowOptions,
): WindowValues {
  if (timestamps.length !== values.length) throw new RangeError('columns differ in length')
  const { startMs, stepMs, steps, rangeMs } = options
  if (!(Number.isInteger(steps) && steps >= 0)) {
    throw new RangeError('steps must be a whole number ≥ 0')
  }
  if (!Number.isFinite(startMs + stepMs * steps + rangeMs) || stepMs < 0 || rangeMs < 0) {
    throw new RangeError('start, step and range must be finite, step and range ≥ 0')
  }
  return getKernels().arena.lease((lease) => evaluate(lease, name, timestamps, values, options))
}

/** Whether each of the values is above the one before, as times of samples in order are. */
export function isAscending(values: Column): boolean {
  const { arena, exports } = getKernels()
  return arena.lease(
    (lease) => exports.windows_is_ascending(lease.copyIn(values), values.length) === 1,
  )
}
