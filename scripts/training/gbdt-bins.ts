/** Bins of one feature at most; the last of BIN_STRIDE is that of NaN. */
const BINS_MAX = 63
export const BIN_STRIDE = BINS_MAX + 1
export const MISSING_BIN = BINS_MAX

/** Columns of small whole numbers in place of values. */
export interface BinnedColumns {
  readonly rows: number
  readonly features: number
  /** u8[features][rows]: the bin of each value. */
  readonly bins: Uint8Array
  /** Ascending f32 of each feature: a value is in bin b where edges[b − 1] ≤ value < edges[b]. */
  readonly edges: readonly Float32Array[]
}

const edgesOf = (sorted: Float32Array): Float32Array => {
  const edges: number[] = []
  const step = sorted.length / BINS_MAX
  for (let bin = 1; bin < BINS_MAX; bin++) {
    const at = Math.min(sorted.length - 1, Math.round(bin * step))
    const above = sorted[at] ?? 0
    // The greatest value below, so that the edge lies between two that occur.
    let before = at
    while (before >= 0 && sorted[before] === above) before--
    if (before < 0) continue
    const below = sorted[before] ?? 0
    const middle = Math.fround((below + above) / 2)
    const edge = middle > below ? middle : above
    if (edge !== edges.at(-1)) edges.push(edge)
  }
  return Float32Array.from(edges)
}

const binOf = (edges: Float32Array, value: number): number => {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (value < (edges[middle] ?? 0)) high = middle
    else low = middle + 1
  }
  return low
}

/** @param table f32[rows][features] */
export function binColumns(table: Float32Array, features: number): BinnedColumns {
  const rows = table.length / features
  const bins = new Uint8Array(table.length)
  const edges = Array.from({ length: features }, (_, feature) => {
    const column = Float32Array.from(
      { length: rows },
      (_, row) => table[row * features + feature] ?? 0,
    )
    const own = edgesOf(column.filter((value) => !Number.isNaN(value)).sort())
    column.forEach((value, row) => {
      bins[feature * rows + row] = Number.isNaN(value) ? MISSING_BIN : binOf(own, value)
    })
    return own
  })
  return { rows, features, bins, edges }
}
