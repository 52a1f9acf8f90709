/** Samples in a block, and blocks in a slab: 16 bytes a sample, 256 KiB a slab. */
const BLOCK_SAMPLES = 16
const SLAB_BLOCKS = 1_024
const NO_BLOCK = -1

/**
 * A slab of blocks, f64[blocks][2][16]: the times of a block, then its values, so that one is 256 bytes beside one
 * another. Values are moved as pairs of 32-bit words, for as numbers the bits of a NaN may change.
 */
interface Slab {
  readonly floats: Float64Array
  /** The same bytes. */
  readonly bits: Int32Array
}

/** Position of a block's first time in its slab; its values are BLOCK_SAMPLES behind. */
const positionOf = (block: number): number => (block & (SLAB_BLOCKS - 1)) * 2 * BLOCK_SAMPLES

/** Sorted samples of one series, copied out. */
export interface Column {
  /** f64[n], ms since the epoch. */
  readonly timestamps: Float64Array
  readonly values: Float64Array
}

/** Samples of a series by position: [first, end). */
export interface HeadPart {
  readonly first: number
  readonly end: number
}

const grownFloats = (array: Float64Array, length: number) => {
  const grown = new Float64Array(length).fill(Number.NEGATIVE_INFINITY)
  grown.set(array)
  return grown
}
const grownInts = (array: Int32Array, length: number, fill: number) => {
  const grown = new Int32Array(length).fill(fill)
  grown.set(array)
  return grown
}

/**
 * The samples of a shard's series that are not sealed yet: per slot a chain of blocks, ascending by
 * time, each time once. Blocks come from slabs that all series share and stay for the next samples.
 */
export class Heads {
  #slabs: Slab[] = []
  /** Per block: the one behind it. */
  #next = new Int32Array(0)
  #blocks = 0
  #free: number[] = []
  #first = new Int32Array(0)
  #last = new Int32Array(0)
  #counts = new Int32Array(0)
  /** Per slot: time of the newest sample, sealed ones included; −Infinity where none is known. */
  newest = new Float64Array(0)
  #samples = 0
  #countMax = 0

  /** Samples in all. */
  get samples(): number {
    return this.#samples
  }

  /** Whether a series has had this many samples since the last call of `watch`. */
  reached(count: number): boolean {
    return this.#countMax >= count
  }

  /** Begins to watch for the series with most samples. */
  watch(): void {
    this.#countMax = 0
  }

  /** Bytes held. */
  get sizeBytes(): number {
    return this.#slabs.length * SLAB_BLOCKS * BLOCK_SAMPLES * 16 + this.#counts.length * 20
  }

  /** Makes room for slots below `slots`. */
  reserve(slots: number): void {
    if (slots <= this.#counts.length) return
    const length = Math.max(64, slots, Math.ceil(this.#counts.length * 1.5))
    this.#first = grownInts(this.#first, length, NO_BLOCK)
    this.#last = grownInts(this.#last, length, NO_BLOCK)
    this.#counts = grownInts(this.#counts, length, 0)
    this.newest = grownFloats(this.newest, length)
  }

  count(slot: number): number {
    return this.#counts[slot] ?? 0
  }

  #allocate(): number {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const block = this.#blocks++
    if (block >> 10 === this.#slabs.length) {
      const floats = new Float64Array(2 * SLAB_BLOCKS * BLOCK_SAMPLES)
      this.#slabs.push({ floats, bits: new Int32Array(floats.buffer) })
      this.#next = grownInts(this.#next, this.#slabs.length * SLAB_BLOCKS, NO_BLOCK)
    }
    return block
  }

  /**
   * Adds a sample behind the newest of its series.
   * @param bits i32[2n]: the words of values  @param at position of the sample's value in it
   */
  append(slot: number, timestamp: number, bits: Int32Array, at: number): void {
    const count = this.#counts[slot] as number
    const place = count & (BLOCK_SAMPLES - 1)
    let block = this.#last[slot] as number
    if (place === 0) {
      const added = this.#allocate()
      this.#next[added] = NO_BLOCK
      if (block === NO_BLOCK) this.#first[slot] = added
      else this.#next[block] = added
      this.#last[slot] = added
      block = added
    }
    const slab = this.#slabs[block >> 10] as Slab
    const position = positionOf(block) + place
    slab.floats[position] = timestamp
    const words = 2 * (position + BLOCK_SAMPLES)
    slab.bits[words] = bits[2 * at] as number
    slab.bits[words + 1] = bits[2 * at + 1] as number
    this.#counts[slot] = count + 1
    this.newest[slot] = timestamp
    this.#samples++
    if (count >= this.#countMax) this.#countMax = count + 1
  }

  /** Copies a series out. */
  read(slot: number): Column {
    const count = this.count(slot)
    const timestamps = new Float64Array(count)
    const values = new Float64Array(count)
    this.copy(slot, timestamps, new Int32Array(values.buffer))
    return { timestamps, values }
  }

  /** Copies a series to the start of the given arrays. @returns its samples */
  copy(slot: number, timestamps: Float64Array, bits: Int32Array): number {
    const count = this.count(slot)
    this.copyPart(slot, { first: 0, end: count }, timestamps, bits, 0)
    return count
  }

  /** Which of a series' samples are in [from, to]. */
  partIn(slot: number, from: number, to: number): HeadPart {
    const count = this.count(slot)
    let first = count
    let end = 0
    let block = this.#first[slot] ?? NO_BLOCK
    // Mostly all are: without a look at each block.
    const oldest = this.#slabs[block >> 10]?.floats[positionOf(block)] ?? from
    if (oldest >= from && (this.newest[slot] as number) <= to) return { first: 0, end: count }
    for (let done = 0; done < count; done += BLOCK_SAMPLES) {
      const { floats } = this.#slabs[block >> 10] as Slab
      const start = positionOf(block)
      const held = Math.min(BLOCK_SAMPLES, count - done)
      if ((floats[start] as number) > to) break
      let low = 0
      while (low < held && (floats[start + low] as number) < from) low++
      let high = held
      while (high > low && (floats[start + high - 1] as number) > to) high--
      if (high > low) {
        first = Math.min(first, done + low)
        end = done + high
      }
      block = this.#next[block] as number
    }
    return { first: Math.min(first, end), end }
  }

  /** Copies a part of a series. @param at where it goes: f64[] of times, i32[][2] of values */
  copyPart(
    slot: number,
    { first, end }: HeadPart,
    timestamps: Float64Array,
    bits: Int32Array,
    at: number,
  ): void {
    let block = this.#first[slot] ?? NO_BLOCK
    for (let done = 0; done < end; done += BLOCK_SAMPLES) {
      const slab = this.#slabs[block >> 10] as Slab
      const start = positionOf(block)
      const low = Math.max(0, first - done)
      const high = Math.min(BLOCK_SAMPLES, end - done)
      // Sixteen numbers are copied sooner than two views of them are made.
      for (let place = low; place < high; place++) {
        const to = at + done - first + place
        const words = 2 * (start + BLOCK_SAMPLES + place)
        timestamps[to] = slab.floats[start + place] as number
        bits[2 * to] = slab.bits[words] as number
        bits[2 * to + 1] = slab.bits[words + 1] as number
      }
      block = this.#next[block] as number
    }
  }

  /** Puts other samples, ascending, in the place of a series'. */
  replace(slot: number, timestamps: Float64Array, bits: Int32Array): void {
    const newest = this.newest[slot] as number
    this.release(slot)
    for (let at = 0; at < timestamps.length; at++)
      this.append(slot, timestamps[at] as number, bits, at)
    this.newest[slot] = Math.max(newest, this.newest[slot] as number)
  }

  /** Forgets a series' samples, but not its newest time. */
  release(slot: number): void {
    this.#samples -= this.count(slot)
    for (let block = this.#first[slot] as number; block !== NO_BLOCK; ) {
      this.#free.push(block)
      block = this.#next[block] as number
    }
    this.#first[slot] = NO_BLOCK
    this.#last[slot] = NO_BLOCK
    this.#counts[slot] = 0
  }

  /** Slots get the numbers of their places in `slots`; of the others nothing must be held. */
  keep(slots: readonly number[]): void {
    const kept = <T extends Int32Array | Float64Array>(array: T, fill: number): T => {
      const former = array.slice()
      array.fill(fill)
      slots.forEach((slot, place) => {
        array[place] = former[slot] as number
      })
      return array
    }
    kept(this.#first, NO_BLOCK)
    kept(this.#last, NO_BLOCK)
    kept(this.#counts, 0)
    kept(this.newest, Number.NEGATIVE_INFINITY)
  }
}
