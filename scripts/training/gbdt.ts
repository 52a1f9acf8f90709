import type { DecisionTree, TreeModel } from '../../src/kernels/tree-model.ts'
import { binColumns } from './gbdt-bins.ts'
import { TreeGrower, type TreeOptions } from './gbdt-tree.ts'
import { seeded, shuffle } from './seeded.ts'

export interface BoostOptions extends TreeOptions {
  readonly rounds: number
  /** Shares of rows and features that each tree sees, in (0, 1]. */
  readonly rowShare: number
  readonly featureShare: number
  readonly seed: number
}

/** Rows f32[n][features] with a class each. */
export interface LabelledTable {
  readonly values: Float32Array
  readonly features: number
  readonly labels: Uint8Array
  readonly classes: number
  /** Weight of each row; 1 where absent. */
  readonly weights?: Float64Array
  /** i8[classes][features]: 1 where a class's margin never falls with a feature, −1 never rises. */
  readonly directions?: Int8Array
}

/** Adds a tree's leaves to one output's margins, walking in f32. */
function addTree(margins: Float64Array, tree: DecisionTree, table: LabelledTable): void {
  const { values, features, classes } = table
  const { left, right, feature, threshold, isDefaultLeft, value, output } = tree
  for (let row = 0; row * features < values.length; row++) {
    let node = 0
    while ((left[node] as number) !== -1) {
      const x = values[row * features + (feature[node] as number)] as number
      const isLeft = Number.isNaN(x) ? isDefaultLeft[node] : x < (threshold[node] as number)
      node = (isLeft ? left[node] : right[node]) as number
    }
    const at = row * classes + output
    margins[at] = (margins[at] as number) + (value[node] as number)
  }
}

/**
 * Gradient boosting for softmax cross-entropy: a tree a class and round, on histograms of at most 63
 * quantile bins. The same table, options and seed give the same trees.
 */
export function boost(table: LabelledTable, options: BoostOptions): TreeModel {
  const { values, features, labels, classes, weights } = table
  const rows = labels.length
  const directions = table.directions ?? new Int8Array(classes * features)
  const columns = binColumns(values, features)
  const usable = Array.from({ length: features }, (_, i) => i).filter(
    (feature) => (columns.edges[feature]?.length ?? 0) > 0,
  )
  const counts = new Float64Array(classes)
  labels.forEach((label, row) => {
    counts[label] = (counts[label] ?? 0) + (weights?.[row] ?? 1)
  })
  const total = counts.reduce((a, b) => a + b, 0)
  const base = Array.from(counts, (count) => Math.log((count + 1) / (total + classes)))
  const margins = Float64Array.from({ length: rows * classes }, (_, i) => base[i % classes] ?? 0)
  const shares = new Float64Array(rows * classes)
  const random = seeded(options.seed)
  const trees: DecisionTree[] = []
  const first = new Float64Array(rows)
  const second = new Float64Array(rows)
  if (usable.length === 0) return { features, base, link: 'softmax', trees }
  for (let round = 0; round < options.rounds; round++) {
    softmaxRows(margins, classes, shares)
    const order = shuffle(
      Int32Array.from({ length: rows }, (_, i) => i),
      random,
    ).slice(0, Math.ceil(rows * options.rowShare))
    order.sort()
    for (let output = 0; output < classes; output++) {
      for (let row = 0; row < rows; row++) {
        const p = shares[row * classes + output] as number
        const weight = weights?.[row] ?? 1
        first[row] = weight * (p - (labels[row] === output ? 1 : 0))
        second[row] = weight * Math.max(1e-12, p * (1 - p))
      }
      const chosen = shuffle([...usable], random)
        .slice(0, Math.ceil(usable.length * options.featureShare))
        .sort((a, b) => a - b)
      const own = directions.subarray(output * features, (output + 1) * features)
      const grower = new TreeGrower(columns, { first, second }, chosen, own, output, options)
      const tree = grower.grow(order.slice())
      trees.push(tree)
      addTree(margins, tree, table)
    }
  }
  return { features, base, link: 'softmax', trees }
}

/** Margins of every row, f64[n][classes]: the reference for the kernels' walk. */
export function marginsOf(model: TreeModel, table: LabelledTable): Float64Array {
  const rows = table.values.length / table.features
  const classes = model.base.length
  const margins = Float64Array.from(
    { length: rows * classes },
    (_, i) => model.base[i % classes] ?? 0,
  )
  for (const tree of model.trees) addTree(margins, tree, table)
  return margins
}

/** Softmax of each row of f64[n][classes]. */
export function softmaxRows(
  margins: Float64Array,
  classes: number,
  into: Float64Array = new Float64Array(margins.length),
): Float64Array {
  for (let row = 0; row < margins.length; row += classes) {
    let most = Number.NEGATIVE_INFINITY
    for (let k = 0; k < classes; k++) most = Math.max(most, margins[row + k] as number)
    let total = 0
    for (let k = 0; k < classes; k++) {
      const share = Math.exp((margins[row + k] as number) - most)
      into[row + k] = share
      total += share
    }
    for (let k = 0; k < classes; k++) into[row + k] = (into[row + k] as number) / total
  }
  return into
}
