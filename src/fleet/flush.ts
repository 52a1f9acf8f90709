import { summary } from '../kernels/reduce.ts'
import { rowValuesOf } from './dashboard-row.ts'
import { healthOf } from './health.ts'
import type { MinuteBuffer } from './minute-buffer.ts'
import type { PendingChunk } from './shard-store.ts'
import { type FlushBatch, METRICS, type Metric, type Window24h } from './types.ts'
import type { StoredHour, StoredUsage } from './usage-statistics.ts'
import type { VmSeries } from './vm-series.ts'

type Columns = Record<Metric, Array<number | null>>

const emptyColumns = (): Columns =>
  Object.fromEntries(METRICS.map((metric) => [metric, []])) as unknown as Columns

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

const minutesOf = (
  chunks: readonly PendingChunk<MinuteBuffer>[],
  idOf: (vm: number) => string,
): FlushBatch['minutes'] => {
  const mean = emptyColumns()
  const extremes = {
    cpuMin: [] as Array<number | null>,
    cpuMax: [] as Array<number | null>,
    memoryMin: [] as Array<number | null>,
    memoryMax: [] as Array<number | null>,
  }
  const metricCounts: Array<readonly number[] | null> = []
  for (const { value } of chunks) {
    const counts: number[] = []
    METRICS.forEach((metric, index) => {
      const found = summary(value.column(index))
      counts.push(found.count)
      const none = found.count === 0
      mean[metric].push(none ? null : finite(found.mean))
      if (metric === 'cpu_usage') {
        extremes.cpuMin.push(none ? null : found.min)
        extremes.cpuMax.push(none ? null : found.max)
      } else if (metric === 'memory_usage') {
        extremes.memoryMin.push(none ? null : found.min)
        extremes.memoryMax.push(none ? null : found.max)
      }
    })
    const isPartial = counts.some((count) => count > 0 && count < value.count)
    metricCounts.push(isPartial ? counts : null)
  }
  return {
    vmId: chunks.map(({ vm }) => idOf(vm)),
    timestamp: chunks.map(({ start }) => start),
    sampleCount: chunks.map(({ value }) => value.count),
    mean,
    ...extremes,
    metricCounts,
  }
}

interface Stale {
  readonly vm: VmSeries
  readonly window: Window24h
}

/** Newest samples and windows; a VM without a sample has neither. */
const currentOf = (stale: readonly Stale[]): Pick<FlushBatch, 'latest' | 'windows'> => {
  const vmId: string[] = []
  const timestamp: number[] = []
  const healthScore: number[] = []
  const rowValues: string[] = []
  const windows: Window24h[] = []
  const values = emptyColumns()
  for (const { vm, window } of stale) {
    const latest = vm.latestSample()
    if (!latest) continue
    vmId.push(vm.id)
    timestamp.push(latest.timestamp)
    healthScore.push(healthOf(latest).health_score)
    rowValues.push(rowValuesOf(latest, window))
    windows.push(window)
    for (const metric of METRICS) values[metric].push(latest[metric])
  }
  return {
    latest: { vmId, timestamp, values, healthScore },
    windows: { vmId, timestamp, values: windows, rowValues },
  }
}

const maximum = (usage: StoredUsage) => (usage.count === 0 ? null : usage.max)

const hoursOf = (
  chunks: readonly PendingChunk<StoredHour>[],
  idOf: (vm: number) => string,
): FlushBatch['hours'] => ({
  vmId: chunks.map(({ vm }) => idOf(vm)),
  timestamp: chunks.map(({ start }) => start),
  sampleCount: chunks.map(({ value }) => value.sampleCount),
  cpuCount: chunks.map(({ value }) => value.cpu.count),
  cpuSum: chunks.map(({ value }) => value.cpu.sum),
  cpuMax: chunks.map(({ value }) => maximum(value.cpu)),
  cpuSketch: chunks.map(({ value }) => value.cpu.sketch),
  memoryCount: chunks.map(({ value }) => value.memory.count),
  memorySum: chunks.map(({ value }) => value.memory.sum),
  memoryMax: chunks.map(({ value }) => maximum(value.memory)),
  memorySketch: chunks.map(({ value }) => value.memory.sketch),
})

/**
 * The rows that PostgreSQL lacks, with absolute values: minutes and hours from the stored chunks,
 * newest samples and windows from the series. Series must be folded and slid.
 */
export const buildFlush = (
  organisationId: string,
  minutes: readonly PendingChunk<MinuteBuffer>[],
  hours: readonly PendingChunk<StoredHour>[],
  stale: readonly Stale[],
  idOf: (vm: number) => string,
): FlushBatch => ({
  organisationId,
  minutes: minutesOf(minutes, idOf),
  hours: hoursOf(hours, idOf),
  ...currentOf(stale),
})
