import { type DecisionTree, TreeEnsemble, type TreeModel } from '../../src/kernels/trees.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import './inputs.ts'

const FEATURES = 20
const THRESHOLDS = 200

/** Linear congruential, from a fixed seed (42). */
const generator = (): (() => number) => {
  let state = 42
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 4_294_967_296
  }
}

/** Full trees in heap order, with as many thresholds a feature as XGBoost's histogram method gives. */
const modelOf = (trees: number, depth: number): TreeModel => {
  const uniform = generator()
  const inner = 2 ** depth - 1
  const nodes = Array.from({ length: 2 * inner + 1 }, (_, node) => node)
  const treeOf = (): DecisionTree => ({
    output: 0,
    left: nodes.map((node) => (node < inner ? 2 * node + 1 : -1)),
    right: nodes.map((node) => (node < inner ? 2 * node + 2 : -1)),
    feature: nodes.map(() => Math.floor(uniform() * FEATURES)),
    threshold: nodes.map(() => Math.floor(uniform() * THRESHOLDS) / THRESHOLDS),
    isDefaultLeft: nodes.map(() => uniform() < 0.5),
    value: nodes.map(() => Math.fround(uniform() - 0.5)),
  })
  return {
    features: FEATURES,
    base: [0.5],
    link: 'identity',
    trees: Array.from({ length: trees }, treeOf),
  }
}

/** The walk that every loader in plain TypeScript does, over typed arrays of all nodes. */
class PlainTrees {
  readonly #roots: Int32Array
  readonly #left: Int32Array
  readonly #right: Int32Array
  readonly #feature: Uint16Array
  readonly #threshold: Float32Array
  readonly #isDefaultLeft: Uint8Array
  readonly #value: Float32Array

  constructor({ trees }: TreeModel) {
    const starts: number[] = []
    let count = 0
    for (const tree of trees) {
      starts.push(count)
      count += tree.left.length
    }
    const moved = (children: (tree: DecisionTree) => readonly number[]) =>
      trees.flatMap((tree, i) =>
        children(tree).map((child) => (child < 0 ? -1 : child + (starts[i] ?? 0))),
      )
    this.#roots = Int32Array.from(starts)
    this.#left = Int32Array.from(moved((tree) => tree.left))
    this.#right = Int32Array.from(moved((tree) => tree.right))
    this.#feature = Uint16Array.from(trees.flatMap((tree) => tree.feature))
    this.#threshold = Float32Array.from(trees.flatMap((tree) => tree.threshold))
    this.#isDefaultLeft = Uint8Array.from(trees.flatMap((tree) => tree.isDefaultLeft.map(Number)))
    this.#value = Float32Array.from(trees.flatMap((tree) => tree.value))
  }

  margins(rows: Float32Array): Float64Array {
    const sums = new Float64Array(rows.length / FEATURES)
    for (let row = 0; row < sums.length; row++) {
      let sum = 0.5
      for (let tree = 0; tree < this.#roots.length; tree++) {
        let node = this.#roots[tree] as number
        for (
          let left = this.#left[node] as number;
          left !== -1;
          left = this.#left[node] as number
        ) {
          const x = rows[row * FEATURES + (this.#feature[node] as number)] as number
          const goesLeft =
            x < (this.#threshold[node] as number) ||
            (Number.isNaN(x) && this.#isDefaultLeft[node] === 1)
          node = goesLeft ? left : (this.#right[node] as number)
        }
        sum += this.#value[node] as number
      }
      sums[row] = sum
    }
    return sums
  }
}

let sink = 0

/** Rows of 20 values, 1 in 20 missing, new ones at each call so that no branch is learnt by heart. */
const caseOf = (trees: number, depth: number, batch: number): BenchCase => {
  const model = modelOf(trees, depth)
  const ensemble = new TreeEnsemble(model)
  const plain = new PlainTrees(model)
  const uniform = generator()
  const batches = Array.from({ length: 64 }, () =>
    Float32Array.from({ length: batch * FEATURES }, () =>
      uniform() < 0.05 ? Number.NaN : uniform(),
    ),
  )
  const total = (margins: (rows: Float32Array) => Float64Array): number =>
    batches.reduce((sum, rows) => sum + margins(rows).reduce((a, b) => a + b, 0), 0)
  const ours = (rows: Float32Array) => ensemble.margins(rows)
  const loop = (rows: Float32Array) => plain.margins(rows)
  const next = (margins: (rows: Float32Array) => Float64Array) => {
    let turn = 0
    return () => {
      sink += margins(batches[turn++ % batches.length] as Float32Array)[0] ?? 0
    }
  }
  return {
    case: `trees, ${trees} of depth ${depth}, a row`,
    n: batch,
    unit: 'ns/element',
    elements: batch,
    inputBytes: batch * FEATURES * 4,
    tolerance: 1e-9,
    checksum: () => total(ours),
    rivalChecksums: { loop: () => total(loop) },
    ours: next(ours),
    rivals: { loop: next(loop) },
  }
}

/** What is varied is the batch; so many rows as other families have values say nothing new. */
const BATCHES = [1, 16, 1000]

export const cases = async (size: CaseSize): Promise<BenchCase[]> => {
  if (size === 'smoke') return [caseOf(20, 6, 16)]
  if (size > 1000) return []
  return BATCHES.map((batch) => caseOf(300, 6, batch)).concat(caseOf(100, 3, 16))
}

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
