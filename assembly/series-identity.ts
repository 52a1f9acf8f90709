/**
 * The identity of a series: MurmurHash3_x64_128 of its labels' canonical bytes, seed 0. Identities are
 * stored, so the function stays as it is.
 */

const C1: u64 = 0x87c37b91114253d5
const C2: u64 = 0x4cf5ad432745937f

// @ts-ignore: decorator
@inline
function mixFirst(k: u64): u64 {
  return rotl<u64>(k * C1, 31) * C2
}

// @ts-ignore: decorator
@inline
function mixSecond(k: u64): u64 {
  return rotl<u64>(k * C2, 33) * C1
}

// @ts-ignore: decorator
@inline
function finish(hash: u64): u64 {
  let h = hash
  h ^= h >>> 33
  h *= 0xff51afd7ed558ccd
  h ^= h >>> 33
  h *= 0xc4ceb9fe1a85ec53
  return h ^ (h >>> 33)
}

/** The last bytes of a block as a little-endian number, zeros above. count in 1 … 8 */
// @ts-ignore: decorator
@inline
function loadLast(bytes: usize, count: i32): u64 {
  let value: u64 = 0
  for (let i = count - 1; i >= 0; i--) value = (value << 8) | <u64>load<u8>(bytes + <usize>i)
  return value
}

/**
 * Hashes bytes to 128 bits.
 *
 * @param bytes u8[count], any alignment        @param output u32[4], low word first
 * Source: Appleby, MurmurHash3 (public domain), MurmurHash3_x64_128.
 */
export function series_identity(bytes: usize, count: i32, seed: u32, output: usize): void {
  let h1: u64 = <u64>seed
  let h2: u64 = <u64>seed
  const blocksEnd = bytes + <usize>(count & ~15)
  let at = bytes
  for (; at < blocksEnd; at += 16) {
    h1 ^= mixFirst(load<u64>(at))
    h1 = (rotl<u64>(h1, 27) + h2) * 5 + 0x52dce729
    h2 ^= mixSecond(load<u64>(at, 8))
    h2 = (rotl<u64>(h2, 31) + h1) * 5 + 0x38495ab5
  }
  const rest = count & 15
  if (rest > 8) h2 ^= mixSecond(loadLast(at + 8, rest - 8))
  if (rest > 0) h1 ^= mixFirst(loadLast(at, min(rest, 8)))
  h1 ^= <u64>count
  h2 ^= <u64>count
  h1 += h2
  h2 += h1
  h1 = finish(h1)
  h2 = finish(h2)
  h1 += h2
  h2 += h1
  store<u64>(output, h1)
  store<u64>(output, h2, 8)
}

/**
 * As series_identity with seed 0, for many.
 *
 * @param bytes u8[ends[count − 1]], one after another        @param ends u32[count]
 * @param output u32[count][4]
 */
export function series_identities(bytes: usize, ends: usize, count: i32, output: usize): void {
  let start: u32 = 0
  for (let i = 0; i < count; i++) {
    const end = load<u32>(ends + (<usize>i << 2))
    series_identity(bytes + <usize>start, <i32>(end - start), 0, output + (<usize>i << 4))
    start = end
  }
}
