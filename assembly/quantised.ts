/**
 * Reductions of bytes that stand for numbers: x = scale · (q − zeroPoint). All of them follow from
 * four integers, which are exact; the host applies scale and zero point once.
 */

/** Bytes of a block: 2^14 squares of a byte, added up in pairs, stay below 2^31 in each lane. */
const BLOCK_BYTES: i32 = 16384

// @ts-ignore: decorator
@inline
function sumLanes_i32(lanes: v128): i64 {
  return (
    <i64>i32x4.extract_lane(lanes, 0) + <i64>i32x4.extract_lane(lanes, 1) +
    (<i64>i32x4.extract_lane(lanes, 2) + <i64>i32x4.extract_lane(lanes, 3))
  )
}

/** `flip` is 0 for u8 and 0x80 for i8, which makes of i8 a u8 that is 128 more. */
// @ts-ignore: decorator
@inline
function summary(values: usize, count: i32, flip: i32, output: usize): void {
  const flip_u8x16 = i8x16.splat(<i8>flip)
  let sum: i64 = 0
  let squares: i64 = 0
  let min_u8x16 = i8x16.splat(-1)
  let max_u8x16 = i8x16.splat(0)
  let pointer = values
  const end = values + <usize>count
  const endOf16 = values + <usize>(count & ~15)
  while (pointer < endOf16) {
    const rest = <i32>(endOf16 - pointer)
    const blockEnd = pointer + <usize>(rest < BLOCK_BYTES ? rest : BLOCK_BYTES)
    let sum_i32x4 = i32x4.splat(0)
    let squares_i32x4 = i32x4.splat(0)
    for (; pointer < blockEnd; pointer += 16) {
      const x = v128.xor(v128.load(pointer), flip_u8x16)
      min_u8x16 = i8x16.min_u(min_u8x16, x)
      max_u8x16 = i8x16.max_u(max_u8x16, x)
      const low = i16x8.extend_low_i8x16_u(x)
      const high = i16x8.extend_high_i8x16_u(x)
      sum_i32x4 = i32x4.add(sum_i32x4, i32x4.extadd_pairwise_i16x8_u(i16x8.add(low, high)))
      squares_i32x4 = i32x4.add(
        squares_i32x4, i32x4.add(i32x4.dot_i16x8_s(low, low), i32x4.dot_i16x8_s(high, high)),
      )
    }
    sum += sumLanes_i32(sum_i32x4)
    squares += sumLanes_i32(squares_i32x4)
  }
  let min = 255
  let max = 0
  if (endOf16 > values) {
    for (let shift = 8; shift > 0; shift >>= 1) {
      // Lanes beyond the half take part too, which does no harm.
      min_u8x16 = i8x16.min_u(min_u8x16, shiftLanes(min_u8x16, shift))
      max_u8x16 = i8x16.max_u(max_u8x16, shiftLanes(max_u8x16, shift))
    }
    min = <i32>i8x16.extract_lane_u(min_u8x16, 0)
    max = <i32>i8x16.extract_lane_u(max_u8x16, 0)
  }
  for (; pointer < end; pointer++) {
    const x = <i32>load<u8>(pointer) ^ flip
    sum += x
    squares += x * x
    if (x < min) min = x
    if (x > max) max = x
  }
  store<f64>(output, load<f64>(output) + <f64>sum)
  store<f64>(output, load<f64>(output, 8) + <f64>squares, 8)
  if (<f64>min < load<f64>(output, 16)) store<f64>(output, <f64>min, 16)
  if (load<f64>(output, 24) < <f64>max) store<f64>(output, <f64>max, 24)
}

// @ts-ignore: decorator
@inline
function shiftLanes(x: v128, by: i32): v128 {
  if (by == 8) return v128.shuffle<u8>(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
  if (by == 4) return v128.shuffle<u8>(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15)
  if (by == 2) return v128.shuffle<u8>(x, x, 2, 3, 0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
  return v128.shuffle<u8>(x, x, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
}

/**
 * Σq, Σq², smallest and largest q of bytes, continued from what output holds.
 *
 * @param values u8[n]
 * @param output f64[4] = Σq, Σq², min, max; 0, 0, +Inf, −Inf to begin with
 * Accuracy: exact while Σq² < 2^53, n < 1.3e11.
 */
export function summary_u8(values: usize, count: i32, output: usize): void {
  summary(values, count, 0, output)
}

/** Of i8[n], as those of the bytes q + 128. As summary_u8. */
export function summary_i8(values: usize, count: i32, output: usize): void {
  summary(values, count, 0x80, output)
}
