import { METRICS } from './types.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

/** Samples one VM may have in one minute (100 a second): keeps a chunk far below the 2 MB row limit. */
export const MINUTE_SAMPLES_MAX = 6_000

const COLUMNS = METRICS.length

export type InsertOutcome = 'inserted' | 'duplicate' | 'conflict' | 'full'

/** Samples, columnar and sorted by time. NaN stands for a missing metric. */
export interface SampleColumns {
  readonly count: number
  /** f64[count], milliseconds since the epoch, ascending. */
  readonly timestamps: Float64Array
  /** f64[count] of one metric of `METRICS`, by position. */
  column(metric: number): Float64Array
}

/**
 * The samples of one VM in one minute, columnar and sorted by time. NaN stands for a missing metric.
 *
 * Bytes (little-endian), also the shard's chunk format:
 *   | count u32 | zero u32 | timestamp f64[count] | METRICS[0] f64[count] | … | METRICS[6] f64[count] |
 */
export class MinuteBuffer implements SampleColumns {
  /** Whether the store has it as it is. */
  isStored = false
  #count = 0
  #capacity: number
  /** One array for all columns, f64[capacity × 8]: timestamps first, then METRICS; backfill makes many buffers. */
  #data: Float64Array

  constructor(capacity = 4) {
    this.#capacity = capacity
    this.#data = new Float64Array(capacity * (1 + COLUMNS))
  }

  get count(): number {
    return this.#count
  }

  /** f64[count], milliseconds since the epoch, ascending. A view: valid until the next insert. */
  get timestamps(): Float64Array {
    return this.#data.subarray(0, this.#count)
  }

  /** f64[count] of one metric of `METRICS`, by position. A view: valid until the next insert. */
  column(metric: number): Float64Array {
    if (metric < 0 || metric >= COLUMNS) throw new RangeError(`no metric ${metric}`)
    const start = (1 + metric) * this.#capacity
    return this.#data.subarray(start, start + this.#count)
  }

  /**
   * Adds the sample whose metrics stand at `values[offset … offset + 6]`. The first value stored for
   * a time stays: the same sample again is a `duplicate`, another one a `conflict`.
   */
  insert(timestamp: number, values: Float64Array, offset: number): InsertOutcome {
    let position = this.#count
    while (position > 0 && (this.#data[position - 1] as number) >= timestamp) position--
    if (position < this.#count && this.#data[position] === timestamp)
      return this.#equals(position, values, offset) ? 'duplicate' : 'conflict'
    if (this.#count >= MINUTE_SAMPLES_MAX) return 'full'
    if (this.#count === this.#capacity) this.#resize(this.#capacity * 2)
    for (let column = 0; column <= COLUMNS; column++) {
      const start = column * this.#capacity
      if (position < this.#count)
        this.#data.copyWithin(start + position + 1, start + position, start + this.#count)
      this.#data[start + position] =
        column === 0 ? timestamp : (values[offset + column - 1] as number)
    }
    this.#count++
    this.isStored = false
    return 'inserted'
  }

  #equals(position: number, values: Float64Array, offset: number): boolean {
    for (let metric = 0; metric < COLUMNS; metric++) {
      const stored = this.#data[(1 + metric) * this.#capacity + position] as number
      const given = values[offset + metric] as number
      if (stored !== given && !(Number.isNaN(stored) && Number.isNaN(given))) return false
    }
    return true
  }

  #resize(capacity: number): void {
    const data = new Float64Array(capacity * (1 + COLUMNS))
    for (let column = 0; column <= COLUMNS; column++) {
      const start = column * this.#capacity
      data.set(this.#data.subarray(start, start + this.#count), column * capacity)
    }
    this.#capacity = capacity
    this.#data = data
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(8 + 8 * this.#count * (1 + COLUMNS))
    new DataView(bytes.buffer).setUint32(0, this.#count, true)
    const body = new Float64Array(bytes.buffer, 8)
    for (let column = 0; column <= COLUMNS; column++) {
      const start = column * this.#capacity
      body.set(this.#data.subarray(start, start + this.#count), column * this.#count)
    }
    return bytes
  }

  /** As it is stored. Throws RangeError where the length does not fit the count. */
  static fromBytes(source: ArrayBuffer | Uint8Array): MinuteBuffer {
    const bytes = source instanceof Uint8Array ? source.slice() : new Uint8Array(source)
    const count = new DataView(bytes.buffer).getUint32(0, true)
    if (bytes.byteLength !== 8 + 8 * count * (1 + COLUMNS))
      throw new RangeError(`a chunk of ${count} samples cannot have ${bytes.byteLength} bytes`)
    const buffer = new MinuteBuffer(Math.max(1, count))
    buffer.#data.set(new Float64Array(bytes.buffer, 8))
    buffer.#count = count
    buffer.isStored = true
    return buffer
  }

  /** As it is stored. @param samples of one minute */
  static fromColumns(samples: SampleColumns): MinuteBuffer {
    const { count } = samples
    const buffer = new MinuteBuffer(Math.max(1, count))
    buffer.#data.set(samples.timestamps)
    for (let metric = 0; metric < COLUMNS; metric++)
      buffer.#data.set(samples.column(metric), (1 + metric) * buffer.#capacity)
    buffer.#count = count
    buffer.isStored = true
    return buffer
  }
}
