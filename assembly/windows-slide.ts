/**
 * Sums, extremes, variances and regressions of windows. A window is what is left of one block of samples
 * and what came since: aggregates of all ends of the block are made when it is closed, and one aggregate
 * grows with what comes. Both are of samples in the window alone, so nothing is ever taken out again, and
 * no rounding error outlives its window. Each sample is aggregated twice.
 * Source: the queue of two stacks (Tangwongsan et al. 2015, doi:10.14778/2752939.2752940).
 */

import { extremeOf, moreExtreme } from './windows-extremes'

// Aggregates: f64[FIELDS] each.
//   SUM        sum, its rounding error
//   MIN, MAX   value
//   VARIANCE   mean, sum of squares around it (Welford 1962; Chan, Golub & LeVeque 1979)
//   LINE       mean time, mean value, sums of squares and products around them
const SUM: i32 = 0
const MIN: i32 = 1
const MAX: i32 = 2
const VARIANCE: i32 = 3
const LINE: i32 = 4
const STATE_BYTES: usize = 32

/** An aggregate of nothing; its count of 0 is what merge() looks at. */
// @ts-ignore: decorator
@inline
function clear(state: usize): void {
  store<f64>(state, 0)
  store<f64>(state, 0, 8)
  store<f64>(state, 0, 16)
  store<f64>(state, 0, 24)
}

/**
 * Adds samples to an aggregate of `had`, from the first towards the last or back.
 *
 * @param state where it is, and is left        @param ends f64[samples][4]: going back, what it is after
 * each sample, the aggregate of it and of all behind it
 */
// @ts-ignore: decorator
@inline
function addAll(
  kind: i32, isBack: bool, timestamps: usize, values: usize, originX: f64, originY: f64, first: i32,
  end: i32, had: i32, state: usize, ends: usize,
): void {
  let a = load<f64>(state)
  let b = load<f64>(state, 8)
  let c = load<f64>(state, 16)
  let d = load<f64>(state, 24)
  const samples = end - first
  for (let k = 0; k < samples; k++) {
    const place = <usize>(isBack ? end - 1 - k : first + k) << 3
    const y = load<f64>(values + place) - originY
    const count = <f64>(had + k + 1)
    if (kind == SUM) {
      const next = a + y
      const added = next - a
      b += (a - (next - added)) + (y - added)
      a = next
    } else if (kind == MIN || kind == MAX) {
      // The earlier of equal values stays, as from left to right.
      if (had + k == 0) a = y
      else a = isBack ? moreExtreme(y, a, kind == MIN) : moreExtreme(a, y, kind == MIN)
    } else if (kind == VARIANCE) {
      const distance = y - a
      a += distance / count
      b += distance * (y - a)
    } else {
      const x = (load<f64>(timestamps + place) - originX) / 1000
      const distanceX = x - a
      const distanceY = y - b
      a += distanceX / count
      b += distanceY / count
      c += distanceX * (x - a)
      d += (x - a) * distanceY
    }
    if (isBack) {
      const to = ends + <usize>(samples - 1 - k) * STATE_BYTES
      store<f64>(to, a)
      if (kind != MIN && kind != MAX) store<f64>(to, b, 8)
      if (kind == LINE) {
        store<f64>(to, c, 16)
        store<f64>(to, d, 24)
      }
    }
  }
  store<f64>(state, a)
  store<f64>(state, b, 8)
  store<f64>(state, c, 16)
  store<f64>(state, d, 24)
}

/** `to` becomes the aggregate of a's samples and b's, a's being the earlier. */
// @ts-ignore: decorator
@inline
function merge(kind: i32, a: usize, countA: f64, b: usize, countB: f64, to: usize): void {
  if (countA == 0 || countB == 0) {
    const from = countA == 0 ? b : a
    v128.store(to, v128.load(from))
    v128.store(to, v128.load(from, 16), 16)
    return
  }
  if (kind == SUM) {
    const sum = load<f64>(a)
    const other = load<f64>(b)
    const next = sum + other
    const added = next - sum
    const error = (sum - (next - added)) + (other - added)
    store<f64>(to, next)
    store<f64>(to, (load<f64>(a, 8) + load<f64>(b, 8)) + error, 8)
    return
  }
  if (kind == MIN || kind == MAX) {
    store<f64>(to, moreExtreme(load<f64>(a), load<f64>(b), kind == MIN))
    return
  }
  const count = countA + countB
  const weight = countA * (countB / count)
  const distance = load<f64>(b) - load<f64>(a)
  store<f64>(to, load<f64>(a) + distance * (countB / count))
  if (kind == VARIANCE) {
    const around = distance * distance * weight
    store<f64>(to, (load<f64>(a, 8) + load<f64>(b, 8)) + around, 8)
    return
  }
  const distanceY = load<f64>(b, 8) - load<f64>(a, 8)
  store<f64>(to, load<f64>(a, 8) + distanceY * (countB / count), 8)
  store<f64>(to, (load<f64>(a, 16) + load<f64>(b, 16)) + distance * distance * weight, 16)
  store<f64>(to, (load<f64>(a, 24) + load<f64>(b, 24)) + distance * distanceY * weight, 24)
}

/** What a step makes of its window's aggregate. */
const AS_SUM: i32 = 0
const AS_MEAN: i32 = 1
const AS_EXTREME: i32 = 2
const AS_VARIANCE: i32 = 3
const AS_DEVIATION: i32 = 4
const AS_SLOPE: i32 = 5
const AS_PREDICTION: i32 = 6

/** Mean of a window whose sum is beyond the range of f64. */
function meanBeyond(values: usize, first: i32, end: i32): f64 {
  let mean: f64 = 0
  for (let i = first; i < end; i++) {
    const count = <f64>(i - first + 1)
    mean = mean * ((count - 1) / count) + load<f64>(values + (<usize>i << 3)) / count
  }
  return mean
}

// @ts-ignore: decorator
@inline
function resultOf(
  as: i32, state: usize, values: usize, first: i32, end: i32, x: f64, originY: f64, seconds: f64,
): f64 {
  const a = load<f64>(state)
  const b = load<f64>(state, 8)
  const count = <f64>(end - first)
  if (as == AS_SUM) return abs(a) == Infinity ? a : a + b
  if (as == AS_MEAN) {
    return abs(a) == Infinity ? meanBeyond(values, first, end) : a / count + b / count
  }
  if (as == AS_EXTREME) return a
  if (as == AS_VARIANCE) return b / count
  if (as == AS_DEVIATION) return sqrt(b / count)
  const slope = load<f64>(state, 24) / load<f64>(state, 16)
  if (as == AS_SLOPE) return slope
  return slope * seconds + (originY + b + slope * (x - a))
}

/**
 * @param origin first time, ms, and a value that others are near: both are taken from samples first
 * @param room f64[samples][4] of ends of the closed block, after two aggregates
 */
// @ts-ignore: decorator
@inline
function slide(
  kind: i32, as: i32, timestamps: usize, values: usize, originX: f64, originY: f64, startMs: f64,
  stepMs: f64, steps: i32, seconds: f64, windows: usize, room: usize, output: usize,
): void {
  const grown = room
  const whole = room + STATE_BYTES
  const ends = room + 2 * STATE_BYTES
  // The closed block is [blockFirst, border), what came since [border, end).
  let blockFirst = 0
  let border = 0
  let end = 0
  clear(grown)
  for (let step = 0; step < steps; step++) {
    const at = <usize>step << 3
    const first = load<i32>(windows + at)
    const nextEnd = load<i32>(windows + at, 4)
    if (first >= border) {
      blockFirst = first
      border = nextEnd
      end = nextEnd
      const isAlone = step + 1 == steps || load<i32>(windows + at, 8) >= nextEnd
      if ((kind == MIN || kind == MAX) && isAlone && first < nextEnd) {
        store<f64>(ends, extremeOf(values, first, nextEnd, kind == MIN))
      } else {
        clear(whole)
        addAll(
          kind, true, timestamps, values, originX, originY, first, nextEnd, 0, whole, ends,
        )
      }
      clear(grown)
    }
    if (end < nextEnd) {
      addAll(
        kind, false, timestamps, values, originX, originY, end, nextEnd, end - border, grown, 0,
      )
      end = nextEnd
    }
    if (end == first) continue
    const block = ends + <usize>(first - blockFirst) * STATE_BYTES
    merge(kind, block, <f64>(border - first), grown, <f64>(end - border), whole)
    const x = kind == LINE ? (startMs + <f64>step * stepMs - originX) / 1000 : 0
    store<f64>(output + at, resultOf(as, whole, values, first, end, x, originY, seconds))
  }
}

/** The first finite value: sums around it are smaller than around 0. */
function nearValue(values: usize, count: i32): f64 {
  for (let i = 0; i < count; i++) {
    const value = load<f64>(values + (<usize>i << 3))
    if (abs(value) < Infinity) return value
  }
  return 0
}

export function sumOverTime(
  values: usize, steps: i32, windows: usize, room: usize, output: usize,
): void {
  slide(SUM, AS_SUM, 0, values, 0, 0, 0, 0, steps, 0, windows, room, output)
}

export function meanOverTime(
  values: usize, steps: i32, windows: usize, room: usize, output: usize,
): void {
  slide(SUM, AS_MEAN, 0, values, 0, 0, 0, 0, steps, 0, windows, room, output)
}

/** NaN are left out; nothing but NaN gives NaN. */
export function extremeOverTime(
  values: usize, steps: i32, isMin: bool, windows: usize, room: usize, output: usize,
): void {
  if (isMin) slide(MIN, AS_EXTREME, 0, values, 0, 0, 0, 0, steps, 0, windows, room, output)
  else slide(MAX, AS_EXTREME, 0, values, 0, 0, 0, 0, steps, 0, windows, room, output)
}

/** Variance, or standard deviation, of the values as a population. */
export function varianceOverTime(
  values: usize, count: i32, steps: i32, isDeviation: bool, windows: usize, room: usize, output: usize,
): void {
  const near = nearValue(values, count)
  if (isDeviation) {
    slide(VARIANCE, AS_DEVIATION, 0, values, 0, near, 0, 0, steps, 0, windows, room, output)
  } else {
    slide(VARIANCE, AS_VARIANCE, 0, values, 0, near, 0, 0, steps, 0, windows, room, output)
  }
}

/** Slope of the line of least squares, per second. */
export function derivative(
  timestamps: usize, values: usize, count: i32, steps: i32, windows: usize, room: usize, output: usize,
): void {
  if (count == 0) return
  const from = load<f64>(timestamps)
  const near = nearValue(values, count)
  slide(
    LINE, AS_SLOPE, timestamps, values, from, near, 0, 0, steps, 0, windows, room, output,
  )
}

/** That line's value so many seconds after the step. */
export function prediction(
  timestamps: usize, values: usize, count: i32, startMs: f64, stepMs: f64, steps: i32, seconds: f64,
  windows: usize, room: usize, output: usize,
): void {
  if (count == 0) return
  const from = load<f64>(timestamps)
  const near = nearValue(values, count)
  slide(
    LINE, AS_PREDICTION, timestamps, values, from, near, startMs, stepMs, steps, seconds, windows, room,
    output,
  )
}
