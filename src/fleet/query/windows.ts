/** Functions of the samples in a window; `instant` is the newest one, unless it is a stale marker. */
export type WindowFunction =
  | 'instant'
  | 'rate'
  | 'increase'
  | 'delta'
  | 'irate'
  | 'idelta'
  | 'deriv'
  | 'predict_linear'
  | 'changes'
  | 'resets'
  | 'sum_over_time'
  | 'avg_over_time'
  | 'min_over_time'
  | 'max_over_time'
  | 'count_over_time'
  | 'stddev_over_time'
  | 'stdvar_over_time'
  | 'last_over_time'
  | 'present_over_time'
  | 'quantile_over_time'

/** Windows of `rangeMs` that end at startMs + i · stepMs for i in [0, steps). */
export interface Windows {
  readonly startMs: number
  readonly stepMs: number
  readonly steps: number
  readonly rangeMs: number
  /** Seconds ahead for `predict_linear`, q for `quantile_over_time`. */
  readonly parameter?: number
  /** Whether a sample exactly `rangeMs` old is outside. */
  readonly leftOpen?: boolean
}

/**
 * One function over the windows of one series.
 *
 * @param timestamps f64[n], ms, ascending and unique
 * @param values f64[n]; stale markers count as no sample
 * @returns f64[steps], and u8[steps] of 1 where there is a value; both the caller's own
 */
export type EvaluateWindows = (
  name: WindowFunction,
  timestamps: Float64Array,
  values: Float64Array,
  windows: Windows,
) => { readonly values: Float64Array; readonly present: Uint8Array }

/** Bits of the value by which Prometheus says that a series ended, as two u32, the low one first. */
export const STALE_LOW = 0x00000002
export const STALE_HIGH = 0x7ff00000

/** u8[n]: 1 where a value has exactly the bits of the stale marker. */
export const staleMask = (values: Float64Array): Uint8Array => {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length * 2)
  const mask = new Uint8Array(values.length)
  for (let index = 0; index < values.length; index++)
    if (bits[2 * index] === STALE_LOW && bits[2 * index + 1] === STALE_HIGH) mask[index] = 1
  return mask
}
