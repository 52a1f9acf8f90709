import type { Vm, VmStatus } from '../fleet/types.ts'
import { err, ok, type Result } from '../result.ts'
import { textArray } from './array-literal.ts'
import type { Database } from './client.ts'
import { violatedConstraint } from './faults.ts'
import { isUuid, VM_COLUMNS, type VmRow, vmOf } from './vm-rows.ts'

export interface NewVm {
  readonly name: string
  readonly status: VmStatus
  readonly cpu_cores: number
  readonly memory_mb: number
  readonly disk_gb: number
  readonly region: string
  readonly instance_type: string
}

/** What a PUT may change; a field that is absent stays. */
export type VmPatch = {
  readonly [Field in keyof Omit<NewVm, 'status'>]?: NewVm[Field] | undefined
}

export type VmNameTaken = { readonly reason: 'vm-name-taken' }
export type VmNotFound = { readonly reason: 'vm-not-found' }

const NAME_CONSTRAINT = 'vms_organisation_name'

export const createVm = async (
  db: Database,
  organisationId: string,
  vm: NewVm,
): Promise<Result<Vm, VmNameTaken>> => {
  const text = `INSERT INTO vms
      (organisation_id, name, status, cpu_cores, memory_mb, disk_gb, region, instance_type)
    VALUES ($1::uuid, $2, $3, $4::integer, $5::bigint, $6::bigint, $7, $8)
    RETURNING ${VM_COLUMNS}`
  const size = [vm.cpu_cores, vm.memory_mb, vm.disk_gb].map(String)
  const params = [organisationId, vm.name, vm.status, ...size, vm.region, vm.instance_type]
  try {
    const [row] = await db.query<VmRow>({ text, params })
    if (row === undefined) throw new Error('INSERT … RETURNING gave no row')
    return ok(vmOf(row))
  } catch (error) {
    if (violatedConstraint(error) === NAME_CONSTRAINT) return err({ reason: 'vm-name-taken' })
    throw error
  }
}

/** @param reference the VM's id or its name; where one VM's name is another's id, the id wins */
export const getVm = async (
  db: Database,
  organisationId: string,
  reference: string,
): Promise<Vm | null> => {
  const id = isUuid(reference) ? reference : null
  const text = `SELECT ${VM_COLUMNS} FROM vms
    WHERE organisation_id = $1::uuid AND deleted_at IS NULL AND (id = $2::uuid OR name = $3)
    ORDER BY (id = $2::uuid) DESC NULLS LAST LIMIT 1`
  const [row] = await db.query<VmRow>({ text, params: [organisationId, id, reference] })
  return row === undefined ? null : vmOf(row)
}

export const updateVm = async (
  db: Database,
  organisationId: string,
  vmId: string,
  patch: VmPatch,
): Promise<Result<Vm, VmNotFound | VmNameTaken>> => {
  if (!isUuid(vmId)) return err({ reason: 'vm-not-found' })
  const text = `UPDATE vms SET
      name = COALESCE($3, name), cpu_cores = COALESCE($4::integer, cpu_cores),
      memory_mb = COALESCE($5::bigint, memory_mb), disk_gb = COALESCE($6::bigint, disk_gb),
      region = COALESCE($7, region), instance_type = COALESCE($8, instance_type), updated_at = now()
    WHERE organisation_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL
    RETURNING ${VM_COLUMNS}`
  const { name, cpu_cores, memory_mb, disk_gb, region, instance_type } = patch
  const fields = [name, cpu_cores, memory_mb, disk_gb, region, instance_type]
  const params = [organisationId, vmId, ...fields.map((field) => field?.toString() ?? null)]
  try {
    const [row] = await db.query<VmRow>({ text, params })
    return row === undefined ? err({ reason: 'vm-not-found' }) : ok(vmOf(row))
  } catch (error) {
    if (violatedConstraint(error) === NAME_CONSTRAINT) return err({ reason: 'vm-name-taken' })
    throw error
  }
}

/** Soft delete: the row stays for its history, the name is free at once. @returns false when there was none */
export const deleteVm = async (
  db: Database,
  organisationId: string,
  vmId: string,
): Promise<boolean> => {
  if (!isUuid(vmId)) return false
  const text = `UPDATE vms SET deleted_at = now(), updated_at = now()
    WHERE organisation_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL RETURNING id`
  return (await db.query({ text, params: [organisationId, vmId] })).length === 1
}

/**
 * Ids of the VMs that the references name, by reference; one that names none is absent.
 * @param references ids or names, at most a batch's worth
 */
export const resolveVms = async (
  db: Database,
  organisationId: string,
  references: readonly string[],
): Promise<ReadonlyMap<string, string>> => {
  if (references.length === 0) return new Map()
  // Neither NUL nor half a surrogate pair can be stored, so no VM has such a name.
  const distinct = [...new Set(references)].filter(
    (reference) => !reference.includes('\0') && reference.isWellFormed(),
  )
  const text = `SELECT name AS reference, id FROM vms
      WHERE organisation_id = $1::uuid AND deleted_at IS NULL AND name = ANY ($2::text[])
    UNION ALL
    SELECT id::text, id FROM vms
      WHERE organisation_id = $1::uuid AND deleted_at IS NULL AND id = ANY ($3::uuid[])`
  const params = [organisationId, textArray(distinct), textArray(distinct.filter(isUuid))]
  const rows = await db.query<{ reference: string; id: string }>({ text, params })
  // Rows found by id come last and so win over a VM that took the id as its name.
  const found = new Map(rows.map(({ reference, id }) => [reference, id]))
  return new Map(
    distinct.flatMap((reference) => {
      const id = found.get(isUuid(reference) ? reference.toLowerCase() : reference)
      return id === undefined ? [] : [[reference, id] as const]
    }),
  )
}
