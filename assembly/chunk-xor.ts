/**
 * Doubles that no unit divides: what is left of each after XOR with the one before.
 * Source: Pelkonen et al. 2015, doi:10.14778/2824032.2824078; Liakos, Papakonstantinopoulou & Kotidis
 * 2022 (Chimp), doi:10.14778/3551793.3551852, whose four cases these are.
 *
 * ```
 * 64 bits of the first value; then for each value, by the last two bits read:
 * 0  as the one before
 * 1  leading zeros (3 bits), length − 1 (6 bits), bits between zeros on both sides
 * 2  64 − leading bits, with the leading zeros of the one before
 * 3  leading zeros (3 bits), 64 − leading bits
 * ```
 */
import { peek, peekWord, put, putWord } from './chunk-bits'

/** More zeros than this at the end are worth their own length. */
const TRAILING_MIN: u64 = 6

/** Leading zeros that three bits can say: 0, 8, 12, 16, 18, 20, 22, 24, as nibbles of half. */
const LEADING: u64 = 0xcba98640

// @ts-ignore: decorator
@inline
function leadingOf(code: u64): u64 {
  return ((LEADING >> (code << 2)) & 15) << 1
}

// @ts-ignore: decorator
@inline
function leadingCode(zeros: u64): u64 {
  if (zeros >= 16) return zeros >= 24 ? 7 : 3 + ((zeros - 16) >> 1)
  return zeros >= 12 ? 2 : zeros >> 3
}

/** Up to 64 bits. */
// @ts-ignore: decorator
@inline
function putLong(base: usize, position: usize, value: u64, length: u64): void {
  put(base, position, value & 0xffffffff)
  if (length > 32) put(base, position + 32, value >> 32)
}

/** @param values f64[count ≥ 1]  @returns the address behind */
export function encodeXor(values: usize, count: i32, output: usize): usize {
  store<u8>(output, 0)
  let before = load<u64>(values)
  putWord(output, 0, before)
  let position: usize = 64
  let held: u64 = 64 // leading zeros of the one before; more than there can be
  for (let i = 1; i < count; i++) {
    const value = load<u64>(values + (<usize>i << 3))
    const xor = value ^ before
    before = value
    if (xor == 0) {
      put(output, position, 0)
      position += 2
      held = 64
      continue
    }
    const trailing = ctz(xor)
    const code = leadingCode(clz(xor))
    const leading = leadingOf(code)
    if (trailing > TRAILING_MIN) {
      const length = 64 - leading - trailing
      put(output, position, 1 | (code << 2) | ((length - 1) << 5))
      position += 11
      putLong(output, position, xor >> trailing, length)
      position += <usize>length
      held = 64
      continue
    }
    if (leading == held) {
      put(output, position, 2)
      position += 2
    } else {
      put(output, position, 3 | (code << 2))
      position += 5
      held = leading
    }
    putLong(output, position, xor, 64 - leading)
    position += <usize>(64 - leading)
  }
  return output + ((position + 7) >> 3)
}

/** @param values f64[count ≥ 1], written  @returns the address behind; 0 for bits that are none */
export function decodeXor(values: usize, count: i32, input: usize, end: usize): usize {
  const stop = <usize>(end - input) << 3
  if (stop < 64) return 0
  let before = peekWord(input, 0)
  store<u64>(values, before)
  let position: usize = 64
  let held: u64 = 0
  for (let i = 1; i < count; i++) {
    const word = peek(input, position)
    const kind = word & 3
    if (kind == 0) {
      position += 2
    } else if (kind == 1) {
      const leading = leadingOf((word >> 2) & 7)
      const length = ((word >> 5) & 63) + 1
      if (leading + length > 64) return 0
      const trailing = 64 - leading - length
      position += 11
      before ^= (peekWord(input, position) & (<u64>-1 >> (64 - length))) << trailing
      position += <usize>length
    } else {
      position += 2
      if (kind == 3) {
        held = leadingOf((word >> 2) & 7)
        position += 3
      }
      before ^= peekWord(input, position) & (<u64>-1 >> held)
      position += <usize>(64 - held)
    }
    if (position > stop) return 0
    store<u64>(values + (<usize>i << 3), before)
  }
  return input + ((position + 7) >> 3)
}
