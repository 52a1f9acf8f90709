/** Steps that the curvature is remembered of. */
const MEMORY = 8
const STEP_LEAST = 1e-6
/** A step must take this share of the decrease that the slope promises. */
const DECREASE_SHARE = 1e-4

/** A function's value at a point; fills its slope in. */
export type Objective = (point: Float64Array, slope: Float64Array) => number

const dot = (a: Float64Array, b: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

interface Pair {
  readonly step: Float64Array
  readonly change: Float64Array
  /** 1 / (step · change). */
  readonly inverse: number
}

/** −H·slope by the pairs of the last steps. */
function directionOf(slope: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = slope.map((x) => -x)
  const shares: number[] = []
  for (const { step, change, inverse } of pairs.toReversed()) {
    const share = inverse * dot(step, direction)
    shares.push(share)
    for (let i = 0; i < direction.length; i++)
      direction[i] = (direction[i] as number) - share * (change[i] as number)
  }
  const last = pairs.at(-1)
  const scale = last ? 1 / (last.inverse * dot(last.change, last.change)) : 1
  for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) * scale
  for (const { step, change, inverse } of pairs) {
    const share = (shares.pop() ?? 0) - inverse * dot(change, direction)
    for (let i = 0; i < direction.length; i++)
      direction[i] = (direction[i] as number) + share * (step[i] as number)
  }
  return direction
}

/**
 * Where a smooth convex function is least, near enough: limited-memory BFGS with halved steps.
 *
 * @param iterations at most
 * @param tolerance ends it where the slope's length is this share of the first one's
 * Source: Nocedal & Wright 2006, algorithms 3.1 and 7.5.
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  iterations: number,
  tolerance: number,
): Float64Array {
  let point = start
  let slope = new Float64Array(start.length)
  let value = objective(point, slope)
  const goal = tolerance * Math.sqrt(dot(slope, slope))
  const pairs: Pair[] = []
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (Math.sqrt(dot(slope, slope)) <= goal) break
    const direction = directionOf(slope, pairs)
    const descent = dot(slope, direction)
    let size = 1
    let next = point
    const nextSlope = new Float64Array(start.length)
    let nextValue = Number.POSITIVE_INFINITY
    for (; size > STEP_LEAST; size /= 2) {
      next = point.map((x, i) => x + size * (direction[i] as number))
      nextValue = objective(next, nextSlope)
      if (nextValue <= value + DECREASE_SHARE * size * descent) break
    }
    if (!(nextValue < value)) break
    const step = direction.map((x) => x * size)
    const change = nextSlope.map((x, i) => x - (slope[i] as number))
    const product = dot(step, change)
    if (product > 0) pairs.push({ step, change, inverse: 1 / product })
    if (pairs.length > MEMORY) pairs.shift()
    point = next
    slope = nextSlope
    value = nextValue
  }
  return point
}
