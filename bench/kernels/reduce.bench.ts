import { max, mean, min, sum as simpleSum, variance } from 'simple-statistics'
import { minMax, sum, summary } from '../../src/kernels/reduce.ts'
import type { Load } from '../rivals/load.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { kernels, percentages, resident, sizesOf } from './inputs.ts'

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

type Strided<T> = (n: number, values: Float64Array, stride: number) => T
type MeanAndVariance = (
  n: number,
  correction: number,
  values: Float64Array,
  stride: number,
  output: Float64Array,
  outputStride: number,
) => Float64Array

/** What the packages of @stdlib give; min and max come as a range. */
const stdlib = {
  sum: (load: Load, values: Float64Array) => {
    const dsum = load<Strided<number>>('@stdlib/blas-ext-base-dsum')
    return () => dsum(values.length, values, 1)
  },
  range: (load: Load, values: Float64Array) => {
    const drange = load<Strided<number>>('@stdlib/stats-base-drange')
    return () => drange(values.length, values, 1)
  },
  summary: (load: Load, values: Float64Array) => {
    const drange = load<Strided<number>>('@stdlib/stats-base-drange')
    const meanAndVariance = load<MeanAndVariance>('@stdlib/stats-base-dmeanvarpn')
    const output = new Float64Array(2)
    return () => {
      meanAndVariance(values.length, 0, values, 1, output, 1)
      return drange(values.length, values, 1) + (output[0] ?? 0) + (output[1] ?? 0)
    }
  },
}

/**
 * Reductions through the host binding, where the copy into the kernels' memory counts, and the kernels
 * alone on what lies there, beside C.
 */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).flatMap((n) => {
    const values = percentages(n)
    const array = Array.from(values)
    const { arena, exports } = kernels
    type Rivals = Record<string, () => number>
    const of = (name: keyof typeof stdlib, title: string, ours: () => number, rivals: Rivals) => ({
      case: title,
      n,
      unit: 'ns/element' as const,
      elements: n,
      tolerance: 1e-9,
      checksum: ours,
      rivalChecksums: rivals,
      ours: keep(ours),
      rivals: Object.fromEntries(Object.entries(rivals).map(([key, work]) => [key, keep(work)])),
      packages: { '@stdlib': (load: Load) => stdlib[name](load, values) },
    })
    /** The kernel alone, from a fresh state; `read` makes the checksum out of its results. */
    const inMemory = (
      title: string,
      kernel: 'sum' | 'minmax' | 'summary',
      run: (input: number, count: number, output: number) => void,
      read: (results: Float64Array) => number,
      rivals: Rivals,
    ): BenchCase => {
      const memory = resident(values, 128)
      const work = () => {
        const { input, output } = memory.get()
        run(input, n, output)
        return output
      }
      return {
        case: `${title}, in memory`,
        n,
        unit: 'ns/element',
        elements: n,
        tolerance: 1e-9,
        checksum: () => read(arena.f64(work(), 16)),
        rivalChecksums: rivals,
        ours: work,
        rivals: Object.fromEntries(Object.entries(rivals).map(([key, run]) => [key, keep(run)])),
        native: { kernel, elements: n },
        close: memory.close,
      }
    }
    const at = (results: Float64Array, index: number) => results[index] ?? Number.NaN
    return [
      of('sum', 'sum f64', () => sum(values), {
        loop: () => plainSum(values),
        'simple-statistics': () => simpleSum(array),
      }),
      of(
        'range',
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
        'summary',
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
      inMemory(
        'sum f64',
        'sum',
        (input, count, output) => {
          arena.writeF64(output, 0, 0)
          exports.sum_f64(input, count, output)
        },
        (results) => at(results, 0),
        { loop: () => plainSum(values), 'simple-statistics': () => simpleSum(array) },
      ),
      inMemory(
        'min and max f64',
        'minmax',
        (input, count, output) => {
          arena.writeF64(output, 0, Number.POSITIVE_INFINITY)
          arena.writeF64(output, 1, Number.NEGATIVE_INFINITY)
          exports.min_max_f64(input, count, output)
        },
        (results) => at(results, 1) - at(results, 0),
        { loop: () => plainRange(values), 'simple-statistics': () => max(array) - min(array) },
      ),
      inMemory(
        'summary f64',
        'summary',
        exports.summary_f64,
        (results) => at(results, 3) - at(results, 2) + at(results, 4) + at(results, 5) / n,
        {
          loop: () => plainSummary(values),
          'simple-statistics': () => max(array) - min(array) + mean(array) + variance(array),
        },
      ),
    ]
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
