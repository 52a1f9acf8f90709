import type { Vm, VmStatus } from '../fleet/types.ts'

/** Columns of `VmRow`, from a table named `vms`; instants in milliseconds since the epoch. */
export const VM_COLUMNS = `vms.id, vms.name, vms.status, vms.cpu_cores, vms.memory_mb::float8 AS memory_mb,
  vms.disk_gb::float8 AS disk_gb, vms.region, vms.instance_type,
  (SELECT slug FROM organisations WHERE organisations.id = $1::uuid) AS organisation,
  round(date_part('epoch', vms.created_at) * 1000) AS created_at_ms,
  round(date_part('epoch', vms.updated_at) * 1000) AS updated_at_ms`

/** A row of `VM_COLUMNS`. The statement's `$1` is the organisation's id. */
export interface VmRow {
  readonly id: string
  readonly name: string
  readonly status: VmStatus
  readonly cpu_cores: number
  readonly memory_mb: number
  readonly disk_gb: number
  readonly region: string
  readonly instance_type: string
  readonly organisation: string
  readonly created_at_ms: number
  readonly updated_at_ms: number
}

export const vmOf = (row: VmRow): Vm => ({
  id: row.id,
  name: row.name,
  status: row.status,
  cpu_cores: row.cpu_cores,
  memory_mb: row.memory_mb,
  disk_gb: row.disk_gb,
  region: row.region,
  instance_type: row.instance_type,
  organisation: row.organisation,
  created_at: new Date(row.created_at_ms).toISOString(),
  updated_at: new Date(row.updated_at_ms).toISOString(),
})

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The textual form that PostgreSQL and our URLs use; anything else cannot name a row. */
export const isUuid = (text: string): boolean => UUID.test(text)
