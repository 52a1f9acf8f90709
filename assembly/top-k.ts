/** The k best of many scores: a heap of the best so far behind a filter of four lanes. */

/** Whether heap entry a is worse than b: a lower score, or the later one of equal scores. */
// @ts-ignore: decorator
@inline
function isWorse(scores: usize, a: u32, b: u32): bool {
  const scoreA = load<f64>(scores + (<usize>a << 3))
  const scoreB = load<f64>(scores + (<usize>b << 3))
  return scoreA < scoreB || (scoreA == scoreB && a > b)
}

/** Moves the entry at `hole` down until no child is worse: the worst stays at the root. */
function siftDown(scores: usize, heap: usize, size: i32, hole: i32): void {
  const moved = load<u32>(heap + (<usize>hole << 2))
  for (;;) {
    let child = 2 * hole + 1
    if (child >= size) break
    if (
      child + 1 < size &&
      isWorse(scores, load<u32>(heap + (<usize>child << 2), 4), load<u32>(heap + (<usize>child << 2)))
    ) child++
    const entry = load<u32>(heap + (<usize>child << 2))
    if (!isWorse(scores, entry, moved)) break
    store<u32>(heap + (<usize>hole << 2), entry)
    hole = child
  }
  store<u32>(heap + (<usize>hole << 2), moved)
}

/**
 * Indices of the k highest scores, best first; equal scores in the order of their indices.
 *
 * @param scores f64[n]; NaN are never chosen
 * @param k ≥ 0
 * @param output u32[k]
 * @returns how many were found: less than k where fewer scores are numbers
 */
export function top_k_f64(scores: usize, count: i32, k: i32, output: usize): i32 {
  if (k <= 0) return 0
  let size = 0
  let index = 0
  for (; index < count && size < k; index++) {
    const score = load<f64>(scores + (<usize>index << 3))
    if (score != score) continue
    store<u32>(output + (<usize>size << 2), index)
    size++
  }
  for (let parent = (size >> 1) - 1; parent >= 0; parent--) siftDown(scores, output, size, parent)
  if (size == k) {
    let worst = load<f64>(scores + (<usize>load<u32>(output) << 3))
    while (index < count) {
      // Most scores are no better than the worst kept one: pass over four at a time.
      if (index + 4 <= count) {
        const four = scores + (<usize>index << 3)
        const worst_f64x2 = f64x2.splat(worst)
        const better = v128.or(
          f64x2.gt(v128.load(four), worst_f64x2),
          f64x2.gt(v128.load(four, 16), worst_f64x2),
        )
        if (!v128.any_true(better)) {
          index += 4
          continue
        }
      }
      const end = index + 4 < count ? index + 4 : count
      for (; index < end; index++) {
        if (!(load<f64>(scores + (<usize>index << 3)) > worst)) continue
        store<u32>(output, index)
        siftDown(scores, output, size, 0)
        worst = load<f64>(scores + (<usize>load<u32>(output) << 3))
      }
    }
  }
  for (let last = size - 1; last > 0; last--) {
    const best = load<u32>(output + (<usize>last << 2))
    store<u32>(output + (<usize>last << 2), load<u32>(output))
    store<u32>(output, best)
    siftDown(scores, output, last, 0)
  }
  return size
}
