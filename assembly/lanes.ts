/** Elements as f64 lanes, whatever the stored type: T is f64 or f32. f32 widens exactly. */

/** Two consecutive elements from `pointer`, which need not be aligned. */
// @ts-ignore: decorator
@inline
export function loadPair<T>(pointer: usize): v128 {
  if (sizeof<T>() == 8) return v128.load(pointer)
  return f64x2.promote_low_f32x4(v128.load64_zero(pointer))
}

/** One element as f64. */
// @ts-ignore: decorator
@inline
export function loadOne<T>(pointer: usize): f64 {
  return <f64>load<T>(pointer)
}

/** Lane 0 + lane 1. */
// @ts-ignore: decorator
@inline
export function sumLanes(pair: v128): f64 {
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1)
}

/** The smaller lane; lane 0 where lane 1 is NaN. */
// @ts-ignore: decorator
@inline
export function minLanes(pair: v128): f64 {
  const low = f64x2.extract_lane(pair, 0)
  const high = f64x2.extract_lane(pair, 1)
  return high < low ? high : low
}

/** The larger lane; lane 0 where lane 1 is NaN. */
// @ts-ignore: decorator
@inline
export function maxLanes(pair: v128): f64 {
  const low = f64x2.extract_lane(pair, 0)
  const high = f64x2.extract_lane(pair, 1)
  return low < high ? high : low
}

/** Whether one of f64[n] is NaN. */
export function hasNaN(values: usize, count: i32): bool {
  let found0 = f64x2.splat(0)
  let found1 = f64x2.splat(0)
  let pointer = values
  const end = values + (<usize>count << 3)
  const endOf4 = values + (<usize>(count & ~3) << 3)
  for (; pointer < endOf4; pointer += 32) {
    const x0 = v128.load(pointer)
    const x1 = v128.load(pointer, 16)
    found0 = v128.or(found0, f64x2.ne(x0, x0))
    found1 = v128.or(found1, f64x2.ne(x1, x1))
  }
  let found: bool = v128.any_true(v128.or(found0, found1))
  for (; pointer < end; pointer += 8) {
    const x = load<f64>(pointer)
    if (x != x) found = true
  }
  return found
}

/** a · b + c: rounded once where the build has relaxed SIMD and the machine a fused unit, else twice. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c)
  return f64x2.add(f64x2.mul(a, b), c)
}

/** As multiplyAdd, for lanes of T. */
// @ts-ignore: decorator
@inline
export function multiplyAddOf<T>(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return v128.relaxed_madd<T>(a, b, c)
  return v128.add<T>(v128.mul<T>(a, b), c)
}

/** The sum of all lanes in f64; T is f32 or f64. */
// @ts-ignore: decorator
@inline
export function sumLanesOf<T>(x: v128): f64 {
  if (sizeof<T>() == 8) return sumLanes(x)
  return sumLanes(f64x2.add(
    f64x2.promote_low_f32x4(x),
    f64x2.promote_low_f32x4(i64x2.shuffle(x, x, 1, 1)),
  ))
}
