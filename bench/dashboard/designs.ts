import type { Database } from '../../src/database/client.ts'
import { type DashboardVm, readDashboard } from '../../src/database/fleet-queries.ts'
import type { Fleet } from './seed.ts'

/** What the designs are compared by. */
export interface Answer {
  readonly id: string
  readonly cpuUsage: number
  readonly cpuAvg: number
  readonly cpuMax: number
  readonly cpuP95: number
  readonly memoryAvg: number
  readonly memoryMax: number
  readonly memoryP95: number
}

/** Answers for the first `limit` VMs in the dashboard's order. */
export type Design = (db: Database, fleet: Fleet, limit: number) => Promise<readonly Answer[]>

const RATES = { usdPerCoreHour: 0.05, usdPerGibHour: 0.02, usdPer100GbHour: 0.01 }
const none = Number.NaN

/** `vm_latest` and `vm_window`, kept as samples flow: one statement. */
export const maintained: Design = async (db, { organisationId }, limit) => {
  const page = await readDashboard(db, organisationId, { sort: 'status', limit }, RATES)
  if (!page.ok) throw new Error(page.error.reason)
  const vms = JSON.parse(page.value.vmsJson) as DashboardVm[]
  return vms.map(({ id, latest, window_24h: window }) => ({
    id,
    cpuUsage: latest?.cpu_usage ?? none,
    cpuAvg: window.cpu_avg ?? none,
    cpuMax: window.cpu_max ?? none,
    cpuP95: window.cpu_p95 ?? none,
    memoryAvg: window.memory_avg ?? none,
    memoryMax: window.memory_max ?? none,
    memoryP95: window.memory_p95 ?? none,
  }))
}

const IN_ORDER = `SELECT id FROM vms WHERE organisation_id = $1::uuid AND deleted_at IS NULL
  ORDER BY status_rank, health_score, name LIMIT $2::integer`

const STATISTICS = `avg(cpu_usage) AS "cpuAvg", max(cpu_usage) AS "cpuMax",
  percentile_cont(0.95) WITHIN GROUP (ORDER BY cpu_usage) AS "cpuP95",
  avg(memory_usage) AS "memoryAvg", max(memory_usage) AS "memoryMax",
  percentile_cont(0.95) WITHIN GROUP (ORDER BY memory_usage) AS "memoryP95"`

/** The list, then the newest sample and the statistics of each VM: 2 N + 1 round trips. */
export const oneByOne: Design = async (db, { organisationId, sinceMs }, limit) => {
  const params = [organisationId, String(limit)]
  const vms = await db.query<{ id: string }>({ text: IN_ORDER, params })
  const answers: Answer[] = []
  for (const { id } of vms) {
    const [latest] = await db.query<{ cpuUsage: number }>({
      text: `SELECT cpu_usage AS "cpuUsage" FROM vm_metrics
        WHERE vm_id = $1::uuid ORDER BY timestamp DESC LIMIT 1`,
      params: [id],
    })
    const [statistics] = await db.query<Omit<Answer, 'id' | 'cpuUsage'>>({
      text: `SELECT ${STATISTICS} FROM vm_metrics
        WHERE vm_id = $1::uuid AND timestamp >= to_timestamp($2::float8 / 1000)`,
      params: [id, String(sinceMs)],
    })
    if (latest !== undefined && statistics !== undefined) {
      answers.push({ id, ...latest, ...statistics })
    }
  }
  return answers
}

/** Everything from the samples in one statement: DISTINCT ON for the newest, percentile_cont over 24 h. */
export const singleQuery: Design = (db, { organisationId, sinceMs }, limit) =>
  db.query<Answer>({
    text: `WITH page AS MATERIALIZED (${IN_ORDER}),
      latest AS (
        SELECT DISTINCT ON (vm_id) vm_id, cpu_usage FROM vm_metrics
        WHERE vm_id IN (SELECT id FROM page) AND timestamp >= to_timestamp($3::float8 / 1000)
        ORDER BY vm_id, timestamp DESC
      ), statistics AS (
        SELECT vm_id, ${STATISTICS} FROM vm_metrics
        WHERE vm_id IN (SELECT id FROM page) AND timestamp >= to_timestamp($3::float8 / 1000)
        GROUP BY vm_id
      )
      SELECT vms.id, latest.cpu_usage AS "cpuUsage", "cpuAvg", "cpuMax", "cpuP95",
        "memoryAvg", "memoryMax", "memoryP95"
      FROM page JOIN vms USING (id)
      JOIN latest ON latest.vm_id = vms.id JOIN statistics ON statistics.vm_id = vms.id
      ORDER BY status_rank, health_score, name`,
    params: [organisationId, String(limit), String(sinceMs)],
  })
