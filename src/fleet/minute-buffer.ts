import { METRICS, type Metric } from './types.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000

/** Samples one VM may have in one minute (100 a second): keeps a chunk far below the 2 MB row limit. */
export const MINUTE_SAMPLES_MAX = 6_000

const COLUMNS = METRICS.length

export type InsertOutcome = 'inserted' | 'duplicate' | 'conflict' | 'full'

/**
 * The samples of one VM in one minute, columnar and sorted by time. NaN stands for a missing metric.
 *
 * Bytes (little-endian), also the shard's chunk format:
 *   | count u32 | zero u32 | timestamp f64[count] | METRICS[0] f64[count] | … | METRICS[6] f64[count] |
 */
export class MinuteBuffer {
  #count = 0
  #capacity: number
  #timestamps: Float64Array
  #columns: Float64Array[]

  constructor(capacity = 64) {
    this.#capacity = capacity
    this.#timestamps = new Float64Array(capacity)
    this.#columns = METRICS.map(() => new Float64Array(capacity))
  }

  get count(): number {
    return this.#count
  }

  /** f64[count], milliseconds since the epoch, ascending. A view: valid until the next insert. */
  get timestamps(): Float64Array {
    return this.#timestamps.subarray(0, this.#count)
  }

  /** f64[count] of one metric of `METRICS`, by position. A view: valid until the next insert. */
  column(metric: number): Float64Array {
    const column = this.#columns[metric]
    if (!column) throw new RangeError(`no metric ${metric}`)
    return column.subarray(0, this.#count)
  }

  columnOf(metric: Metric): Float64Array {
    return this.column(METRICS.indexOf(metric))
  }

  /**
   * Adds the sample whose metrics stand at `values[offset … offset + 6]`. The first value stored for
   * a time stays: the same sample again is a `duplicate`, another one a `conflict`.
   */
  insert(timestamp: number, values: Float64Array, offset: number): InsertOutcome {
    let position = this.#count
    while (position > 0 && (this.#timestamps[position - 1] ?? 0) >= timestamp) position--
    if (position < this.#count && this.#timestamps[position] === timestamp)
      return this.#equals(position, values, offset) ? 'duplicate' : 'conflict'
    if (this.#count >= MINUTE_SAMPLES_MAX) return 'full'
    if (this.#count === this.#capacity) this.#grow()
    if (position < this.#count) {
      this.#timestamps.copyWithin(position + 1, position, this.#count)
      for (const column of this.#columns) column.copyWithin(position + 1, position, this.#count)
    }
    this.#timestamps[position] = timestamp
    for (let metric = 0; metric < COLUMNS; metric++) {
      const column = this.#columns[metric] as Float64Array
      column[position] = values[offset + metric] as number
    }
    this.#count++
    return 'inserted'
  }

  #equals(position: number, values: Float64Array, offset: number): boolean {
    for (let metric = 0; metric < COLUMNS; metric++) {
      const stored = this.#columns[metric]?.[position] as number
      const given = values[offset + metric] as number
      if (stored !== given && !(Number.isNaN(stored) && Number.isNaN(given))) return false
    }
    return true
  }

  #grow(): void {
    this.#capacity *= 2
    const grown = (from: Float64Array) => {
      const to = new Float64Array(this.#capacity)
      to.set(from)
      return to
    }
    this.#timestamps = grown(this.#timestamps)
    this.#columns = this.#columns.map(grown)
  }

  toBytes(): Uint8Array {
    const bytes = new Uint8Array(8 + 8 * this.#count * (1 + COLUMNS))
    new DataView(bytes.buffer).setUint32(0, this.#count, true)
    const body = new Float64Array(bytes.buffer, 8)
    body.set(this.timestamps, 0)
    for (let metric = 0; metric < COLUMNS; metric++)
      body.set(this.column(metric), this.#count * (1 + metric))
    return bytes
  }

  /** Throws RangeError where the length does not fit the count. */
  static fromBytes(source: ArrayBuffer | Uint8Array): MinuteBuffer {
    const bytes = source instanceof Uint8Array ? source.slice() : new Uint8Array(source)
    const count = new DataView(bytes.buffer).getUint32(0, true)
    if (bytes.byteLength !== 8 + 8 * count * (1 + COLUMNS))
      throw new RangeError(`a chunk of ${count} samples cannot have ${bytes.byteLength} bytes`)
    const buffer = new MinuteBuffer(Math.max(64, count))
    const body = new Float64Array(bytes.buffer, 8, count * (1 + COLUMNS))
    buffer.#timestamps.set(body.subarray(0, count))
    for (let metric = 0; metric < COLUMNS; metric++)
      buffer.#columns[metric]?.set(body.subarray(count * (1 + metric), count * (2 + metric)))
    buffer.#count = count
    return buffer
  }
}
