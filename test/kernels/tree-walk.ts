import type { DecisionTree, TreeModel } from '../../src/kernels/tree-model.ts'

/** The definition: each row down each tree, one node at a time, compared in f32. */
export function walk(model: TreeModel, rows: Float32Array): Float64Array {
  const count = rows.length / model.features
  const sums = new Float64Array(count * model.base.length)
  for (let row = 0; row < count; row++) {
    const at = row * model.base.length
    model.base.forEach((base, output) => {
      sums[at + output] = base
    })
    for (const tree of model.trees) {
      let node = 0
      for (let left = tree.left[0] ?? -1; left !== -1; left = tree.left[node] ?? -1) {
        const x = rows[row * model.features + (tree.feature[node] ?? 0)] ?? Number.NaN
        const goesLeft = Number.isNaN(x)
          ? tree.isDefaultLeft[node]
          : x < Math.fround(tree.threshold[node] ?? 0)
        node = goesLeft ? left : (tree.right[node] ?? 0)
      }
      sums[at + tree.output] = (sums[at + tree.output] ?? 0) + (tree.value[node] ?? 0)
    }
  }
  return sums
}

export interface RandomTrees {
  readonly trees: number
  readonly features: number
  readonly outputs: number
  readonly depth: number
  /** Chance that a node above the greatest depth is a leaf. */
  readonly leafShare: number
  /** Thresholds a feature; values stand on them, between them and beyond them. */
  readonly thresholds: number
}

/** An ensemble of the given shape; nodes in the order of a walk in depth. */
export function randomModel(shape: RandomTrees, uniform: () => number): TreeModel {
  const whole = (below: number) => Math.floor(uniform() * below)
  const treeOf = (output: number): DecisionTree => {
    const left: number[] = []
    const right: number[] = []
    const feature: number[] = []
    const threshold: number[] = []
    const isDefaultLeft: boolean[] = []
    const value: number[] = []
    const grow = (depth: number): number => {
      const node = left.length
      const isLeaf = depth === shape.depth || uniform() < shape.leafShare
      left.push(-1)
      right.push(-1)
      feature.push(whole(shape.features))
      threshold.push((whole(shape.thresholds) - (shape.thresholds >> 1)) / 8)
      isDefaultLeft.push(uniform() < 0.5)
      value.push(isLeaf ? Math.fround(uniform() - 0.5) : 0)
      if (!isLeaf) {
        left[node] = grow(depth + 1)
        right[node] = grow(depth + 1)
      }
      return node
    }
    grow(0)
    return { output, left, right, feature, threshold, isDefaultLeft, value }
  }
  return {
    features: shape.features,
    base: Array.from({ length: shape.outputs }, (_, i) => i / 4 - 0.3),
    link: 'identity',
    trees: Array.from({ length: shape.trees }, (_, i) => treeOf(i % shape.outputs)),
  }
}

/** Rows for such a model: on thresholds, between them, beyond them, and one in eight missing. */
export function randomRows(
  count: number,
  { features, thresholds }: RandomTrees,
  uniform: () => number,
): Float32Array {
  return Float32Array.from({ length: count * features }, () => {
    const x = (Math.floor(uniform() * (thresholds + 2) * 2) / 2 - (thresholds >> 1) - 1) / 8
    const kind = uniform()
    if (kind < 0.125) return Number.NaN
    if (kind < 0.14) return Number.POSITIVE_INFINITY
    if (kind < 0.155) return Number.NEGATIVE_INFINITY
    return x
  })
}
