/** quantile_over_time: the window's values are kept in order, NaN first. */

/** Address of the first value that is not before `value`. Without jumps, which no processor foresees. */
function lowerBound(sorted: usize, count: i32, value: f64): usize {
  let from = sorted
  const isNumber = value == value
  for (let left = count; left > 0; ) {
    const half = (left + 1) >> 1
    const next = from + (<usize>half << 3)
    // NaN stand before all numbers, and before no NaN.
    from = select(next, from, isNumber && !(load<f64>(next - 8) >= value))
    left -= half
  }
  return from
}

function insert(sorted: usize, count: i32, value: f64): void {
  const at = lowerBound(sorted, count, value)
  memory.copy(at + 8, at, sorted + (<usize>count << 3) - at)
  store<f64>(at, value)
}

function remove(sorted: usize, count: i32, value: f64): void {
  const at = lowerBound(sorted, count, value)
  memory.copy(at, at + 8, sorted + (<usize>count << 3) - at - 8)
}

/** One value leaves and one enters: only what lies between their places moves. */
function replace(sorted: usize, count: i32, leaving: f64, entering: f64): void {
  const from = lowerBound(sorted, count, leaving)
  const to = lowerBound(sorted, count, entering)
  if (to > from) {
    memory.copy(from, from + 8, to - from - 8)
    store<f64>(to - 8, entering)
  } else {
    memory.copy(to + 8, to, from - to)
    store<f64>(to, entering)
  }
}

function quantileOf(sorted: usize, count: i32, q: f64): f64 {
  if (q != q) return NaN
  if (q < 0) return -Infinity
  if (q > 1) return Infinity
  const rank = q * <f64>(count - 1)
  const lower = <i32>floor(rank)
  const upper = min(lower + 1, count - 1)
  const weight = rank - floor(rank)
  const at = sorted + (<usize>lower << 3)
  return load<f64>(at) * (1 - weight) + load<f64>(sorted + (<usize>upper << 3)) * weight
}

/**
 * Linear between the two nearest ranks. −∞ for q < 0, +∞ for q > 1.
 *
 * @param sorted f64[samples of the longest window], working space
 * A sample that enters while one leaves moves a third of the window, 8 bytes a value.
 */
export function quantileOverTime(
  values: usize, steps: i32, q: f64, windows: usize, sorted: usize, output: usize,
): void {
  let first = 0
  let end = 0
  for (let step = 0; step < steps; step++) {
    const at = <usize>step << 3
    const nextFirst = load<i32>(windows + at)
    const nextEnd = load<i32>(windows + at, 4)
    if (nextFirst >= end) {
      first = nextFirst
      end = nextFirst
    }
    for (; first < nextFirst && end < nextEnd; first++, end++) {
      const entering = load<f64>(values + (<usize>end << 3))
      replace(sorted, end - first, load<f64>(values + (<usize>first << 3)), entering)
    }
    for (; first < nextFirst; first++) {
      remove(sorted, end - first, load<f64>(values + (<usize>first << 3)))
    }
    for (; end < nextEnd; end++) {
      insert(sorted, end - first, load<f64>(values + (<usize>end << 3)))
    }
    if (end > first) store<f64>(output + at, quantileOf(sorted, end - first, q))
  }
}
