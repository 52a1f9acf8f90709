import { bucketEstimate, bucketIndex, relativeErrorOf } from './bucket-index.ts'
import { Buckets } from './buckets.ts'
import { type BatchRange, HistogramBatch, type Span } from './histogram-batch.ts'
import { decodeHistogram, encodeHistogram } from './histogram-bytes.ts'
import { Resident } from './memory.ts'
import { between } from './quantile-ranks.ts'

export const SCALE_MIN = -4
export const SCALE_MAX = 10
export const SCALE_DEFAULT = 5
/** At scale 5 this spans 20 octaves: 0.0001 to 100 without a loss of resolution. */
export const BUCKETS_MAX_DEFAULT = 640
/** Scale −4 holds every finite f64 in fewer buckets than this. */
export const BUCKETS_MAX_LEAST = 160

/** Shorter batches are inserted one by one: cheaper than the copy into the kernels' memory. */
const BATCH_MIN = 48

/**
 * Base-2 exponential histogram: γ = 2^(2^−scale), bucket i holds γ^i < |x| ≤ γ^(i+1). Boundaries
 * are upper-inclusive and exact. Source: OpenTelemetry data model, ExponentialHistogram; the same
 * buckets are Prometheus' native histogram (its index is i + 1) and a DDSketch (Masson 2019).
 *
 * NaN and ±Inf are left out and counted in nonFiniteCount; −0 is a zero. When the range of
 * positive or of negative buckets would exceed bucketsMax, neighbours are merged and the scale
 * falls by one until it fits. Merges are integer additions, so that the result does not depend on
 * their order, bit for bit (as long as bucketsMax is the same).
 */
export class Histogram {
  /** Range of positive, or of negative, buckets at most; ≥ BUCKETS_MAX_LEAST. */
  readonly bucketsMax: number
  /** Buckets of values > 0. */
  readonly positive = new Buckets()
  /** Buckets of the magnitudes of values < 0. */
  readonly negative = new Buckets()
  scale: number
  /** Values in buckets, zeros included. */
  count = 0
  zeroCount = 0
  nonFiniteCount = 0

  /** @throws RangeError when the scale is not an integer −4…10 or bucketsMax is too small */
  constructor(scale = SCALE_DEFAULT, bucketsMax = BUCKETS_MAX_DEFAULT) {
    if (!Number.isInteger(scale) || scale < SCALE_MIN || scale > SCALE_MAX) {
      throw new RangeError(`scale ${scale} is not an integer from ${SCALE_MIN} to ${SCALE_MAX}`)
    }
    if (!Number.isInteger(bucketsMax) || bucketsMax < BUCKETS_MAX_LEAST) {
      throw new RangeError(`bucketsMax ${bucketsMax} is less than ${BUCKETS_MAX_LEAST}`)
    }
    this.scale = scale
    this.bucketsMax = bucketsMax
  }

  /**
   * α = (γ − 1) / (γ + 1): bound of the relative error of quantile(), where the order statistics on
   * both sides are normal numbers of one sign; 0.0108 at scale 5. With unlike signs the error is at
   * most α times the larger magnitude.
   */
  get relativeErrorMax(): number {
    return relativeErrorOf(this.scale)
  }

  add(value: number): void {
    if (!Number.isFinite(value)) {
      this.nonFiniteCount++
      return
    }
    this.count++
    if (value === 0) {
      this.zeroCount++
      return
    }
    const buckets = value > 0 ? this.positive : this.negative
    let index = bucketIndex(Math.abs(value), this.scale)
    const by = this.#excess(buckets, index, index)
    if (by > 0) {
      this.downscale(by)
      index >>= by
    }
    buckets.add(index, 1)
  }

  /**
   * Adds a batch, of any length: it is copied into the kernels' memory piece by piece.
   * @param values f64[n]
   */
  insert(values: Float64Array | Resident): void {
    if (!(values instanceof Resident) && values.length < BATCH_MIN) {
      for (const value of values) this.add(value)
      return
    }
    const batch = new HistogramBatch(this)
    try {
      batch.insert(values)
    } finally {
      batch.close()
    }
  }

  /** Makes room for a batch, and gives the buckets that its values of either sign fall into. */
  admit(range: BatchRange): { positive: Span; negative: Span } {
    this.#fit(this.positive, range.min, range.max)
    this.#fit(this.negative, range.negativeMin, range.negativeMax)
    return {
      positive: this.#range(range.min, range.max),
      negative: this.#range(range.negativeMin, range.negativeMax),
    }
  }

  /**
   * Adds counts of consecutive buckets of this scale or a finer one, at most `total` in all; `count`
   * has them already. The outermost are not zero, or their buckets were admitted.
   */
  addCounts(own: Buckets, scale: number, low: number, counts: Uint32Array, total: number): void {
    if (counts.length === 0) return
    const shift = scale - this.scale
    this.downscale(this.#excess(own, low >> shift, (low + counts.length - 1) >> shift))
    own.addRange(low, counts, scale - this.scale, total)
  }

  /** Adds another histogram's counts; the result has the coarser scale of the two, or less. */
  merge(other: Histogram): void {
    this.downscale(Math.max(0, this.scale - other.scale))
    for (const [own, its] of this.#pairs(other)) {
      if (its.span === 0) continue
      const shift = other.scale - this.scale
      this.downscale(this.#excess(own, its.low >> shift, its.high >> shift))
    }
    const shift = other.scale - this.scale
    for (const [own, its] of this.#pairs(other)) own.addBuckets(its, shift)
    this.count += other.count
    this.zeroCount += other.zeroCount
    this.nonFiniteCount += other.nonFiniteCount
  }

  /**
   * Takes away counts that were merged in before: a window slides by merging what comes and
   * subtracting what leaves. The scale stays, or falls to the other's.
   *
   * @throws RangeError when a count would fall below zero; this histogram is then of no more use
   */
  subtract(other: Histogram): void {
    if (other.zeroCount > this.zeroCount || other.nonFiniteCount > this.nonFiniteCount) {
      throw new RangeError('subtracted counts that were never added')
    }
    this.downscale(Math.max(0, this.scale - other.scale))
    const shift = other.scale - this.scale
    for (const [own, its] of this.#pairs(other)) own.subtractBuckets(its, shift)
    this.count -= other.count
    this.zeroCount -= other.zeroCount
    this.nonFiniteCount -= other.nonFiniteCount
  }

  #pairs(other: Histogram): [own: Buckets, its: Buckets][] {
    return [
      [this.positive, other.positive],
      [this.negative, other.negative],
    ]
  }

  /**
   * Merges 2^by neighbouring buckets into one: γ becomes γ^(2^by), and no value changes sides.
   * @throws RangeError when the scale would fall below −4
   */
  downscale(by: number): void {
    if (by === 0) return
    if (!Number.isInteger(by) || by < 0 || this.scale - by < SCALE_MIN) {
      throw new RangeError(`cannot downscale scale ${this.scale} by ${by}`)
    }
    this.positive.downscale(by)
    this.negative.downscale(by)
    this.scale -= by
  }

  /**
   * Quantile by numpy's `linear` definition on the buckets' estimates; NaN where count is 0.
   *
   * @param q in [0, 1]
   * Accuracy: within relativeErrorMax of the exact quantile.
   * @throws RangeError when q is outside [0, 1]
   */
  quantile(q: number): number {
    if (!(q >= 0 && q <= 1)) throw new RangeError(`q = ${q} is not in [0, 1]`)
    if (this.count === 0) return Number.NaN
    const position = q * (this.count - 1)
    const rank = Math.floor(position)
    const low = this.#orderStatistic(rank)
    const t = position - rank
    if (t === 0 || low.equals > 0) return low.value
    return between(low.value, this.#orderStatistic(rank + 1).value, t)
  }

  /** The estimate of one, and how many behind it have the same. */
  #orderStatistic(rank: number): { value: number; equals: number } {
    const fromTop = this.count - 1 - rank
    if (fromTop < rank) {
      const positive = this.positive.bucketAtFromTop(fromTop)
      if ('index' in positive) {
        return { value: bucketEstimate(positive.index, this.scale), equals: positive.before }
      }
    }
    const negative = this.negative.bucketAtFromTop(rank)
    if ('index' in negative) {
      return { value: -bucketEstimate(negative.index, this.scale), equals: negative.behind }
    }
    const zeros = this.zeroCount - 1 - negative.missing
    if (zeros >= 0) return { value: 0, equals: zeros }
    const positive = this.positive.bucketAt(-1 - zeros)
    if ('missing' in positive) return { value: Number.NaN, equals: 0 }
    return { value: bucketEstimate(positive.index, this.scale), equals: positive.behind }
  }

  /** Compact bytes; their layout stands in histogram-bytes.ts. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return encodeHistogram(this)
  }

  /** @throws RangeError when the bytes are not those of toBytes() */
  static fromBytes(bytes: Uint8Array): Histogram {
    const decoded = decodeHistogram(bytes)
    const histogram = new Histogram(decoded.scale, decoded.bucketsMax)
    histogram.zeroCount = decoded.zeroCount
    histogram.nonFiniteCount = decoded.nonFiniteCount
    histogram.count = decoded.zeroCount
    for (const [buckets, { low, counts }] of [
      [histogram.positive, decoded.positive],
      [histogram.negative, decoded.negative],
    ] as const) {
      if (counts.length > decoded.bucketsMax) throw new RangeError('more buckets than bucketsMax')
      counts.forEach((count, i) => {
        buckets.add(low + i, count)
        histogram.count += count
      })
    }
    return histogram
  }

  #range(min: number, max: number): Span {
    if (min > max) return { low: 0, high: -1 }
    return { low: bucketIndex(min, this.scale), high: bucketIndex(max, this.scale) }
  }

  /** Downscales until values from min to max fit beside what is there. */
  #fit(buckets: Buckets, min: number, max: number): void {
    if (min > max) return
    const low = bucketIndex(min, this.scale)
    this.downscale(this.#excess(buckets, low, bucketIndex(max, this.scale)))
  }

  /** Halvings of the scale that [low, high] needs to fit into bucketsMax together with `buckets`. */
  #excess(buckets: Buckets, low: number, high: number): number {
    const from = buckets.span > 0 ? Math.min(low, buckets.low) : low
    const to = buckets.span > 0 ? Math.max(high, buckets.high) : high
    let by = 0
    while ((to >> by) - (from >> by) >= this.bucketsMax) by++
    return by
  }
}
