import { METRICS, type Metric } from '../../src/fleet/types.ts'
import type { PointColumns, VmUpdate } from '../../src/streams/protocol.ts'

/** A plausible update of the VM. */
export const vmUpdate = (id: string): VmUpdate => ({
  id,
  latest: {
    timestamp: 1_790_000_000_000,
    cpu_usage: 12.5,
    memory_usage: 40,
    disk_usage: 55,
    network_in_bytes: 1_000,
    network_out_bytes: 2_000,
    iops_read: 3,
    iops_write: null,
  },
  window_24h: {
    cpu_avg: 10,
    cpu_max: 80,
    cpu_p95: 45,
    memory_avg: 38,
    memory_max: 44,
    memory_p95: 43,
    sample_count: 86_400,
  },
  cpu_status: 'normal',
  memory_status: 'normal',
  disk_status: 'normal',
  health_score: 100,
  cpu_efficiency: 0.1,
  memory_efficiency: 0.38,
})

/** `count` samples, one a second. */
export const points = (count: number): PointColumns => {
  const values = Array.from({ length: count }, (_, i) => i)
  const columns = Object.fromEntries(METRICS.map((metric) => [metric, values]))
  return {
    timestamp: values.map((i) => 1_790_000_000_000 + i * 1_000),
    ...(columns as Record<Metric, number[]>),
  }
}
