import { beforeAll, describe, expect, it } from 'vitest'
import { cosine, dot, topK } from '../../src/kernels/similarity.ts'
import { ACCURACY } from './accuracy.ts'
import { random, SIZES } from './cases.ts'
import { exactMoments } from './exact.ts'
import { BUILDS, useBuild } from './load.ts'
import { ErrorStatistics } from './statistics.ts'

const DIMS = [...SIZES.filter((n) => n > 0), 7, 31, 32, 33, 384]

/** Cosine in f64 of the values as they are stored, scaled so that nothing overflows. */
function reference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const scaled = (xs: ArrayLike<number>): number[] => {
    const most = Math.max(...Array.from(xs, Math.abs))
    return Array.from(xs, (x) => x / most)
  }
  const [x, y] = [scaled(a), scaled(b)]
  const product = (p: number[], q: number[]) => p.reduce((sum, v, i) => sum + v * (q[i] ?? 0), 0)
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y))
}

const vector = (n: number, at: (i: number) => number) =>
  Float64Array.from({ length: n }, (_, i) => at(i))

describe('dot', () => {
  it('is within the stated error, f32 and f64, whatever the tail', () => {
    const narrow = new ErrorStatistics()
    const wide = new ErrorStatistics()
    const uniform = random()
    for (const n of [...SIZES, ...DIMS, 4096]) {
      const a = Float32Array.from({ length: n }, () => uniform() - 0.5)
      const b = Float32Array.from({ length: n }, () => uniform() - 0.5)
      // Products of two f32 are exact in f64.
      const exact = exactMoments(a.length ? Array.from(a, (x, i) => x * (b[i] ?? 0)) : [])
      narrow.record(dot(a, b), exact.sum, exact.sumAbsolute)
      wide.record(dot(Float64Array.from(a), b), exact.sum, exact.sumAbsolute)
    }
    narrow.expectBelow('dot_f32', ACCURACY.dot_f32)
    wide.expectBelow('dot_f64', ACCURACY.dot_f64)
  })

  it('propagates NaN and refuses other lengths', () => {
    expect(dot(Float32Array.of(1, Number.NaN), Float32Array.of(1, 1))).toBeNaN()
    expect(() => dot(Float32Array.of(1), Float32Array.of(1, 2))).toThrow(RangeError)
  })
})

describe.each(BUILDS)('cosine, %s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  it.each([
    { magnitude: 'ordinary', scale: 1 },
    { magnitude: 'tiny', scale: 1e-30 },
    { magnitude: 'huge', scale: 1e30 },
  ])('is within the stated error at $magnitude magnitudes', ({ scale }) => {
    const narrow = new ErrorStatistics()
    const wide = new ErrorStatistics()
    const uniform = random()
    for (const dims of DIMS) {
      const query = vector(dims, () => (uniform() - 0.4) * scale)
      const rows = vector(dims * 5, () => (uniform() - 0.4) * scale)
      const far = vector(dims * 5, (i) => (rows[i] ?? 0) * 1e250 ** Math.sign(scale - 1))
      const [q32, r32] = [new Float32Array(query), new Float32Array(rows)]
      for (let row = 0; row < 5; row++) {
        const part = (xs: Float32Array | Float64Array) => xs.subarray(row * dims, (row + 1) * dims)
        narrow.record(cosine(q32, r32, dims)[row] ?? 9, reference(q32, part(r32)), 1)
        wide.record(cosine(query, rows, dims)[row] ?? 9, reference(query, part(rows)), 1)
        wide.record(cosine(query, far, dims)[row] ?? 9, reference(query, part(far)), 1)
      }
    }
    narrow.expectBelow('cosine_f32', ACCURACY.cosine_f32)
    wide.expectBelow('cosine_f64', ACCURACY.cosine_f64)
  })

  it('stays within [-1, 1] and is NaN where there is no direction', () => {
    const query = Float32Array.of(0.1, 0.2, 0.3)
    const rows = Float32Array.of(0.1, 0.2, 0.3, -0.1, -0.2, -0.3, 0, 0, 0, 1, Number.NaN, 1)
    const [same, opposite, zero, unordered] = cosine(query, rows, 3)
    expect(same).toBeCloseTo(1, 6)
    expect(same).toBeLessThanOrEqual(1)
    expect(opposite).toBeCloseTo(-1, 6)
    expect(zero).toBeNaN()
    expect(unordered).toBeNaN()
    expect(cosine(new Float32Array(3), rows, 3).every(Number.isNaN)).toBe(true)
    expect(cosine(query, new Float32Array(0), 3)).toHaveLength(0)
  })

  it('refuses shapes that do not fit', () => {
    const query = Float32Array.of(1, 2)
    expect(() => cosine(query, Float32Array.of(1, 2, 3), 2)).toThrow(RangeError)
    expect(() => cosine(query, Float32Array.of(1, 2, 3), 3)).toThrow(RangeError)
    expect(() => cosine(new Float32Array(0), new Float32Array(0), 0)).toThrow(RangeError)
  })
})

describe('topK', () => {
  const reference = (scores: Float64Array, k: number): number[] =>
    Array.from(scores, (score, index) => ({ score, index }))
      .filter(({ score }) => !Number.isNaN(score))
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, k)
      .map(({ index }) => index)

  it.each([...SIZES, 5000])('finds what a stable sort finds, n = %i', (n) => {
    const uniform = random()
    for (const at of [
      () => uniform(),
      () => Math.floor(uniform() * 4),
      (i: number) => i,
      (i: number) => -i,
      () => (uniform() < 0.3 ? Number.NaN : uniform()),
      () => 1,
    ]) {
      const scores = vector(n, at)
      for (const k of [0, 1, 2, 5, 17, n, n + 3]) {
        expect([...topK(scores, k)]).toEqual(reference(scores, k))
      }
    }
  })

  it('orders infinities and refuses a k that is no count', () => {
    const scores = Float64Array.of(0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)
    expect([...topK(scores, 3)]).toEqual([1, 0, 2])
    expect(() => topK(scores, -1)).toThrow(RangeError)
    expect(() => topK(scores, 1.5)).toThrow(RangeError)
  })
})
