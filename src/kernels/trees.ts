import { SCRATCH_BYTES } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'
import { readScores } from './similarity.ts'
import { layOutTrees } from './tree-layout.ts'
import type { Link, TreeModel } from './tree-model.ts'

export { type DecisionTree, type TreeModel, TreeModelError } from './tree-model.ts'

/** From so many rows on the kernel needs room for the answers to all tests. */
const ANSWERED_ROWS_MIN = 48

/** Applied to the sums of one row, in place; the number of results that it leaves. */
const LINKS: Record<Link, (sums: Float64Array) => number> = {
  identity: (sums) => sums.length,
  logistic: (sums) => {
    sums.forEach((sum, i) => {
      sums[i] = 1 / (1 + Math.exp(-sum))
    })
    return sums.length
  },
  softmax: (sums) => {
    const most = sums.reduce((a, b) => Math.max(a, b))
    let total = 0
    sums.forEach((sum, i) => {
      sums[i] = Math.exp(sum - most)
      total += sums[i] ?? 0
    })
    sums.forEach((share, i) => {
      sums[i] = share / total
    })
    return sums.length
  },
  argmax: (sums) => {
    let best = 0
    sums.forEach((sum, i) => {
      if (sum > (sums[best] ?? 0)) best = i
    })
    sums[0] = best
    return 1
  },
}

/**
 * A gradient-boosted ensemble, laid out once in the kernels' memory, where it stays until close().
 * One or two rows walk through the trees; more are taken 16 at a time (8 where a feature has more than
 * 255 thresholds), and from 48 on, where trees have more than four levels, 128 at a time.
 *
 * NaN is a missing value and goes each node's default way; ±Inf are values beyond every threshold.
 */
export class TreeEnsemble {
  readonly features: number
  /** Sums a row: 1, or one a class. */
  readonly outputs: number
  readonly link: Link
  readonly trees: number
  readonly #kernels: Kernels
  readonly #bytes: number
  readonly #answerBytes: number
  #pointer: number | undefined

  /**
   * @throws TreeModelError when the model is not sound or larger than the layout holds
   * @throws ArenaExhaustedError
   */
  constructor(model: TreeModel) {
    const { bytes, answerBytes } = layOutTrees(model)
    this.features = model.features
    this.outputs = model.base.length
    this.link = model.link
    this.trees = model.trees.length
    this.#kernels = getKernels()
    this.#bytes = bytes.length
    this.#answerBytes = answerBytes
    this.#pointer = this.#kernels.arena.take(this.#bytes)
    this.#kernels.arena.u8(this.#pointer, this.#bytes).set(bytes)
  }

  /**
   * Sums of the leaves that each row reaches, on top of the base: XGBoost's `output_margin`.
   *
   * @param rows f32[n][features], row by row
   * @returns f64[n][outputs]
   * @throws RangeError when the length is not a multiple of `features`, or after close()
   * Accuracy: the same leaves as a walk in f32; sums in f64, in the order of the trees.
   */
  margins(rows: Float32Array): Float64Array<ArrayBuffer> {
    const count = rows.length / this.features
    if (!Number.isInteger(count)) {
      throw new RangeError(`rows must hold a multiple of ${this.features} values`)
    }
    const ensemble = this.#pointer
    if (ensemble === undefined) throw new RangeError('the ensemble is closed')
    const { arena, exports } = this.#kernels
    const answerBytes = count < ANSWERED_ROWS_MIN ? 0 : this.#answerBytes
    const workBytes = exports.trees_work_bytes(this.features, this.outputs, answerBytes)
    const outputBytes = count * this.outputs * 8
    const inputBytes = Math.ceil(rows.byteLength / 16) * 16
    const sizeBytes = inputBytes + Math.ceil(workBytes / 16) * 16 + outputBytes
    // Of a few rows a lease would take as long as their walk.
    const lease = sizeBytes <= SCRATCH_BYTES ? undefined : arena.openLease()
    try {
      const input = lease?.allocate(inputBytes) ?? arena.scratch
      const work = lease?.allocate(workBytes) ?? input + inputBytes
      const output = lease?.allocate(outputBytes) ?? work + Math.ceil(workBytes / 16) * 16
      arena.write(input, rows)
      exports.trees_margins_f32(input, count, ensemble, work, output)
      return readScores(arena, output, count * this.outputs)
    } finally {
      lease?.close()
    }
  }

  /**
   * Predictions: the sum (identity), the probability (logistic), each class's probability (softmax)
   * or the most probable class (argmax, the first of equals).
   *
   * @param rows f32[n][features], row by row
   * @returns f64[n][outputs]; f64[n] for argmax
   * @throws RangeError as margins()
   * Accuracy: |error| ≤ ACCURACY.trees · max(1, |prediction|) against XGBoost, which sums in f32.
   */
  predict(rows: Float32Array): Float64Array<ArrayBuffer> {
    const sums = this.margins(rows)
    if (this.link === 'identity') return sums
    let kept = 0
    for (let at = 0; at < sums.length; at += this.outputs) {
      const row = sums.subarray(at, at + this.outputs)
      const results = LINKS[this.link](row)
      sums.copyWithin(kept, at, at + results)
      kept += results
    }
    return kept === sums.length ? sums : sums.slice(0, kept)
  }

  /** Gives the memory back; predictions throw from then on. */
  close(): void {
    if (this.#pointer === undefined) return
    this.#kernels.arena.release(this.#pointer, this.#bytes)
    this.#pointer = undefined
  }
}
