/** Sizes around the kernels' vector and block lengths. */
export const SIZES = [0, 1, 3, 4, 5, 15, 16, 17, 1023] as const

/** mulberry32: uniform in [0, 1), the same on every run. */
export function random(seed = 42): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

type Generator = (i: number, n: number, uniform: () => number) => number

/** Values that find a weak kernel out; all finite. */
export const FINITE: Record<string, Generator> = {
  percentages: (_i, _n, uniform) => uniform() * 100,
  'both signs': (_i, _n, uniform) => uniform() - 0.5,
  'many magnitudes': (_i, _n, uniform) =>
    Math.exp(uniform() * 80 - 40) * (uniform() < 0.5 ? -1 : 1),
  'a far offset (cancellation)': (_i, _n, uniform) => 1e9 + uniform(),
  'a constant': () => 0.1,
  'zeros of both signs': (i) => (i % 2 === 0 ? 0 : -0),
  subnormals: (_i, _n, uniform) => Math.round(uniform() * 1000) * Number.MIN_VALUE,
  sorted: (i) => i * 0.1,
  'organ pipe': (i, n) => Math.min(i, n - i) * 0.3,
  'few distinct': (i) => (i * 7919) % 5,
  'one outlier': (i, n, uniform) => (i === n >> 1 ? 1e12 : uniform()),
  'outliers at the probed positions': (i, n, uniform) =>
    [0, 1, 2, 3, 4, 5, 6, 7].some((k) => (k * n) >> 3 === i) ? 1e6 : uniform(),
}

/** Values with NaN and infinities among them. */
export const NON_FINITE: Record<string, Generator> = {
  'a NaN in three': (i, _n, uniform) => (i % 3 === 0 ? Number.NaN : uniform()),
  'nothing but NaN': () => Number.NaN,
  'one +Inf': (i, n, uniform) => (i === n >> 1 ? Number.POSITIVE_INFINITY : uniform()),
  'one -Inf at the end': (i, n, uniform) => (i === n - 1 ? Number.NEGATIVE_INFINITY : uniform()),
  'both infinities and NaN': (i, _n, uniform) =>
    [Number.POSITIVE_INFINITY, Number.NaN, uniform(), Number.NEGATIVE_INFINITY, 1][i % 5] ?? 0,
}

export interface KernelCase {
  readonly name: string
  readonly values: Float64Array
}

export const casesOf = (
  generators: Record<string, Generator>,
  sizes: readonly number[] = SIZES,
): KernelCase[] =>
  Object.entries(generators).flatMap(([name, generate]) =>
    sizes.map((n) => {
      const uniform = random()
      const values = Float64Array.from({ length: n }, (_, i) => generate(i, n, uniform))
      return { name: `${name}, n = ${n}`, values }
    }),
  )
