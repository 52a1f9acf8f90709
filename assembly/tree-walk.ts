/** Rows that go through the trees of trees.ts one step after the other. */
import {
  HEADER_BASE, HEADER_TREES, LINKS_BYTES, nodesOf, TREE_COLUMNS, TREE_IS_LINKED, TREE_LEVELS,
  TREE_OUTPUT, TREE_RANKS,
} from './tree-format'
import { rankColumns } from './tree-ranks'

/** Where row `row` of eight goes from `at`; `own` is the ranks' place of the first. */
// @ts-ignore: decorator
@inline
export function below<T>(nodes: usize, own: usize, at: usize, row: usize): usize {
  const node = nodes + (at << 2)
  const rank = load<T>(own + load<u16>(node) + row * sizeof<T>())
  return at + at + <usize>(<i32>rank > <i32>load<i16>(node, 2))
}

/** Where a row comes to in a linked tree, in bytes from the first node. */
// @ts-ignore: decorator
@inline
export function walkLinks<T>(nodes: usize, entry: usize, own: usize, levels: i32): usize {
  let node = entry
  for (let level = levels; level > 0; level--) {
    const at = nodes + node
    const isRight = <i32>load<T>(own + load<u16>(at, 4)) > <i32>load<i16>(at, 6)
    node = <usize>load<u32>(at) + (<usize>isRight << 3)
  }
  return node
}

/** From a place among the upper levels' to the one below. */
// @ts-ignore: decorator
@inline
function stepUpper<T>(tree: usize, own: usize, at: usize): usize {
  const rank = load<T>(tree + TREE_RANKS - sizeof<T>() + at * sizeof<T>())
  const column = load<u16>(tree + TREE_COLUMNS - 2 + (at << 1))
  return at + at + <usize>(<i32>load<T>(own + column) > <i32>rank)
}

/** The leaf of one row, `own` its place in the first column. */
// @ts-ignore: decorator
@inline
function leafOf<T>(tree: usize, own: usize): f32 {
  const levels = load<i32>(tree, TREE_LEVELS)
  let at = stepUpper<T>(tree, own, stepUpper<T>(tree, own, 1))
  at = stepUpper<T>(tree, own, stepUpper<T>(tree, own, at))
  if (load<i32>(tree, TREE_IS_LINKED)) {
    const entries = tree + TREE_RANKS + 16 * sizeof<T>()
    const nodes = entries + LINKS_BYTES
    const entry = load<u32>(entries + ((at - 16) << 2))
    const node = walkLinks<T>(nodes, entry, own, levels)
    return load<f32>(nodes + load<u32>(entries, 64) + (node >> 1))
  }
  const nodes = nodesOf(tree, sizeof<T>())
  for (let level = levels; level > 0; level--) at = below<T>(nodes, own, at, 0)
  return load<f32>(nodes + (at << 2))
}

/** Margins of a few rows, one by one. */
// @ts-ignore: decorator
@inline
export function walk<T>(rows: usize, count: i32, ensemble: usize, work: usize, output: usize): void {
  const features = load<i32>(ensemble)
  const outputs = <usize>load<i32>(ensemble, 8)
  rankColumns<T>(rows, count, features, ensemble, work)
  for (let row: usize = 0; row < <usize>count; row++) {
    const sums = output + row * (outputs << 3)
    memory.copy(sums, ensemble + load<u32>(ensemble, HEADER_BASE), outputs << 3)
    let tree = ensemble + load<u32>(ensemble, HEADER_TREES)
    for (let i = load<i32>(ensemble, 4); i > 0; i--) {
      const sum = sums + (<usize>load<i32>(tree, TREE_OUTPUT) << 3)
      store<f64>(sum, load<f64>(sum) + <f64>leafOf<T>(tree, work + row * sizeof<T>()))
      tree += load<u32>(tree)
    }
  }
}
