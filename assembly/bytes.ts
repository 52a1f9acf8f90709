/** Bytes moved and compared 16 at a time. */

/** Bytes behind the end of what is read or written that these functions may touch. */
export const SLACK: usize = 16

/**
 * Copies 16 bytes at a time, up to 15 more than asked for. Where the target overlaps the source from
 * 16 bytes on, what was copied is copied again, as LZ77 wants it.
 */
// @ts-ignore: decorator
@inline
export function copyWide(target: usize, source: usize, count: usize): void {
  const end = target + count
  do {
    v128.store(target, v128.load(source))
    target += 16
    source += 16
  } while (target < end)
}

/** The order of two byte strings: < 0, 0, > 0. Reads up to 15 bytes behind both. */
// @ts-ignore: decorator
@inline
export function compareBytes(a: usize, aCount: i32, b: usize, bCount: i32): i32 {
  const shared = min(aCount, bCount)
  for (let i = 0; i < shared; i += 16) {
    const different = ~i8x16.bitmask(
      i8x16.eq(v128.load(a + <usize>i), v128.load(b + <usize>i)),
    ) & 0xffff
    if (different == 0) continue
    const at = i + ctz(different)
    if (at >= shared) break
    return <i32>load<u8>(a + <usize>at) - <i32>load<u8>(b + <usize>at)
  }
  return aCount - bCount
}
