import { beforeAll, describe, expect, it } from 'vitest'
import {
  cosinesQuantised,
  dotsQuantised,
  type QuantisedRows,
  quantiseRows,
  squaredDistancesQuantised,
} from '../../src/kernels/similarity-i8.ts'
import { ACCURACY } from './accuracy.ts'
import { random, SIZES } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'
import { ErrorStatistics } from './statistics.ts'

const uniform = random()
const vectors = (length: number, scale = 1) =>
  Float32Array.from({ length }, () => (uniform() - 0.4) * scale)

const DIMS = [...SIZES.filter((n) => n > 0), 31, 32, 33, 384]

/** Σq·r, Σq² and Σr² of one pair, in whole numbers that a double holds exactly. */
const integers = (a: QuantisedRows, i: number, b: QuantisedRows, j: number) => {
  const { dims } = a
  let [product, square, other] = [0, 0, 0]
  for (let at = 0; at < dims; at++) {
    const x = a.values[i * dims + at] ?? 0
    const y = b.values[j * dims + at] ?? 0
    product += x * y
    square += x * x
    other += y * y
  }
  return { product, square, other }
}

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('rows as i8', () => {
    it.each([1, 1e-42, 1e-20, 1e38])('are within half a scale, at magnitude %d', (scale) => {
      for (const dims of DIMS) {
        const rows = vectors(dims * 3, scale)
        const { values, properties, count } = quantiseRows(rows, dims)
        expect(count).toBe(3)
        for (let row = 0; row < 3; row++) {
          const step = properties[2 * row] ?? Number.NaN
          let square = 0
          for (let i = row * dims; i < (row + 1) * dims; i++) {
            const q = values[i] ?? 0
            square += q * q
            expect(Math.abs(q)).toBeLessThanOrEqual(127)
            expect(Math.abs((rows[i] ?? 0) - step * q)).toBeLessThanOrEqual(0.5000001 * step)
          }
          expect(properties[2 * row + 1]).toBe(square)
        }
      }
    })

    it('keep zero as zero, and give a row that is not finite no scale', () => {
      const rows = Float32Array.of(0, 0, 1, Number.NaN, Number.NEGATIVE_INFINITY, 1)
      const { values, properties } = quantiseRows(rows, 2)
      expect([...values]).toEqual([0, 0, 0, 0, 0, 0])
      expect([...properties]).toEqual([0, 0, Number.NaN, 0, Number.NaN, 0])
    })

    it('are refused where they do not fit', () => {
      expect(() => quantiseRows(new Float32Array(5), 2)).toThrow(RangeError)
      expect(() => quantiseRows(new Float32Array(0), 0)).toThrow(RangeError)
      expect(() => quantiseRows(new Float32Array(200_000), 200_000)).toThrow(RangeError)
      const [two, three] = [quantiseRows(vectors(6), 2), quantiseRows(vectors(6), 3)]
      expect(() => dotsQuantised(two, three)).toThrow(RangeError)
    })
  })

  describe('products of i8', () => {
    it('are exact but for the scales, whatever the shape', () => {
      const dot = new ErrorStatistics()
      const cosine = new ErrorStatistics()
      const square = new ErrorStatistics()
      for (const dims of DIMS) {
        for (const [queryCount, rowCount] of [
          [1, 1],
          [1, 9],
          [3, 7],
        ] as const) {
          const queries = quantiseRows(vectors(queryCount * dims), dims)
          const rows = quantiseRows(vectors(rowCount * dims, 50), dims)
          const got = {
            dots: dotsQuantised(queries, rows),
            cosines: cosinesQuantised(queries, rows),
            squares: squaredDistancesQuantised(queries, rows),
          }
          for (let at = 0; at < queryCount * rowCount; at++) {
            const [i, j] = [Math.floor(at / rowCount), at % rowCount]
            const { product, square: a, other: b } = integers(queries, i, rows, j)
            const s = queries.properties[2 * i] ?? 0
            const t = rows.properties[2 * j] ?? 0
            dot.record(got.dots[at] ?? 9, s * t * product, Math.abs(s * t * product))
            cosine.record(got.cosines[at] ?? 9, product / Math.sqrt(a * b), 1)
            const apart = s * s * a + t * t * b
            square.record(got.squares[at] ?? 9, apart - 2 * s * t * product, apart)
          }
        }
      }
      dot.expectBelow('dots i8', ACCURACY.dot_i8)
      cosine.expectBelow('cosines i8', ACCURACY.cosine_i8)
      square.expectBelow('squared distances i8', ACCURACY.dot_i8)
    })

    it('do not overflow at the most dims and the largest values', () => {
      const dims = 131_072
      const [up, down] = [new Float32Array(dims).fill(1), new Float32Array(dims).fill(-1)]
      const [a, b] = [quantiseRows(up, dims), quantiseRows(down, dims)]
      expect(dotsQuantised(a, b)[0]).toBeCloseTo(-dims, 5)
      expect(cosinesQuantised(a, b)[0]).toBeCloseTo(-1, 12)
      expect(squaredDistancesQuantised(a, a)[0]).toBe(0)
    })

    it('are NaN where a row was not finite, and a zero row has no cosine', () => {
      const rows = quantiseRows(Float32Array.of(0, 0, Number.NaN, 1, 3, 4), 2)
      const query = quantiseRows(Float32Array.of(3, 4), 2)
      expect([...dotsQuantised(query, rows)].map((x) => Math.round(x))).toEqual([0, Number.NaN, 25])
      expect([...cosinesQuantised(query, rows)]).toEqual([Number.NaN, Number.NaN, 1])
      const [apart, unknown, same] = squaredDistancesQuantised(query, rows)
      expect(apart).toBeCloseTo(25, 0)
      expect(unknown).toBeNaN()
      expect(same).toBe(0)
    })
  })
})
