import type { VmUpdate } from '../streams/protocol.ts'
import { efficiencyOf, healthOf } from './health.ts'
import { HOUR_MS, type InsertOutcome, MINUTE_MS, type MinuteBuffer } from './minute-buffer.ts'
import { type LatestSample, METRICS, type Window24h } from './types.ts'
import { VmWindow } from './vm-window.ts'

const CPU = METRICS.indexOf('cpu_usage')
const MEMORY = METRICS.indexOf('memory_usage')

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value)

const hourOf = (timestamp: number) => timestamp - (timestamp % HOUR_MS)
const minuteOf = (timestamp: number) => timestamp - (timestamp % MINUTE_MS)

/** The newest sample: time in ms and a row of METRICS. */
export interface Latest {
  readonly timestamp: number
  readonly values: readonly number[]
}

/**
 * One VM inside its shard: the open minutes, the sliding 24 h and the newest sample. Pure but for the
 * kernels; the shard loads and stores its parts.
 */
export class VmSeries {
  readonly id: string
  /** The shard's own small number of the VM. */
  readonly number: number
  readonly minutes = new Map<number, MinuteBuffer>()
  readonly window = new VmWindow()
  /** Null before the first sample. */
  latest: Latest | null
  /** Whether latest or window differ from what PostgreSQL has. */
  stale = false

  #newestMinute: number

  /** @param latest the newest sample that is stored */
  constructor(id: string, number: number, latest: Latest | null = null) {
    this.id = id
    this.number = number
    this.latest = latest
    this.#newestMinute = latest ? minuteOf(latest.timestamp) : Number.NEGATIVE_INFINITY
  }

  /**
   * Accepts one sample: `values[offset … offset + 6]` is its row of METRICS.
   *
   * @param open the buffer of a minute that is not in memory: as it is stored, if it may be
   */
  record(
    timestamp: number,
    values: Float64Array,
    offset: number,
    open: (minute: number, mayBeStored: boolean) => MinuteBuffer,
  ): InsertOutcome {
    const minute = minuteOf(timestamp)
    let buffer = this.minutes.get(minute)
    if (!buffer) {
      // A minute beyond every earlier one cannot be stored yet.
      buffer = open(minute, minute <= this.#newestMinute)
      this.minutes.set(minute, buffer)
      this.#newestMinute = Math.max(this.#newestMinute, minute)
    }
    const outcome = buffer.insert(timestamp, values, offset)
    if (outcome !== 'inserted') return outcome
    this.window.add(
      hourOf(timestamp),
      values[offset + CPU] ?? Number.NaN,
      values[offset + MEMORY] ?? Number.NaN,
    )
    const isNewest = !this.latest || timestamp > this.latest.timestamp
    // A plain array: a quarter of the memory of so short a typed one.
    if (isNewest)
      this.latest = {
        timestamp,
        values: METRICS.map((_, metric) => values[offset + metric] ?? Number.NaN),
      }
    this.stale = true
    return outcome
  }

  window24h(): Window24h {
    const { cpu, memory, sampleCount } = this.window.state
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

  /** Forgets stored minutes that ended before `before`, so that memory holds only the open ones. */
  releaseMinutes(before: number): void {
    for (const [minute, buffer] of this.minutes)
      if (minute + MINUTE_MS <= before && buffer.isStored) this.minutes.delete(minute)
  }
}
