import type { Vm, VmStatus } from '../fleet/types.ts'
import { ok, type Result } from '../result.ts'
import type { Database } from './client.ts'
import { type CursorError, decodeCursor, encodeCursor } from './cursor.ts'
import { behind, orderBy, Parameters, type SortKey } from './keyset.ts'
import { VM_COLUMNS, type VmRow, vmOf } from './vm-rows.ts'

export const VM_SORTS = ['name', '-name', 'created_at', '-created_at', 'status'] as const
export type VmSort = (typeof VM_SORTS)[number]

export interface VmListQuery {
  readonly status?: VmStatus | undefined
  readonly region?: string | undefined
  readonly namePrefix?: string | undefined
  readonly sort: VmSort
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface VmPage {
  readonly vms: readonly Vm[]
  readonly nextCursor: string | null
}

interface ListRow extends VmRow {
  /** Microseconds, all that PostgreSQL keeps: milliseconds would skip or repeat rows. */
  readonly created_at_us: string
  readonly status_rank: number
}

const key = (expression: string, kind: SortKey['kind'], descending = false): SortKey => ({
  expression,
  kind,
  descending,
})

const CREATED_AT_US = '(extract(epoch FROM vms.created_at) * 1000000)::bigint'

const ORDERS: Readonly<Record<VmSort, readonly SortKey[]>> = {
  name: [key('vms.name', 'text')],
  '-name': [key('vms.name', 'text', true)],
  created_at: [key(CREATED_AT_US, 'integer'), key('vms.name', 'text')],
  '-created_at': [key(CREATED_AT_US, 'integer', true), key('vms.name', 'text')],
  status: [key('vms.status_rank', 'integer'), key('vms.name', 'text')],
}

const keysOf = (sort: VmSort, row: ListRow): readonly string[] => {
  switch (sort) {
    case 'name':
    case '-name':
      return [row.name]
    case 'created_at':
    case '-created_at':
      return [row.created_at_us, row.name]
    case 'status':
      return [String(row.status_rank), row.name]
  }
}

/** One page of the organisation's VMs, one round trip; ties go by name. */
export const listVms = async (
  db: Database,
  organisationId: string,
  query: VmListQuery,
): Promise<Result<VmPage, CursorError>> => {
  const order = ORDERS[query.sort]
  const parameters = new Parameters()
  const conditions = [
    `vms.organisation_id = ${parameters.add(organisationId, 'uuid')}`,
    'vms.deleted_at IS NULL',
  ]
  if (query.status !== undefined) {
    conditions.push(`vms.status = ${parameters.add(query.status, 'text')}`)
  }
  if (query.region !== undefined) {
    conditions.push(`vms.region = ${parameters.add(query.region, 'text')}`)
  }
  if (query.namePrefix !== undefined) {
    conditions.push(`starts_with(vms.name, ${parameters.add(query.namePrefix, 'text')})`)
  }
  if (query.cursor !== undefined) {
    const kinds = order.map(({ kind }) => kind)
    const keys = decodeCursor(query.cursor, query.sort, kinds)
    if (!keys.ok) return keys
    conditions.push(behind(order, keys.value, parameters))
  }
  const text = `SELECT ${VM_COLUMNS}, vms.status_rank, ${CREATED_AT_US} AS created_at_us
    FROM vms WHERE ${conditions.join(' AND ')}
    ORDER BY ${orderBy(order)} LIMIT ${parameters.add(query.limit + 1, 'integer')}`
  const rows = await db.query<ListRow>({ text, params: parameters.values })
  const page = rows.slice(0, query.limit)
  const last = page.at(-1)
  const nextCursor =
    rows.length > query.limit && last !== undefined
      ? encodeCursor(query.sort, keysOf(query.sort, last))
      : null
  return ok({ vms: page.map(vmOf), nextCursor })
}
