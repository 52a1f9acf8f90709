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

/**
 * Makes a running VM of each host whose name is free, as long as the organisation has fewer than
 * `vmsMax`. One statement; two isolates at once make each VM once.
 *
 * @param hosts with distinct names that PostgreSQL can store
 * @returns ids of the VMs made, by name
 */
export const registerHosts = async (
  db: Database,
  organisationId: string,
  hosts: readonly ReportingHost[],
  vmsMax: number,
): Promise<ReadonlyMap<string, string>> => {
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
    ON CONFLICT DO NOTHING
    RETURNING id, name`
  const params = [
    organisationId,
    textArray(hosts.map(({ name }) => name)),
    numberArray(hosts.map(({ cpuCores }) => cpuCores)),
    numberArray(hosts.map(({ memoryMb }) => memoryMb)),
    numberArray(hosts.map(({ diskGb }) => diskGb)),
    String(vmsMax),
  ]
  const rows = await db.query<{ id: string; name: string }>({ text, params })
  return new Map(rows.map(({ id, name }) => [name, id]))
}
