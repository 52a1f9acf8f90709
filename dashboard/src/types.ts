/** The metrics of one sample, in the order in which the page shows them. */
export const METRICS = [
  'cpu_usage',
  'memory_usage',
  'disk_usage',
  'network_in_bytes',
  'network_out_bytes',
  'iops_read',
  'iops_write',
] as const

export type Metric = (typeof METRICS)[number]

export const VM_STATUSES = ['running', 'starting', 'stopping', 'stopped'] as const
export type VmStatus = (typeof VM_STATUSES)[number]

/** Judgement of one metric; `unknown` means that the VM never reported it. */
export type Level = 'critical' | 'warning' | 'underutilized' | 'normal' | 'unknown'

/** Usages in percent [0, 100]; network in bytes per second; IOPS in operations per second. */
export type MetricValues = Readonly<Partial<Record<Metric, number | null>>>

export interface Sample extends MetricValues {
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** Statistics of the sliding 24 h, in percent. */
export interface Window24h {
  readonly cpu_avg: number | null
  readonly cpu_max: number | null
  readonly cpu_p95: number | null
  readonly memory_avg: number | null
  readonly memory_max: number | null
  readonly memory_p95: number | null
  readonly sample_count: number
}

/** What identifies and sizes a VM. */
export interface Vm {
  readonly id: string
  readonly name: string
  readonly status: VmStatus
  readonly cpu_cores: number
  readonly memory_mb: number
  readonly disk_gb: number
  readonly region: string
  readonly instance_type: string
  readonly organisation: string
  readonly created_at: string
}

/** What a live update carries for one VM; the identity is not repeated. */
export interface VmUpdate {
  readonly id: string
  readonly latest: Sample | null
  readonly window_24h: Window24h
  readonly cpu_status: Level
  readonly memory_status: Level
  readonly disk_status: Level
  readonly health_score: number
  readonly cpu_efficiency: number | null
  readonly memory_efficiency: number | null
  /** Every sample since the last update, on a VM's own topic only. */
  readonly points?: MetricPoints
}

export interface FleetRow extends Vm, Omit<VmUpdate, 'points'> {
  /** US dollars; null until the service has been asked for it. */
  readonly estimated_hourly_cost: number | null
}

export interface FleetSummary {
  readonly total: number
  readonly by_status: Readonly<Record<VmStatus, number>>
  readonly cpu_avg: number | null
  readonly memory_avg: number | null
  readonly health_avg: number | null
  readonly total_hourly_cost: number
}

export interface DashboardPage {
  readonly vms: readonly FleetRow[]
  readonly summary: FleetSummary
  readonly next_cursor: string | null
  readonly generated_at: number
}

/** Columns of equal length, one entry a sample, oldest first. */
export type MetricPoints = { readonly timestamp: readonly number[] } & Readonly<
  Partial<Record<Metric, ReadonlyArray<number | null>>>
>

export interface MetricStatistics {
  readonly count: number
  readonly mean: number
  readonly min: number
  readonly max: number
  readonly p50: number
  readonly p90: number
  readonly p95: number
  readonly p99: number
}

export interface MetricsAnswer {
  readonly vm: unknown
  readonly from: number | string
  readonly to: number | string
  readonly resolution: 'raw' | 'minute' | 'five-minutes' | 'hour'
  readonly columns: MetricPoints
  readonly truncated: boolean
  readonly statistics_24h: {
    readonly cpu_usage: MetricStatistics | null
    readonly memory_usage: MetricStatistics | null
    readonly method: string
    readonly relativeErrorMax: number
  } | null
}

export interface SessionInfo {
  readonly organisation: string
  readonly scopes: readonly string[]
  readonly platform_admin: boolean
}

/** RFC 9457, with the extensions that the page reads. */
export interface Problem {
  readonly type?: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly from?: string
  readonly allowed?: readonly string[]
}
