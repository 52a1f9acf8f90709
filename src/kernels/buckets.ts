/** Storage is made in steps of this many buckets, so that a widening range seldom moves it. */
const STEP = 16
const U32_MAX = 0xffffffff
/** Counts of none, shared: most histograms have nothing on one of their sides. */
const NONE = new Uint32Array(0)

/**
 * Where a value stands: its bucket, and how many others of the same bucket come before and behind it on
 * the way; or, where there is none, how many more values it would take.
 */
export type Place =
  | { readonly index: number; readonly before: number; readonly behind: number }
  | { readonly missing: number }

/**
 * Counts of consecutive buckets: those between `low` and `high` may be more than zero. u32 while
 * every count surely fits, f64 (exact to 2^53) from then on.
 */
export class Buckets {
  low = 0
  high = -1
  #offset = 0
  #counts: Uint32Array | Float64Array = NONE
  /** Upper bound of every single count: the sum of all that was ever added. */
  #added = 0

  get span(): number {
    return this.high - this.low + 1
  }

  at(index: number): number {
    return this.#counts[index - this.#offset] ?? 0
  }

  add(index: number, count: number): void {
    if (index < this.low || index > this.high) this.reserve(index, index)
    this.#widen(count)
    const slot = index - this.#offset
    this.#counts[slot] = (this.#counts[slot] ?? 0) + count
  }

  /** Adds counts[i] to bucket (low + i) >> shift; `total` ≥ each of them. */
  addRange(low: number, counts: Uint32Array, shift: number, total: number): void {
    if (counts.length === 0) return
    const isEmpty = this.#added === 0
    this.reserve(low >> shift, (low + counts.length - 1) >> shift)
    this.#widen(total)
    const own = this.#counts
    const offset = this.#offset
    if (isEmpty && shift === 0) own.set(counts, low - offset)
    else {
      for (let i = 0; i < counts.length; i++) {
        const slot = ((low + i) >> shift) - offset
        own[slot] = (own[slot] ?? 0) + (counts[i] ?? 0)
      }
    }
  }

  /** Finds the value that stands at a rank, from 0 in the lowest bucket. */
  bucketAt(rank: number): Place {
    const own = this.#counts
    let rest = rank
    for (let slot = this.low - this.#offset; slot <= this.high - this.#offset; slot++) {
      const count = own[slot] ?? 0
      if (rest < count)
        return { index: slot + this.#offset, before: rest, behind: count - 1 - rest }
      rest -= count
    }
    return { missing: rest }
  }

  /** As bucketAt, from 0 in the highest bucket downwards. */
  bucketAtFromTop(rank: number): Place {
    const own = this.#counts
    let rest = rank
    for (let slot = this.high - this.#offset; slot >= this.low - this.#offset; slot--) {
      const count = own[slot] ?? 0
      if (rest < count)
        return { index: slot + this.#offset, before: rest, behind: count - 1 - rest }
      rest -= count
    }
    return { missing: rest }
  }

  /** Adds the other's counts, its index shifted right by `shift` (to a coarser scale). */
  addBuckets(other: Buckets, shift: number): void {
    if (other.span === 0) return
    this.reserve(other.low >> shift, other.high >> shift)
    this.#widen(other.#added)
    for (let index = other.low; index <= other.high; index++) {
      const slot = (index >> shift) - this.#offset
      this.#counts[slot] = (this.#counts[slot] ?? 0) + other.at(index)
    }
  }

  /**
   * Takes the other's counts away again.
   * @throws RangeError when a count would fall below zero; counts before it are already less
   */
  subtractBuckets(other: Buckets, shift: number): void {
    for (let index = other.low; index <= other.high; index++) {
      const count = other.at(index)
      const own = this.at(index >> shift)
      if (count > own) throw new RangeError('subtracted counts that were never added')
      if (count > 0) this.#counts[(index >> shift) - this.#offset] = own - count
    }
    this.trim()
  }

  /** Merges 2^by neighbours: bucket i goes to i >> by. */
  downscale(by: number): void {
    if (this.span === 0) return
    const fine = new Buckets()
    Object.assign(fine, { low: this.low, high: this.high })
    fine.#counts = this.#counts
    fine.#offset = this.#offset
    fine.#added = this.#added
    this.#counts = NONE
    this.#added = 0
    this.low = 0
    this.high = -1
    this.addBuckets(fine, by)
  }

  /** Draws low and high in to the outermost counts that are not zero. */
  trim(): void {
    while (this.low <= this.high && this.at(this.low) === 0) this.low++
    while (this.high >= this.low && this.at(this.high) === 0) this.high--
    if (this.span === 0) {
      this.low = 0
      this.high = -1
    }
  }

  /** Makes room for [low, high] and counts it as touched. */
  reserve(low: number, high: number): void {
    const newLow = this.span === 0 ? low : Math.min(low, this.low)
    const newHigh = this.span === 0 ? high : Math.max(high, this.high)
    if (newLow < this.#offset || newHigh >= this.#offset + this.#counts.length) {
      const offset = Math.floor(newLow / STEP) * STEP
      const length = Math.ceil((newHigh + 1 - offset) / STEP) * STEP
      const counts =
        this.#counts instanceof Float64Array ? new Float64Array(length) : new Uint32Array(length)
      if (this.span > 0) {
        const own = this.#counts.subarray(this.low - this.#offset, this.high + 1 - this.#offset)
        counts.set(own, this.low - offset)
      }
      this.#counts = counts
      this.#offset = offset
    }
    this.low = newLow
    this.high = newHigh
  }

  #widen(count: number): void {
    this.#added += count
    if (this.#added > U32_MAX && this.#counts instanceof Uint32Array) {
      this.#counts = Float64Array.from(this.#counts)
    }
  }
}
