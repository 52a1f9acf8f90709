import type { PointColumns, VmUpdate } from '../streams/protocol.ts'
import { efficiencyOf, healthOf } from './health.ts'
import { HOUR_MS, type InsertOutcome, MINUTE_MS, MinuteBuffer } from './minute-buffer.ts'
import { type LatestSample, METRICS, type Window24h } from './types.ts'
import { HourState } from './usage-statistics.ts'

/** Whole hours of the sliding window: the current one so far and the 23 before it. */
export const WINDOW_HOURS = 24
/** Points kept for the live stream between two publications; older ones are read by HTTP. */
const LIVE_POINTS_MAX = 600

const COLUMNS = METRICS.length
const CPU = METRICS.indexOf('cpu_usage')
const MEMORY = METRICS.indexOf('memory_usage')

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value)

/** Values accepted but not yet run through the kernels, by hour. */
interface Unfolded {
  samples: number
  readonly cpu: number[]
  readonly memory: number[]
}

const hourOf = (timestamp: number) => timestamp - (timestamp % HOUR_MS)
const minuteOf = (timestamp: number) => timestamp - (timestamp % MINUTE_MS)

/**
 * One VM inside its shard: the open minutes, the hours, the sliding 24 h and the newest sample.
 * Pure but for the kernels; the shard loads and stores its parts.
 */
export class VmSeries {
  readonly id: string
  /** The shard's own small number of the VM. */
  readonly number: number
  readonly minutes = new Map<number, MinuteBuffer>()
  readonly hours = new Map<number, HourState>()
  readonly dirtyMinutes = new Set<number>()
  readonly dirtyHours = new Set<number>()
  /** Newest sample: time in ms and a row of METRICS; null before the first. */
  latest: { readonly timestamp: number; readonly values: Float64Array } | null = null
  /** Whether latest or window differ from what PostgreSQL has. */
  stale = false
  /** Whether something came since the last publication. */
  changed = false

  readonly #unfolded = new Map<number, Unfolded>()
  /** Flat: a time and a row of METRICS a point. */
  #points: number[] = []
  #window = new HourState()
  #windowStart = Number.NaN
  #newestMinute: number

  /** @param newestMinute start of the newest minute that is stored, in ms */
  constructor(id: string, number: number, newestMinute = Number.NEGATIVE_INFINITY) {
    this.id = id
    this.number = number
    this.#newestMinute = newestMinute
  }

  /**
   * Accepts one sample: `values[offset … offset + 6]` is its row of METRICS.
   *
   * @param load the stored buffer of a minute that is not in memory, if there is one
   */
  record(
    timestamp: number,
    values: Float64Array,
    offset: number,
    load: (minute: number) => MinuteBuffer | null,
  ): InsertOutcome {
    const minute = minuteOf(timestamp)
    let buffer = this.minutes.get(minute)
    if (!buffer) {
      // A minute beyond every earlier one cannot be stored yet.
      buffer = (minute > this.#newestMinute ? null : load(minute)) ?? new MinuteBuffer()
      this.minutes.set(minute, buffer)
      this.#newestMinute = Math.max(this.#newestMinute, minute)
    }
    const outcome = buffer.insert(timestamp, values, offset)
    if (outcome !== 'inserted') return outcome
    this.dirtyMinutes.add(minute)
    this.#defer(hourOf(timestamp), values[offset + CPU], values[offset + MEMORY])
    const isNewest = !this.latest || timestamp > this.latest.timestamp
    if (isNewest) this.latest = { timestamp, values: values.slice(offset, offset + COLUMNS) }
    if (this.#points.length < LIVE_POINTS_MAX * (1 + COLUMNS)) {
      this.#points.push(timestamp)
      for (let metric = 0; metric < COLUMNS; metric++)
        this.#points.push(values[offset + metric] as number)
    }
    this.stale = true
    this.changed = true
    return outcome
  }

  #defer(hour: number, cpu = Number.NaN, memory = Number.NaN): void {
    let waiting = this.#unfolded.get(hour)
    if (!waiting) {
      waiting = { samples: 0, cpu: [], memory: [] }
      this.#unfolded.set(hour, waiting)
    }
    waiting.samples++
    waiting.cpu.push(cpu)
    waiting.memory.push(memory)
  }

  /**
   * Runs what was accepted through the kernels into its hours. Call before reading or storing hours.
   *
   * @param load the stored state of an hour that is not in memory, if there is one
   */
  fold(load: (hour: number) => HourState | null): void {
    for (const [start, waiting] of this.#unfolded) {
      const hour = this.hours.get(start) ?? load(start) ?? new HourState()
      this.hours.set(start, hour)
      const cpu = Float64Array.from(waiting.cpu)
      const memory = Float64Array.from(waiting.memory)
      const inWindow = start >= this.#windowStart
      for (const state of inWindow ? [hour, this.#window] : [hour]) {
        state.sampleCount += waiting.samples
        state.cpu.add(cpu)
        state.memory.add(memory)
      }
      this.dirtyHours.add(start)
    }
    this.#unfolded.clear()
  }

  /**
   * Moves the window to end in the hour of `now`. When an hour leaves, the window is merged anew from
   * the hours that stay: a maximum cannot be subtracted, and sums do not drift.
   *
   * @returns whether the window's content changed
   */
  slide(now: number): boolean {
    const start = hourOf(now) - (WINDOW_HOURS - 1) * HOUR_MS
    if (start === this.#windowStart) return false
    const before = this.#window.sampleCount
    this.#window = new HourState()
    this.#windowStart = start
    for (const [hour, state] of this.hours)
      if (hour >= start) this.#window.merge(state)
      else if (!this.dirtyHours.has(hour)) this.hours.delete(hour)
    const changed = this.#window.sampleCount !== before
    if (changed) this.stale = true
    return changed
  }

  /** Statistics of the sliding 24 h; call `fold` and `slide` first. */
  get window(): HourState {
    return this.#window
  }

  window24h(): Window24h {
    const { cpu, memory, sampleCount } = this.#window
    return {
      cpu_avg: cpu.mean,
      cpu_max: cpu.count === 0 ? null : cpu.max,
      cpu_p95: cpu.quantile(0.95),
      memory_avg: memory.mean,
      memory_max: memory.count === 0 ? null : memory.max,
      memory_p95: memory.quantile(0.95),
      sample_count: sampleCount,
    }
  }

  latestSample(): LatestSample | null {
    if (!this.latest) return null
    const { timestamp, values } = this.latest
    const row = Object.fromEntries(
      METRICS.map((metric, index) => [metric, orNull(values[index] as number)]),
    ) as unknown as Omit<LatestSample, 'timestamp'>
    return { timestamp, ...row }
  }

  /** What the live stream tells of this VM; null before its first sample. */
  update(): VmUpdate | null {
    const latest = this.latestSample()
    if (!latest) return null
    const window = this.window24h()
    return {
      id: this.id,
      latest,
      window_24h: window,
      ...healthOf(latest),
      ...efficiencyOf(window),
    }
  }

  /** The samples since the last call, ascending by time. */
  takePoints(): PointColumns {
    const points = this.#points
    this.#points = []
    const rows = Array.from(
      { length: points.length / (1 + COLUMNS) },
      (_, row) => row * (1 + COLUMNS),
    ).sort((a, b) => (points[a] as number) - (points[b] as number))
    const columns = Object.fromEntries(
      METRICS.map((metric, index) => [
        metric,
        rows.map((row) => orNull(points[row + 1 + index] as number)),
      ]),
    ) as unknown as Omit<PointColumns, 'timestamp'>
    return { timestamp: rows.map((row) => points[row] as number), ...columns }
  }

  /** Forgets stored minutes that ended before `before`, so that memory holds only the open ones. */
  releaseMinutes(before: number): void {
    for (const minute of this.minutes.keys())
      if (minute < before && !this.dirtyMinutes.has(minute)) this.minutes.delete(minute)
  }
}
