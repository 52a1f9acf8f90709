/** Most features of an ensemble: a column's place in bytes must fit 16 bits. */
export const TREE_FEATURES_MAX = 2047
export const TREE_OUTPUTS_MAX = 1024
/** Most nodes of all trees: their places in bytes must fit 32 bits with room for the rest. */
export const TREE_NODES_MAX = 1 << 24
/** Deeper trees are refused: each level is a step for every row. */
export const TREE_DEPTH_MAX = 64

/** One tree, node 0 the root. A row goes left where value < threshold, compared in f32. */
export interface DecisionTree {
  /** The sum that its leaves add to, below the ensemble's `base.length`. */
  readonly output: number
  /** Left child by node; −1 at a leaf. */
  readonly left: readonly number[]
  readonly right: readonly number[]
  readonly feature: readonly number[]
  /** f32 at an inner node. */
  readonly threshold: readonly number[]
  /** Where a NaN goes. */
  readonly isDefaultLeft: readonly boolean[]
  /** What a leaf adds, kept as f32. */
  readonly value: readonly number[]
}

/** How sums become predictions. */
export type Link = 'identity' | 'logistic' | 'softmax' | 'argmax'

export interface TreeModel {
  readonly features: number
  /** Where each output's sum begins. */
  readonly base: readonly number[]
  readonly link: Link
  readonly trees: readonly DecisionTree[]
}

export type TreeModelReason =
  /** Not JSON, a field that is missing or of another kind, or arrays of different lengths. */
  | 'malformed'
  /** Children that are not nodes, a node with two parents, a feature outside the model's. */
  | 'inconsistent'
  /** A threshold, leaf or base that is NaN or infinite. */
  | 'not-finite'
  /** A booster, objective or split that these kernels do not compute. */
  | 'unsupported'
  /** More features, outputs, nodes or levels than the layout holds. */
  | 'too-large'

/** The model cannot be used; `pointer` (RFC 6901) says where in it. */
export class TreeModelError extends Error {
  override readonly name = 'TreeModelError'
  readonly reason: TreeModelReason
  readonly pointer: string

  constructor(reason: TreeModelReason, pointer: string, detail: string) {
    super(`${pointer || '/'}: ${detail}`)
    this.reason = reason
    this.pointer = pointer
  }
}

const checkTree = (tree: DecisionTree, model: TreeModel, at: string): void => {
  const fail = (reason: TreeModelReason, field: string, detail: string): never => {
    throw new TreeModelError(reason, `${at}/${field}`, detail)
  }
  const count = tree.left.length
  if (count === 0) fail('malformed', 'left', 'a tree has at least one node')
  for (const field of ['right', 'feature', 'threshold', 'isDefaultLeft', 'value'] as const) {
    if (tree[field].length !== count) fail('malformed', field, `must have ${count} entries`)
  }
  if (!(Number.isInteger(tree.output) && tree.output >= 0 && tree.output < model.base.length)) {
    fail('inconsistent', 'output', `must be below ${model.base.length}`)
  }
  const depthOf = new Int32Array(count).fill(-1)
  depthOf[0] = 0
  const pending = [0]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const depth = depthOf[node] ?? 0
    if (tree.left[node] === -1) {
      if (!Number.isFinite(tree.value[node])) {
        fail('not-finite', `value/${node}`, 'a leaf must be finite')
      }
      continue
    }
    if (depth === TREE_DEPTH_MAX) fail('too-large', `left/${node}`, 'the tree is too deep')
    const feature = tree.feature[node] ?? -1
    if (!(Number.isInteger(feature) && feature >= 0 && feature < model.features)) {
      fail('inconsistent', `feature/${node}`, `must be below ${model.features}`)
    }
    if (!Number.isFinite(Math.fround(tree.threshold[node] ?? Number.NaN))) {
      fail('not-finite', `threshold/${node}`, 'a threshold must be finite in f32')
    }
    for (const side of ['left', 'right'] as const) {
      const child = tree[side][node] ?? -1
      if (!(Number.isInteger(child) && child >= 0 && child < count)) {
        fail('inconsistent', `${side}/${node}`, 'is not a node')
      }
      if (depthOf[child] !== -1) fail('inconsistent', `${side}/${node}`, 'has another parent')
      depthOf[child] = depth + 1
      pending.push(child)
    }
  }
}

/** @throws TreeModelError unless every row can be walked to a finite leaf of every tree */
export function checkTreeModel(model: TreeModel): void {
  const { features, base, trees } = model
  if (!(Number.isInteger(features) && features >= 1)) {
    throw new TreeModelError('malformed', '/features', 'must be a whole number ≥ 1')
  }
  if (features > TREE_FEATURES_MAX) {
    throw new TreeModelError('too-large', '/features', `at most ${TREE_FEATURES_MAX}`)
  }
  if (base.length < 1 || base.length > TREE_OUTPUTS_MAX) {
    throw new TreeModelError('too-large', '/base', `1 to ${TREE_OUTPUTS_MAX} outputs`)
  }
  base.forEach((value, i) => {
    if (!Number.isFinite(value)) throw new TreeModelError('not-finite', `/base/${i}`, 'not finite')
  })
  const nodes = trees.reduce((total, tree) => total + tree.left.length, 0)
  if (nodes > TREE_NODES_MAX) {
    throw new TreeModelError('too-large', '/trees', `at most ${TREE_NODES_MAX} nodes`)
  }
  trees.forEach((tree, i) => {
    checkTree(tree, model, `/trees/${i}`)
  })
}
