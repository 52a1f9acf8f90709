import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  cosine,
  distances,
  dot,
  dots,
  nearest,
  squaredDistances,
  topK,
} from '../../src/kernels/similarity.ts'
import { ACCURACY } from './accuracy.ts'
import { random, SIZES } from './cases.ts'
import { ratio, toUnits } from './exact.ts'
import { BUILDS, useBuild } from './load.ts'
import { ErrorStatistics } from './statistics.ts'

const DIMS = [...SIZES.filter((n) => n > 0 && n < 1000), 2, 7, 8, 31, 32, 33, 384, 513, 4100]
/** Around the eight rows and the two queries that the kernel takes together. */
const SHAPES = [
  [1, 1],
  [1, 7],
  [1, 8],
  [1, 17],
  [2, 9],
  [3, 16],
  [4, 5],
] as const

type Vector = Float32Array | Float64Array

interface Exact {
  readonly dot: number
  readonly dotAbsolute: number
  readonly squaredDistance: number
}

/** From integers alone: a double is a whole number of 2^−1074. */
function exact(a: Vector, b: Vector): Exact {
  let product = 0n
  let absolute = 0n
  let square = 0n
  for (let i = 0; i < a.length; i++) {
    const x = toUnits(a[i] ?? 0)
    const y = toUnits(b[i] ?? 0)
    product += x * y
    absolute += x * y < 0n ? -x * y : x * y
    square += (x - y) ** 2n
  }
  return {
    dot: ratio(product, 1n, 2148),
    dotAbsolute: ratio(absolute, 1n, 2148),
    squaredDistance: ratio(square, 1n, 2148),
  }
}

const uniform = random()
const f64 = (length: number, scale = 1) =>
  Float64Array.from({ length }, () => (uniform() - 0.4) * scale)

const part = (values: Vector, index: number, dims: number): Vector =>
  values.subarray(index * dims, (index + 1) * dims)

const DTYPES = [
  { dtype: 'f32', make: (xs: Float64Array): Vector => new Float32Array(xs) },
  { dtype: 'f64', make: (xs: Float64Array): Vector => xs },
] as const

describe.each(BUILDS.flatMap((build) => DTYPES.map((dtype) => ({ build, ...dtype }))))(
  'every query with every row, $dtype of $build',
  ({ build, dtype, make }) => {
    beforeAll(() => {
      useBuild(build)
    })

    it('is within the stated errors of exact integers, whatever the shape', () => {
      const errors = { dot: new ErrorStatistics(), square: new ErrorStatistics() }
      const roots = new ErrorStatistics()
      for (const dims of DIMS) {
        for (const [queryCount, rowCount] of dims > 600 ? SHAPES.slice(4, 5) : SHAPES) {
          const queries = make(f64(queryCount * dims))
          const rows = make(f64(rowCount * dims))
          const products = dots(queries, rows, dims)
          const squares = squaredDistances(queries, rows, dims)
          const lengths = distances(queries, rows, dims)
          for (let q = 0; q < queryCount; q++) {
            for (let r = 0; r < rowCount; r++) {
              const want = exact(part(queries, q, dims), part(rows, r, dims))
              const at = q * rowCount + r
              errors.dot.record(products[at] ?? Number.NaN, want.dot, want.dotAbsolute)
              errors.square.record(
                squares[at] ?? Number.NaN,
                want.squaredDistance,
                want.squaredDistance,
              )
              const length = Math.sqrt(want.squaredDistance)
              roots.record(lengths[at] ?? Number.NaN, length, length)
            }
          }
        }
      }
      errors.dot.expectBelow(`dots ${dtype}`, ACCURACY[`dot_${dtype}`])
      errors.square.expectBelow(`squared ${dtype}`, ACCURACY[`squaredDistance_${dtype}`])
      roots.expectBelow(`distances ${dtype}`, ACCURACY[`distance_${dtype}`])
    })

    it('holds its error over a long vector', () => {
      const [a, b] = [make(f64(100_003)), make(f64(100_003))]
      const want = exact(a, b)
      for (const got of [dot(a, b), dots(a, b, a.length)[0] ?? 0]) {
        expect(Math.abs(got - want.dot)).toBeLessThan(ACCURACY[`dot_${dtype}`] * want.dotAbsolute)
      }
    })

    it('gives one pair what it gives among others, near the last bit', () => {
      const numbers = fc.float({ noNaN: true, min: -1000, max: 1000 })
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 40 }).chain((dims) => {
            const vectors = (max: number) =>
              fc
                .array(fc.array(numbers, { minLength: dims, maxLength: dims }), {
                  minLength: 1,
                  maxLength: max,
                })
                .map((all) => make(Float64Array.from(all.flat())))
            return fc.record({ dims: fc.constant(dims), queries: vectors(4), rows: vectors(19) })
          }),
          ({ dims, queries, rows }) => {
            const [all, lengths] = [dots(queries, rows, dims), distances(queries, rows, dims)]
            const rowCount = rows.length / dims
            for (let at = 0; at < all.length; at++) {
              const q = part(queries, Math.floor(at / rowCount), dims)
              const r = part(rows, at % rowCount, dims)
              const want = exact(q, r)
              expect(Math.abs((all[at] ?? 0) - want.dot)).toBeLessThanOrEqual(
                ACCURACY[`dot_${dtype}`] * want.dotAbsolute + dims * 2 ** -149,
              )
              const length = Math.sqrt(want.squaredDistance)
              expect(Math.abs((lengths[at] ?? 0) - length)).toBeLessThanOrEqual(
                ACCURACY[`distance_${dtype}`] * length,
              )
            }
          },
        ),
        { seed: 42, numRuns: 60 },
      )
    })

    it('passes NaN and infinities on, and only to their own pair', () => {
      const dims = 5
      const rows = make(new Float64Array(9 * dims).fill(1))
      rows[0] = Number.NaN
      rows[dims] = Number.POSITIVE_INFINITY
      rows[2 * dims] = Number.NEGATIVE_INFINITY
      const query = make(Float64Array.of(2, 1, 1, 1, 1))
      const [inf, nan] = [Number.POSITIVE_INFINITY, Number.NaN]
      expect([...dots(query, rows, dims)]).toEqual([nan, inf, -inf, 6, 6, 6, 6, 6, 6])
      expect([...distances(query, rows, dims)]).toEqual([nan, inf, inf, 1, 1, 1, 1, 1, 1])
      const infinite = make(Float64Array.of(inf, 1, 1, 1, 1))
      expect([...squaredDistances(infinite, rows, dims)].slice(0, 4)).toEqual([nan, nan, inf, inf])
      expect(dots(make(Float64Array.of(0, 1, 1, 1, 1)), rows, dims)[1]).toBeNaN()
    })

    it('gives nothing for no queries or rows, and refuses what does not fit', () => {
      const none = make(new Float64Array(0))
      const three = make(Float64Array.of(1, 2, 3))
      for (const pairs of [dots, distances, squaredDistances, cosine]) {
        expect(pairs(none, three, 3)).toHaveLength(0)
        expect(pairs(three, none, 3)).toHaveLength(0)
        expect(() => pairs(three, three, 2)).toThrow(RangeError)
        expect(() => pairs(three, three, 0)).toThrow(RangeError)
        expect(() => pairs(three, three, 1.5)).toThrow(RangeError)
      }
    })
  },
)

describe('magnitudes', () => {
  it('beyond the range of f32 are taken in f64', () => {
    const huge = new Float32Array(20).fill(3e38)
    const opposite = huge.map((x) => -x)
    const x = Math.fround(3e38)
    expect(dots(huge, huge, 20)[0]).toBeCloseTo(20 * x * x, -70)
    expect(dot(huge, opposite)).toBe(-20 * x * x)
    expect(squaredDistances(huge, opposite, 20)[0]).toBe(20 * (2 * x) ** 2)
    const tiny = new Float32Array(20).fill(1e-40)
    const t = Math.fround(1e-40)
    expect(distances(tiny, new Float32Array(20), 20)[0]).toBeCloseTo(Math.sqrt(20) * t, 55)
  })

  it.each([600, 1000, -600, -1000])('of 2^%i scale a distance exactly', (exponent) => {
    const [a, b] = [f64(37), f64(37)]
    const half = 2 ** (exponent / 2)
    const scaled = (xs: Float64Array) => xs.map((x) => x * half * half)
    const want = distances(a, b, 37)[0] ?? 0
    const got = (distances(scaled(a), scaled(b), 37)[0] ?? 0) / half / half
    expect(Math.abs(got / want - 1)).toBeLessThan(ACCURACY.distance_f64)
  })

  it('of the largest doubles overflow only where the distance does', () => {
    const a = Float64Array.of(1.7e308, 0)
    expect(distances(a, Float64Array.of(0, 0), 2)[0]).toBe(1.7e308)
    expect(distances(a, Float64Array.of(-1.7e308, 0), 2)[0]).toBe(Number.POSITIVE_INFINITY)
    expect(distances(a, a, 2)[0]).toBe(0)
  })
})

describe('cosine of several queries', () => {
  it('is the cosine of each', () => {
    const [queries, rows] = [f64(3 * 21), f64(10 * 21)]
    const each = [0, 1, 2].flatMap((q) => [...cosine(part(queries, q, 21), rows, 21)])
    expect([...cosine(queries, rows, 21)]).toEqual(each)
  })
})

describe('nearest', () => {
  it('orders distances from the least, ties by index, and leaves NaN out', () => {
    const values = Float64Array.of(3, 1, Number.NaN, 0, 1, Number.POSITIVE_INFINITY)
    expect([...nearest(values, 4)]).toEqual([3, 1, 4, 0])
    expect([...nearest(values, 9)]).toEqual([3, 1, 4, 0, 5])
    expect([...topK(values, 2)]).toEqual([5, 0])
    expect(values[0]).toBe(3)
    expect(() => nearest(values, -1)).toThrow(RangeError)
  })
})
