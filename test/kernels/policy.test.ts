import { beforeAll, describe, expect, it } from 'vitest'
import { sumExact } from '../../src/kernels/exact-sum.ts'
import { Histogram } from '../../src/kernels/histogram.ts'
import { Resident } from '../../src/kernels/memory.ts'
import { getKernels } from '../../src/kernels/module.ts'
import { quantiles } from '../../src/kernels/quantile.ts'
import {
  mergeSummaries,
  minMax,
  SummaryStream,
  sum,
  sumCompensated,
  summary,
} from '../../src/kernels/reduce.ts'
import { BUILDS, useBuild } from './load.ts'

const INF = Number.POSITIVE_INFINITY
const NAN = Number.NaN

/**
 * What NaN and infinities give, whichever way the values take. `pad` finite values of 1 around the
 * listed ones lead the same table through vector loops, block boundaries and chunks.
 */
const TABLE = [
  { values: [], sum: 0, min: NAN, max: NAN, nanCount: 0, median: NAN },
  { values: [NAN], sum: NAN, min: NAN, max: NAN, nanCount: 1, median: NAN },
  { values: [NAN, 3], sum: NAN, min: 3, max: 3, nanCount: 1, median: 3 },
  { values: [INF], sum: INF, min: INF, max: INF, nanCount: 0, median: INF },
  { values: [-INF, 2], sum: -INF, min: -INF, max: 2, nanCount: 0, median: -INF },
  { values: [INF, -INF], sum: NAN, min: -INF, max: INF, nanCount: 0, median: NAN },
  { values: [INF, NAN, 5], sum: NAN, min: 5, max: INF, nanCount: 1, median: INF },
  { values: [-0, 0], sum: 0, min: 0, max: 0, nanCount: 0, median: 0 },
  { values: [-1, -2], sum: -3, min: -2, max: -1, nanCount: 0, median: -1.5 },
] as const

const PADS = [0, 1, 7, 40, 1500, 9000]

const sumOfValid = (values: readonly number[]): number =>
  values.filter((x) => !Number.isNaN(x)).reduce((a, b) => a + b, 0)

const resident = <T>(values: Float64Array, use: (values: Resident) => T): T =>
  getKernels().arena.lease((lease) => use(new Resident(lease.copyIn(values), values.length)))

/** Every way to a number, by name. */
const PATHS = {
  'whole array': (values: Float64Array) => ({
    sums: [sum(values), sumCompensated(values), sumExact(values)],
    range: minMax(values),
    summary: summary(values),
  }),
  f32: (values: Float64Array) => {
    const narrow = new Float32Array(values)
    return { sums: [sum(narrow)], range: minMax(narrow), summary: summary(narrow) }
  },
  'in the memory already': (values: Float64Array) =>
    resident(values, (inside) => ({
      sums: [sum(inside), sumCompensated(inside)],
      range: minMax(inside),
      summary: summary(inside),
    })),
  'in pieces': (values: Float64Array) => {
    const stream = new SummaryStream()
    for (let start = 0; start < values.length; start += 5) {
      stream.add(values.subarray(start, start + 5))
    }
    return { sums: [], range: undefined, summary: stream.summary }
  },
  merged: (values: Float64Array) => ({
    sums: [],
    range: undefined,
    summary: mergeSummaries(
      summary(values.subarray(0, values.length >> 1)),
      summary(values.subarray(values.length >> 1)),
    ),
  }),
}

describe.each(BUILDS)('%s', (build) => {
  beforeAll(() => {
    useBuild(build)
  })

  describe('the policy on values that are not finite', () => {
    const cases = TABLE.flatMap((row) => PADS.map((pad) => ({ ...row, pad })))

    describe.each(Object.entries(PATHS))('%s', (_name, path) => {
      it.each(cases)(
        '$values between $pad ones',
        ({ values: listed, sum: listedSum, pad, ...want }) => {
          const list = [...Array<number>(pad).fill(1), ...listed, ...Array<number>(pad).fill(1)]
          const values = Float64Array.from(list)
          const ones = pad > 0 ? [1] : []
          const valid = list.filter((x) => !Number.isNaN(x))
          const min = Math.min(...ones, ...(Number.isNaN(want.min) ? [] : [want.min]))
          const max = Math.max(...ones, ...(Number.isNaN(want.max) ? [] : [want.max]))
          const range = valid.length > 0 ? [min, max] : [NAN, NAN]
          const got = path(values)
          for (const total of got.sums) expect(total + 0).toBe(listedSum + 2 * pad)
          if (got.range) expect([got.range.min + 0, got.range.max + 0]).toEqual(range)
          const { count, nanCount, mean, m2 } = got.summary
          expect([count, nanCount]).toEqual([valid.length, want.nanCount])
          expect([got.summary.min + 0, got.summary.max + 0]).toEqual(range)
          expect(got.summary.sum + 0).toBe(sumOfValid(list))
          if (valid.length === 0 || Number.isNaN(sumOfValid(list))) expect(mean).toBeNaN()
          else expect(mean).toBeCloseTo(sumOfValid(list) / valid.length, 12)
          if (valid.some((x) => !Number.isFinite(x))) expect(m2).toBeNaN()
          else expect(m2).toBeGreaterThanOrEqual(0)
        },
      )
    })

    it.each(TABLE)('median of $values', ({ values, median }) => {
      const list = Float64Array.from(values)
      const got = [
        quantiles(list, [0.5])[0],
        resident(list, (inside) => quantiles(inside, [0.5])[0]),
        quantiles(new Float32Array(list), [0.5])[0],
      ]
      for (const x of got) expect((x ?? 0) + 0).toBe(median)
    })

    it.each(cases)('histogram of $values between $pad ones', ({ values, pad }) => {
      const list = [...Array<number>(pad).fill(1), ...values, ...Array<number>(pad).fill(1)]
      const batch = new Histogram()
      batch.insert(Float64Array.from(list))
      const single = new Histogram()
      for (const x of list) single.add(x)
      expect(batch.toBytes()).toEqual(single.toBytes())
      expect(batch.nonFiniteCount).toBe(list.filter((x) => !Number.isFinite(x)).length)
    })
  })
})
