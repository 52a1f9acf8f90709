import { beforeAll, describe, expect, it } from 'vitest'
import { Histogram } from '../../src/kernels/histogram.ts'
import { random } from './cases.ts'
import { BUILDS, useBuild } from './load.ts'

const hex = (histogram: Histogram): string => Buffer.from(histogram.toBytes()).toString('hex')

const NOT_FINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
const TINY = [0, -0, Number.MIN_VALUE, -Number.MIN_VALUE, 2 ** -1022, -(2 ** -1022)]

describe.each(BUILDS)('a batch of a histogram, %s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  /** Each as it is added alone, which takes no window, at every scale that has windows. */
  const expectAsOneByOne = (values: Float64Array) => {
    for (let scale = 0; scale <= 10; scale++) {
      for (const bucketsMax of [160, 640, 4096]) {
        const alone = new Histogram(scale, bucketsMax)
        for (const value of values) alone.add(value)
        const batch = new Histogram(scale, bucketsMax)
        batch.insert(values)
        expect(hex(batch)).toBe(hex(alone))
      }
    }
  }

  it.each([1020, 1000, 700, 0, -1021])(
    'counts what is in no bucket apart, beside values around 2^%i',
    (exponent) => {
      const uniform = random()
      const values = Float64Array.from({ length: 6000 }, (_, i) => {
        if (i > 50 && i % 97 === 0) return NOT_FINITE[i % 3] ?? 0
        if (i > 4500 && i % 89 === 0) return TINY[i % 6] ?? 0
        return 2 ** (exponent + uniform() * 3.99)
      })
      expectAsOneByOne(values)
    },
  )

  it('counts zeros, infinities and negative values apart in windows over the whole range', () => {
    const uniform = random()
    const values = Float64Array.from({ length: 6000 }, (_, i) => {
      const magnitude = 2 ** (uniform() * 2044 - 1021)
      if (i < 100) return magnitude
      if (i % 7 === 0) return [...NOT_FINITE, ...TINY][i % 9] ?? 0
      return i % 11 === 0 ? -magnitude : magnitude
    })
    expectAsOneByOne(values)
  })

  it('holds the largest doubles and infinities', () => {
    const values = Float64Array.from({ length: 300 }, (_, i) =>
      i % 3 === 0 ? Number.POSITIVE_INFINITY : Number.MAX_VALUE / (1 + (i % 5)),
    )
    const histogram = new Histogram()
    histogram.insert(values)
    expect(histogram.count).toBe(200)
    expect(histogram.nonFiniteCount).toBe(100)
    expectAsOneByOne(values)
  })
})
