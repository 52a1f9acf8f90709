import { type DecisionTree, type TreeModel, TreeModelError } from '../kernels/tree-model.ts'
import { err, ok, type Result } from '../result.ts'
import type { ArtifactFault } from './artifact-fault.ts'
import { type ArtifactHead, type Section, type SectionName, TYPES } from './artifact-format.ts'

type Values = Uint32Array | Int32Array | Float32Array | Float64Array

/** The numbers of a file by name; every one is there once the file's length was checked. */
export class Sections {
  readonly #values: ReadonlyMap<string, Values>

  /** @param bytes as long as the sections reach; copied, so that views are aligned */
  constructor(bytes: Uint8Array, sections: readonly Section[]) {
    this.#values = new Map(
      sections.map(({ name, type, length, offset, bytes: size }) => {
        const own = bytes.slice(offset, offset + size).buffer
        return [name, new TYPES[type](own, 0, length)]
      }),
    )
  }

  of(name: SectionName): Values {
    return this.#values.get(name) ?? new Float64Array(0)
  }

  f32(name: SectionName): Float32Array {
    const values = this.of(name)
    return values instanceof Float32Array ? values : Float32Array.from(values)
  }

  f64(name: SectionName): Float64Array {
    const values = this.of(name)
    return values instanceof Float64Array ? values : Float64Array.from(values)
  }
}

/** Least and greatest of what a section may hold. */
const RANGES = [
  ['gains', -1, 1],
  ['quality', 0, 1],
  ['cost', 0, 1],
  ['centroids', -1.001, 1.001],
  ['wordWeights', 0, 1],
  ['trigramWeights', 0, 1],
  ['wordMargins', -100, 100],
  ['trigramMargins', -100, 100],
  ['providedCentroids', -1.001, 1.001],
] as const satisfies readonly (readonly [SectionName, number, number])[]

/** The first value that is NaN or out of range; gains must also ascend. */
export function checkValues(sections: Sections): ArtifactFault | undefined {
  for (const [section, least, most] of RANGES) {
    const values = sections.of(section)
    for (let index = 0; index < values.length; index++) {
      const value = values[index] ?? Number.NaN
      if (!(value >= least && value <= most)) return { reason: 'bad-value', section, index }
    }
  }
  const gains = sections.f64('gains')
  for (let index = 1; index < gains.length; index++) {
    if ((gains[index] ?? 0) < (gains[index - 1] ?? 0)) {
      return { reason: 'bad-value', section: 'gains', index }
    }
  }
  return undefined
}

const DEFAULT_LEFT = 0x8000_0000

/** The trees of the columns; whether they can be walked is checked where they are laid out. */
export function treesOf(head: ArtifactHead, sections: Sections): Result<TreeModel, ArtifactFault> {
  const starts = sections.of('treeStarts')
  const [left, right, feature, value] = (['left', 'right', 'feature', 'value'] as const).map(
    (name) => sections.of(name),
  )
  const trees: DecisionTree[] = []
  for (let tree = 0; tree < head.trees; tree++) {
    const start = starts[tree] ?? 0
    const end = tree + 1 < head.trees ? (starts[tree + 1] ?? 0) : head.nodes
    if ((tree === 0 && start !== 0) || start >= end || end > head.nodes) {
      const detail = `tree ${tree} has nodes ${start} to ${end} of ${head.nodes}`
      return err({ reason: 'wrong-shape', section: 'treeStarts', detail })
    }
    const part = (column: Values | undefined): number[] =>
      Array.from(column?.slice(start, end) ?? [])
    const features = part(feature)
    const values = part(value)
    trees.push({
      output: sections.of('treeOutputs')[tree] ?? 0,
      left: part(left),
      right: part(right),
      feature: features.map((packed) => packed % DEFAULT_LEFT),
      isDefaultLeft: features.map((packed) => packed >= DEFAULT_LEFT),
      threshold: values,
      value: values,
    })
  }
  return ok({ features: head.features.length, base: head.base, link: 'softmax', trees })
}

/** The same columns of a model, for the file. */
export function columnsOfTrees(model: TreeModel) {
  const columns = {
    treeStarts: [] as number[],
    treeOutputs: [] as number[],
    left: [] as number[],
    right: [] as number[],
    feature: [] as number[],
    value: [] as number[],
  }
  for (const tree of model.trees) {
    columns.treeStarts.push(columns.left.length)
    columns.treeOutputs.push(tree.output)
    tree.left.forEach((left, node) => {
      const isLeaf = left === -1
      columns.left.push(left)
      columns.right.push(tree.right[node] ?? -1)
      columns.feature.push(
        isLeaf ? 0 : (tree.feature[node] ?? 0) + (tree.isDefaultLeft[node] ? DEFAULT_LEFT : 0),
      )
      columns.value.push((isLeaf ? tree.value[node] : tree.threshold[node]) ?? 0)
    })
  }
  return columns
}

/** A tree's fault as the artifact's. @throws what is none */
export const treeFaultOf = (error: unknown): ArtifactFault => {
  if (!(error instanceof TreeModelError)) throw error
  return { reason: 'unsound-trees', pointer: error.pointer, detail: error.message }
}
