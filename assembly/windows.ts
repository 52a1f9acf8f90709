/**
 * Functions of PromQL over the samples of one series, for every step of a query. A step's window ends at
 * its time; it is closed on both sides, or open on the left. Two places go through the samples once, so
 * that a query costs the samples and the steps, however long its windows are.
 * Source: Prometheus, promql/functions.go and promql/engine.go (2.42; 3.x where windows are left-open).
 */
import {
  changesOverTime, deltaOverTime, idelta, NO_COUNTER, RATE, resetsOverTime,
} from './windows-counters'
import { quantileOverTime } from './windows-quantile'
import {
  derivative, extremeOverTime, prediction, meanOverTime, sumOverTime, varianceOverTime,
} from './windows-slide'

// Functions, by the number that the host gives.
const INSTANT: i32 = 0
const LAST: i32 = 1
const COUNT: i32 = 2
const PRESENT: i32 = 3
const RATE_OF: i32 = 4
const INCREASE: i32 = 5
const DELTA: i32 = 6
const IRATE: i32 = 7
const IDELTA: i32 = 8
const CHANGES: i32 = 9
const RESETS: i32 = 10
const SUM: i32 = 11
const MEAN: i32 = 12
const MIN: i32 = 13
const MAX: i32 = 14
const STDVAR: i32 = 15
const STDDEV: i32 = 16
const DERIV: i32 = 17
const PREDICT_LINEAR: i32 = 18
const QUANTILE: i32 = 19

/** The bits of a sample that says that its series ended. */
const STALE: u64 = 0x7ff0000000000002

/** Without stale samples: f64[count] times, f64[count] values. Then what the function needs. */
export function windows_work_bytes(count: i32, steps: i32): i32 {
  return count * 56 + steps * 8 + 128
}

/** Copies what is not stale.  @returns how many */
function withoutStale(
  timestamps: usize, values: usize, count: i32, times: usize, kept: usize,
): i32 {
  let found = 0
  for (let i = 0; i < count; i++) {
    const at = <usize>i << 3
    const bits = load<u64>(values + at)
    store<f64>(times + (<usize>found << 3), load<f64>(timestamps + at))
    store<u64>(kept + (<usize>found << 3), bits)
    found += <i32>(bits != STALE)
  }
  return found
}

function hasStale(values: usize, count: i32): bool {
  const stale = i64x2.splat(<i64>STALE)
  const end = values + (<usize>count << 3)
  let at = values
  for (; at + 32 <= end; at += 32) {
    const found = v128.or(
      i64x2.eq(v128.load(at), stale), i64x2.eq(v128.load(at, 16), stale),
    )
    if (v128.any_true(found)) return true
  }
  for (; at < end; at += 8) if (load<u64>(at) == STALE) return true
  return false
}

/**
 * The first place from `from` on, of ascending times, that is at or above `time`, or only above where
 * `isAbove`. Times are mostly evenly spaced: where it should be is looked at first.
 */
// @ts-ignore: decorator
@inline
function seek(
  timestamps: usize, from: i32, count: i32, time: f64, isAbove: bool, perMs: f64,
): i32 {
  if (from >= count) return from
  const ahead = (time - load<f64>(timestamps + (<usize>from << 3))) * perMs
  let place = from + <i32>max(0, min(ahead, <f64>(count - from)))
  while (place < count) {
    const at = load<f64>(timestamps + (<usize>place << 3))
    if (isAbove ? at > time : at >= time) break
    place++
  }
  while (place > from) {
    const before = load<f64>(timestamps + (<usize>place << 3) - 8)
    if (isAbove ? before <= time : before < time) break
    place--
  }
  return place
}

/** Where each window begins and how far it reaches: i32[steps][2] = first, behind the last. */
function findWindows(
  timestamps: usize, count: i32, startMs: f64, stepMs: f64, steps: i32, rangeMs: f64, isLeftOpen: bool,
  windows: usize,
): void {
  let first = 0
  let end = 0
  const span = count > 1
    ? load<f64>(timestamps + (<usize>count << 3) - 8) - load<f64>(timestamps)
    : 0
  const perMs = span > 0 ? <f64>(count - 1) / span : 0
  for (let step = 0; step < steps; step++) {
    const time = startMs + <f64>step * stepMs
    end = seek(timestamps, end, count, time, true, perMs)
    first = seek(timestamps, first, end, time - rangeMs, isLeftOpen, perMs)
    store<i32>(windows + (<usize>step << 3), first)
    store<i32>(windows + (<usize>step << 3), end, 4)
  }
}

/** Newest value of each window; for INSTANT a stale one stands for none. */
function newest(values: usize, windows: usize, steps: i32, isInstant: bool, output: usize): void {
  for (let step = 0; step < steps; step++) {
    const at = <usize>step << 3
    const first = load<i32>(windows + at)
    const end = load<i32>(windows + at, 4)
    const bits = load<u64>(values + (<usize>end << 3) - 8)
    if (isInstant && end > first && bits == STALE) store<i32>(windows + at, end)
    store<u64>(output + at, bits)
  }
}

function counts(windows: usize, steps: i32, isPresence: bool, output: usize): void {
  for (let step = 0; step < steps; step++) {
    const at = <usize>step << 3
    const samples = load<i32>(windows + at, 4) - load<i32>(windows + at)
    store<f64>(output + at, isPresence ? 1 : <f64>samples)
  }
}

/** @param timestamps f64[count]  @returns 1 where each is above the one before */
export function windows_is_ascending(timestamps: usize, count: i32): i32 {
  const end = timestamps + (<usize>count << 3) - 8
  let at = timestamps
  if (count < 2) return 1
  for (; at + 32 <= end; at += 32) {
    const pairs = v128.and(
      f64x2.lt(v128.load(at), v128.load(at, 8)), f64x2.lt(v128.load(at, 16), v128.load(at, 24)),
    )
    if (!i64x2.all_true(pairs)) return 0
  }
  for (; at < end; at += 8) if (!(load<f64>(at) < load<f64>(at, 8))) return 0
  return 1
}

/**
 * @param fn one of the numbers above        @param timestamps f64[count], ascending, ms
 * @param values f64[count]; stale samples are left out, except that an instant vector ends at one
 * @param startMs of the first step        @param rangeMs of a window, or the lookback of an instant
 * @param parameter quantile, or seconds of predict_linear
 * @param work windows_work_bytes(count, steps)
 * @param output f64[steps]; NaN where there is none        @param present u8[steps]
 * @returns steps that have a value
 */
export function windows_evaluate(
  fn: i32, timestamps: usize, values: usize, count: i32, startMs: f64, stepMs: f64, steps: i32,
  rangeMs: f64, parameter: f64, isLeftOpen: i32, work: usize, output: usize, present: usize,
): i32 {
  let times = timestamps
  let kept = values
  let samples = count
  if (fn != INSTANT && hasStale(values, count)) {
    times = work
    kept = work + (<usize>count << 3)
    samples = withoutStale(timestamps, values, count, times, kept)
  }
  const windows = work + (<usize>count << 4)
  const room = (windows + (<usize>steps << 3) + 15) & ~15
  findWindows(times, samples, startMs, stepMs, steps, rangeMs, isLeftOpen != 0, windows)
  let least = 1
  switch (fn) {
    case INSTANT:
    case LAST:
      newest(kept, windows, steps, fn == INSTANT, output)
      break
    case COUNT:
    case PRESENT:
      counts(windows, steps, fn == PRESENT, output)
      break
    case RATE_OF:
    case INCREASE:
    case DELTA: {
      const kind = fn == RATE_OF ? RATE : fn == DELTA ? NO_COUNTER : 0
      deltaOverTime(
        times, kept, samples, startMs, stepMs, steps, rangeMs, kind, isLeftOpen != 0, windows, room,
        output,
      )
      least = 2
      break
    }
    case IRATE:
    case IDELTA:
      idelta(times, kept, steps, fn == IRATE, windows, output)
      least = 2
      break
    case CHANGES:
      changesOverTime(kept, samples, steps, windows, room, output)
      break
    case RESETS:
      resetsOverTime(kept, samples, steps, windows, room, output)
      break
    case SUM:
      sumOverTime(kept, steps, windows, room, output)
      break
    case MEAN:
      meanOverTime(kept, steps, windows, room, output)
      break
    case MIN:
      extremeOverTime(kept, steps, true, windows, room, output)
      break
    case MAX:
      extremeOverTime(kept, steps, false, windows, room, output)
      break
    case STDVAR:
    case STDDEV:
      varianceOverTime(kept, samples, steps, fn == STDDEV, windows, room, output)
      break
    case DERIV:
      derivative(times, kept, samples, steps, windows, room, output)
      least = 2
      break
    case PREDICT_LINEAR:
      prediction(times, kept, samples, startMs, stepMs, steps, parameter, windows, room, output)
      least = 2
      break
    case QUANTILE:
      quantileOverTime(kept, steps, parameter, windows, room, output)
      break
    default:
      least = i32.MAX_VALUE
  }
  let found = 0
  for (let step = 0; step < steps; step++) {
    const at = <usize>step << 3
    const has = load<i32>(windows + at, 4) - load<i32>(windows + at) >= least
    store<u8>(present + <usize>step, <u8>has)
    found += <i32>has
    if (!has) store<f64>(output + at, NaN)
  }
  return found
}
