import { Histogram } from '../kernels/histogram.ts'
import { summary } from '../kernels/reduce.ts'

/** Numbers in front of each sketch in the serialised form. */
const HEAD = 4

/**
 * Mergeable statistics of one usage metric: exact count, mean, extremes, and quantiles from the
 * sketch with its relative error bound. Percentages are ≥ 0.
 */
export class UsageStatistics {
  count = 0
  sum = 0
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  readonly sketch: Histogram

  constructor(sketch = new Histogram()) {
    this.sketch = sketch
  }

  /** @param values f64[n]; NaN marks a missing value and is left out */
  add(values: Float64Array): void {
    const { count, sum, min, max } = summary(values)
    // It counts missing values, however they are spread over calls.
    this.sketch.insert(values)
    if (count === 0) return
    this.count += count
    this.sum += sum
    this.min = Math.min(this.min, min)
    this.max = Math.max(this.max, max)
  }

  merge(other: UsageStatistics): void {
    this.sketch.merge(other.sketch)
    if (other.count === 0) return
    this.count += other.count
    this.sum += other.sum
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
  }

  get mean(): number | null {
    return this.count === 0 ? null : this.sum / this.count
  }

  /** Within the sketch's relative error of the exact quantile; q in [0, 1]; null where nothing came. */
  quantile(q: number): number | null {
    if (this.count === 0) return null
    return Math.min(this.max, Math.max(this.min, this.sketch.quantile(q)))
  }

  /** | size u32 of what follows | zero u32 | count f64 | sum f64 | min f64 | max f64 | sketch | */
  toBytes(): Uint8Array {
    const sketch = this.sketch.toBytes()
    const bytes = new Uint8Array(8 + 8 * HEAD + sketch.byteLength)
    new DataView(bytes.buffer).setUint32(0, bytes.byteLength - 8, true)
    new Float64Array(bytes.buffer, 8, HEAD).set([this.count, this.sum, this.min, this.max])
    bytes.set(sketch, 8 + 8 * HEAD)
    return bytes
  }

  /** @returns the statistics at `offset` and where they end */
  static fromBytes(bytes: Uint8Array, offset: number): { value: UsageStatistics; end: number } {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const end = offset + 8 + view.getUint32(offset, true)
    const value = new UsageStatistics(Histogram.fromBytes(bytes.slice(offset + 8 + 8 * HEAD, end)))
    value.count = view.getFloat64(offset + 8, true)
    value.sum = view.getFloat64(offset + 16, true)
    value.min = view.getFloat64(offset + 24, true)
    value.max = view.getFloat64(offset + 32, true)
    return { value, end }
  }
}

/** A metric's statistics as they are stored: the sketch stays bytes. */
export interface StoredUsage {
  readonly count: number
  readonly sum: number
  /** −Infinity where nothing came. */
  readonly max: number
  /** `Histogram.toBytes()`. */
  readonly sketch: Uint8Array
}

/** An hour's state as it is stored, without its sketches being made: thousands of them are flushed at a time. */
export interface StoredHour {
  readonly sampleCount: number
  readonly cpu: StoredUsage
  readonly memory: StoredUsage
}

const storedUsage = (bytes: Uint8Array, offset: number): { value: StoredUsage; end: number } => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = offset + 8 + view.getUint32(offset, true)
  const value = {
    count: view.getFloat64(offset + 8, true),
    sum: view.getFloat64(offset + 16, true),
    max: view.getFloat64(offset + 32, true),
    sketch: bytes.subarray(offset + 8 + 8 * HEAD, end),
  }
  return { value, end }
}

/** @param source what `HourState.toBytes` gave */
export const storedHour = (source: ArrayBuffer): StoredHour => {
  const bytes = new Uint8Array(source)
  const cpu = storedUsage(bytes, 8)
  return {
    sampleCount: new DataView(source).getFloat64(0, true),
    cpu: cpu.value,
    memory: storedUsage(bytes, cpu.end).value,
  }
}

/** What one hour, or the sliding 24 h, knows of a VM. */
export class HourState {
  sampleCount = 0
  cpu = new UsageStatistics()
  memory = new UsageStatistics()

  merge(other: HourState): void {
    this.sampleCount += other.sampleCount
    this.cpu.merge(other.cpu)
    this.memory.merge(other.memory)
  }

  /** | sampleCount f64 | cpu | memory | */
  toBytes(): Uint8Array {
    const cpu = this.cpu.toBytes()
    const memory = this.memory.toBytes()
    const bytes = new Uint8Array(8 + cpu.byteLength + memory.byteLength)
    new DataView(bytes.buffer).setFloat64(0, this.sampleCount, true)
    bytes.set(cpu, 8)
    bytes.set(memory, 8 + cpu.byteLength)
    return bytes
  }

  static fromBytes(source: ArrayBuffer): HourState {
    const bytes = new Uint8Array(source)
    const state = new HourState()
    state.sampleCount = new DataView(source).getFloat64(0, true)
    const cpu = UsageStatistics.fromBytes(bytes, 8)
    state.cpu = cpu.value
    state.memory = UsageStatistics.fromBytes(bytes, cpu.end).value
    return state
  }
}
