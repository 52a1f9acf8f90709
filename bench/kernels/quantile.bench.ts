import { quantile as simpleQuantile } from 'simple-statistics'
import { quantiles } from '../../src/kernels/quantile.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

const FOUR = [0.5, 0.9, 0.95, 0.99]

/** A sorted copy, which is what a plain loop needs. */
const sorted = (values: Float64Array, qs: readonly number[]): number => {
  const ascending = values.slice().sort()
  return qs.reduce((total, q) => total + (ascending[Math.ceil(q * values.length) - 1] ?? 0), 0)
}

const total = (xs: Iterable<number>): number => {
  let sum = 0
  for (const x of xs) sum += x
  return sum
}

let sink = 0
const keep = (work: () => number) => () => {
  sink += work()
}

/** Inputs that a selection may be slow on. */
const SHAPES: Record<string, (i: number, n: number) => number> = {
  sorted: (i) => i,
  constant: () => 7,
  'organ pipe': (i, n) => Math.min(i, n - i),
  'five distinct': (i) => (i * 7919) % 5,
  'NaN in three': (i, n) => (i % 3 === 0 ? Number.NaN : (i * 7919) % n),
}

/** Below this a call's fixed costs would hide what a shape costs. */
const SHAPES_ELEMENTS_MIN = 100_000

/** Four quantiles of each shape, beside the same call on percentages: what the shape costs. */
const shapes = (n: number, usual: Float64Array): BenchCase[] =>
  Object.entries(SHAPES).map(([shape, at]): BenchCase => {
    const values = Float64Array.from({ length: n }, (_, i) => at(i, n))
    const loop = () =>
      sorted(
        values.filter((x) => !Number.isNaN(x)),
        FOUR,
      )
    const ours = () => total(quantiles(values, FOUR))
    return {
      case: `four quantiles f64, ${shape}`,
      n,
      unit: 'ns/element',
      elements: n,
      tolerance: 0.02,
      checksum: ours,
      rivalChecksums: { loop },
      ours: keep(ours),
      rivals: { 'on percentages': keep(() => total(quantiles(usual, FOUR))) },
    }
  })

/** Exact quantiles; the rivals take the nearest rank, so checksums agree to the sample's spacing. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).flatMap((n) => {
    const values = percentages(n)
    const array = Array.from(values)
    const usual = [[0.5], FOUR].map((qs): BenchCase => {
      const ours = () => total(quantiles(values, qs))
      const rivals = {
        loop: () => sorted(values, qs),
        'simple-statistics': () => total([simpleQuantile(array, qs)].flat()),
      }
      return {
        case: qs.length === 1 ? 'median f64' : 'four quantiles f64',
        n,
        unit: 'ns/element',
        elements: n,
        tolerance: 0.02,
        checksum: ours,
        rivalChecksums: rivals,
        ours: keep(ours),
        rivals: { loop: keep(rivals.loop), 'simple-statistics': keep(rivals['simple-statistics']) },
      }
    })
    return size === 'smoke' || (n >= SHAPES_ELEMENTS_MIN && n <= 1_000_000)
      ? [...usual, ...shapes(n, values)]
      : usual
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
