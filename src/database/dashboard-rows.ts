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
 * of 27 text fields take three times as long to encode, send and parse (bench/dashboard).
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
  const count = Math.min(columns.id?.length ?? 0, limit)
  const text = (name: Texts, row: number): string => columns[name]?.[row] ?? ''
  const given = (name: Given, row: number): number => columns[name]?.[row] ?? 0
  const value = (name: Column & Exclude<Column, Texts>, row: number): number | null =>
    columns[name]?.[row] ?? null
  const latestOf = (row: number): LatestSample | null => {
    const timestamp = value('at', row)
    if (timestamp === null) return null
    return {
      timestamp,
      cpu_usage: value('cpu', row),
      memory_usage: value('ram', row),
      disk_usage: value('space', row),
      network_in_bytes: value('network_in', row),
      network_out_bytes: value('network_out', row),
      iops_read: value('reads', row),
      iops_write: value('writes', row),
    }
  }
  const vmOf = (row: number): DashboardVm => ({
    id: text('id', row),
    name: text('name', row),
    status: VM_STATUSES[given('rank', row)] ?? 'stopped',
    cpu_cores: given('cores', row),
    memory_mb: given('memory', row),
    disk_gb: given('disk', row),
    region: text('region', row),
    instance_type: text('type', row),
    organisation,
    created_at: new Date(given('created', row)).toISOString(),
    health_score: given('health', row),
    estimated_hourly_cost: given('cost', row),
    latest: latestOf(row),
    window_24h: {
      cpu_avg: value('cpu_avg', row),
      cpu_max: value('cpu_max', row),
      cpu_p95: value('cpu_p95', row),
      memory_avg: value('memory_avg', row),
      memory_max: value('memory_max', row),
      memory_p95: value('memory_p95', row),
      sample_count: value('samples', row) ?? 0,
    },
  })
  return Array.from({ length: count }, (_, row) => vmOf(row))
}
