import { quantileSorted } from 'simple-statistics'
import { Histogram } from '../../src/kernels/histogram.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

/** Logarithmic buckets with Math.log: fast, but values at a boundary land where rounding says. */
const logarithmic = (values: Float64Array): number => {
  const counts = new Map<number, number>()
  const factor = 32 / Math.LN2
  for (let i = 0; i < values.length; i++) {
    const bucket = Math.ceil(Math.log(values[i] as number) * factor)
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
  }
  let rest = Math.floor(0.95 * (values.length - 1))
  for (const bucket of [...counts.keys()].sort((a, b) => a - b)) {
    rest -= counts.get(bucket) ?? 0
    if (rest < 0) return 2 ** ((bucket - 0.5) / 32)
  }
  return Number.NaN
}

let sink = 0
const keep = (work: () => number) => () => {
  sink += work()
}

/** A batch into an empty sketch, then its 95th percentile. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).map((n): BenchCase => {
    const values = percentages(n)
    const array = Array.from(values)
    const batch = () => {
      const histogram = new Histogram(5, 2048)
      histogram.insert(values)
      return histogram.quantile(0.95)
    }
    const rivals = {
      'one by one': () => {
        const histogram = new Histogram(5, 2048)
        for (const value of values) histogram.add(value)
        return histogram.quantile(0.95)
      },
      loop: () => logarithmic(values),
      // It has no sketch: sorting is what it offers for a percentile of many.
      'simple-statistics': () =>
        quantileSorted(
          array.slice().sort((a, b) => a - b),
          0.95,
        ),
    }
    return {
      case: 'histogram insert f64',
      n,
      unit: 'ns/element',
      elements: n,
      tolerance: 0.03,
      checksum: batch,
      rivalChecksums: rivals,
      ours: keep(batch),
      rivals: Object.fromEntries(Object.entries(rivals).map(([name, work]) => [name, keep(work)])),
    }
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
