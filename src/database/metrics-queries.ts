import { METRICS, type Metric } from '../fleet/types.ts'
import type { Database } from './client.ts'
import { isUuid } from './vm-rows.ts'

/** What PostgreSQL keeps, each for a time of its own. */
export const TIERS = ['minute', 'five-minutes', 'hour'] as const
export type Tier = (typeof TIERS)[number]

export interface MetricsRange {
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  readonly resolution: Tier
  /** At most so many rows, the earliest first. */
  readonly limit: number
}

export interface MetricsColumns extends Readonly<Record<Metric, ReadonlyArray<number | null>>> {
  /** Start of the minute, five minutes or hour, milliseconds since the epoch, ascending. */
  readonly timestamp: readonly number[]
}

type ColumnsRow = { readonly [Column in keyof MetricsColumns]: MetricsColumns[Column] | null }

/**
 * A VM's means by minute, five minutes or hour, as columns; the coarser ones are the minutes' means weighted by
 * their sample counts. Empty where the VM is unknown to the organisation.
 *
 * @returns `truncated` when more rows than `limit` lie in the range
 */
export const metricsRange = async (
  db: Database,
  organisationId: string,
  vmId: string,
  range: MetricsRange,
): Promise<{ readonly columns: MetricsColumns; readonly truncated: boolean }> => {
  if (!isUuid(vmId)) return { columns: columnsOf(undefined, 0), truncated: false }
  const { fromMs, toMs, resolution, limit } = range
  const columns = ['timestamp', ...METRICS].map((name) => `json_agg(${name}) AS ${name}`)
  const text = `SELECT ${columns.join(', ')} FROM (${rowsOf(resolution)} ORDER BY 1 LIMIT $5::integer) AS found`
  const params = [organisationId, vmId, fromMs, toMs, limit + 1].map(String)
  const [row] = await db.query<ColumnsRow>({ text, params })
  const found = row?.timestamp?.length ?? 0
  return { columns: columnsOf(row, limit), truncated: found > limit }
}

const columnsOf = (row: ColumnsRow | undefined, limit: number): MetricsColumns => {
  const column = (name: Metric) => (row?.[name] ?? []).slice(0, limit)
  return {
    timestamp: (row?.timestamp ?? []).slice(0, limit),
    cpu_usage: column('cpu_usage'),
    memory_usage: column('memory_usage'),
    disk_usage: column('disk_usage'),
    network_in_bytes: column('network_in_bytes'),
    network_out_bytes: column('network_out_bytes'),
    iops_read: column('iops_read'),
    iops_write: column('iops_write'),
  }
}

const TABLES = {
  minute: 'vm_metrics',
  'five-minutes': 'vm_metrics_5m',
  hour: 'vm_hours',
} as const satisfies Record<Tier, string>

const rowsOf = (tier: Tier): string => `SELECT ${EPOCH_MS('timestamp')}, ${METRICS.join(', ')}
  FROM ${TABLES[tier]} WHERE vm_id = (SELECT id FROM vms
      WHERE organisation_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL)
    AND timestamp >= to_timestamp($3::float8 / 1000) AND timestamp < to_timestamp($4::float8 / 1000)`

const EPOCH_MS = (expression: string): string =>
  `round(date_part('epoch', ${expression}) * 1000) AS timestamp`

export interface VmHour {
  /** Start of the hour, milliseconds since the epoch. */
  readonly timestamp: number
  readonly sampleCount: number
  readonly cpuCount: number
  readonly cpuSum: number
  readonly cpuMax: number | null
  readonly cpuSketch: Uint8Array
  readonly memoryCount: number
  readonly memorySum: number
  readonly memoryMax: number | null
  readonly memorySketch: Uint8Array
}

type HourRow = Omit<VmHour, 'cpuSketch' | 'memorySketch'> & {
  readonly cpuSketch: string
  readonly memorySketch: string
}

/** A VM's mergeable hours from `fromMs` on, ascending; at most the retention's. */
export const vmHours = async (
  db: Database,
  organisationId: string,
  vmId: string,
  fromMs: number,
): Promise<readonly VmHour[]> => {
  if (!isUuid(vmId)) return []
  const text = `SELECT ${EPOCH_MS('timestamp')}, sample_count AS "sampleCount",
      cpu_count AS "cpuCount", cpu_sum AS "cpuSum", cpu_max AS "cpuMax",
      encode(cpu_sketch, 'base64') AS "cpuSketch",
      memory_count AS "memoryCount", memory_sum AS "memorySum", memory_max AS "memoryMax",
      encode(memory_sketch, 'base64') AS "memorySketch"
    FROM vm_hours
    WHERE vm_id = (SELECT id FROM vms
        WHERE organisation_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL)
      AND timestamp >= to_timestamp($3::float8 / 1000)
    ORDER BY vm_hours.timestamp`
  const params = [organisationId, vmId, String(fromMs)]
  const rows = await db.query<HourRow>({ text, params })
  return rows.map((row) => ({
    ...row,
    cpuSketch: fromBase64(row.cpuSketch),
    memorySketch: fromBase64(row.memorySketch),
  }))
}

/** PostgreSQL breaks base64 into lines of 76; `atob` skips white space (WHATWG Infra, forgiving-base64). */
const fromBase64 = (text: string): Uint8Array =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
