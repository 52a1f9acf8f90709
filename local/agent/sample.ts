import type { CpuTicks, DiskOperations, Memory, NetworkBytes } from './proc.ts'

/** One reading of the machine's counters. `null` = this machine does not tell. */
export interface Reading {
  /** Wall clock, ms since the epoch: the sample's time. */
  timestampMs: number
  /** Monotonic clock, ms: what the rates are divided by. */
  monotonicMs: number
  cpu: CpuTicks | null
  memory: Memory | null
  /** Used share of the filesystem in percent. */
  diskUsedPercent: number | null
  network: NetworkBytes | null
  disk: DiskOperations | null
}

/** What is sent: percents 0..100, bytes per second, operations per second. */
export interface Sample {
  timestamp: number
  cpu_usage?: number
  memory_usage?: number
  disk_usage?: number
  network_in_bytes?: number
  network_out_bytes?: number
  iops_read?: number
  iops_write?: number
}

/**
 * Units per second between two readings of a counter; `null` when the counter went backwards
 * (a device left, the machine restarted) or no time passed, since then no rate is known.
 */
export const ratePerSecond = (
  before: number | undefined,
  now: number | undefined,
  elapsedMs: number,
): number | null => {
  if (before === undefined || now === undefined || elapsedMs <= 0 || now < before) return null
  return ((now - before) * 1000) / elapsedMs
}

/** Busy share between two readings in percent; `null` when no tick passed or ticks went back. */
export const cpuPercent = (before: CpuTicks | null, now: CpuTicks | null): number | null => {
  if (before === null || now === null) return null
  const total = now.total - before.total
  const busy = now.busy - before.busy
  if (total <= 0) return null
  // Idle and iowait may step back by a tick between reads (proc_stat(5)), so the share is clamped.
  return Math.min(100, Math.max(0, (busy / total) * 100))
}

export const memoryPercent = (memory: Memory | null): number | null =>
  memory === null
    ? null
    : Math.min(100, Math.max(0, (1 - memory.availableBytes / memory.totalBytes) * 100))

/** Two decimals are more than the counters resolve and halve the bytes sent. */
const rounded = (value: number): number => Math.round(value * 100) / 100

/** The sample between two readings; metrics that are not known are absent. */
export const sampleBetween = (before: Reading, now: Reading): Sample => {
  const elapsedMs = now.monotonicMs - before.monotonicMs
  const values = {
    cpu_usage: cpuPercent(before.cpu, now.cpu),
    memory_usage: memoryPercent(now.memory),
    disk_usage: now.diskUsedPercent,
    network_in_bytes: ratePerSecond(before.network?.inBytes, now.network?.inBytes, elapsedMs),
    network_out_bytes: ratePerSecond(before.network?.outBytes, now.network?.outBytes, elapsedMs),
    iops_read: ratePerSecond(before.disk?.reads, now.disk?.reads, elapsedMs),
    iops_write: ratePerSecond(before.disk?.writes, now.disk?.writes, elapsedMs),
  }
  const known = Object.entries(values).flatMap(([name, value]) =>
    value === null ? [] : [[name, rounded(value)] as const],
  )
  return { timestamp: now.timestampMs, ...Object.fromEntries(known) }
}

/** A sample needs one metric at least to be accepted. */
export const hasMetrics = (sample: Sample): boolean => Object.keys(sample).length > 1
