/**
 * Gradient-boosted decision trees over batches of rows.
 *
 * A row's values become ranks first: rank(x) = how many of the feature's thresholds are ≤ x, so
 * "x < threshold k" is "rank ≤ k", exactly, and a rank fits a byte. Each feature has two columns of
 * ranks, one in which a NaN is below every threshold and one in which it is above all of them; a
 * node reads the column of its default direction and needs no test for NaN.
 * Source of the layout: tree-format.ts.
 */
import { answers_work_bytes, marginsByAnswers } from './tree-answers'
import {
  COLUMN_BYTES, HEADER_ANSWER_BYTES, HEADER_BASE, HEADER_TREES, LINKS_BYTES, nodesOf, TREE_COLUMNS,
  TREE_IS_LINKED, TREE_LEVELS, TREE_OUTPUT, TREE_RANKS,
} from './tree-format'
import { rankColumns } from './tree-ranks'
import { below, walk, walkLinks } from './tree-walk'

/** So few rows walk through the trees one by one: columns of 16 would be nearly empty. */
const WALKED_ROWS_MAX: i32 = 2

/** So many rows answer all tests in less time than they compare ranks. */
const ANSWERED_ROWS_MIN: i32 = 48

/** Bytes of working space for an ensemble. */
export function trees_work_bytes(features: i32, outputs: i32, answerBytes: i32): usize {
  const columns = COLUMN_BYTES * (<usize>features * 2 + 1) + ((<usize>outputs * 16) << 3)
  return max(columns, answers_work_bytes(outputs, answerBytes))
}

/** Lanes of all ones for the rows that go right at node n of a tree's upper levels. */
// @ts-ignore: decorator
@inline
function goesRight<T>(columns: usize, tree: usize, n: usize): v128 {
  const column = columns + load<u16>(tree + TREE_COLUMNS + 2 * n)
  return v128.gt<T>(v128.load(column), v128.load_splat<T>(tree + TREE_RANKS + n * sizeof<T>()))
}

/** Where each row leaves the upper four levels, 0…15 from left to right. */
// @ts-ignore: decorator
@inline
function leaveUpper<T>(columns: usize, tree: usize): v128 {
  const right0 = goesRight<T>(columns, tree, 0)
  const right1 = goesRight<T>(columns, tree, 1)
  const right2 = goesRight<T>(columns, tree, 2)
  const bit2 = v128.bitselect(right2, right1, right0)
  const low1 = v128.bitselect(
    goesRight<T>(columns, tree, 4), goesRight<T>(columns, tree, 3), right1,
  )
  const high1 = v128.bitselect(
    goesRight<T>(columns, tree, 6), goesRight<T>(columns, tree, 5), right2,
  )
  const bit1 = v128.bitselect(high1, low1, right0)
  // The last of the four levels: halved by the level above, then by those above it.
  const low0 = v128.bitselect(
    v128.bitselect(goesRight<T>(columns, tree, 10), goesRight<T>(columns, tree, 9), low1),
    v128.bitselect(goesRight<T>(columns, tree, 8), goesRight<T>(columns, tree, 7), low1),
    right1,
  )
  const high0 = v128.bitselect(
    v128.bitselect(goesRight<T>(columns, tree, 14), goesRight<T>(columns, tree, 13), high1),
    v128.bitselect(goesRight<T>(columns, tree, 12), goesRight<T>(columns, tree, 11), high1),
    right2,
  )
  const bit0 = v128.bitselect(high0, low0, right0)
  return v128.or(
    v128.or(v128.and(right0, v128.splat<T>(8)), v128.and(bit2, v128.splat<T>(4))),
    v128.or(v128.and(bit1, v128.splat<T>(2)), v128.and(bit0, v128.splat<T>(1))),
  )
}

// @ts-ignore: decorator
@inline
function addLeaf(nodes: usize, at: usize, sum: usize, row: usize): void {
  const total = sum + row * 8
  store<f64>(total, load<f64>(total) + <f64>load<f32>(nodes + (at << 2)))
}

/**
 * Adds the leaves of a complete tree, in eights of rows: what the last of them lack leads somewhere
 * too. Eight rows take a step before one takes the next: the steps of a row wait for each
 * other, and a core looks no further ahead than some rows.
 */
// @ts-ignore: decorator
@inline
function addComplete<T>(
  tree: usize, columns: usize, places: usize, length: i32, sums: usize,
): void {
  const width = sizeof<T>()
  const nodes = nodesOf(tree, width)
  const levels = load<i32>(tree, TREE_LEVELS)
  let own = columns
  let sum = sums
  const end = places + <usize>length * width
  for (let place = places; place < end; place += 8 * width) {
    let at0 = <usize>(16 + <i32>load<T>(place))
    let at1 = <usize>(16 + <i32>load<T>(place + width))
    let at2 = <usize>(16 + <i32>load<T>(place + 2 * width))
    let at3 = <usize>(16 + <i32>load<T>(place + 3 * width))
    let at4 = <usize>(16 + <i32>load<T>(place + 4 * width))
    let at5 = <usize>(16 + <i32>load<T>(place + 5 * width))
    let at6 = <usize>(16 + <i32>load<T>(place + 6 * width))
    let at7 = <usize>(16 + <i32>load<T>(place + 7 * width))
    for (let level = levels; level > 0; level--) {
      at0 = below<T>(nodes, own, at0, 0)
      at1 = below<T>(nodes, own, at1, 1)
      at2 = below<T>(nodes, own, at2, 2)
      at3 = below<T>(nodes, own, at3, 3)
      at4 = below<T>(nodes, own, at4, 4)
      at5 = below<T>(nodes, own, at5, 5)
      at6 = below<T>(nodes, own, at6, 6)
      at7 = below<T>(nodes, own, at7, 7)
    }
    addLeaf(nodes, at0, sum, 0)
    addLeaf(nodes, at1, sum, 1)
    addLeaf(nodes, at2, sum, 2)
    addLeaf(nodes, at3, sum, 3)
    addLeaf(nodes, at4, sum, 4)
    addLeaf(nodes, at5, sum, 5)
    addLeaf(nodes, at6, sum, 6)
    addLeaf(nodes, at7, sum, 7)
    own += 8 * width
    sum += 64
  }
}

/** Adds the leaves of a tree too deep to be filled up. */
// @ts-ignore: decorator
@inline
function addLinked<T>(tree: usize, columns: usize, places: usize, length: i32, sum: usize): void {
  const levels = load<i32>(tree, TREE_LEVELS)
  const entries = tree + TREE_RANKS + 16 * sizeof<T>()
  const nodes = entries + LINKS_BYTES
  const values = nodes + load<u32>(entries, 64)
  for (let row = 0; row < length; row++) {
    const own = columns + <usize>row * sizeof<T>()
    const place = <usize>load<T>(places + <usize>row * sizeof<T>())
    const node = walkLinks<T>(nodes, load<u32>(entries + (place << 2)), own, levels)
    const total = sum + (<usize>row << 3)
    store<f64>(total, load<f64>(total) + <f64>load<f32>(values + (node >> 1)))
  }
}

// @ts-ignore: decorator
@inline
function margins<T>(rows: usize, count: i32, ensemble: usize, work: usize, output: usize): void {
  const lanes = <i32>(COLUMN_BYTES / sizeof<T>())
  const features = load<i32>(ensemble)
  const outputs = load<i32>(ensemble, 8)
  const base = ensemble + load<u32>(ensemble, HEADER_BASE)
  const places = work // where each row stands in the tree
  const sums = work + COLUMN_BYTES // f64[outputs][lanes]
  const columns = sums + ((<usize>outputs * 16) << 3)
  for (let start = 0; start < count; start += lanes) {
    const rest = count - start
    const length = rest < lanes ? rest : lanes
    const batch = rows + (<usize>(start * features) << 2)
    rankColumns<T>(batch, length, features, ensemble, columns)
    for (let i = 0; i < outputs; i++) {
      const from = load<f64>(base + (<usize>i << 3))
      for (let row = 0; row < lanes; row++) {
        store<f64>(sums + (<usize>(i * lanes + row) << 3), from)
      }
    }
    let tree = ensemble + load<u32>(ensemble, HEADER_TREES)
    for (let i = load<i32>(ensemble, 4); i > 0; i--) {
      v128.store(places, leaveUpper<T>(columns, tree))
      const sum = sums + <usize>(load<i32>(tree, TREE_OUTPUT) * lanes) * 8
      if (load<i32>(tree, TREE_IS_LINKED)) addLinked<T>(tree, columns, places, length, sum)
      else addComplete<T>(tree, columns, places, length, sum)
      tree += load<u32>(tree)
    }
    for (let row = 0; row < length; row++) {
      const target = output + (<usize>((start + row) * outputs) << 3)
      for (let i = 0; i < outputs; i++) {
        store<f64>(target + (<usize>i << 3), load<f64>(sums + (<usize>(i * lanes + row) << 3)))
      }
    }
  }
}

/**
 * Sums of the leaves that each row reaches, on top of the base.
 *
 * @param rows f32[count][features], row by row; NaN goes each node's default way
 * @param ensemble laid out as above
 * @param work trees_work_bytes(features, outputs, bytes of the answers, or 0 for fewer than 48 rows),
 *   aligned to 16
 * @param output f64[count][outputs]
 * Accuracy: the same leaves as a walk in f32; sums in f64, in the order of the trees.
 */
export function trees_margins_f32(
  rows: usize, count: i32, ensemble: usize, work: usize, output: usize,
): void {
  const isByte = load<i32>(ensemble, 12) == 1
  if (count <= WALKED_ROWS_MAX) {
    if (isByte) walk<i8>(rows, count, ensemble, work, output)
    else walk<i16>(rows, count, ensemble, work, output)
    return
  }
  let answered = 0
  if (count >= ANSWERED_ROWS_MIN && load<u32>(ensemble, HEADER_ANSWER_BYTES) > 0) {
    const rest = count & 127
    answered = rest < ANSWERED_ROWS_MIN ? count - rest : count
    marginsByAnswers(rows, answered, ensemble, work, output)
  }
  const from = rows + (<usize>(answered * load<i32>(ensemble)) << 2)
  const to = output + (<usize>(answered * load<i32>(ensemble, 8)) << 3)
  if (isByte) margins<i8>(from, count - answered, ensemble, work, to)
  else margins<i16>(from, count - answered, ensemble, work, to)
}
