import { type LatestSample, VM_STATUSES, type VmStatus, type Window24h } from '../fleet/types.ts'

/** One VM of the page; statuses and efficiency follow from it (`src/fleet/health.ts`). */
export interface DashboardVm {
  readonly id: string
  readonly name: string
  readonly status: VmStatus
  readonly cpu_cores: number
  readonly memory_mb: number
  readonly disk_gb: number
  readonly region: string
  readonly instance_type: string
  /** Slug. */
  readonly organisation: string
  /** RFC 3339. */
  readonly created_at: string
  readonly health_score: number
  /** US dollars. */
  readonly estimated_hourly_cost: number
  readonly latest: LatestSample | null
  readonly window_24h: Window24h
}

const epochMs = (column: string): string => `round(date_part('epoch', ${column}) * 1000)`

/**
 * Columns of the page, in the order of `DashboardColumns`. Each arrives as one JSON array: 1,000 rows
 * of 26 text fields take a quarter longer to encode, send and parse.
 */
const EXPRESSIONS = {
  id: 'vms.id',
  name: 'vms.name',
  rank: 'vms.status_rank',
  cores: 'vms.cpu_cores',
  memory: 'vms.memory_mb',
  disk: 'vms.disk_gb',
  region: 'vms.region',
  type: 'vms.instance_type',
  created: epochMs('vms.created_at'),
  health: 'vms.health_score',
  cost: 'cost.hourly',
  at: epochMs('vm_latest.timestamp'),
  cpu: 'vm_latest.cpu_usage',
  ram: 'vm_latest.memory_usage',
  space: 'vm_latest.disk_usage',
  network_in: 'vm_latest.network_in_bytes',
  network_out: 'vm_latest.network_out_bytes',
  reads: 'vm_latest.iops_read',
  writes: 'vm_latest.iops_write',
  cpu_avg: 'vm_window.cpu_avg',
  cpu_max: 'vm_window.cpu_max',
  cpu_p95: 'vm_window.cpu_p95',
  memory_avg: 'vm_window.memory_avg',
  memory_max: 'vm_window.memory_max',
  memory_p95: 'vm_window.memory_p95',
  samples: 'vm_window.sample_count',
} as const

type Column = keyof typeof EXPRESSIONS
const COLUMNS = Object.entries(EXPRESSIONS)

/** The page's columns for the inner SELECT. */
export const PAGE_COLUMNS = COLUMNS.map(([name, sql]) => `${sql} AS ${name}`).join(', ')

/** The same for the outer SELECT over `page`: each a JSON array, null where the page is empty. */
export const PAGE_ARRAYS = COLUMNS.map(([name]) => `json_agg(page.${name}) AS ${name}`).join(', ')

type Texts = 'id' | 'name' | 'region' | 'type'
type Given = 'rank' | 'cores' | 'memory' | 'disk' | 'created' | 'health' | 'cost'

/** What the outer SELECT returns. */
export type DashboardColumns = {
  readonly [Name in Column]: ReadonlyArray<
    Name extends Texts ? string : Name extends Given ? number : number | null
  > | null
}

/** Rows of at most `limit` VMs out of the columns. */
export const dashboardVms = (
  columns: DashboardColumns,
  organisation: string,
  limit: number,
): readonly DashboardVm[] => {
  const ids = (columns.id ?? []).slice(0, limit)
  const latestOf = latestReader(columns)
  const windowOf = windowReader(columns)
  const { name, rank, cores, memory, disk, region, type, created, health, cost } = columns
  return ids.map((id, row) => ({
    id,
    name: name?.[row] ?? '',
    status: VM_STATUSES[rank?.[row] ?? -1] ?? 'stopped',
    cpu_cores: cores?.[row] ?? 0,
    memory_mb: memory?.[row] ?? 0,
    disk_gb: disk?.[row] ?? 0,
    region: region?.[row] ?? '',
    instance_type: type?.[row] ?? '',
    organisation,
    created_at: new Date(created?.[row] ?? 0).toISOString(),
    health_score: health?.[row] ?? 0,
    estimated_hourly_cost: cost?.[row] ?? 0,
    latest: latestOf(row),
    window_24h: windowOf(row),
  }))
}

const latestReader = (columns: DashboardColumns) => {
  const { at, cpu, ram, space, network_in, network_out, reads, writes } = columns
  return (row: number): LatestSample | null => {
    const timestamp = at?.[row] ?? null
    if (timestamp === null) return null
    return {
      timestamp,
      cpu_usage: cpu?.[row] ?? null,
      memory_usage: ram?.[row] ?? null,
      disk_usage: space?.[row] ?? null,
      network_in_bytes: network_in?.[row] ?? null,
      network_out_bytes: network_out?.[row] ?? null,
      iops_read: reads?.[row] ?? null,
      iops_write: writes?.[row] ?? null,
    }
  }
}

const windowReader = (columns: DashboardColumns) => {
  const { cpu_avg, cpu_max, cpu_p95, memory_avg, memory_max, memory_p95, samples } = columns
  return (row: number): Window24h => ({
    cpu_avg: cpu_avg?.[row] ?? null,
    cpu_max: cpu_max?.[row] ?? null,
    cpu_p95: cpu_p95?.[row] ?? null,
    memory_avg: memory_avg?.[row] ?? null,
    memory_max: memory_max?.[row] ?? null,
    memory_p95: memory_p95?.[row] ?? null,
    sample_count: samples?.[row] ?? 0,
  })
}
