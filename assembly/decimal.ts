/**
 * Decimal to f64, rounded to nearest, ties to even, for every input: Eisel–Lemire on the first 19
 * digits and, where the digits behind them could decide, a comparison of big integers.
 */
import { POWERS_OF_FIVE, POWER_MAX, POWER_MIN } from './powers'

/** 10^0 … 10^22, the powers of ten that f64 holds exactly; nothing for 23 … 31; for 32, 1. */
export const TENS_F64: usize = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
])

export const INFINITY_BITS: u64 = 0x7ff0000000000000

/** Largest integer up to which every integer is an f64. */
export const EXACT_MAX: u64 = 1 << 53

/** High half of the 128-bit product. */
// @ts-ignore: decorator
@inline
function mulHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff
  const aHigh = a >> 32
  const bLow = b & 0xffffffff
  const bHigh = b >> 32
  const middle = aHigh * bLow + ((aLow * bLow) >> 32)
  const other = aLow * bHigh + (middle & 0xffffffff)
  return aHigh * bHigh + (middle >> 32) + (other >> 32)
}

/** ⌊q · log2(10)⌋ */
// @ts-ignore: decorator
@inline
function binaryExponent(q: i32): i32 {
  return (217706 * q) >> 16
}

/**
 * Bits of w · 10^q rounded to f64; INFINITY_BITS beyond the range.
 *
 * @param w < 2^64        @param q any
 * Accuracy: correctly rounded. Source: Lemire 2021, algorithm 1; that 64-bit w need no fallback:
 * Mushtak & Lemire 2023, doi:10.1002/spe.3198.
 */
export function roundShort(w: u64, q: i32): u64 {
  if (w == 0 || q < POWER_MIN) return 0
  if (q > POWER_MAX) return INFINITY_BITS
  const zeros = clz(w)
  const normal = w << zeros
  const power = POWERS_OF_FIVE + (<usize>(q - POWER_MIN) << 4)
  const powerHigh = load<u64>(power)
  let high = mulHigh(normal, powerHigh)
  let low = normal * powerHigh
  if ((high & 0x1ff) == 0x1ff) {
    const carry = mulHigh(normal, load<u64>(power, 8))
    low += carry
    high += u64(low < carry)
  }
  const upper = high >> 63
  const shift = upper + 9
  let mantissa = high >> shift
  const exponent = binaryExponent(q) + 1086 + <i32>upper - <i32>zeros
  if (exponent <= 0) {
    if (exponent <= -63) return 0
    mantissa >>= <u64>(1 - exponent)
    // A carry into bit 52 makes the smallest normal number, whose bits are these too.
    return (mantissa + (mantissa & 1)) >> 1
  }
  // Exactly between two f64, with an even lower one: only where 5^q fits a word.
  if (low <= 1) {
    if (q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) mantissa &= ~1
  }
  mantissa = (mantissa + (mantissa & 1)) >> 1
  // Bit 52 adds one to the exponent, and so does a carry into bit 53, which leaves a fraction of 0.
  const bits = mantissa + (<u64>(exponent - 1) << 52)
  return bits < INFINITY_BITS ? bits : INFINITY_BITS
}

/**
 * Bits of w / 10^places: as roundShort, with three products in place of five where they decide.
 *
 * @param w < 2^64        @param places 0 … 31
 */
// @ts-ignore: decorator
@inline
export function roundNear(w: u64, places: i32): u64 {
  const zeros = clz(w)
  const normal = w << zeros
  const power = POWERS_OF_FIVE + (<usize>(-POWER_MIN - places) << 4)
  const high = (normal >> 32) * <u64>load<u32>(power, 4) +
    (((normal >> 32) * <u64>load<u32>(power)) >> 32) +
    (((normal & 0xffffffff) * <u64>load<u32>(power, 4)) >> 32)
  // Two products cut off, one left out and the rest of the power: the quotient lies in
  // [high, high + 4), and the numbers between which rounding changes are multiples of 2^9.
  if ((high & 0x1ff) - 1 > 0x1fb) return roundShort(w, -places)
  // 62 or 63 bits, the last standing for all that is behind them, are rounded by the machine.
  const exponent = binaryExponent(-places) + 2 - <i32>zeros
  return reinterpret<u64>(<f64><i64>((high >> 1) | 1)) + (<u64>exponent << 52)
}

// Big integers: u32 limbs, the lowest first, no leading zero limbs; 0 has no limbs.

/** 5120 bits: the largest operand is 5^1142 times 54 bits. */
const LIMBS_MAX: i32 = 160

/** Two big integers. */
export const DECIMAL_WORK_BYTES: i32 = 2 * LIMBS_MAX * 4

/** Digits that are looked at; a value between two f64 has 767 at most, so the rest only breaks ties. */
const DIGITS_MAX: i32 = 800

/** limbs ← limbs · factor + addend; returns the new length. */
function mulAdd(limbs: usize, length: i32, factor: u32, addend: u32): i32 {
  let carry = <u64>addend
  const end = limbs + (<usize>length << 2)
  for (let p = limbs; p < end; p += 4) {
    carry += <u64>load<u32>(p) * factor
    store<u32>(p, <u32>carry)
    carry >>= 32
  }
  if (carry) store<u32>(end, <u32>carry)
  return length + i32(carry != 0)
}

/** limbs ← limbs · 5^power. */
function mulPowerOfFive(limbs: usize, length: i32, power: i32): i32 {
  let rest = power
  for (; rest >= 13; rest -= 13) length = mulAdd(limbs, length, 1220703125, 0)
  let factor: u32 = 1
  for (; rest > 0; rest--) factor *= 5
  return mulAdd(limbs, length, factor, 0)
}

/** limbs ← limbs · 2^bits. */
function shiftLeft(limbs: usize, length: i32, bits: i32): i32 {
  if (length == 0) return 0
  const grown = mulAdd(limbs, length, <u32>1 << (bits & 31), 0)
  const words = bits >> 5
  if (words > 0) {
    memory.copy(limbs + (<usize>words << 2), limbs, <usize>grown << 2)
    memory.fill(limbs, 0, <usize>words << 2)
  }
  return grown + words
}

/** −1, 0, 1 as a is less than, equal to or greater than b. */
function compare(a: usize, aLength: i32, b: usize, bLength: i32): i32 {
  if (aLength != bLength) return aLength < bLength ? -1 : 1
  for (let i = aLength - 1; i >= 0; i--) {
    const x = load<u32>(a + (<usize>i << 2))
    const y = load<u32>(b + (<usize>i << 2))
    if (x != y) return x < y ? -1 : 1
  }
  return 0
}

/**
 * Which of two neighbours a long decimal rounds to: the digits are compared with the middle
 * between them, as integers.
 *
 * @param text from the first significant digit; a point may stand among the digits
 * @param end after the last digit        @param exponent of ten of the last digit
 * @param lower bits of the neighbour below        @param work u8[DECIMAL_WORK_BYTES]
 * Source: Clinger 1990, AlgorithmM's comparison; Lemire 2021, § 11.
 */
function roundAtMiddle(text: usize, end: usize, exponent: i64, lower: u64, work: usize): u64 {
  const left = work
  const right = work + (<usize>LIMBS_MAX << 2)
  let leftLength = 0
  let digits = 0
  let chunk: u32 = 0
  let chunkPower: u32 = 1
  let sticky = false
  let lastExponent = exponent
  for (let p = text; p < end; p++) {
    const digit = <u32>load<u8>(p) - 0x30
    if (digit > 9) continue
    if (digits >= DIGITS_MAX) {
      sticky = sticky || digit != 0
      lastExponent++
      continue
    }
    digits++
    chunk = chunk * 10 + digit
    chunkPower *= 10
    if (chunkPower == 1000000000) {
      leftLength = mulAdd(left, leftLength, chunkPower, chunk)
      chunk = 0
      chunkPower = 1
    }
  }
  leftLength = mulAdd(left, leftLength, chunkPower, chunk)
  // The middle is (2m + 1) · 2^(e − 1) for the lower neighbour m · 2^e.
  const biased = <i32>(lower >> 52)
  const fraction = lower & 0xfffffffffffff
  const m = biased == 0 ? fraction : fraction | (1 << 52)
  const middle = 2 * m + 1
  store<u64>(right, middle)
  let rightLength = middle >> 32 ? 2 : 1
  const power = <i32>lastExponent
  if (power >= 0) leftLength = mulPowerOfFive(left, leftLength, power)
  else rightLength = mulPowerOfFive(right, rightLength, -power)
  const shift = power - ((biased == 0 ? 1 : biased) - 1076)
  if (shift >= 0) leftLength = shiftLeft(left, leftLength, shift)
  else rightLength = shiftLeft(right, rightLength, -shift)
  let order = compare(left, leftLength, right, rightLength)
  if (order == 0 && sticky) order = 1
  return lower + u64(order > 0 || (order == 0 && (m & 1) == 1))
}

/**
 * Bits of a decimal with any number of digits.
 *
 * @param text from the first significant digit, not 0; a point may stand among the digits
 * @param end after the last digit        @param digits how many there are
 * @param exponent of ten of the last digit        @param work u8[DECIMAL_WORK_BYTES]
 * Accuracy: correctly rounded; INFINITY_BITS beyond the range.
 */
export function roundLong(text: usize, end: usize, digits: i32, exponent: i64, work: usize): u64 {
  let w: u64 = 0
  let taken = 0
  for (let p = text; p < end && taken < 19; p++) {
    const digit = <u32>load<u8>(p) - 0x30
    if (digit > 9) continue
    w = w * 10 + digit
    taken++
  }
  const q = <i32>max<i64>(-10000, min<i64>(10000, exponent + <i64>(digits - taken)))
  const lower = roundShort(w, q)
  if (taken == digits) return lower
  // What follows the 19 digits is less than one unit of the last: the value lies in [w, w + 1).
  if (lower == roundShort(w + 1, q)) return lower
  return roundAtMiddle(text, end, exponent, lower, work)
}

/** Address of the powers of five, u64[651][2]; powers.ts tells what they are. */
export function powers_of_five(): usize {
  return POWERS_OF_FIVE
}
