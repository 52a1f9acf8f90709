/**
 * f64 as the shortest decimal that reads back the same and, of several, the nearest: the digits that
 * ECMAScript's Number::toString gives, laid out as Prometheus' API lays them out.
 * Source: Giulietti 2020, "The Schubfach way to render doubles"; Bolz, github.com/abolz/Drachennest.
 */
import { POWERS_OF_FIVE, POWER_MAX, POWER_MIN } from './powers'

/** Bytes that write_shortest may write; the text itself is at most 25 long. */
export const SHORTEST_BYTES_MAX: i32 = 64

const FRACTION_BITS: u64 = 52
const HIDDEN_BIT: u64 = 1 << 52
const EXPONENT_MASK: i32 = 0x7ff
/** What an exponent of a whole significand is stored above. */
const EXPONENT_BIAS: i32 = 1075
/** Powers of ten up to this one are exact in 128 bits. */
const EXACT_POWER_MAX: i32 = 55

/** The powers from POWER_MAX + 1 to 324, which reading needs none of, cut off at 128 bits as those before. */
const POWERS_BEYOND: usize = memory.data<u64>([
  0xb201833b35d63f73, 0x2cd2cc6551e513da, 0xde81e40a034bcf4f, 0xf8077f7ea65e58d1,
  0x8b112e86420f6191, 0xfb04afaf27faf782, 0xadd57a27d29339f6, 0x79c5db9af1f9b563,
  0xd94ad8b1c7380874, 0x18375281ae7822bc, 0x87cec76f1c830548, 0x8f2293910d0b15b5,
  0xa9c2794ae3a3c69a, 0xb2eb3875504ddb22, 0xd433179d9c8cb841, 0x5fa60692a46151eb,
  0x849feec281d7f328, 0xdbc7c41ba6bcd333, 0xa5c7ea73224deff3, 0x12b9b522906c0800,
  0xcf39e50feae16bef, 0xd768226b34870a00, 0x81842f29f2cce375, 0xe6a1158300d46640,
  0xa1e53af46f801c53, 0x60495ae3c1097fd0, 0xca5e89b18b602368, 0x385bb19cb14bdfc4,
  0xfcf62c1dee382c42, 0x46729e03dd9ed7b5, 0x9e19db92b4e31ba9, 0x6c07a2c26a8346d1,
])

/** Where digits stand before they are laid out: behind every text. */
const DIGITS_AT: usize = 40

const PAIRS: usize = memory.data<u8>([
  48,48,48,49,48,50,48,51,48,52,48,53,48,54,48,55,48,56,48,57,49,48,49,49,49,50,49,51,49,52,49,53,49,54,
  49,55,49,56,49,57,50,48,50,49,50,50,50,51,50,52,50,53,50,54,50,55,50,56,50,57,51,48,51,49,51,50,51,51,
  51,52,51,53,51,54,51,55,51,56,51,57,52,48,52,49,52,50,52,51,52,52,52,53,52,54,52,55,52,56,52,57,53,48,
  53,49,53,50,53,51,53,52,53,53,53,54,53,55,53,56,53,57,54,48,54,49,54,50,54,51,54,52,54,53,54,54,54,55,
  54,56,54,57,55,48,55,49,55,50,55,51,55,52,55,53,55,54,55,55,55,56,55,57,56,48,56,49,56,50,56,51,56,52,
  56,53,56,54,56,55,56,56,56,57,57,48,57,49,57,50,57,51,57,52,57,53,57,54,57,55,57,56,57,57,
])

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

/** Two digits of n < 100. */
// @ts-ignore: decorator
@inline
function putPair(at: usize, n: u32): void {
  store<u16>(at, load<u16>(PAIRS + (<usize>n << 1)))
}

/** Eight digits of n < 10^8. */
function putEight(at: usize, n: u32): void {
  const high = n / 10000
  const low = n % 10000
  putPair(at, high / 100)
  putPair(at + 2, high % 100)
  putPair(at + 4, low / 100)
  putPair(at + 6, low % 100)
}

/** @returns address of the first of the digits of n > 0, below 10^17, whose last one is before `end` */
function putDigits(end: usize, n: u64): usize {
  const rest = n / 100000000
  putEight(end - 8, <u32>(n % 100000000))
  let at = end - 8
  if (rest != 0) {
    putEight(end - 16, <u32>(rest % 100000000))
    store<u8>(end - 17, 48 + <u8>(rest / 100000000))
    at = end - 17
  }
  while (load<u8>(at) == 48) at++
  return at
}

/** Copies up to 32 bytes, overlapping or not, with what stands behind them. */
// @ts-ignore: decorator
@inline
function move(to: usize, from: usize): void {
  const a = v128.load(from)
  const b = v128.load(from, 16)
  v128.store(to, a)
  v128.store(to, b, 16)
}

function putExponent(exponent: i32, output: usize): usize {
  store<u8>(output, 101) // e
  store<u8>(output, exponent < 0 ? 45 : 43, 1) // − or +
  const size = abs(exponent)
  let at = output + 2
  if (size >= 100) store<u8>(at++, 48 + <u8>(size / 100))
  putPair(at, <u32>(size % 100))
  return at + 2
}

/**
 * Lays out digits · 10^k, digits > 0.
 *
 * @param output SHORTEST_BYTES_MAX  @returns the address behind the text
 */
function layOut(digits: u64, k: i32, output: usize): usize {
  let end = output + DIGITS_AT
  const from = putDigits(end, digits)
  let exponent = k
  while (load<u8>(end - 1) == 48) {
    end--
    exponent++
  }
  const count = <i32>(end - from)
  const point = count + exponent
  if (point > 21 || point <= -6) {
    store<u8>(output, load<u8>(from))
    if (count == 1) return putExponent(point - 1, output + 1)
    move(output + 2, from + 1)
    store<u8>(output, 46, 1) // .
    return putExponent(point - 1, output + count + 1)
  }
  if (point <= 0) {
    // Loaded before zeros are put where they stand: these texts are the longest.
    move(output + 2 - point, from)
    store<u8>(output, 48)
    store<u8>(output, 46, 1)
    for (let zero = 0; zero < -point; zero++) store<u8>(output + 2 + zero, 48)
    return output + 2 - point + count
  }
  move(output, from)
  if (exponent >= 0) {
    for (let zero = count; zero < point; zero++) store<u8>(output + zero, 48)
    return output + point
  }
  move(output + point + 1, output + point)
  store<u8>(output + point, 46)
  return output + count + 1
}

function putWord(output: usize, text: u32, length: usize): usize {
  store<u32>(output, text)
  return output + length
}

/**
 * @param value any; NaN, +Inf, −Inf and −0 are written as Prometheus writes them
 * @param output SHORTEST_BYTES_MAX  @returns the address behind the text
 * Accuracy: exact.
 */
export function writeShortest(value: f64, output: usize): usize {
  const bits = reinterpret<u64>(value)
  const stored = <i32>(bits >> FRACTION_BITS) & EXPONENT_MASK
  const fraction = bits & (HIDDEN_BIT - 1)
  let at = output
  if (stored == EXPONENT_MASK) {
    if (fraction != 0) return putWord(at, 0x4e614e, 3) // NaN
    store<u8>(at, bits >> 63 ? 45 : 43)
    return putWord(at + 1, 0x666e49, 3) // Inf
  }
  if (bits >> 63) store<u8>(at++, 45)
  if (stored == 0 && fraction == 0) return putWord(at, 48, 1)
  const c = stored != 0 ? fraction | HIDDEN_BIT : fraction
  const q = stored != 0 ? stored - EXPONENT_BIAS : 1 - EXPONENT_BIAS
  if (q <= 0 && q > -53 && (c & (((<u64>1) << <u64>-q) - 1)) == 0) {
    return layOut(c >> <u64>-q, 0, at)
  }
  // The interval of what rounds to the value, times 4 and a power of ten, with the lowest bit for the rest.
  const isCloser = fraction == 0 && stored > 1
  const k = (q * 1262611 - (isCloser ? 524031 : 0)) >> 22
  const h = <u64>(q + ((-k * 1741647) >> 19) + 1)
  const power = -k <= POWER_MAX
    ? POWERS_OF_FIVE + (<usize>(-k - POWER_MIN) << 4)
    : POWERS_BEYOND + (<usize>(-k - POWER_MAX - 1) << 4)
  const high = load<u64>(power)
  const low = load<u64>(power, 8) + u64(-k < 0 || -k > EXACT_POWER_MAX)
  const scaled = (c << 2) << h
  const carried = mulHigh(low, scaled)
  const bottom = low * scaled
  const middle = high * scaled + carried
  const top = mulHigh(high, scaled) + u64(middle < carried)
  const vb = top | u64(middle > 1)
  // 2 · 2^h above and, where the number below is as far, below.
  const above = h + 1
  const aboveBottom = low << above
  const aboveMiddle = (high << above) | (low >> (64 - above))
  let sum = middle + aboveMiddle
  let carry = u64(sum < aboveMiddle)
  const carryIn = u64(bottom + aboveBottom < aboveBottom)
  sum += carryIn
  carry += u64(sum < carryIn)
  const vbr = (top + (high >> (64 - above)) + carry) | u64(sum > 1)
  const below = above - u64(isCloser)
  const belowBottom = low << below
  const belowMiddle = (high << below) | (low >> (64 - below))
  let difference = middle - belowMiddle
  let borrow = u64(middle < belowMiddle)
  const borrowIn = u64(bottom < belowBottom)
  borrow += u64(difference < borrowIn)
  difference -= borrowIn
  const vbl = (top - (high >> (64 - below)) - borrow) | u64(difference > 1)
  const isOdd = c & 1
  const lower = vbl + isOdd
  const upper = vbr - isOdd
  const s = vb >> 2
  if (s >= 10) {
    const tens = s / 10
    const isLow = lower <= 40 * tens
    const isHigh = 40 * tens + 40 <= upper
    if (isLow != isHigh) return layOut(tens + u64(isHigh), k + 1, at)
  }
  const isLow = lower <= s << 2
  const isHigh = (s << 2) + 4 <= upper
  if (isLow != isHigh) return layOut(s + u64(isHigh), k, at)
  const half = (s << 2) + 2
  return layOut(s + u64(vb > half || (vb == half && (s & 1) != 0)), k, at)
}
