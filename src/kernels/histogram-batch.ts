import type { Histogram } from './histogram.ts'
import { type Lease, Resident } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'

/** Values of one copy: 128 KiB stay in the second cache from the copy to the last look. */
const PIECE_ELEMENTS = 16_384

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

const sizeOf = ({ low, high }: Span): number => high - low + 1

const holds = (outer: Span, inner: Span): boolean =>
  inner.high < inner.low || (outer.low <= inner.low && inner.high <= outer.high)

const union = (a: Span, b: Span): Span => {
  if (a.high < a.low) return b
  if (b.high < b.low) return a
  return { low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) }
}

/**
 * A batch on its way into a histogram. Counts of the pieces gather in the kernels' memory while all
 * fall into the same buckets, and go over when a piece does not, and at the end.
 */
export class HistogramBatch {
  readonly #histogram: Histogram
  readonly #kernels: Kernels
  readonly #lease: Lease
  #counts: { lease: Lease; pointer: number; work: number } | undefined
  #positive: Span = { low: 0, high: -1 }
  #negative: Span = { low: 0, high: -1 }
  /** Values counted, but not yet in the histogram's buckets. */
  #pending = 0

  constructor(histogram: Histogram) {
    this.#histogram = histogram
    this.#kernels = getKernels()
    this.#lease = this.#kernels.arena.openLease()
  }

  insert(values: Float64Array | Resident): void {
    const { arena } = this.#kernels
    const isInside = values instanceof Resident
    const input = isInside ? 0 : this.#lease.allocate(Math.min(values.length, PIECE_ELEMENTS) * 8)
    for (let start = 0; start < values.length; start += PIECE_ELEMENTS) {
      const length = Math.min(PIECE_ELEMENTS, values.length - start)
      if (isInside) {
        this.#insertPiece(values.pointer + start * 8, length)
      } else {
        arena.write(
          input,
          length === values.length ? values : values.subarray(start, start + length),
        )
        this.#insertPiece(input, length)
      }
    }
    this.#flush()
  }

  /** Gives the memory back; what is pending is lost. */
  close(): void {
    this.#counts?.lease.close()
    this.#lease.close()
  }

  /** f64[length] in the kernels' memory. */
  #insertPiece(input: number, length: number): void {
    const { arena, exports } = this.#kernels
    const histogram = this.#histogram
    const output = arena.scratch
    exports.histogram_range_f64(input, length, output)
    const range = {
      min: arena.readF64(output),
      max: arena.readF64(output, 1),
      negativeMin: arena.readF64(output, 2),
      negativeMax: arena.readF64(output, 3),
    }
    const zeros = arena.readF64(output, 4)
    const skipped = arena.readF64(output, 5)
    const plain = arena.readF64(output, 6)
    const spans = histogram.spansOf(range)
    if (!holds(this.#positive, spans.positive) || !holds(this.#negative, spans.negative)) {
      this.#moveTo(range)
    }
    histogram.zeroCount += zeros
    histogram.nonFiniteCount += skipped
    histogram.count += length - skipped
    this.#pending += length
    const counts = this.#counts
    // Nothing but zeros and what is not finite so far.
    if (!counts) return
    const span = sizeOf(this.#positive)
    exports.histogram_insert_f64(
      input,
      length,
      histogram.scale,
      counts.pointer,
      this.#positive.low,
      span,
      counts.pointer + span * 4,
      this.#negative.low,
      plain,
      counts.work,
    )
  }

  /** Counts from here on in buckets that a piece's values fall into too. */
  #moveTo(range: BatchRange): void {
    const { arena, exports } = this.#kernels
    const { scale } = this.#histogram
    this.#flush()
    const { positive, negative } = this.#histogram.admit(range)
    const isSameScale = this.#histogram.scale === scale
    this.#positive = isSameScale ? union(this.#positive, positive) : positive
    this.#negative = isSameScale ? union(this.#negative, negative) : negative
    const lease = arena.openLease()
    this.#counts?.lease.close()
    const workBytes = exports.histogram_work_bytes(sizeOf(this.#positive))
    const spans = sizeOf(this.#positive) + sizeOf(this.#negative)
    const work = lease.allocate(workBytes + spans * 4)
    this.#counts = { lease, work, pointer: work + workBytes }
    arena.u32(this.#counts.pointer, spans).fill(0)
  }

  /** Hands the counts over to the histogram. */
  #flush(): void {
    const { arena } = this.#kernels
    if (!this.#counts || this.#pending === 0) return
    const { pointer } = this.#counts
    const { positive, negative } = this.#histogram
    const span = sizeOf(this.#positive)
    const negativeSpan = sizeOf(this.#negative)
    if (span > 0) {
      positive.addRange(this.#positive.low, arena.u32(pointer, span), this.#pending)
    }
    if (negativeSpan > 0) {
      const counts = arena.u32(pointer + span * 4, negativeSpan)
      negative.addRange(this.#negative.low, counts, this.#pending)
    }
    arena.u32(pointer, span + negativeSpan).fill(0)
    this.#pending = 0
  }
}
