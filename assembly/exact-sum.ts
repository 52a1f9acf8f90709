/**
 * Exact sum of doubles: a fixed-point number wide enough for all of them, so that no order of adding
 * and merging changes a bit. Source: Neal 2015, "Fast exact summation using small and large
 * superaccumulators", arXiv:1505.05571; the small one.
 *
 *   state  i64 digit[0] … digit[66] | f64 sum of what is not finite
 *
 * Digit i counts 2^(32·i − 1074). A finite double is its mantissa, at most 53 bits, shifted left by
 * the exponent's low five bits: 32 bits go to the digit that its other bits name, 53 to the next. So
 * a digit holds 2^9 additions beside a carried value of 33 bits before it must hand on its carry.
 */
const DIGITS: i32 = 67
const ADDITIONS_MAX: i32 = 512
const FRACTION: u64 = 0x000fffffffffffff
const LOW: u64 = 0xffffffff

/** Leaves every digit but the last in [0, 2^32); the last carries the sign. */
function carry(state: usize): void {
  const last = state + (<usize>(DIGITS - 1) << 3)
  for (let digit = state; digit < last; digit += 8) {
    const value = load<i64>(digit)
    store<i64>(digit, value & <i64>LOW)
    store<i64>(digit, load<i64>(digit, 8) + (value >> 32), 8)
  }
}

/**
 * Adds to an exact sum.
 *
 * @param values f64[n]
 * @param state i64[67] digits, f64 sum of NaN and ±Inf; zeros to begin with. On return the digits
 *   but the last lie in [0, 2^32), so that equal sums have equal states
 * Accuracy: exact; nothing is rounded.
 */
export function sum_exact_f64(values: usize, count: i32, state: usize): void {
  const end = values + (<usize>count << 3)
  for (let block = values; block < end; ) {
    const rest = <i32>((end - block) >> 3)
    const blockEnd = block + (<usize>(rest < ADDITIONS_MAX ? rest : ADDITIONS_MAX) << 3)
    for (; block < blockEnd; block += 8) {
      const bits = load<u64>(block)
      const biased = (bits >> 52) & 0x7ff
      if (biased == 0x7ff) {
        const other = state + (<usize>DIGITS << 3)
        store<f64>(other, load<f64>(other) + load<f64>(block))
        continue
      }
      // Subnormal numbers have the scale of exponent 1 and no leading bit.
      const normal = <u64>(biased != 0)
      const exponent = biased - normal
      const mantissa = (bits & FRACTION) | (normal << 52)
      const shift = exponent & 31
      const low = (mantissa << shift) & LOW
      const high = (mantissa >> (32 - shift))
      const sign = <i64>bits >> 63
      const digit = state + (<usize>(exponent >> 5) << 3)
      store<i64>(digit, load<i64>(digit) + ((<i64>low ^ sign) - sign))
      store<i64>(digit, load<i64>(digit, 8) + ((<i64>high ^ sign) - sign), 8)
    }
    carry(state)
  }
}
