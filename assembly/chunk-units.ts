/**
 * The unit of a column: measurements are mostly whole multiples of something, as counts are of 1, means
 * of n counts of 1 / n, percentages of two digits of 0.01. The value is then a whole number d, exactly:
 * either d / q, rounded once, or d · u; or off by a few units in the last place where whoever computed
 * it rounded more than once.
 */

/** Values looked at before all are. */
export const PROBES_MAX: i32 = 16

/** Whole numbers that a double holds exactly. */
const WHOLE_MAX: f64 = 9007199254740992

/** How far, in units in the last place, a probe may be from its multiple; and any value. */
const PROBE_CORRECTION_MAX: i64 = 7
const PROBE_WHOLE_MAX: f64 = 70368744177664 // 2^46: multiples lie 2^6 units in the last place apart
const CORRECTION_MAX: i64 = 1 << 24

/** More units than this in the largest value are no unit, but noise. */
const MULTIPLE_MAX: f64 = 4194304

/** Remainders below this, relatively, are rounding errors. */
const EUCLID_TOLERANCE: f64 = 1e-9
const EUCLID_STEPS_MAX: i32 = 64

/** Denominators, ascending: the smallest that fits leaves the smallest numbers. Stored as index. */
const QUOTIENTS: usize = memory.data<f64>([
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24, 25, 28, 30, 32, 36, 40, 45, 48,
  50, 60, 64, 72, 75, 80, 90, 100, 120, 125, 128, 144, 150, 180, 200, 240, 250, 256, 300, 360, 400,
  450, 500, 512, 600, 720, 750, 800, 900, 1000, 1024, 1200, 1500, 1800, 2000, 2400, 2500, 3000, 3600,
  4096, 5000, 6000, 8192, 10000, 12000, 15000, 20000, 30000, 36000, 50000, 60000, 65536, 100000,
  300000, 600000, 1e6, 1048576, 3600000, 1e7, 1e8, 1e9, 1073741824, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
])
export const QUOTIENTS_COUNT: i32 = 95

// @ts-ignore: decorator
@inline
export function quotientOf(index: i32): f64 {
  return load<f64>(QUOTIENTS + (<usize>index << 3))
}

/**
 * d whose d / q, or d · u where `isMultiple`, is nearest to a value; NaN and infinities stay. The sum
 * makes +0 of −0, which no whole number is.
 */
// @ts-ignore: decorator
@inline
function wholeOf(value: f64, unit: f64, isMultiple: bool): f64 {
  return nearest(isMultiple ? value / unit : value * unit) + 0
}

// @ts-ignore: decorator
@inline
function valueOf(whole: f64, unit: f64, isMultiple: bool): f64 {
  return isMultiple ? whole * unit : whole / unit
}

/** Finite values other than 0, spread over the column.  @param probes f64[PROBES_MAX]  @returns how many */
export function gatherProbes(values: usize, count: i32, probes: usize): i32 {
  const stride = max(count / PROBES_MAX, 1)
  let found = 0
  for (let i = 0; i < count && found < PROBES_MAX; i += stride) {
    const x = load<f64>(values + (<usize>i << 3))
    if (x == 0 || !(abs(x) < Infinity)) continue
    store<f64>(probes + (<usize>found << 3), x)
    found++
  }
  return found
}

export function probesFit(probes: usize, found: i32, unit: f64, isMultiple: bool): bool {
  for (let i = 0; i < found; i++) {
    const x = load<f64>(probes + (<usize>i << 3))
    const whole = wholeOf(x, unit, isMultiple)
    if (!(abs(whole) < WHOLE_MAX)) return false
    const correction = reinterpret<i64>(x) - reinterpret<i64>(valueOf(whole, unit, isMultiple))
    if (correction > PROBE_CORRECTION_MAX || correction < -PROBE_CORRECTION_MAX) return false
    // So many units are near any value: this one must be hit.
    if (correction != 0 && abs(whole) > PROBE_WHOLE_MAX) return false
  }
  return true
}

/** The greatest number that divides all probes but for rounding errors; 0 where there is none. */
export function commonUnit(probes: usize, found: i32): f64 {
  let unit: f64 = 0
  let largest: f64 = 0
  for (let i = 0; i < found; i++) {
    let a = abs(load<f64>(probes + (<usize>i << 3)))
    largest = max(largest, a)
    let b = unit
    const tolerance = max(a, b) * EUCLID_TOLERANCE
    for (let k = 0; k < EUCLID_STEPS_MAX && b > tolerance; k++) {
      const rest = abs(a - nearest(a / b) * b)
      a = b
      b = rest
    }
    unit = a
  }
  const multiple = nearest(largest / unit)
  return multiple < MULTIPLE_MAX ? largest / multiple : 0
}

/**
 * Splits values into whole numbers and what must be added to the bits of their multiples.
 *
 * @param wholes i64[count], written        @param corrections i64[count], written
 * @param misfits i32[misfitsMax]: places of values that have none; their whole number is the one before
 * @returns how many misfits; −1 where they are more than misfitsMax
 */
export function splitValues(
  values: usize, count: i32, unit: f64, isMultiple: bool, wholes: usize, corrections: usize,
  misfits: usize, misfitsMax: i32,
): i32 {
  let found = 0
  let before: i64 = 0
  for (let i = 0; i < count; i++) {
    const at = <usize>i << 3
    const x = load<f64>(values + at)
    const whole = wholeOf(x, unit, isMultiple)
    let correction = reinterpret<i64>(x) - reinterpret<i64>(valueOf(whole, unit, isMultiple))
    const isFit = abs(whole) < WHOLE_MAX &&
      correction < CORRECTION_MAX && correction > -CORRECTION_MAX
    if (isFit) {
      before = <i64>whole
    } else {
      if (found == misfitsMax) return -1
      store<i32>(misfits + (<usize>found << 2), i)
      found++
      correction = 0
    }
    store<i64>(wholes + at, before)
    store<i64>(corrections + at, correction)
  }
  return found
}

/** The other way.  @param wholes i64[count]  @param values f64[count], the same or another place */
export function joinValues(
  wholes: usize, count: i32, unit: f64, isMultiple: bool, values: usize,
): void {
  const bytes = <usize>count << 3
  const units = f64x2.splat(unit)
  let at: usize = 0
  for (const pairs = bytes & ~15; at < pairs; at += 16) {
    const pair = f64x2.replace_lane(
      f64x2.splat(<f64>load<i64>(wholes + at)), 1, <f64>load<i64>(wholes + at, 8),
    )
    v128.store(values + at, isMultiple ? f64x2.mul(pair, units) : f64x2.div(pair, units))
  }
  if (at < bytes) {
    const whole = <f64>load<i64>(wholes + at)
    store<f64>(values + at, isMultiple ? whole * unit : whole / unit)
  }
}
