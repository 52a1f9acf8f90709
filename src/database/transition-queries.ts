import type { Vm, VmStatus } from '../fleet/types.ts'
import { err, ok, type Result } from '../result.ts'
import { uuidArray } from './array-literal.ts'
import type { Database } from './client.ts'
import type { VmNotFound } from './vm-queries.ts'
import { isUuid, VM_COLUMNS, type VmRow, vmOf } from './vm-rows.ts'

export type Transition = 'start' | 'stop' | 'restart'

export interface IllegalTransition {
  readonly reason: 'illegal-transition'
  readonly from: VmStatus
  /** What may be done from there; empty while the VM is stopping. */
  readonly allowed: readonly Transition[]
}

/** A VM that has not reported for so long counts as silent: its host is gone already. */
export const SILENT_AFTER_SECONDS = 60

const RECENTLY_REPORTED = `EXISTS (SELECT FROM vm_latest
  WHERE vm_latest.vm_id = vms.id AND vm_latest.timestamp > now() - interval '${SILENT_AFTER_SECONDS} seconds')`

const FROM: Readonly<Record<Transition, readonly VmStatus[]>> = {
  start: ['stopped'],
  stop: ['running', 'starting'],
  restart: ['running'],
}

/** The status to go to, as SQL. */
const TO: Readonly<Record<Transition, string>> = {
  start: `'starting'`,
  stop: `CASE WHEN ${RECENTLY_REPORTED} THEN 'stopping' ELSE 'stopped' END`,
  restart: `'starting'`,
}

const allowedFrom = (status: VmStatus): readonly Transition[] =>
  (Object.keys(FROM) as Transition[]).filter((transition) => FROM[transition].includes(status))

/**
 * Changes a VM's status in one statement: of two callers at once, one succeeds and the other is told
 * the status that the first one left.
 */
export const transitionVm = async (
  db: Database,
  organisationId: string,
  vmId: string,
  transition: Transition,
): Promise<Result<Vm, VmNotFound | IllegalTransition>> => {
  if (!isUuid(vmId)) return err({ reason: 'vm-not-found' })
  const legal = FROM[transition].map((status) => `'${status}'`).join(', ')
  const text = `WITH target AS (
      SELECT id, status FROM vms
      WHERE organisation_id = $1::uuid AND id = $2::uuid AND deleted_at IS NULL
      FOR UPDATE
    ), changed AS (
      UPDATE vms SET status = ${TO[transition]}, status_changed_at = now(), updated_at = now()
      FROM target WHERE vms.id = target.id AND target.status IN (${legal})
      RETURNING ${VM_COLUMNS}
    )
    SELECT target.status AS from_status, changed.* FROM target LEFT JOIN changed ON true`
  const [row] = await db.query<{ from_status: VmStatus } & (VmRow | { id: null })>({
    text,
    params: [organisationId, vmId],
  })
  if (row === undefined) return err({ reason: 'vm-not-found' })
  if (row.id !== null) return ok(vmOf(row))
  const from = row.from_status
  return err({ reason: 'illegal-transition', from, allowed: allowedFrom(from) })
}

/**
 * Moves VMs from stopping to stopped once they have been silent for `SILENT_AFTER_SECONDS`.
 * @returns ids of those that stopped
 */
export const settleStopping = async (
  db: Database,
  organisationId: string,
  vmIds: readonly string[],
): Promise<readonly string[]> => {
  if (vmIds.length === 0) return []
  const text = `UPDATE vms SET status = 'stopped', status_changed_at = now(), updated_at = now()
    WHERE organisation_id = $1::uuid AND id = ANY ($2::uuid[]) AND deleted_at IS NULL
      AND status = 'stopping' AND NOT ${RECENTLY_REPORTED}
    RETURNING id`
  const rows = await db.query<{ id: string }>({
    text,
    params: [organisationId, uuidArray(vmIds)],
  })
  return rows.map(({ id }) => id)
}
