/**
 * Gradient-boosted decision trees over batches of rows.
 *
 * A row's values become ranks first: rank(x) = how many of the feature's thresholds are ≤ x, so
 * "x < threshold k" is "rank ≤ k", exactly, and a rank fits a byte. Each feature has two columns of
 * ranks, one in which a NaN is below every threshold and one in which it is above all of them; a
 * node reads the column of its default direction and needs no test for NaN.
 *
 * Ensemble, little-endian, aligned to 16; offsets are bytes from its beginning:
 *
 *   header   i32 features, i32 trees, i32 outputs, i32 rank bytes (1 or 2: the type R below),
 *            u32 offsets of: threshold starts, thresholds, base, trees
 *   threshold starts  u32[features + 1], indexes into thresholds
 *   thresholds        f32[], ascending and distinct within a feature. For ranks of one byte each
 *                     feature has every 16th of them (16, the rest NaN), then all of them, then 1
 *                     to 16 NaN to a multiple of 16
 *   base              f64[outputs], where each sum begins
 *   trees             one behind the other, each:
 *     i32 bytes of this tree, multiple of 16 · i32 output · i32 levels below the upper four ·
 *     i32 1 where linked
 *     u16[16] column in bytes, R[16] rank: the upper four levels in heap order (the last is unused)
 *     complete (up to 8 levels), with h the place in a heap whose root is 1:
 *       {u16 column in bytes, i16 rank} for h = 16…2^levels − 1, then f32 leaves in order
 *     linked (deeper):
 *       u32[16] node below each place, in bytes from the first node
 *       u32 offset of the values from the first node, u32[3] 0
 *       nodes {u32 left child (the right one is behind it), u16 column in bytes, i16 rank}; a leaf
 *       is its own left child and sends every row there
 *       f32 value for each node, read at leaves
 *
 * A leaf above the last level is repeated below: its place is reached whichever way rows go there.
 * Ranks are stored less 128 (i8) or 32768 (i16): SIMD compares bytes as signed. A row goes right
 * where its rank is above the node's.
 */

const HEADER_THRESHOLD_STARTS: usize = 16
const HEADER_THRESHOLDS: usize = 20
const HEADER_BASE: usize = 24
const HEADER_TREES: usize = 28

const TREE_OUTPUT: usize = 4
const TREE_LEVELS: usize = 8
const TREE_IS_LINKED: usize = 12
const TREE_COLUMNS: usize = 16
const TREE_RANKS: usize = 48

/** Linked: the entries and the offset of the values. */
const LINKS_BYTES: usize = 80

/** Bytes of one column of ranks: 16 rows of i8 or 8 rows of i16. */
const COLUMN_BYTES: usize = 16

/** Bytes of working space for an ensemble. */
export function trees_work_bytes(features: i32, outputs: i32): usize {
  return COLUMN_BYTES * (<usize>features * 2 + 1) + ((<usize>outputs * 16) << 3)
}

/** How many of 16 ascending f32, NaN at the end, are ≤ x. */
// @ts-ignore: decorator
@inline
function countOf16(thresholds: usize, x_f32x4: v128): usize {
  const low = i16x8.narrow_i32x4_s(
    f32x4.le(v128.load(thresholds), x_f32x4), f32x4.le(v128.load(thresholds, 16), x_f32x4),
  )
  const high = i16x8.narrow_i32x4_s(
    f32x4.le(v128.load(thresholds, 32), x_f32x4), f32x4.le(v128.load(thresholds, 48), x_f32x4),
  )
  return <usize>popcnt(i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)))
}

/** Thresholds ≤ x of at most 255: which run of 16, then where in it; 0 for NaN. */
// @ts-ignore: decorator
@inline
function rankOfByte(x: f32, thresholds: usize): i32 {
  const x_f32x4 = f32x4.splat(x)
  const run = countOf16(thresholds, x_f32x4)
  return <i32>((run << 4) + countOf16(thresholds + 64 + (run << 6), x_f32x4))
}

/** Thresholds ≤ x of `count`; 0 for NaN. A product in place of a branch that no one could predict. */
// @ts-ignore: decorator
@inline
function rankOfWord(x: f32, thresholds: usize, count: i32): i32 {
  let base = thresholds
  let rest = count
  while (rest > 1) {
    const half = rest >>> 1
    base += (<usize>half << 2) * <usize>(load<f32>(base + (<usize>half << 2) - 4) <= x)
    rest -= half
  }
  const below = <i32>((base - thresholds) >>> 2)
  return rest == 1 ? below + i32(load<f32>(base) <= x) : below
}

// @ts-ignore: decorator
@inline
function rankColumns<T>(
  rows: usize, count: i32, features: i32, ensemble: usize, columns: usize,
): void {
  const bias = sizeof<T>() == 1 ? 128 : 32768
  const starts = ensemble + load<u32>(ensemble, HEADER_THRESHOLD_STARTS)
  const thresholds = ensemble + load<u32>(ensemble, HEADER_THRESHOLDS)
  for (let feature = 0; feature < features; feature++) {
    const start = load<u32>(starts + (<usize>feature << 2))
    const own = thresholds + (<usize>start << 2)
    const length = <i32>(load<u32>(starts + (<usize>feature << 2), 4) - start)
    const column = columns + <usize>feature * 2 * COLUMN_BYTES
    for (let row = 0; row < count; row++) {
      const x = load<f32>(rows + (<usize>(row * features + feature) << 2))
      const at = column + <usize>row * sizeof<T>()
      const rank = (sizeof<T>() == 1 ? rankOfByte(x, own) : rankOfWord(x, own, length)) - bias
      store<T>(at, <T>rank)
      store<T>(at, x == x ? <T>rank : <T>(bias - 1), COLUMN_BYTES)
    }
  }
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

/** Where row `row` of eight goes from `at`; `own` is the ranks' place of the first. */
// @ts-ignore: decorator
@inline
function below<T>(nodes: usize, own: usize, at: usize, row: usize): usize {
  const node = nodes + (at << 2)
  const rank = load<T>(own + load<u16>(node) + row * sizeof<T>())
  return at + at + <usize>(<i32>rank > <i32>load<i16>(node, 2))
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
  const nodes = tree + TREE_RANKS + 16 * width - 16 * 4
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
    let node = <usize>load<u32>(entries + (place << 2))
    for (let level = levels; level > 0; level--) {
      const at = nodes + node
      const isRight = <i32>load<T>(own + load<u16>(at, 4)) > <i32>load<i16>(at, 6)
      node = <usize>load<u32>(at) + (<usize>isRight << 3)
    }
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
 * @param ensemble laid out as above        @param work trees_work_bytes(features, outputs)
 * @param output f64[count][outputs]
 * Accuracy: the same leaves as a walk in f32; sums in f64, in the order of the trees.
 */
export function trees_margins_f32(
  rows: usize, count: i32, ensemble: usize, work: usize, output: usize,
): void {
  if (load<i32>(ensemble, 12) == 1) margins<i8>(rows, count, ensemble, work, output)
  else margins<i16>(rows, count, ensemble, work, output)
}
