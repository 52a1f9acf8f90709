/** The places of an array that are not 0, and what is there: most texts fill few of many slots. */
export interface SparseCounts {
  readonly slots: Uint16Array
  readonly counts: Float32Array
  /** Of the whole array. */
  readonly length: number
}

export function sparseOf(dense: Float32Array): SparseCounts {
  const slots = Uint16Array.from(dense.keys()).filter((slot) => dense[slot] !== 0)
  return {
    slots,
    counts: Float32Array.from(slots, (slot) => dense[slot] ?? 0),
    length: dense.length,
  }
}

export function denseOf({ slots, counts, length }: SparseCounts): Float32Array {
  const dense = new Float32Array(length)
  slots.forEach((slot, i) => {
    dense[slot] = counts[i] ?? 0
  })
  return dense
}
