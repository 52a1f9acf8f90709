import type { DecisionTree } from '../../src/kernels/tree-model.ts'
import { BIN_STRIDE, type BinnedColumns, MISSING_BIN } from './gbdt-bins.ts'

export interface TreeOptions {
  readonly depthMax: number
  /** Least sum of second derivatives in a leaf. */
  readonly leafWeightMin: number
  /** L2 penalty of leaf values. */
  readonly penalty: number
  readonly learningRate: number
}

/** Values that a node's leaves may have, so that a constrained feature keeps its direction. */
interface Bounds {
  readonly least: number
  readonly most: number
}

const FREE: Bounds = { least: Number.NEGATIVE_INFINITY, most: Number.POSITIVE_INFINITY }

const within = ({ least, most }: Bounds, value: number): number =>
  Math.min(most, Math.max(least, value))

/** First and second derivatives of the loss by row. */
export interface Derivatives {
  readonly first: Float64Array
  readonly second: Float64Array
}

interface Split {
  readonly feature: number
  readonly bin: number
  readonly isMissingLeft: boolean
  readonly gain: number
  /** Best leaf values of both sides. */
  readonly leftValue: number
  readonly rightValue: number
}

interface MutableTree {
  output: number
  left: number[]
  right: number[]
  feature: number[]
  threshold: number[]
  isDefaultLeft: boolean[]
  value: number[]
}

/** f64[chosen][BIN_STRIDE][2]: sums of both derivatives by bin. */
type Histogram = Float64Array

/** Grows one regression tree on binned columns. Source: Chen & Guestrin 2016, arXiv:1603.02754. */
export class TreeGrower {
  readonly #columns: BinnedColumns
  readonly #options: TreeOptions
  readonly #derivatives: Derivatives
  readonly #chosen: readonly number[]
  readonly #directions: Int8Array
  readonly #tree: MutableTree
  readonly #moved: Int32Array

  /**
   * @param chosen features that may be split
   * @param directions of the output by feature: 1 it never falls, −1 it never rises, 0 either
   */
  constructor(
    columns: BinnedColumns,
    derivatives: Derivatives,
    chosen: readonly number[],
    directions: Int8Array,
    output: number,
    options: TreeOptions,
  ) {
    this.#columns = columns
    this.#derivatives = derivatives
    this.#chosen = chosen
    this.#directions = directions
    this.#options = options
    this.#moved = new Int32Array(columns.rows)
    this.#tree = {
      output,
      left: [],
      right: [],
      feature: [],
      threshold: [],
      isDefaultLeft: [],
      value: [],
    }
  }

  /** @param rows indices of the rows to learn from; reordered */
  grow(rows: Int32Array): DecisionTree {
    this.#node(rows, 0, this.#histogramOf(rows), FREE)
    return this.#tree
  }

  #histogramOf(rows: Int32Array): Histogram {
    const { bins, rows: count } = this.#columns
    const { first, second } = this.#derivatives
    const histogram = new Float64Array(this.#chosen.length * BIN_STRIDE * 2)
    this.#chosen.forEach((feature, slot) => {
      const column = feature * count
      const base = slot * BIN_STRIDE * 2
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i] as number
        const at = base + 2 * (bins[column + row] as number)
        histogram[at] = (histogram[at] as number) + (first[row] as number)
        histogram[at + 1] = (histogram[at + 1] as number) + (second[row] as number)
      }
    })
    return histogram
  }

  /** The node's number; its rows' derivatives are summed in the histogram. */
  #node(rows: Int32Array, depth: number, histogram: Histogram, bounds: Bounds): number {
    const tree = this.#tree
    const node = tree.left.length
    const [first, second] = totalsOf(histogram)
    const { penalty, learningRate, depthMax } = this.#options
    tree.left.push(-1)
    tree.right.push(-1)
    tree.feature.push(0)
    tree.threshold.push(0)
    tree.isDefaultLeft.push(false)
    tree.value.push(Math.fround(learningRate * within(bounds, -first / (second + penalty))))
    const split = depth < depthMax ? this.#bestSplit(histogram, first, second, bounds) : undefined
    if (!split) return node
    const middle = this.#partition(rows, split)
    const below = rows.subarray(0, middle)
    const above = rows.subarray(middle)
    // The larger side's sums are what the smaller one leaves.
    const small = this.#histogramOf(below.length < above.length ? below : above)
    const large = histogram.map((sum, i) => sum - (small[i] as number))
    const [ofBelow, ofAbove] = below.length < above.length ? [small, large] : [large, small]
    tree.feature[node] = split.feature
    tree.threshold[node] = this.#columns.edges[split.feature]?.[split.bin] ?? 0
    tree.isDefaultLeft[node] = split.isMissingLeft
    tree.value[node] = 0
    const [leftBounds, rightBounds] = this.#boundsBelow(split, bounds)
    tree.left[node] = this.#node(below, depth + 1, ofBelow, leftBounds)
    tree.right[node] = this.#node(above, depth + 1, ofAbove, rightBounds)
    return node
  }

  /** What both sides of a constrained split may reach: one half each. */
  #boundsBelow(split: Split, bounds: Bounds): readonly [left: Bounds, right: Bounds] {
    const direction = this.#directions[split.feature] ?? 0
    if (direction === 0) return [bounds, bounds]
    const middle = (split.leftValue + split.rightValue) / 2
    const below = { least: bounds.least, most: middle }
    const above = { least: middle, most: bounds.most }
    return direction > 0 ? [below, above] : [above, below]
  }

  #bestSplit(
    histogram: Histogram,
    first: number,
    second: number,
    bounds: Bounds,
  ): Split | undefined {
    const { penalty, leafWeightMin } = this.#options
    const leafOf = (g: number, h: number): number => within(bounds, -g / (h + penalty))
    // The loss that a leaf of this value takes away, times two.
    const scoreOf = (g: number, h: number, value: number): number =>
      -(2 * g * value + (h + penalty) * value * value)
    const whole = scoreOf(first, second, leafOf(first, second))
    let best: Split | undefined
    this.#chosen.forEach((feature, slot) => {
      const edges = this.#columns.edges[feature]?.length ?? 0
      const direction = this.#directions[feature] ?? 0
      const base = slot * BIN_STRIDE * 2
      const missingFirst = histogram[base + 2 * MISSING_BIN] as number
      const missingSecond = histogram[base + 2 * MISSING_BIN + 1] as number
      for (const isMissingLeft of missingSecond > 1e-12 ? [false, true] : [false]) {
        let leftFirst = isMissingLeft ? missingFirst : 0
        let leftSecond = isMissingLeft ? missingSecond : 0
        for (let bin = 0; bin < edges; bin++) {
          leftFirst += histogram[base + 2 * bin] as number
          leftSecond += histogram[base + 2 * bin + 1] as number
          const rightSecond = second - leftSecond
          if (leftSecond < leafWeightMin || rightSecond < leafWeightMin) continue
          const leftValue = leafOf(leftFirst, leftSecond)
          const rightValue = leafOf(first - leftFirst, rightSecond)
          if (direction * (rightValue - leftValue) < 0) continue
          const gain =
            scoreOf(leftFirst, leftSecond, leftValue) +
            scoreOf(first - leftFirst, rightSecond, rightValue) -
            whole
          if (gain > (best?.gain ?? 1e-9)) {
            best = { feature, bin, isMissingLeft, gain, leftValue, rightValue }
          }
        }
      }
    })
    return best
  }

  /** Rows of the left side first, both in their order. @returns their count */
  #partition(rows: Int32Array, { feature, bin, isMissingLeft }: Split): number {
    const { bins, rows: count } = this.#columns
    let left = 0
    let right = 0
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number
      const own = bins[feature * count + row] as number
      if (own === MISSING_BIN ? isMissingLeft : own <= bin) rows[left++] = row
      else this.#moved[right++] = row
    }
    rows.set(this.#moved.subarray(0, right), left)
    return left
  }
}

/** Both sums over the bins of the first chosen feature: every row is in one of them. */
function totalsOf(histogram: Histogram): readonly [first: number, second: number] {
  let first = 0
  let second = 0
  for (let bin = 0; bin < BIN_STRIDE; bin++) {
    first += histogram[2 * bin] as number
    second += histogram[2 * bin + 1] as number
  }
  return [first, second]
}
