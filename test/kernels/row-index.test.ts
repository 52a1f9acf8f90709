import { beforeAll, describe, expect, it } from 'vitest'
import { ArenaExhaustedError } from '../../src/kernels/memory.ts'
import { getKernels } from '../../src/kernels/module.ts'
import { RowIndex } from '../../src/kernels/row-index.ts'
import { cosine, topK } from '../../src/kernels/similarity.ts'
import { ACCURACY } from './accuracy.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'
import { ErrorStatistics } from './statistics.ts'

const uniform = random()
const vectors = (length: number, scale = 1) =>
  Float32Array.from({ length }, () => (uniform() - 0.4) * scale)

/** √dims · max|x| / (253 · ‖x‖): what rounding to i8 takes from a direction, at most. */
const lost = (x: Float32Array) => {
  const most = Math.max(...x.map(Math.abs))
  const length = Math.hypot(...x)
  return (Math.sqrt(x.length) * most) / (253 * length)
}

describe.each(BUILDS)('an index of rows, %s', (build) => {
  let kernels = getKernels()
  beforeAll(() => {
    kernels = useBuild(build)
  })

  it.each([1, 1e-30, 1e30])('gives the cosine of each row, at magnitude %d', (scale) => {
    const errors = new ErrorStatistics()
    for (const [dims, count] of [
      [1, 3],
      [7, 20],
      [384, 200],
      [700, 130],
    ] as const) {
      const [rows, queries] = [vectors(dims * count, scale), vectors(dims * 3)]
      const index = new RowIndex(rows, dims)
      const want = cosine(Float64Array.from(queries), Float64Array.from(rows), dims)
      index.cosines(queries).forEach((got, at) => {
        errors.record(got, want[at] ?? 9, 1)
        expect(Math.abs(got)).toBeLessThanOrEqual(1)
      })
      index.free()
    }
    errors.expectBelow('RowIndex f32', ACCURACY.cosine_f32)
  })

  it('of i8 keeps to the bound of its rounding', () => {
    const dims = 96
    const [rows, query] = [vectors(dims * 300), vectors(dims)]
    const index = new RowIndex(rows, dims, { dtype: 'i8' })
    const want = cosine(Float64Array.from(query), Float64Array.from(rows), dims)
    index.cosines(query).forEach((got, row) => {
      const [e, f] = [lost(query), lost(rows.subarray(row * dims, (row + 1) * dims))]
      expect(Math.abs(got - (want[row] ?? 9))).toBeLessThanOrEqual(e + f + e * f)
    })
    expect(index.sizeBytes).toBe(300 * (dims + 16))
    index.free()
  })

  it.each(['f32', 'i8'] as const)('finds the k best for each query, %s', (dtype) => {
    const dims = 24
    const [rows, queries] = [vectors(dims * 500), vectors(dims * 5)]
    const index = new RowIndex(rows, dims, { dtype })
    const all = index.cosines(queries)
    index.search(queries, 10).forEach(({ indices, scores }, query) => {
      const own = all.slice(query * 500, (query + 1) * 500)
      expect([...indices]).toEqual([...topK(own, 10)])
      expect([...scores]).toEqual([...indices].map((i) => own[i]))
    })
    // Each row is its own nearest.
    expect(index.search(rows.subarray(dims * 42, dims * 43), 1)[0]?.indices[0]).toBe(42)
    index.free()
  })

  it.each(['f32', 'i8'] as const)('never finds what has no direction, %s', (dtype) => {
    const rows = Float32Array.of(0, 0, Number.NaN, 1, Number.POSITIVE_INFINITY, 1, -1, 1)
    const index = new RowIndex(rows, 2, { dtype })
    const query = Float32Array.of(1, 0)
    const scores = [...index.cosines(query)]
    expect(scores.slice(0, 3)).toEqual([Number.NaN, Number.NaN, Number.NaN])
    expect(scores[3]).toBeCloseTo(-Math.SQRT1_2, 6)
    expect([...(index.search(query, 9)[0]?.indices ?? [])]).toEqual([3])
    expect([...(index.search(Float32Array.of(0, 0), 9)[0]?.indices ?? [9])]).toEqual([])
    index.free()
  })

  it('holds its memory while others work, and gives it back once', () => {
    const { arena } = kernels
    const before = arena.liveBlocks
    const [rows, query] = [vectors(64 * 1000), vectors(64)]
    const index = new RowIndex(rows, 64)
    const want = index.cosines(query)
    for (let i = 0; i < 50; i++) {
      arena.lease((lease) => arena.f64(lease.allocate(1 << 18), 1 << 15).fill(Number.NaN))
    }
    expect(index.cosines(query)).toEqual(want)
    expect(arena.liveBlocks).toBe(before + 1)
    index.free()
    index.free()
    expect(arena.liveBlocks).toBe(before)
    expect(() => index.cosines(query)).toThrow('freed')
  })

  it('is refused beyond its bound, and beyond half of the memory', () => {
    const rows = new Float32Array(1000 * 64)
    expect(() => new RowIndex(rows, 64, { bytesMax: 100_000 })).toThrow(RangeError)
    expect(() => new RowIndex(rows, 63)).toThrow(RangeError)
    expect(() => new RowIndex(rows, 0)).toThrow(RangeError)
    const before = kernels.arena.liveBlocks
    const third = new Float32Array(1 << 22)
    const held = [1, 2].map(() => new RowIndex(third, 1024))
    expect(() => new RowIndex(third, 1024)).toThrow(ArenaExhaustedError)
    for (const index of held) index.free()
    expect(kernels.arena.liveBlocks).toBe(before)
    expect(() => new RowIndex(third, 1024).free()).not.toThrow()
  })

  it('may be empty', () => {
    const index = new RowIndex(new Float32Array(0), 3)
    expect(index.search(vectors(3), 5)[0]?.indices).toHaveLength(0)
    index.free()
  })
})
