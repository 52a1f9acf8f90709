import { getKernels } from './module.ts'

const SCALE_MAX = 10

/** One value's bits; high is the half with the exponent on the little-endian machines WASM has. */
const value_f64 = new Float64Array(1)
const value_u32 = new Uint32Array(value_f64.buffer)

/** Boundary k of scale 10 as a double in [1, 2]: the largest one ≤ 2^(k/1024); entry 1024 is 2. */
let boundaries: Float64Array | undefined

/** By scale: for each cell of the fraction, how many boundaries lie below its start. */
const boundariesBelow: (Uint16Array | undefined)[] = []

function loadBoundaries(): Float64Array {
  const { arena, exports } = getKernels()
  const words = arena.u32(exports.histogram_boundaries(), 2048).slice()
  for (let k = 0; k < 1024; k++) words[2 * k + 1] = (words[2 * k + 1] ?? 0) | 0x3ff00000
  const table = new Float64Array(1025)
  table.set(new Float64Array(words.buffer))
  table[1024] = 2
  return table
}

function loadBelow(scale: number, table: Float64Array): Uint16Array {
  const cells = new Uint16Array(2 << scale)
  let below = 0
  for (let cell = 0; cell < cells.length; cell++) {
    const start = 1 + cell / cells.length
    while ((table[below << (SCALE_MAX - scale)] ?? 2) < start) below++
    cells[cell] = below
  }
  return cells
}

/**
 * Bucket i with γ^i < magnitude ≤ γ^(i+1), γ = 2^(2^−scale): exact also one ulp off a boundary.
 *
 * @param magnitude positive and finite, subnormal included
 * @param scale −4…10
 */
export function bucketIndex(magnitude: number, scale: number): number {
  value_f64[0] = magnitude
  let bits = value_u32[1] ?? 0
  let exponent = (bits >>> 20) - 1023
  if (exponent === -1023) {
    // Subnormal: 2^52 times the value is exact and normal.
    value_f64[0] = magnitude * 2 ** 52
    bits = value_u32[1] ?? 0
    exponent = (bits >>> 20) - 1075
  }
  value_u32[1] = (bits & 0xfffff) | 0x3ff00000
  const mantissa = value_f64[0] ?? 1
  if (scale <= 0) return (mantissa === 1 ? exponent - 1 : exponent) >> -scale
  boundaries ??= loadBoundaries()
  let cells = boundariesBelow[scale]
  if (!cells) {
    cells = loadBelow(scale, boundaries)
    boundariesBelow[scale] = cells
  }
  const below = cells[(bits & 0xfffff) >>> (19 - scale)] ?? 0
  const above = mantissa > (boundaries[below << (SCALE_MAX - scale)] ?? 2) ? 1 : 0
  return exponent * (1 << scale) + below + above - 1
}

/** γ = 2^(2^−scale), the ratio of a bucket's bounds. */
export const gammaOf = (scale: number): number => 2 ** (2 ** -scale)

/** α = (γ − 1) / (γ + 1): how far, relatively, bucketEstimate may be off a value of its bucket. */
export const relativeErrorOf = (scale: number): number => Math.tanh(Math.LN2 * 2 ** (-scale - 1))

/** 2γ^(i+1) / (γ + 1): the value whose relative error is the same at both ends of bucket i. */
export function bucketEstimate(index: number, scale: number): number {
  const centre = 1 + relativeErrorOf(scale)
  if (scale <= 0) return Math.max(Number.MIN_VALUE, 2 ** (index * 2 ** -scale) * centre)
  boundaries ??= loadBoundaries()
  const mask = (1 << scale) - 1
  const mantissa = boundaries[(index & mask) << (SCALE_MAX - scale)] ?? 1
  return Math.max(Number.MIN_VALUE, mantissa * centre * 2 ** (index >> scale))
}
