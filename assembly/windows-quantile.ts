/** quantile_over_time: the window's values are kept in order, NaN first. */

/** Place of the first value that is not before `value`. */
function lowerBound(sorted: usize, count: i32, value: f64): i32 {
  let low = 0
  let high = count
  const isNaNWanted = value != value
  while (low < high) {
    const middle = (low + high) >>> 1
    const x = load<f64>(sorted + (<usize>middle << 3))
    if (!isNaNWanted && (x != x || x < value)) low = middle + 1
    else high = middle
  }
  return low
}

function insert(sorted: usize, count: i32, value: f64): void {
  const at = sorted + (<usize>lowerBound(sorted, count, value) << 3)
  memory.copy(at + 8, at, sorted + (<usize>count << 3) - at)
  store<f64>(at, value)
}

function remove(sorted: usize, count: i32, value: f64): void {
  const at = sorted + (<usize>lowerBound(sorted, count, value) << 3)
  memory.copy(at, at + 8, sorted + (<usize>count << 3) - at - 8)
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
 * A sample that enters or leaves moves half of the window, 8 bytes a value.
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
    for (; first < nextFirst; first++) {
      remove(sorted, end - first, load<f64>(values + (<usize>first << 3)))
    }
    for (; end < nextEnd; end++) {
      insert(sorted, end - first, load<f64>(values + (<usize>end << 3)))
    }
    if (end > first) store<f64>(output + at, quantileOf(sorted, end - first, q))
  }
}
