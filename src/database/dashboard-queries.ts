import { rowJsonOf } from '../fleet/dashboard-row.ts'
import { VM_STATUSES, type VmStatus } from '../fleet/types.ts'
import { ok, type Result } from '../result.ts'
import type { Database } from './client.ts'
import { type CursorError, decodeCursor, encodeCursor } from './cursor.ts'
import { type DashboardSort, dashboardOrder } from './dashboard-order.ts'
import { type DashboardVm, rowExpression } from './dashboard-rows.ts'
import { behind, orderBy, Parameters } from './keyset.ts'

/** What an hour of a VM's capacity costs, in US dollars. */
export interface CostRates {
  readonly usdPerCoreHour: number
  readonly usdPerGibHour: number
  readonly usdPer100GbHour: number
}

export interface DashboardQuery {
  readonly status?: VmStatus | undefined
  /** Inclusive, 0 to 100. */
  readonly minHealthScore?: number | undefined
  readonly sort: DashboardSort
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Over the whole filter, not the page. Means are null where there is nothing to take them over. */
export interface DashboardSummary {
  readonly total: number
  readonly by_status: Readonly<Record<VmStatus, number>>
  /** Mean of the newest samples, over the VMs that have reported. */
  readonly cpu_avg: number | null
  readonly memory_avg: number | null
  readonly health_avg: number | null
  /** US dollars. */
  readonly total_hourly_cost: number
}

/** What is answered is text already, so that nothing on the way reads or writes its numbers. */
export interface DashboardPage {
  /** JSON of `readonly DashboardVm[]`. */
  readonly vmsJson: string
  /** JSON of `DashboardSummary`. */
  readonly summaryJson: string
  readonly nextCursor: string | null
}

/**
 * One page of the dashboard and the summary of its filter, in one statement. The default order reads
 * O(page) rows by index, the summary a few rows of totals; the orders by a metric or by cost read one narrow
 * row per VM. No sample is read.
 */
export const readDashboard = async (
  db: Database,
  organisationId: string,
  query: DashboardQuery,
  rates: CostRates,
): Promise<Result<DashboardPage, CursorError>> => {
  const order = dashboardOrder(query.sort)
  const parameters = new Parameters()
  const organisation = parameters.add(organisationId, 'uuid')
  const conditions = conditionsOf(organisation, query, parameters)
  const filter = ['vms.deleted_at IS NULL', ...conditions('vms')].join(' AND ')
  const totalsFilter = conditions('fleet_totals').join(' AND ')
  let position = 'true'
  if (query.cursor !== undefined) {
    const kinds = order.keys.map(({ kind }) => kind)
    const keys = decodeCursor(query.cursor, query.sort, kinds)
    if (!keys.ok) return keys
    position = behind(order.keys, keys.value, parameters)
  }
  const cost = `CROSS JOIN LATERAL (SELECT ${costOf(rates, parameters)} AS hourly) AS cost`
  // A text a row: one text of all rows is copied thrice in the server, and has to grow as it is made.
  const text = `SELECT page.row, NULL AS summary FROM (
      SELECT ${rowExpression(organisation)} AS row
      FROM vms ${cost}
      LEFT JOIN vm_latest ON vm_latest.vm_id = vms.id
      LEFT JOIN vm_window ON vm_window.vm_id = vms.id
      WHERE ${filter} AND ${position}
      ORDER BY ${orderBy(order.keys)} LIMIT ${literal(query.limit + 1)}
    ) AS page
    UNION ALL
    SELECT NULL, (SELECT ${summaryOf(rates, parameters)}::text
      FROM fleet_totals WHERE ${totalsFilter})`
  const rows: string[] = []
  let summaryJson = ''
  for (const [row, summary] of await db.texts({ text, params: parameters.values }))
    if (row != null) rows.push(rowJsonOf(row))
    else summaryJson = summary ?? ''
  const hasMore = rows.length > query.limit
  if (hasMore) rows.length = query.limit
  const last = rows.at(-1)
  const nextCursor =
    hasMore && last !== undefined
      ? encodeCursor(query.sort, order.of(JSON.parse(last) as DashboardVm))
      : null
  return ok({ vmsJson: `[${rows.join(',')}]`, summaryJson, nextCursor })
}

/** In the text, not a parameter: a plan kept for any limit would read the whole fleet for a page of 50. */
const literal = (limit: number): string => {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`limit ${limit} is no count`)
  return String(limit)
}

/** The filter on `vms`, or on `fleet_totals`, which has the same columns. */
const conditionsOf = (organisation: string, query: DashboardQuery, parameters: Parameters) => {
  // By rank, because that is what the index of the default order holds.
  const rank = query.status && parameters.add(VM_STATUSES.indexOf(query.status), 'smallint')
  const health =
    query.minHealthScore !== undefined && parameters.add(query.minHealthScore, 'float8')
  return (table: 'vms' | 'fleet_totals'): readonly string[] => [
    `${table}.organisation_id = ${organisation}`,
    ...(rank ? [`${table}.status_rank = ${rank}`] : []),
    ...(health ? [`${table}.health_score >= ${health}`] : []),
  ]
}

const costOf = (rates: CostRates, parameters: Parameters): string =>
  `vms.cpu_cores * ${parameters.add(rates.usdPerCoreHour, 'float8')}
    + vms.memory_mb / 1024::float8 * ${parameters.add(rates.usdPerGibHour, 'float8')}
    + vms.disk_gb / 100::float8 * ${parameters.add(rates.usdPer100GbHour, 'float8')}`

const total = (column: string) => `COALESCE(sum(${column}), 0)::float8`
const mean = (column: 'cpu' | 'memory') =>
  `sum(${column}_nanopercent)::float8 / nullif(sum(${column}_count), 0)::float8 / 1e9`

const summaryOf = (rates: CostRates, parameters: Parameters): string => `json_build_object(
  'total', COALESCE(sum(vms), 0),
  'by_status', json_build_object(${VM_STATUSES.map(
    (status, rank) =>
      `'${status}', COALESCE(sum(vms) FILTER (WHERE fleet_totals.status_rank = ${rank}), 0)`,
  ).join(', ')}),
  'cpu_avg', ${mean('cpu')},
  'memory_avg', ${mean('memory')},
  'health_avg', sum(vms * fleet_totals.health_score)::float8 / nullif(sum(vms), 0)::float8,
  'total_hourly_cost', ${total('cpu_cores')} * ${parameters.add(rates.usdPerCoreHour, 'float8')}
    + ${total('memory_mb')} / 1024 * ${parameters.add(rates.usdPerGibHour, 'float8')}
    + ${total('disk_gb')} / 100 * ${parameters.add(rates.usdPer100GbHour, 'float8')})`
