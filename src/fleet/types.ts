/** The metrics of one sample, in the order in which every columnar structure of the fleet holds them. */
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

/** Usages in percent [0, 100]; network in bytes per second; IOPS in operations per second. */
export type MetricValues = Readonly<Record<Metric, number | null>>

export const VM_STATUSES = ['running', 'starting', 'stopping', 'stopped'] as const
export type VmStatus = (typeof VM_STATUSES)[number]

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
  readonly updated_at: string
}

export interface LatestSample extends MetricValues {
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** Statistics of the sliding 24 h: the current hour so far and the 23 before it. */
export interface Window24h {
  readonly cpu_avg: number | null
  readonly cpu_max: number | null
  readonly cpu_p95: number | null
  readonly memory_avg: number | null
  readonly memory_max: number | null
  readonly memory_p95: number | null
  readonly sample_count: number
}

/** Per metric of `METRICS`, one array with a value (or null) a row. */
export type MetricColumns = Readonly<Record<Metric, ReadonlyArray<number | null>>>

/**
 * What a shard writes to PostgreSQL in one transaction. Every row carries absolute values, and a VM
 * belongs to exactly one shard, so writing the same batch twice changes nothing.
 * Each table is columnar: arrays of one length a table.
 */
export interface FlushBatch {
  readonly organisationId: string
  /** `vm_metrics`: one row per VM and minute; `timestamp` is the minute's start in ms. */
  readonly minutes: {
    readonly vmId: readonly string[]
    readonly timestamp: readonly number[]
    readonly sampleCount: readonly number[]
    /** Means over the minute. */
    readonly mean: MetricColumns
    readonly cpuMin: ReadonlyArray<number | null>
    readonly cpuMax: ReadonlyArray<number | null>
    readonly memoryMin: ReadonlyArray<number | null>
    readonly memoryMax: ReadonlyArray<number | null>
    /** Per row, samples that had each metric, in the order of METRICS; null where a metric was in all or in none. */
    readonly metricCounts: ReadonlyArray<readonly number[] | null>
  }
  /** `vm_latest`: the newest sample and what follows from it. */
  readonly latest: {
    readonly vmId: readonly string[]
    readonly timestamp: readonly number[]
    readonly values: MetricColumns
    readonly healthScore: readonly number[]
  }
  /** `vm_hours`: mergeable state per VM and hour; sketches as `Histogram.toBytes()`. */
  readonly hours: {
    readonly vmId: readonly string[]
    readonly timestamp: readonly number[]
    readonly sampleCount: readonly number[]
    readonly cpuCount: readonly number[]
    readonly cpuSum: readonly number[]
    readonly cpuMax: ReadonlyArray<number | null>
    readonly cpuSketch: readonly Uint8Array[]
    readonly memoryCount: readonly number[]
    readonly memorySum: readonly number[]
    readonly memoryMax: ReadonlyArray<number | null>
    readonly memorySketch: readonly Uint8Array[]
  }
  /** `vm_window`: the sliding 24 h statistics, written only beside the newest sample there is. */
  readonly windows: {
    readonly vmId: readonly string[]
    /** Of the newest sample, ms. */
    readonly timestamp: readonly number[]
    readonly values: readonly Window24h[]
    /** `rowValuesOf` the newest sample and the window. */
    readonly rowValues: readonly string[]
  }
}
