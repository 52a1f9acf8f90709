/** What a series gained or lost between the ends of a window, and how often it changed. */

/** Kinds of deltaOverTime: an increase per second; a gauge, which is never reset. Else an increase. */
export const RATE: i32 = 1
export const NO_COUNTER: i32 = 2

/** A window reaches to its end where its last sample is no further from it than this many intervals. */
const EXTRAPOLATED_INTERVALS: f64 = 1.1

/** Whether a value is below the one before it. */
function hasFall(values: usize, count: i32): bool {
  const end = values + (<usize>count << 3) - 8
  let at = values
  for (; at + 32 <= end; at += 32) {
    const falls = v128.or(
      f64x2.lt(v128.load(at, 8), v128.load(at)), f64x2.lt(v128.load(at, 24), v128.load(at, 16)),
    )
    if (v128.any_true(falls)) return true
  }
  for (; at < end; at += 8) if (load<f64>(at, 8) < load<f64>(at)) return true
  return false
}

/**
 * What counters lost by resets up to each sample, f64[count][2]: a sum and its rounding error, so that
 * the difference of two is as exact as the sum of what lies between.
 *
 * @returns whether there were any; nothing is written where there were none
 */
function sumResets(values: usize, count: i32, sums: usize): bool {
  if (count < 2 || !hasFall(values, count)) return false
  let sum: f64 = 0
  let rest: f64 = 0
  for (let i = 1; i < count; i++) {
    const before = load<f64>(values + (<usize>i << 3) - 8)
    if (load<f64>(values + (<usize>i << 3)) < before) {
      const next = sum + before
      const added = next - sum
      rest += (sum - (next - added)) + (before - added)
      sum = next
    }
    store<f64>(sums + (<usize>i << 4), sum)
    store<f64>(sums + (<usize>i << 4), rest, 8)
  }
  store<f64>(sums, 0)
  store<f64>(sums, 0, 8)
  return true
}

/** The same of one window, where an infinity among the values spoils the sums. */
function resetsWithin(values: usize, first: i32, end: i32): f64 {
  let sum: f64 = 0
  for (let i = first + 1; i < end; i++) {
    const before = load<f64>(values + (<usize>i << 3) - 8)
    if (load<f64>(values + (<usize>i << 3)) < before) sum += before
  }
  return sum
}

/**
 * rate, increase and delta, extrapolated to the window's ends. A counter is not taken below zero: a
 * left-open window (Prometheus 3) limits what it extrapolates, a closed one (Prometheus 2) what it
 * compares with the threshold.
 *
 * @param sums f64[count][2], working space
 */
export function deltaOverTime(
  timestamps: usize, values: usize, count: i32, startMs: f64, stepMs: f64, steps: i32, rangeMs: f64,
  kind: i32, isLeftOpen: bool, windows: usize, sums: usize, output: usize,
): void {
  const isCounter = kind != NO_COUNTER
  const hasResets = isCounter && sumResets(values, count, sums)
  const isSummable = hasResets &&
    abs(load<f64>(sums + (<usize>count << 4) - 16)) < Infinity
  for (let step = 0; step < steps; step++) {
    const first = load<i32>(windows + (<usize>step << 3))
    const end = load<i32>(windows + (<usize>step << 3), 4)
    if (end - first < 2) continue
    const firstAt = <usize>first << 3
    const lastAt = (<usize>end << 3) - 8
    const firstValue = load<f64>(values + firstAt)
    let result = load<f64>(values + lastAt) - firstValue
    if (isSummable) {
      const a = sums + (firstAt << 1)
      const b = sums + (lastAt << 1)
      result += (load<f64>(b) - load<f64>(a)) + (load<f64>(b, 8) - load<f64>(a, 8))
    } else if (hasResets) {
      result += resetsWithin(values, first, end)
    }
    const time = startMs + <f64>step * stepMs
    const firstTime = load<f64>(timestamps + firstAt)
    const lastTime = load<f64>(timestamps + lastAt)
    let toStart = (firstTime - (time - rangeMs)) / 1000
    let toEnd = (time - lastTime) / 1000
    const sampled = (lastTime - firstTime) / 1000
    const interval = sampled / <f64>(end - first - 1)
    const threshold = interval * EXTRAPOLATED_INTERVALS
    let toZero = Infinity
    if (isCounter && result > 0 && firstValue >= 0) toZero = sampled * (firstValue / result)
    if (!isLeftOpen && toZero < toStart) toStart = toZero
    if (toStart >= threshold) toStart = interval / 2
    if (isLeftOpen && toZero < toStart) toStart = toZero
    if (toEnd >= threshold) toEnd = interval / 2
    let factor = (sampled + toStart + toEnd) / sampled
    if (kind == RATE) factor /= rangeMs / 1000
    store<f64>(output + (<usize>step << 3), result * factor)
  }
}

/** irate, idelta: of the last two samples of each window. */
export function idelta(
  timestamps: usize, values: usize, steps: i32, isRate: bool, windows: usize, output: usize,
): void {
  for (let step = 0; step < steps; step++) {
    const at = <usize>step << 3
    const end = load<i32>(windows + at, 4)
    if (end - load<i32>(windows + at) < 2) continue
    const last = (<usize>end << 3) - 8
    const value = load<f64>(values + last)
    const before = load<f64>(values + last - 8)
    let result = isRate && value < before ? value : value - before
    if (isRate) result /= (load<f64>(timestamps + last) - load<f64>(timestamps + last - 8)) / 1000
    store<f64>(output + at, result)
  }
}

/** What happened up to each sample, as a difference of counts: i32[count]. */
function countDifferences(
  sums: usize, steps: i32, windows: usize, output: usize,
): void {
  for (let step = 0; step < steps; step++) {
    const at = <usize>step << 3
    const first = load<i32>(windows + at)
    const end = load<i32>(windows + at, 4)
    if (end == first) continue
    const last = load<i32>(sums + (<usize>end << 2) - 4)
    store<f64>(output + at, <f64>(last - load<i32>(sums + (<usize>first << 2))))
  }
}

/** How often a value differs from the one before. NaN is NaN's like. */
export function changesOverTime(
  values: usize, count: i32, steps: i32, windows: usize, sums: usize, output: usize,
): void {
  let changes = 0
  for (let i = 0; i < count; i++) {
    const at = values + (<usize>i << 3)
    if (i > 0) {
      const value = load<f64>(at)
      const before = load<f64>(at - 8)
      changes += <i32>(value != before && (value == value || before == before))
    }
    store<i32>(sums + (<usize>i << 2), changes)
  }
  countDifferences(sums, steps, windows, output)
}

/** How often a value is below the one before. */
export function resetsOverTime(
  values: usize, count: i32, steps: i32, windows: usize, sums: usize, output: usize,
): void {
  let resets = 0
  for (let i = 0; i < count; i++) {
    const at = values + (<usize>i << 3)
    if (i > 0) resets += <i32>(load<f64>(at) < load<f64>(at - 8))
    store<i32>(sums + (<usize>i << 2), resets)
  }
  countDifferences(sums, steps, windows, output)
}
