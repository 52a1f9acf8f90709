import { beforeAll, describe, expect, it } from 'vitest'
import { SummaryStream, summary } from '../../src/kernels/reduce.ts'
import { ACCURACY } from './accuracy.ts'
import { random } from './cases.ts'
import { exactMoments } from './exact.ts'
import { BUILDS, useBuild } from './load.ts'

/** Blocks of 1024 that differ in level, spread and outliers, which often stand where a block is probed. */
function unevenBlocks(uniform: () => number): Float64Array {
  const values: number[] = []
  const hasNaN = uniform() < 0.5
  const level = uniform() * 10 - 5
  const blocks = 1 + Math.floor(uniform() * 4)
  for (let block = 0; block < blocks; block++) {
    const base = uniform() < 0.3 ? level : (uniform() - 0.5) * 10 ** (uniform() * 6)
    const spread = uniform() * 0.6
    const kind = Math.floor(uniform() * 4)
    const own = Array.from({ length: 1024 }, (_, i) => {
      if (kind === 0) return base
      if (kind === 1) return uniform() < 0.5 ? base : base * (1 + spread)
      return kind === 2 ? base * (1 + spread * uniform()) : base * 1e-6 * (i & 1)
    })
    const outlier = 10 ** (uniform() * 8)
    for (let rest = Math.floor(uniform() * 12); rest > 0; rest--) {
      const at = Math.floor(uniform() * 8) * 128 + (uniform() < 0.5 ? 0 : 77)
      own[at] = outlier * (0.5 + uniform())
    }
    if (hasNaN) own[Math.floor(uniform() * 1024)] = Number.NaN
    values.push(...own)
  }
  return Float64Array.from(values)
}

describe.each(BUILDS)('the summary of uneven blocks, %s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  it('is within the stated errors of exact moments, with NaN and without', () => {
    const uniform = random()
    for (let round = 0; round < 150; round++) {
      const values = unevenBlocks(uniform)
      const valid = values.filter((x) => !Number.isNaN(x))
      const exact = exactMoments(valid)
      const got = summary(values)
      const largest = valid.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
      expect(Math.abs(got.sum - exact.sum)).toBeLessThanOrEqual(
        ACCURACY.summarySum * exact.sumAbsolute,
      )
      expect(Math.abs(got.mean - exact.mean)).toBeLessThanOrEqual(ACCURACY.summaryMean * largest)
      // A constant has a spread of nothing but the rounding of its mean.
      const rounding = valid.length * (2 ** -50 * largest) ** 2
      expect(Math.abs(got.m2 - exact.m2)).toBeLessThanOrEqual(
        ACCURACY.summaryM2 * exact.m2 + rounding,
      )
    }
  })

  it('is the same to the last bit in any pieces of a multiple of 1024', () => {
    const uniform = random()
    for (let round = 0; round < 300; round++) {
      const length = 4000 + Math.floor(uniform() * 3000)
      const values = Float64Array.from(
        { length },
        () => (uniform() - 0.5) * 2 ** (uniform() * 900 - 450),
      )
      const whole = summary(values)
      const stream = new SummaryStream()
      for (let start = 0; start < length; ) {
        const piece = 1024 * (1 + Math.floor(uniform() * 3))
        stream.add(values.subarray(start, start + piece))
        start += piece
      }
      expect(stream.summary).toEqual(whole)
    }
  })
})
