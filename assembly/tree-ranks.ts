/** Ranks of values among a feature's thresholds; trees.ts tells what they are for. */
import { COLUMN_BYTES, HEADER_THRESHOLD_STARTS, HEADER_THRESHOLDS } from './tree-format'

/** How many of 16 ascending f32, NaN at the end, are ≤ x. */
// @ts-ignore: decorator
@inline
function countOf16(thresholds: usize, x_f32x4: v128): usize {
  const low = i16x8.narrow_i32x4_s(
    f32x4.le(v128.load(thresholds), x_f32x4), f32x4.le(v128.load(thresholds, 16), x_f32x4),
  )
  const high = i16x8.narrow_i32x4_s(
    f32x4.le(v128.load(thresholds, 32), x_f32x4), f32x4.le(v128.load(thresholds, 48), x_f32x4),
  )
  return <usize>popcnt(i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)))
}

/** Thresholds ≤ x of at most 255: which run of 16, then where in it; 0 for NaN. */
// @ts-ignore: decorator
@inline
function rankOfByte(x: f32, thresholds: usize): i32 {
  const x_f32x4 = f32x4.splat(x)
  const run = countOf16(thresholds, x_f32x4)
  return <i32>((run << 4) + countOf16(thresholds + 64 + (run << 6), x_f32x4))
}

/** Thresholds ≤ x of `count`; 0 for NaN. A product in place of a branch that no one could predict. */
// @ts-ignore: decorator
@inline
function rankOfWord(x: f32, thresholds: usize, count: i32): i32 {
  let base = thresholds
  let rest = count
  while (rest > 1) {
    const half = rest >>> 1
    base += (<usize>half << 2) * <usize>(load<f32>(base + (<usize>half << 2) - 4) <= x)
    rest -= half
  }
  const below = <i32>((base - thresholds) >>> 2)
  return rest == 1 ? below + i32(load<f32>(base) <= x) : below
}

/** Thresholds ≤ x, which are laid out for ranks of one byte or of two. */
// @ts-ignore: decorator
@inline
export function rankOf(x: f32, thresholds: usize, length: i32, isByte: bool): i32 {
  return isByte ? rankOfByte(x, thresholds) : rankOfWord(x, thresholds, length)
}

// @ts-ignore: decorator
@inline
export function rankColumns<T>(
  rows: usize, count: i32, features: i32, ensemble: usize, columns: usize,
): void {
  const bias = sizeof<T>() == 1 ? 128 : 32768
  const starts = ensemble + load<u32>(ensemble, HEADER_THRESHOLD_STARTS)
  const thresholds = ensemble + load<u32>(ensemble, HEADER_THRESHOLDS)
  for (let feature = 0; feature < features; feature++) {
    const start = load<u32>(starts + (<usize>feature << 2))
    const own = thresholds + (<usize>start << 2)
    const length = <i32>(load<u32>(starts + (<usize>feature << 2), 4) - start)
    const column = columns + <usize>feature * 2 * COLUMN_BYTES
    for (let row = 0; row < count; row++) {
      const x = load<f32>(rows + (<usize>(row * features + feature) << 2))
      const at = column + <usize>row * sizeof<T>()
      const rank = (sizeof<T>() == 1 ? rankOfByte(x, own) : rankOfWord(x, own, length)) - bias
      store<T>(at, <T>rank)
      store<T>(at, x == x ? <T>rank : <T>(bias - 1), COLUMN_BYTES)
    }
  }
}
