/** Snappy's block format: literals and copies of what was written before. */
import { copyWide } from './bytes'

// What snappy_decompress returns. The offset in the result says where.
const DONE: i32 = 0
const UNEXPECTED_END: i32 = 1 // an element is cut off
const TOO_LONG: i32 = 2 // more bytes than were declared
const TOO_SHORT: i32 = 3 // fewer bytes than were declared
const BAD_OFFSET: i32 = 4 // a copy from before the beginning, or from 0 bytes back

/** Bytes behind the input that are read, and behind the output that are written. */
const PADDING: usize = 64

export function snappy_padding_bytes(): usize {
  return PADDING
}

// Row n: the lane of 16 bytes that repeat every n that each of the next 16 takes. Row 0 is not used.
const REPEATS: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
  0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0,
  0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,
  0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0,
  0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3,
  0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1,
  0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 3, 4,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1, 2,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0,
])

/** Whole repeats in 16 bytes, in bytes, by the distance of the copy. */
const STRIDES: usize = memory.data<u8>([
  0, 16, 16, 15, 16, 15, 12, 14, 16, 9, 10, 11, 12, 13, 14, 15,
])

/** A copy from less than 16 bytes back: what it repeats is made once, then stored until it suffices. */
// @ts-ignore: decorator
@inline
function repeat(target: usize, distance: usize, count: usize): void {
  const pattern = i8x16.swizzle(
    v128.load(target - distance), v128.load(REPEATS + (distance << 4)),
  )
  const stride = <usize>load<u8>(STRIDES + distance)
  const end = target + count
  do {
    v128.store(target, pattern)
    target += stride
  } while (target < end)
}

/**
 * Decompresses a block behind its preamble, the declared size.
 *
 * @param input u8[length], then snappy_padding_bytes() of anything
 * @param output u8[declared], then as many that are written too
 * @param result i32[1] = offset of the element at fault; of the end where the block is too short
 * @returns 0 done; 1 an element is cut off; 2 more, 3 fewer bytes than declared; 4 a copy from before
 *   the beginning
 * Source: google/snappy, format_description.txt.
 */
export function snappy_decompress(
  input: usize, length: i32, output: usize, declared: i32, result: usize,
): i32 {
  const end = input + <usize>length
  const outputEnd = output + <usize>declared
  let p = input
  let target = output
  let element = p
  let code = DONE
  while (p < end) {
    element = p
    const tag = <u32>load<u8>(p)
    if ((tag & 3) == 0) {
      let less1: u32 = tag >>> 2
      p++
      if (less1 >= 60) {
        const sizeBytes = less1 - 59
        less1 = load<u32>(p) & (0xffffffff >>> ((4 - sizeBytes) << 3))
        p += sizeBytes
      }
      // Whether p is behind the end is asked first: then the difference does not wrap.
      if (p > end || less1 >= <u32>(end - p)) {
        code = UNEXPECTED_END
        break
      }
      if (less1 >= <u32>(outputEnd - target)) {
        code = TOO_LONG
        break
      }
      const count = <usize>less1 + 1
      copyWide(target, p, count)
      p += count
      target += count
      continue
    }
    let count: usize
    let distance: usize
    if ((tag & 3) == 1) {
      count = ((tag >>> 2) & 7) + 4
      distance = ((tag >>> 5) << 8) | <u32>load<u8>(p, 1)
      p += 2
    } else {
      count = (tag >>> 2) + 1
      if ((tag & 3) == 2) {
        distance = <usize>load<u16>(p, 1)
        p += 3
      } else {
        distance = <usize>load<u32>(p, 1)
        p += 5
      }
    }
    if (p > end) {
      code = UNEXPECTED_END
      break
    }
    // Distance 0 wraps to more than there is.
    if (distance - 1 >= target - output) {
      code = BAD_OFFSET
      break
    }
    if (count > outputEnd - target) {
      code = TOO_LONG
      break
    }
    if (distance >= 16) copyWide(target, target - distance, count)
    else repeat(target, distance, count)
    target += count
  }
  if (code == DONE && target != outputEnd) {
    code = TOO_SHORT
    element = end
  }
  store<i32>(result, <i32>(element - input))
  return code
}
