/** The kernels through their host binding, beside a plain TypeScript loop and simple-statistics. */
import * as base64 from './kernels/base64.bench.ts'
import * as elementwise from './kernels/elementwise.bench.ts'
import * as histogram from './kernels/histogram.bench.ts'
import * as parse from './kernels/parse.bench.ts'
import * as quantile from './kernels/quantile.bench.ts'
import * as reduce from './kernels/reduce.bench.ts'
import * as rolling from './kernels/rolling.bench.ts'
import * as similarity from './kernels/similarity.bench.ts'
import * as trees from './kernels/trees.bench.ts'
import { measureInterleaved } from './measure.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'
import type { BenchCase, CaseSize } from './types.ts'

const families = [
  reduce,
  quantile,
  histogram,
  similarity,
  elementwise,
  rolling,
  parse,
  base64,
  trees,
]

const casesOf = async (size: CaseSize): Promise<BenchCase[]> =>
  (await Promise.all(families.map((family) => family.cases(size)))).flat()

/** Throws where a rival's checksum is further from ours than the case allows. */
const compare = (one: BenchCase): void => {
  const ours = one.checksum()
  for (const [name, checksum] of Object.entries(one.rivalChecksums)) {
    const theirs = checksum()
    if (!(Math.abs(theirs / ours - 1) <= one.tolerance)) {
      throw new Error(`${one.case}, n = ${one.n}: ours gives ${ours}, ${name} gives ${theirs}`)
    }
  }
}

const perElement = ({ median, p5 }: Spread, elements: number): Spread => ({
  median: (median * 1e6) / elements,
  p5: (p5 * 1e6) / elements,
})

const rowOf = (one: BenchCase, quick: boolean): Row => {
  compare(one)
  const { ours, ...rivals } = measureInterleaved(
    { ours: one.ours, ...one.rivals },
    quick ? { rounds: 7, batchMs: 10 } : { rounds: 15, batchMs: 30 },
  )
  if (!ours) throw new Error('ours was not measured')
  const mine = perElement(ours, one.elements)
  const theirs = Object.fromEntries(
    Object.entries(rivals).map(([name, spread]) => [name, perElement(spread, one.elements)]),
  )
  return {
    case: one.case,
    n: one.n,
    unit: one.unit,
    ours: mine,
    rivals: theirs,
    ratio: ratiosOf(mine, theirs),
  }
}

export const run = async ({ quick, log }: SuiteOptions): Promise<Row[]> =>
  (await casesOf('full'))
    .filter(({ n }) => !quick || n <= 400_000)
    .map((one) => {
      log(`${one.case}, n = ${one.n}`)
      return rowOf(one, quick)
    })

export const smoke = async (): Promise<void> => {
  for (const one of await casesOf('smoke')) compare(one)
}
