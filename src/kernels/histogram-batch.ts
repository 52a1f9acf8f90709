import type { Histogram } from './histogram.ts'
import { CHUNK_ELEMENTS, type Lease, Resident } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'

/** Scratch: what kernels tell of a piece, then a piece's values. */
const STATE_BYTES = 1024

/** Values of a window at most before its u32 counters are read. */
const PENDING_MAX = 2 ** 30

/** Buckets from low to high; none where high < low. */
export interface Span {
  readonly low: number
  readonly high: number
}

/** What histogram_range_f64 tells of a batch: min > max where it has no value of that sign. */
export interface BatchRange {
  readonly min: number
  readonly max: number
  readonly negativeMin: number
  readonly negativeMax: number
}

const EMPTY: Span = { low: 0, high: -1 }

/** Buckets that the kernels count into. */
interface Window extends Span {
  readonly scale: number
}

const sizeOf = ({ low, high }: Span): number => high - low + 1

const holds = (outer: Span, inner: Span): boolean =>
  inner.high < inner.low || (outer.low <= inner.low && inner.high <= outer.high)

const union = (a: Span, b: Span): Span => {
  if (a.high < a.low) return b
  if (b.high < b.low) return a
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }
}

/**
 * A batch on its way into a histogram. Values above zero, zeros and what is not finite are counted in a
 * window of buckets; a piece that has others in counters for just its range. Both stay in the kernels'
 * memory until values lie beyond them, and to the end.
 */
export class HistogramBatch {
  readonly #histogram: Histogram
  readonly #kernels: Kernels
  #window: Window | undefined
  #windowPending = 0
  #counters: { lease: Lease; pointer: number; work: number; scale: number } | undefined
  #positive = EMPTY
  #negative = EMPTY
  #countersPending = 0

  constructor(histogram: Histogram) {
    this.#histogram = histogram
    this.#kernels = getKernels()
  }

  insert(values: Float64Array | Resident): void {
    const { arena } = this.#kernels
    for (let start = 0; start < values.length; start += CHUNK_ELEMENTS) {
      const length = Math.min(CHUNK_ELEMENTS, values.length - start)
      if (values instanceof Resident) {
        this.#insertPiece(values.pointer + start * 8, length)
      } else {
        const input = arena.scratch + STATE_BYTES
        const isWhole = length === values.length
        arena.write(input, isWhole ? values : values.subarray(start, start + length))
        this.#insertPiece(input, length)
      }
      if (this.#windowPending + this.#countersPending > PENDING_MAX) {
        this.#closeWindow()
        this.#flushCounters()
      }
    }
    this.#closeWindow()
    this.#flushCounters()
  }

  /** Gives the memory back; what is pending is lost. */
  close(): void {
    this.#counters?.lease.close()
  }

  /** f64[length] in the kernels' memory. */
  #insertPiece(input: number, length: number): void {
    const { arena, exports } = this.#kernels
    const histogram = this.#histogram
    for (let done = 0; ; ) {
      if (this.#window) done += this.#addToWindow(this.#window, input + done * 8, length - done)
      if (done === length) return
      const at = input + done * 8
      const output = arena.scratch
      exports.histogram_range_f64(at, length - done, output)
      const range = {
        min: arena.readF64(output),
        max: arena.readF64(output, 1),
        negativeMin: arena.readF64(output, 2),
        negativeMax: arena.readF64(output, 3),
      }
      if (range.negativeMin > range.negativeMax && this.#openWindow(range)) continue
      const skipped = arena.readF64(output, 5)
      histogram.zeroCount += arena.readF64(output, 4)
      histogram.nonFiniteCount += skipped
      histogram.count += length - done - skipped
      this.#count(at, length - done, range)
      return
    }
  }

  /** @returns how many of the values were counted, from the first */
  #addToWindow({ scale, low, high }: Window, input: number, length: number): number {
    const { arena, exports } = this.#kernels
    const histogram = this.#histogram
    const output = arena.scratch
    arena.writeF64(output, 0, 0)
    const taken = exports.histogram_window_add_f64(input, length, scale, high - low + 1, output)
    this.#windowPending += taken
    const [zeros = 0, skipped = 0] = arena.u32(output, 2)
    histogram.zeroCount += zeros
    histogram.nonFiniteCount += skipped
    histogram.count += taken - skipped
    return taken
  }

  /** A window with room for a range and the last one's counts; false where none is so wide. */
  #openWindow(range: BatchRange): boolean {
    const { exports } = this.#kernels
    this.#closeWindow()
    const { positive } = this.#histogram.admit(range)
    const { scale } = this.#histogram
    if (scale < 0 || sizeOf(positive) === 0) return false
    const counted = this.#histogram.positive
    const bucketsMax = exports.histogram_window_buckets_max()
    for (const needed of [union(counted, positive), positive]) {
      const size = sizeOf(needed)
      if (size > bucketsMax) continue
      const buckets = 2 ** (32 - Math.clz32(size - 1))
      // What there is to spare, on both sides, within the normal numbers; +Inf would be in the last bucket.
      const lowest = -1021 << scale
      const end = (1024 << scale) - 1
      const centred = needed.low - ((buckets - size) >> 1)
      const low = Math.max(lowest, Math.min(centred, end - buckets))
      if (needed.low < low || needed.high >= low + buckets || low + buckets > end) continue
      exports.histogram_window_open(scale, low, buckets)
      this.#window = { scale, low, high: low + buckets - 1 }
      return true
    }
    return false
  }

  #closeWindow(): void {
    const { arena, exports } = this.#kernels
    if (!this.#window) return
    const { scale, low } = this.#window
    const output = arena.scratch
    const pointer = exports.histogram_window_close(sizeOf(this.#window), output)
    const [first = 0, last = -1] = arena.u32(output, 2)
    const counts = arena.u32(pointer + first * 4, last - first + 1)
    const histogram = this.#histogram
    histogram.addCounts(histogram.positive, scale, low + first, counts, this.#windowPending)
    this.#window = undefined
    this.#windowPending = 0
  }

  /** Counts a piece whatever it holds. */
  #count(input: number, length: number, range: BatchRange): void {
    const { exports } = this.#kernels
    const spans = this.#histogram.admit(range)
    const isSameScale = this.#counters?.scale === this.#histogram.scale
    const isHeld = holds(this.#positive, spans.positive) && holds(this.#negative, spans.negative)
    if (!isSameScale || !isHeld) {
      this.#flushCounters()
      this.#positive = isSameScale ? union(this.#positive, spans.positive) : spans.positive
      this.#negative = isSameScale ? union(this.#negative, spans.negative) : spans.negative
      this.#makeCounters()
    }
    const counters = this.#counters
    if (!counters) return
    this.#countersPending += length
    exports.histogram_insert_f64(
      input,
      length,
      counters.scale,
      counters.pointer,
      this.#positive.low,
      counters.pointer + sizeOf(this.#positive) * 4,
      this.#negative.low,
      counters.work,
    )
  }

  #makeCounters(): void {
    const { arena, exports } = this.#kernels
    this.#counters?.lease.close()
    this.#counters = undefined
    const span = sizeOf(this.#positive) + sizeOf(this.#negative)
    // Nothing but zeros and what is not finite so far.
    if (span === 0) return
    const lease = arena.openLease()
    const workBytes = exports.histogram_work_bytes()
    const work = lease.allocate(workBytes + span * 4)
    const pointer = work + workBytes
    this.#counters = { lease, work, pointer, scale: this.#histogram.scale }
    arena.u32(pointer, span).fill(0)
  }

  #flushCounters(): void {
    const { arena } = this.#kernels
    if (!this.#counters || this.#countersPending === 0) return
    const { pointer, scale } = this.#counters
    const span = sizeOf(this.#positive)
    const counts = arena.u32(pointer, span + sizeOf(this.#negative))
    const histogram = this.#histogram
    const { positive, negative } = histogram
    const total = this.#countersPending
    histogram.addCounts(positive, scale, this.#positive.low, counts.subarray(0, span), total)
    histogram.addCounts(negative, scale, this.#negative.low, counts.subarray(span), total)
    counts.fill(0)
    this.#countersPending = 0
  }
}
