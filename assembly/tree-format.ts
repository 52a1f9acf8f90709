/**
 * Ensemble, little-endian, aligned to 16; offsets are bytes from its beginning:
 *
 *   header   i32 features, i32 trees, i32 outputs, i32 rank bytes (1 or 2: the type R below),
 *            u32 offsets of: threshold starts, thresholds, base, trees; u32 bytes of the answers of
 *            tree-answers.ts (0: rows always compare), u32 offset of tests, u32[2] 0
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
 *   tests             where answers are used, tree by tree: u32 place of a test's answers, in bytes, for
 *                     h = 0…2^levels − 1 (the first is unused)
 *
 * A leaf above the last level is repeated below: its place is reached whichever way rows go there.
 * Ranks are stored less 128 (i8) or 32768 (i16): SIMD compares bytes as signed. A row goes right
 * where its rank is above the node's.
 */
export const HEADER_THRESHOLD_STARTS: usize = 16
export const HEADER_THRESHOLDS: usize = 20
export const HEADER_BASE: usize = 24
export const HEADER_TREES: usize = 28
export const HEADER_ANSWER_BYTES: usize = 32
export const HEADER_TESTS: usize = 36

export const TREE_OUTPUT: usize = 4
export const TREE_LEVELS: usize = 8
export const UPPER_LEVELS: i32 = 4
export const TREE_IS_LINKED: usize = 12
export const TREE_COLUMNS: usize = 16
export const TREE_RANKS: usize = 48

/** Linked: the entries and the offset of the values. */
export const LINKS_BYTES: usize = 80

/** Bytes of one column of ranks: 16 rows of i8 or 8 rows of i16. */
export const COLUMN_BYTES: usize = 16

/** Where place 0 of a complete tree's lower heap would be. */
// @ts-ignore: decorator
@inline
export function nodesOf(tree: usize, rankBytes: usize): usize {
  return tree + TREE_RANKS + 16 * rankBytes - 16 * 4
}
