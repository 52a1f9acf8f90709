import { cosine, dot } from '../../src/kernels/similarity.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { percentages, sizesOf } from './inputs.ts'

const DIMS = 384

const plainDot = (a: Float32Array, b: Float32Array): number => {
  let total = 0
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number)
  return total
}

const plainCosines = (query: Float32Array, rows: Float32Array): number => {
  const norm = Math.sqrt(plainDot(query, query))
  let total = 0
  for (let start = 0; start < rows.length; start += DIMS) {
    let product = 0
    let squares = 0
    for (let i = 0; i < DIMS; i++) {
      const x = rows[start + i] as number
      product += (query[i] as number) * x
      squares += x * x
    }
    total += product / (norm * Math.sqrt(squares))
  }
  return total
}

const total = (xs: Float64Array): number => xs.reduce((a, b) => a + b, 0)

let sink = 0
const keep = (work: () => number) => () => {
  sink += work()
}

/** Vectors of 384 f32 through the host binding: the copy into the kernels' memory counts. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> => {
  const query = new Float32Array(percentages(DIMS))
  const one = (count: number): BenchCase => {
    const rows = new Float32Array(percentages(DIMS * count)).map((x) => x - 25)
    const ours = () => total(cosine(query, rows, DIMS))
    const loop = () => plainCosines(query, rows)
    return {
      case: 'cosine of one against many, 384 × f32',
      n: count * DIMS,
      unit: 'ns/element',
      elements: count * DIMS,
      tolerance: 1e-4,
      checksum: ours,
      rivalChecksums: { loop },
      ours: keep(ours),
      rivals: { loop: keep(loop) },
    }
  }
  const long = new Float32Array(percentages(sizesOf(size)[0] ?? 0))
  const ours = () => dot(long, long)
  const loop = () => plainDot(long, long)
  const dotCase: BenchCase = {
    case: 'dot f32',
    n: long.length,
    unit: 'ns/element',
    elements: long.length,
    tolerance: 1e-4,
    checksum: ours,
    rivalChecksums: { loop },
    ours: keep(ours),
    rivals: { loop: keep(loop) },
  }
  return [dotCase, one(Math.max(2, Math.floor((size === 'smoke' ? 1000 : size) / DIMS)))]
}

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
