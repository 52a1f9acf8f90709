/** Bytes of chunks after which a segment ends: a query for one series reads the whole of its segments. */
export const SEGMENT_BYTES_MAX = 128 * 1024

/** Chunks of neighbouring series that one cut sealed: the unit in which fresh chunks are stored. */
export interface Segment {
  /** Lowest and highest number of its series. */
  readonly first: number
  readonly last: number
  /** Times of its oldest and newest sample, ms since the epoch. */
  readonly from: number
  readonly to: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

interface Entry {
  readonly number: number
  readonly chunk: Uint8Array
}

/**
 * Collects the chunks of a cut, ascending by series, and hands over a segment whenever one is full.
 *
 * Bytes (little-endian): | entries u32 | {series u32, end of its chunk u32}[entries] | chunks |
 */
export class SegmentBuilder {
  readonly #emit: (segment: Segment) => void
  #entries: Entry[] = []
  #sizeBytes = 0
  #from = Number.POSITIVE_INFINITY
  #to = Number.NEGATIVE_INFINITY

  constructor(emit: (segment: Segment) => void) {
    this.#emit = emit
  }

  /** @param from, to times of the chunk's oldest and newest sample */
  add(number: number, chunk: Uint8Array, from: number, to: number): void {
    this.#entries.push({ number, chunk })
    this.#sizeBytes += chunk.length
    this.#from = Math.min(this.#from, from)
    this.#to = Math.max(this.#to, to)
    if (this.#sizeBytes >= SEGMENT_BYTES_MAX) this.end()
  }

  end(): void {
    const entries = this.#entries
    const [first] = entries
    const last = entries.at(-1)
    if (!first || !last) return
    const header = 4 + 8 * entries.length
    const bytes = new Uint8Array(header + this.#sizeBytes)
    const words = new Uint32Array(bytes.buffer, 0, header / 4)
    words[0] = entries.length
    let end = 0
    entries.forEach(({ number, chunk }, index) => {
      bytes.set(chunk, header + end)
      end += chunk.length
      words[1 + 2 * index] = number
      words[2 + 2 * index] = end
    })
    const [from, to] = [this.#from, this.#to]
    this.#entries = []
    this.#sizeBytes = 0
    this.#from = Number.POSITIVE_INFINITY
    this.#to = Number.NEGATIVE_INFINITY
    this.#emit({ first: first.number, last: last.number, from, to, bytes })
  }
}

/** Reads a segment's bytes in place. */
export class SegmentReader {
  readonly #bytes: Uint8Array
  readonly #words: Uint32Array
  readonly count: number

  /** @throws RangeError where the bytes are shorter than they say */
  constructor(buffer: ArrayBuffer) {
    this.#bytes = new Uint8Array(buffer)
    this.count = buffer.byteLength < 4 ? 0 : (new Uint32Array(buffer, 0, 1)[0] as number)
    if (4 + 8 * this.count > buffer.byteLength) throw new RangeError('a segment is cut short')
    this.#words = new Uint32Array(buffer, 4, 2 * this.count)
  }

  number(entry: number): number {
    return this.#words[2 * entry] as number
  }

  /** A view. */
  chunk(entry: number): Uint8Array {
    const start = entry === 0 ? 0 : (this.#words[2 * entry - 1] as number)
    const header = 4 + 8 * this.count
    return this.#bytes.subarray(header + start, header + (this.#words[2 * entry + 1] as number))
  }

  /** The first entry whose series is `number` or above; `count` where there is none. */
  seek(number: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.number(middle) < number) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The chunks of a series, in the order in which they were written. */
  *chunksOf(number: number): Generator<Uint8Array> {
    for (let entry = this.seek(number); this.#isOf(entry, number); entry++) yield this.chunk(entry)
  }

  #isOf(entry: number, number: number): boolean {
    return entry < this.count && this.number(entry) === number
  }
}
