import type { PointColumns } from '../streams/protocol.ts'
import type { MinuteBuffer, SampleColumns } from './minute-buffer.ts'
import { newestFirst, type StoredMinute } from './packed-samples.ts'
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
 * Samples in [from, to], ascending; the newest `limit` of them. Reads no more minutes than it needs.
 *
 * @param stored minutes in SQLite, the newest first
 * @param open minutes in memory, by start; they are newer than stored ones
 */
export const pointsBetween = (
  stored: Iterable<StoredMinute>,
  open: ReadonlyMap<number, MinuteBuffer>,
  from: number,
  to: number,
  limit: number,
): { columns: PointColumns; truncated: boolean } => {
  const parts: Array<{ samples: SampleColumns; first: number; end: number }> = []
  let found = 0
  const inMemory = Array.from(open, ([start, samples]) => ({ start, samples }))
  inMemory.sort((a, b) => b.start - a.start)
  for (const { samples } of newestFirst(inMemory, stored)) {
    const times = samples.timestamps
    const first = times.findIndex((time) => time >= from)
    const end = times.findLastIndex((time) => time <= to) + 1
    if (first === -1 || end <= first) continue
    parts.push({ samples, first, end })
    found += end - first
    if (found > limit) break
  }
  parts.reverse()
  const oldest = parts[0]
  if (oldest && found > limit) oldest.first += found - limit
  const timestamp: number[] = []
  const columns = METRICS.map(() => [] as Array<number | null>)
  for (const { samples, first, end } of parts) {
    for (const time of samples.timestamps.subarray(first, end)) timestamp.push(time)
    columns.forEach((column, metric) => {
      for (const value of samples.column(metric).subarray(first, end))
        column.push(Number.isNaN(value) ? null : value)
    })
  }
  const named = Object.fromEntries(
    METRICS.map((metric, index) => [metric, columns[index] ?? []]),
  ) as unknown as Omit<PointColumns, 'timestamp'>
  return { columns: { timestamp, ...named }, truncated: found > limit }
}
