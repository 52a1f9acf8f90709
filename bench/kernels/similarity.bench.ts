import { RowIndex } from '../../src/kernels/row-index.ts'
import { cosine, distances, dot } from '../../src/kernels/similarity.ts'
import { quantiseRows } from '../../src/kernels/similarity-i8.ts'
import type { Load } from '../rivals/load.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { kernels, percentages, sizesOf } from './inputs.ts'

const DIMS = 384
const QUERIES = 16

/** 15 MB: in the second cache of no processor, and well within the kernels' memory. */
const ROWS_MAX = 10_000

type Vector = Float32Array | Int8Array
type Pair = (a: Vector, b: Vector) => number

const plainDot: Pair = (a, b) => {
  let total = 0
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number)
  return total
}

const plainCosine: Pair = (a, b) => {
  let product = 0
  let squares = 0
  let others = 0
  for (let i = 0; i < a.length; i++) {
    const x = a[i] as number
    const y = b[i] as number
    product += x * y
    squares += x * x
    others += y * y
  }
  return product / Math.sqrt(squares * others)
}

const plainDistance: Pair = (a, b) => {
  let total = 0
  for (let i = 0; i < a.length; i++) total += ((a[i] as number) - (b[i] as number)) ** 2
  return Math.sqrt(total)
}

const total = (xs: Float64Array): number => {
  let sum = 0
  for (let i = 0; i < xs.length; i++) sum += xs[i] as number
  return sum
}

let sink = 0
const keep = (work: () => number) => () => {
  sink += work()
}

/** The vectors of a matrix, as views that cost nothing when they are used. */
const viewsOf = <T extends Vector>(rows: T): T[] =>
  Array.from({ length: rows.length / DIMS }, (_, i) => rows.subarray(i * DIMS, (i + 1) * DIMS) as T)

const everyPair = (pair: Pair, queries: readonly Vector[], rows: readonly Vector[]) => () => {
  let sum = 0
  for (const query of queries) for (const row of rows) sum += pair(query, row)
  return sum
}

interface SimSimd {
  readonly dot: Pair
  readonly cosine: Pair
  readonly euclidean: Pair
}

interface Work {
  readonly name: string
  readonly n: number
  readonly elements: number
  readonly widthBytes: number
  readonly ours: () => number
  readonly loop: () => number
  readonly packages: NonNullable<BenchCase['packages']>
}

const caseOf = ({ name, ours, loop, widthBytes, ...rest }: Work): BenchCase => ({
  ...rest,
  case: name,
  unit: 'ns/element',
  inputBytes: rest.elements * widthBytes,
  tolerance: 1e-4,
  checksum: ours,
  rivalChecksums: { loop },
  ours: keep(ours),
  rivals: { loop: keep(loop) },
})

/** An index made when it is first asked, for building it is not what is measured. */
const lazy = (rows: Float32Array, dtype: 'f32' | 'i8') => {
  let index: RowIndex | undefined
  return {
    get: () => {
      index ??= new RowIndex(rows, DIMS, { dtype })
      return index
    },
    close: () => index?.free(),
  }
}

/** The kernel alone on rows that are in its memory, beside what C makes of them. */
const residentDots = (query: Float32Array, rows: Float32Array): BenchCase => {
  const { arena, exports } = kernels
  const count = rows.length / DIMS
  const lease = arena.openLease()
  const first = lease.copyIn(query)
  const others = lease.copyIn(rows)
  const output = lease.allocate(count * 8)
  const run = () => exports.dots_f32(first, 1, others, count, DIMS, output)
  return {
    ...caseOf({
      name: 'dots of one with many, 384 × f32, in memory',
      n: rows.length,
      elements: rows.length,
      widthBytes: 4,
      ours: () => {
        run()
        return total(arena.f64(output, count))
      },
      loop: everyPair(plainDot, [query], viewsOf(rows)),
      packages: {
        simsimd: (load) => everyPair(load<SimSimd>('simsimd').dot, [query], viewsOf(rows)),
        '@stdlib': (load) => {
          const sdot = load<Sdot>('@stdlib/blas-base-sdot')
          return everyPair((a, b) => sdot(DIMS, a, 1, b, 1), [query], viewsOf(rows))
        },
      },
    }),
    ours: run,
    native: { kernel: 'dot', elements: rows.length, dims: DIMS },
    close: () => lease.close(),
  }
}

type Sdot = (n: number, a: Vector, strideA: number, b: Vector, strideB: number) => number

/** simsimd gives a distance: 1 − cosine. */
const cosineOf = (load: Load): Pair => {
  const { cosine: distance } = load<SimSimd>('simsimd')
  return (a, b) => 1 - distance(a, b)
}

/** Vectors of 384; through the host binding unless they are said to be in memory. */
export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size).flatMap((n) => {
    const count = Math.min(ROWS_MAX, Math.max(2, Math.floor(n / DIMS)))
    const elements = count * DIMS
    const query = new Float32Array(percentages(DIMS))
    const rows = new Float32Array(percentages(elements)).map((x) => x - 25)
    const queries = rows.slice(0, Math.min(QUERIES, count) * DIMS)
    const long = new Float32Array(percentages(n))
    const bytes = { query: quantiseRows(query, DIMS).values, rows: quantiseRows(rows, DIMS).values }
    const common = { n: elements, elements, widthBytes: 4 }
    const [index, index_i8] = [lazy(rows, 'f32'), lazy(rows, 'i8')]
    return [
      {
        ...caseOf({
          name: 'dot f32',
          n,
          elements: n,
          widthBytes: 8,
          ours: () => dot(long, long),
          loop: () => plainDot(long, long),
          packages: {
            simsimd: (load) => () => load<SimSimd>('simsimd').dot(long, long),
            '@stdlib': (load) => () => load<Sdot>('@stdlib/blas-base-sdot')(n, long, 1, long, 1),
          },
        }),
        // Packages that add a long vector in f32 lose digits to it.
        tolerance: 0.1,
      },
      residentDots(query, rows),
      caseOf({
        ...common,
        name: 'cosine of one with many, 384 × f32',
        ours: () => total(cosine(query, rows, DIMS)),
        loop: everyPair(plainCosine, [query], viewsOf(rows)),
        packages: { simsimd: (load) => everyPair(cosineOf(load), [query], viewsOf(rows)) },
      }),
      {
        ...caseOf({
          ...common,
          name: 'cosine of one with an index, 384 × f32',
          ours: () => total(index.get().cosines(query)),
          loop: everyPair(plainCosine, [query], viewsOf(rows)),
          packages: { simsimd: (load) => everyPair(cosineOf(load), [query], viewsOf(rows)) },
        }),
        close: index.close,
      },
      {
        ...caseOf({
          ...common,
          name: 'cosine of one with an index, 384 × i8',
          widthBytes: 1,
          ours: () => total(index_i8.get().cosines(query)),
          loop: everyPair(plainCosine, [bytes.query], viewsOf(bytes.rows)),
          packages: {
            simsimd: (load) => everyPair(cosineOf(load), [bytes.query], viewsOf(bytes.rows)),
          },
        }),
        close: index_i8.close,
      },
      caseOf({
        ...common,
        name: 'distance of one from many, 384 × f32',
        ours: () => total(distances(query, rows, DIMS)),
        loop: everyPair(plainDistance, [query], viewsOf(rows)),
        packages: {
          simsimd: (load) => everyPair(load<SimSimd>('simsimd').euclidean, [query], viewsOf(rows)),
        },
      }),
      manyWithMany(queries, rows),
    ]
  })

const manyWithMany = (queries: Float32Array, rows: Float32Array): BenchCase => {
  const index = lazy(rows, 'f32')
  return {
    ...caseOf({
      name: 'cosine of 16 with an index, 384 × f32',
      n: rows.length,
      elements: (queries.length / DIMS) * rows.length,
      widthBytes: 4,
      ours: () => total(index.get().cosines(queries)),
      loop: everyPair(plainCosine, viewsOf(queries), viewsOf(rows)),
      packages: {
        simsimd: (load) => everyPair(cosineOf(load), viewsOf(queries), viewsOf(rows)),
      },
    }),
    close: index.close,
  }
}

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
