/** Exact arithmetic on doubles: an integer count of 2^−1074, the smallest double. */
const bits_f64 = new Float64Array(1)
const bits_u64 = new BigUint64Array(bits_f64.buffer)

/** x / 2^−1074 for a finite x. */
export function toUnits(x: number): bigint {
  bits_f64[0] = x
  const bits = bits_u64[0] ?? 0n
  const exponent = (bits >> 52n) & 0x7ffn
  const fraction = bits & 0xfffffffffffffn
  const magnitude = exponent === 0n ? fraction : (fraction | (1n << 52n)) << (exponent - 1n)
  return bits >> 63n ? -magnitude : magnitude
}

/** numerator / denominator · 2^−exponent, rounded to within one unit in the last place. */
export function ratio(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0
  const negative = numerator < 0n !== denominator < 0n
  const a = numerator < 0n ? -numerator : numerator
  const b = denominator < 0n ? -denominator : denominator
  const shift = 64 + b.toString(2).length - a.toString(2).length
  const quotient = shift >= 0 ? (a << BigInt(shift)) / b : a / (b << BigInt(-shift))
  // Two factors, for 2^−(shift + exponent) alone may leave the range of a double.
  const scale = -(shift + exponent)
  const half = Math.trunc(scale / 2)
  const value = Number(quotient) * 2 ** half * 2 ** (scale - half)
  return negative ? -value : value
}

export interface ExactMoments {
  readonly sum: number
  readonly sumAbsolute: number
  readonly mean: number
  readonly m2: number
}

/** Sum, Σ|x|, mean and M2 of finite values, from integers alone: M2 = (n·Σx² − (Σx)²) / n. */
export function exactMoments(values: Iterable<number>): ExactMoments {
  let n = 0n
  let sum = 0n
  let sumAbsolute = 0n
  let squares = 0n
  for (const value of values) {
    const units = toUnits(value)
    n++
    sum += units
    sumAbsolute += units < 0n ? -units : units
    squares += units * units
  }
  return {
    sum: ratio(sum, 1n, 1074),
    sumAbsolute: ratio(sumAbsolute, 1n, 1074),
    mean: n === 0n ? Number.NaN : ratio(sum, n, 1074),
    m2: n === 0n ? 0 : ratio(n * squares - sum * sum, n, 2148),
  }
}
