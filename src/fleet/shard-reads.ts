import type { PointColumns } from '../streams/protocol.ts'
import { MINUTE_MS, type MinuteBuffer } from './minute-buffer.ts'
import { METRICS } from './types.ts'
import type { HourState, UsageStatistics } from './usage-statistics.ts'

/** Exact count, mean, min and max; quantiles within `relativeErrorMax`. Null where nothing came. */
export interface UsageSummary {
  readonly count: number
  readonly mean: number | null
  readonly min: number | null
  readonly max: number | null
  readonly p50: number | null
  readonly p90: number | null
  readonly p95: number | null
  readonly p99: number | null
}

export interface Statistics24h {
  readonly cpu_usage: UsageSummary
  readonly memory_usage: UsageSummary
  readonly relativeErrorMax: number
}

const summaryOf = (usage: UsageStatistics): UsageSummary => ({
  count: usage.count,
  mean: usage.mean,
  min: usage.count === 0 ? null : usage.min,
  max: usage.count === 0 ? null : usage.max,
  p50: usage.quantile(0.5),
  p90: usage.quantile(0.9),
  p95: usage.quantile(0.95),
  p99: usage.quantile(0.99),
})

/** The statistics of a VM's sliding 24 h. */
export const statisticsOf = ({ cpu, memory }: HourState): Statistics24h => ({
  cpu_usage: summaryOf(cpu),
  memory_usage: summaryOf(memory),
  relativeErrorMax: Math.max(cpu.sketch.relativeErrorMax, memory.sketch.relativeErrorMax),
})

/**
 * Samples in [from, to], ascending; the newest `limit` of them.
 *
 * @param stored minutes in SQLite   @param open minutes in memory, by start; they are newer than stored ones
 */
export const pointsBetween = (
  stored: readonly MinuteBuffer[],
  open: ReadonlyMap<number, MinuteBuffer>,
  from: number,
  to: number,
  limit: number,
): { columns: PointColumns; truncated: boolean } => {
  const minutes = new Map(
    stored.map((buffer) => [
      Math.floor((buffer.timestamps[0] ?? 0) / MINUTE_MS) * MINUTE_MS,
      buffer,
    ]),
  )
  for (const [start, buffer] of open) minutes.set(start, buffer)
  const buffers = [...minutes].sort(([a], [b]) => a - b).map(([, buffer]) => buffer)
  const timestamp: number[] = []
  const columns = METRICS.map(() => [] as Array<number | null>)
  for (const buffer of buffers) {
    const times = buffer.timestamps
    const first = times.findIndex((time) => time >= from)
    const last = times.findLastIndex((time) => time <= to)
    if (first === -1 || last < first) continue
    timestamp.push(...times.subarray(first, last + 1))
    columns.forEach((column, metric) => {
      for (const value of buffer.column(metric).subarray(first, last + 1))
        column.push(Number.isNaN(value) ? null : value)
    })
  }
  const start = Math.max(0, timestamp.length - limit)
  const named = Object.fromEntries(
    METRICS.map((metric, index) => [metric, columns[index]?.slice(start) ?? []]),
  ) as unknown as Omit<PointColumns, 'timestamp'>
  return { columns: { timestamp: timestamp.slice(start), ...named }, truncated: start > 0 }
}
