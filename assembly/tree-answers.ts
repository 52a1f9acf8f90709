/**
 * Trees over many rows at a time: up to 128 rows answer every test of the ensemble at once, a bit each,
 * and a tree is then a network that selects among bits, with no branch and no address that depends on a
 * row. The ensemble is that of tree-format.ts; all of its trees are complete.
 *
 * The answers of a feature with T thresholds, or its place for them: bits[T] with NaN left, one more
 * that is used while they are made, bits[T] with NaN right. Bit row is 1 where the row goes right.
 */
import {
  HEADER_BASE, HEADER_TESTS, HEADER_THRESHOLD_STARTS, HEADER_THRESHOLDS, HEADER_TREES, nodesOf,
  TREE_LEVELS, TREE_OUTPUT, UPPER_LEVELS,
} from './tree-format'
import { fillPlaces, fillPlanes } from './tree-network'
import { rankOf } from './tree-ranks'

/** Rows of a block: the bits of one vector. */
const BLOCK_ROWS: i32 = 128

/** Trees whose leaves are looked up together. */
const TREES_AT_ONCE: i32 = 16

/** Working space: for each of those trees where the rows stand, in bits by level and as u16. */
const PLANES_BYTES: usize = 128
const PLACES_BYTES: usize = 256
const PLACES: usize = 2048
const NEXT: usize = 6144 // where the next tests are
const SUMS: usize = 6160

/** Bytes of working space: answers of answerBytes, and what is made of them. */
export function answers_work_bytes(outputs: i32, answerBytes: i32): usize {
  return SUMS + <usize>(outputs * BLOCK_ROWS) * 8 + answerBytes
}

/** Fills the answers: the rows of each rank, joined from the highest rank down. */
function fillAnswers(rows: usize, count: i32, features: i32, ensemble: usize, answers: usize): void {
  const isByte = load<i32>(ensemble, 12) == 1
  const thresholds = ensemble + load<u32>(ensemble, HEADER_THRESHOLDS)
  let start = ensemble + load<u32>(ensemble, HEADER_THRESHOLD_STARTS)
  let own = answers
  for (let feature = 0; feature < features; feature++) {
    const its = thresholds + (<usize>load<u32>(start) << 2)
    const size = load<i32>(start, 4) - load<i32>(start)
    start += 4
    // The first 16 of a rank of one byte are found again behind them.
    const last = own + (<usize>(isByte ? size - 16 : size) << 4)
    for (let at = own; at <= last; at += 16) v128.store(at, i64x2.splat(0))
    let missingLow: u64 = 0
    let missingHigh: u64 = 0
    for (let row = 0; row < count; row++) {
      const x = load<f32>(rows + (<usize>(row * features + feature) << 2))
      const byte = own + (<usize>rankOf(x, its, size, isByte) << 4) + (row >> 3)
      store<u8>(byte, load<u8>(byte) | (<u8>1 << <u8>(row & 7)))
      const isMissing = <u64>(x != x) << (row & 63)
      if (row < 64) missingLow |= isMissing
      else missingHigh |= isMissing
    }
    const missing = i64x2.replace_lane(i64x2.splat(missingLow), 1, missingHigh)
    const right = last - own + 16
    let above = v128.load(last)
    for (let at = last; at > own; ) {
      at -= 16
      const equal = v128.load(at)
      v128.store(at, above)
      v128.store(at + right, v128.or(above, missing))
      above = v128.or(above, equal)
    }
    own = last + right
  }
}

// @ts-ignore: decorator
@inline
function addTwo(leaves: usize, places: usize, sums: usize, pair: usize): void {
  const low = leaves + load<u16>(places + (pair << 2))
  const high = leaves + load<u16>(places + (pair << 2), 2)
  const both = v128.load_lane<u32>(high, v128.load_zero<u32>(low), 1)
  const sum = sums + (pair << 4)
  v128.store(sum, f64x2.add(v128.load(sum), f64x2.promote_low_f32x4(both)))
}

/** Adds the leaves of 16 rows to their sums. */
// @ts-ignore: decorator
@inline
function addLeaves(leaves: usize, places: usize, sums: usize): void {
  addTwo(leaves, places, sums, 0)
  addTwo(leaves, places, sums, 1)
  addTwo(leaves, places, sums, 2)
  addTwo(leaves, places, sums, 3)
  addTwo(leaves, places, sums, 4)
  addTwo(leaves, places, sums, 5)
  addTwo(leaves, places, sums, 6)
  addTwo(leaves, places, sums, 7)
}

/**
 * Adds the leaves of some trees. Each step is done for all of them before the next: within one tree a
 * step waits for the one before, and a tree has more instructions than a core looks ahead.
 *
 * @returns address of the tree behind them; that of its tests stands in the working space
 */
// @ts-ignore: decorator
@inline
function addTrees(
  first: usize, firstTests: usize, length: i32, count: i32, width: usize, answers: usize, work: usize,
): usize {
  const groups = <usize>((count + 15) >> 4)
  let tree = first
  let tests = firstTests
  let planes = work
  for (let i = 0; i < length; i++) {
    const levels = UPPER_LEVELS + load<i32>(tree, TREE_LEVELS)
    fillPlanes(tests, answers, levels, planes)
    tests += <usize>4 << levels
    tree += load<u32>(tree)
    planes += PLANES_BYTES
  }
  tree = first
  planes = work
  let places = work + PLACES
  for (let i = 0; i < length; i++) {
    const levels = UPPER_LEVELS + load<i32>(tree, TREE_LEVELS)
    for (let group: usize = 0; group < groups; group++) {
      fillPlaces(planes, levels, group, places + (group << 5))
    }
    tree += load<u32>(tree)
    planes += PLANES_BYTES
    places += PLACES_BYTES
  }
  tree = first
  places = work + PLACES
  for (let i = 0; i < length; i++) {
    const sums = work + SUMS + (<usize>(load<i32>(tree, TREE_OUTPUT) * BLOCK_ROWS) << 3)
    const leaves = nodesOf(tree, width) + (<usize>4 << (UPPER_LEVELS + load<i32>(tree, TREE_LEVELS)))
    for (let group: usize = 0; group < groups; group++) {
      addLeaves(leaves, places + (group << 5), sums + (group << 7))
    }
    tree += load<u32>(tree)
    places += PLACES_BYTES
  }
  store<u32>(work, tests, NEXT)
  return tree
}

/** Margins of at most 128 rows. */
function marginsOf(rows: usize, count: i32, ensemble: usize, work: usize, output: usize): void {
  const features = load<i32>(ensemble)
  const outputs = load<i32>(ensemble, 8)
  const sums = work + SUMS // f64[outputs][128]
  const answers = sums + (<usize>(outputs * BLOCK_ROWS) << 3)
  fillAnswers(rows, count, features, ensemble, answers)
  const base = ensemble + load<u32>(ensemble, HEADER_BASE)
  for (let i = 0; i < outputs; i++) {
    const from = v128.load_splat<u64>(base + (<usize>i << 3))
    const own = sums + (<usize>(i * BLOCK_ROWS) << 3)
    for (let at = own; at < own + BLOCK_ROWS * 8; at += 16) v128.store(at, from)
  }
  let tree = ensemble + load<u32>(ensemble, HEADER_TREES)
  store<u32>(work, ensemble + load<u32>(ensemble, HEADER_TESTS), NEXT)
  for (let rest = load<i32>(ensemble, 4); rest > 0; rest -= TREES_AT_ONCE) {
    const length = rest < TREES_AT_ONCE ? rest : TREES_AT_ONCE
    tree = addTrees(tree, load<u32>(work, NEXT), length, count, load<u32>(ensemble, 12), answers, work)
  }
  let target = output
  for (let row = 0; row < count; row++) {
    for (let i = 0; i < outputs; i++) {
      store<f64>(target, load<f64>(sums + (<usize>(i * BLOCK_ROWS + row) << 3)))
      target += 8
    }
  }
}

/**
 * As trees_margins_f32.
 * @param work answers_work_bytes(outputs, bytes of the answers), aligned to 16
 */
export function marginsByAnswers(
  rows: usize, count: i32, ensemble: usize, work: usize, output: usize,
): void {
  const rowBytes = <usize>load<i32>(ensemble) << 2
  const outputBytes = <usize>load<i32>(ensemble, 8) << 3
  for (let start = 0; start < count; start += BLOCK_ROWS) {
    const rest = count - start
    const block = rows + <usize>start * rowBytes
    const target = output + <usize>start * outputBytes
    marginsOf(block, min(rest, BLOCK_ROWS), ensemble, work, target)
  }
}
