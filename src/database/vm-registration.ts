import { numberArray, textArray } from './array-literal.ts'
import type { Database } from './client.ts'

/** A machine that reports and that nobody has entered. */
export interface ReportingHost {
  readonly name: string
  readonly cpuCores: number
  readonly memoryMb: number
  readonly diskGb: number
}

/** A deleted VM is not made again for this long, whatever its agent still sends. */
const REMADE_AFTER_HOURS = 1

/** How long a VM made here takes larger sizes, unless somebody changed it. */
const GROWS_MINUTES = 10

export interface RegisteredHost {
  readonly id: string
  readonly isNew: boolean
}

/**
 * Makes a running VM of each host whose name is free, as long as the organisation has fewer than
 * `vmsMax`. A VM that was made so a short while ago grows to the size given: a host tells of itself in
 * pieces. One statement; two isolates at once make each VM once.
 *
 * @param hosts with distinct names that PostgreSQL can store
 * @returns the VMs made or grown, by name
 */
export const registerHosts = async (
  db: Database,
  organisationId: string,
  hosts: readonly ReportingHost[],
  vmsMax: number,
): Promise<ReadonlyMap<string, RegisteredHost>> => {
  const text = `INSERT INTO vms
      (organisation_id, name, status, cpu_cores, memory_mb, disk_gb, region, instance_type)
    SELECT $1::uuid, name, 'running', cores, memory, disk, 'unknown', 'unknown'
    FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[])
      WITH ORDINALITY AS host (name, cores, memory, disk, place)
    WHERE place <= $6::bigint - (
        SELECT count(*) FROM vms WHERE organisation_id = $1::uuid AND deleted_at IS NULL)
      AND NOT EXISTS (
        SELECT 1 FROM vms WHERE organisation_id = $1::uuid AND vms.name = host.name
          AND deleted_at > now() - interval '${REMADE_AFTER_HOURS} hour')
    ON CONFLICT (organisation_id, name) WHERE deleted_at IS NULL DO UPDATE SET
      cpu_cores = greatest(vms.cpu_cores, excluded.cpu_cores),
      memory_mb = greatest(vms.memory_mb, excluded.memory_mb),
      disk_gb = greatest(vms.disk_gb, excluded.disk_gb)
    WHERE vms.instance_type = 'unknown' AND vms.updated_at = vms.created_at
      AND vms.created_at > now() - interval '${GROWS_MINUTES} minutes'
    RETURNING id, name, xmax = 0 AS is_new`
  const params = [
    organisationId,
    textArray(hosts.map(({ name }) => name)),
    numberArray(hosts.map(({ cpuCores }) => cpuCores)),
    numberArray(hosts.map(({ memoryMb }) => memoryMb)),
    numberArray(hosts.map(({ diskGb }) => diskGb)),
    String(vmsMax),
  ]
  const rows = await db.query<{ id: string; name: string; is_new: boolean }>({ text, params })
  return new Map(rows.map(({ id, name, is_new }) => [name, { id, isNew: is_new }]))
}
