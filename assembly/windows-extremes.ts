/** Extremes of a window that shares no sample with another. NaN are left out; nothing but NaN gives NaN. */

// @ts-ignore: decorator
@inline
export function moreExtreme(a: f64, b: f64, isMin: bool): f64 {
  return select(b, a, (isMin ? b < a : b > a) || a != a)
}

/** Fewer samples than this are not worth lanes. */
const LANES_MIN: i32 = 16

function extremeInOrder(values: usize, first: i32, end: i32, isMin: bool): f64 {
  let extreme = load<f64>(values + (<usize>first << 3))
  for (let i = first + 1; i < end; i++) {
    extreme = moreExtreme(extreme, load<f64>(values + (<usize>i << 3)), isMin)
  }
  return extreme
}

/** Of samples that no other window needs, at least one: without the aggregates of their ends. */
// @ts-ignore: decorator
@inline
export function extremeOf(values: usize, first: i32, end: i32, isMin: bool): f64 {
  if (end - first < LANES_MIN) return extremeInOrder(values, first, end, isMin)
  const none = f64x2.splat(isMin ? Infinity : -Infinity)
  let a = none
  let b = none
  let at = values + (<usize>first << 3)
  const behind = values + (<usize>end << 3)
  for (; at + 32 <= behind; at += 32) {
    // These keep the accumulator where the other one is NaN.
    a = isMin ? f64x2.pmin(a, v128.load(at)) : f64x2.pmax(a, v128.load(at))
    b = isMin ? f64x2.pmin(b, v128.load(at, 16)) : f64x2.pmax(b, v128.load(at, 16))
  }
  a = isMin ? f64x2.pmin(a, b) : f64x2.pmax(a, b)
  let extreme = moreExtreme(f64x2.extract_lane(a, 0), f64x2.extract_lane(a, 1), isMin)
  for (; at < behind; at += 8) extreme = moreExtreme(extreme, load<f64>(at), isMin)
  // Which of two zeros came first, and whether all were NaN, the lanes do not know.
  const isKnown = extreme != 0 && extreme != (isMin ? Infinity : -Infinity)
  return isKnown ? extreme : extremeInOrder(values, first, end, isMin)
}
