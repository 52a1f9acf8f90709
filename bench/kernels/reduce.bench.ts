import { max, mean, min, sum as simpleSum, variance } from 'simple-statistics'
import { minMax, sum, summary } from '../../src/kernels/reduce.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

const plainSum = (values: Float64Array): number => {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i] as number
  return total
}

const plainRange = (values: Float64Array): number => {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) {
    const x = values[i] as number
    if (x < low) low = x
    if (x > high) high = x
  }
  return high - low
}

/** Sum, min, max and a two-pass variance: one plain loop cannot give it without cancellation. */
const plainSummary = (values: Float64Array): number => {
  const range = plainRange(values)
  const average = plainSum(values) / values.length
  let squares = 0
  for (let i = 0; i < values.length; i++) squares += ((values[i] as number) - average) ** 2
  return range + average + squares / values.length
}

let sink = 0
const keep = (work: () => number) => () => {
  sink += work()
}

/** Reductions through the host binding: the copy into the kernels' memory counts. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).flatMap((n) => {
    const values = percentages(n)
    const array = Array.from(values)
    const common = { n, unit: 'ns/element', elements: n, tolerance: 1e-9 } as const
    const of = (name: string, ours: () => number, rivals: Record<string, () => number>) => ({
      ...common,
      case: name,
      checksum: ours,
      rivalChecksums: rivals,
      ours: keep(ours),
      rivals: Object.fromEntries(Object.entries(rivals).map(([key, work]) => [key, keep(work)])),
    })
    return [
      of('sum f64', () => sum(values), {
        loop: () => plainSum(values),
        'simple-statistics': () => simpleSum(array),
      }),
      of(
        'min and max f64',
        () => {
          const range = minMax(values)
          return range.max - range.min
        },
        {
          loop: () => plainRange(values),
          'simple-statistics': () => max(array) - min(array),
        },
      ),
      of(
        'summary f64',
        () => {
          const found = summary(values)
          return found.max - found.min + found.mean + found.m2 / found.count
        },
        {
          loop: () => plainSummary(values),
          'simple-statistics': () => max(array) - min(array) + mean(array) + variance(array),
        },
      ),
    ]
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
