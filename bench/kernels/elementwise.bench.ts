import { type Operation, transform } from '../../src/kernels/elementwise.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

const CHAIN: Operation[] = [
  { op: 'scale', factor: 0.01 },
  { op: 'clamp', min: 0.1, max: 0.9 },
  { op: 'ewma', weight: 0.3 },
]

const plainChain = (values: Float64Array): Float64Array => {
  const output = new Float64Array(values.length)
  let level = Number.NaN
  for (let i = 0; i < values.length; i++) {
    const x = Math.min(Math.max((values[i] as number) * 0.01, 0.1), 0.9)
    level = i === 0 ? x : 0.7 * level + 0.3 * x
    output[i] = level
  }
  return output
}

const last = (values: Float64Array): number => values[values.length - 1] ?? Number.NaN

let sink = 0
const keep = (work: () => number) => () => {
  sink += work()
}

/** Scale, clamp and smooth: three kernels in turn against one fused loop. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).map((n): BenchCase => {
    const values = percentages(n)
    const ours = () => last(transform(values, CHAIN))
    const loop = () => last(plainChain(values))
    return {
      case: 'scale, clamp, ewma f64',
      n,
      unit: 'ns/element',
      elements: n,
      tolerance: 1e-12,
      checksum: ours,
      rivalChecksums: { loop },
      ours: keep(ours),
      rivals: { loop: keep(loop) },
    }
  })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
