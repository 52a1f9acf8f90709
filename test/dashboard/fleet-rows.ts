import type { FleetRow, Sample, Vm, VmUpdate } from '../../dashboard/src/types.ts'

export const sampleAt = (timestamp: number, cpu: number | null = 40): Sample => ({
  timestamp,
  cpu_usage: cpu,
  memory_usage: 50,
  disk_usage: 30,
  network_in_bytes: 1000,
  network_out_bytes: 500,
  iops_read: 10,
  iops_write: 20,
})

const NO_WINDOW = {
  cpu_avg: null,
  cpu_max: null,
  cpu_p95: null,
  memory_avg: null,
  memory_max: null,
  memory_p95: null,
  sample_count: 0,
}

export const rowOf = (name: string, changes: Partial<FleetRow> = {}): FleetRow => ({
  id: name,
  name,
  status: 'running',
  cpu_cores: 4,
  memory_mb: 8192,
  disk_gb: 80,
  region: 'eu-north-1',
  instance_type: 'm8',
  organisation: 'local',
  created_at: '2026-09-03T09:12:00Z',
  latest: sampleAt(1000),
  window_24h: NO_WINDOW,
  cpu_status: 'normal',
  memory_status: 'normal',
  disk_status: 'normal',
  health_score: 100,
  cpu_efficiency: null,
  memory_efficiency: null,
  estimated_hourly_cost: 0.5,
  ...changes,
})

export const updateOf = (id: string, timestamp: number, cpu: number): VmUpdate => ({
  id,
  latest: sampleAt(timestamp, cpu),
  window_24h: NO_WINDOW,
  cpu_status: 'normal',
  memory_status: 'normal',
  disk_status: 'normal',
  health_score: 100,
  cpu_efficiency: null,
  memory_efficiency: null,
})

export const vmOf = (name: string, changes: Partial<Vm> = {}): Vm => {
  const { id, status, cpu_cores, memory_mb, disk_gb, region, instance_type } = rowOf(name)
  const { organisation, created_at } = rowOf(name)
  const size = { cpu_cores, memory_mb, disk_gb, region, instance_type }
  return { id, name, status, ...size, organisation, created_at, ...changes }
}
