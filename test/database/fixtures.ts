import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { createOrganisation } from '../../src/database/access-queries.ts'
import { connect, type Database } from '../../src/database/client.ts'
import { createVm, type NewVm } from '../../src/database/fleet-queries.ts'
import { rowValuesOf } from '../../src/fleet/dashboard-row.ts'
import {
  type FlushBatch,
  METRICS,
  type Metric,
  type MetricColumns,
  type MetricValues,
  type Vm,
  type Window24h,
} from '../../src/fleet/types.ts'

export const RATES = { usdPerCoreHour: 0.05, usdPerGibHour: 0.02, usdPer100GbHour: 0.01 }
export const RETENTION = { minuteDays: 30, fiveMinuteDays: 90, hourDays: 400, requestDays: 30 }

export const database = (): Database =>
  connect({ databaseUrl: inject('databaseUrl'), neonProxy: inject('neonProxy') })

/** Runs SQL that no query of ours has, such as setting a clock back. */
export const runSql = async <Row extends pg.QueryResultRow>(
  text: string,
  params: readonly unknown[] = [],
  url = inject('databaseUrl'),
): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text, [...params])).rows
  } finally {
    await client.end()
  }
}

/** A new organisation; tests share one database and keep apart by it. */
export const newOrganisation = async (db: Database): Promise<{ id: string; slug: string }> => {
  const slug = `test-${randomBytes(6).toString('hex')}`
  const made = await createOrganisation(db, { slug, name: 'Test' })
  if (!made.ok) throw new Error(made.error.reason)
  return made.value
}

export const vmLike = (fields: Partial<NewVm> = {}): NewVm => ({
  name: `vm-${randomUUID()}`,
  status: 'stopped',
  cpu_cores: 4,
  memory_mb: 8192,
  disk_gb: 200,
  region: 'eu-north-1',
  instance_type: 'm5.xlarge',
  ...fields,
})

export const newVm = async (
  db: Database,
  organisationId: string,
  fields: Partial<NewVm> = {},
): Promise<Vm> => {
  const made = await createVm(db, organisationId, vmLike(fields))
  if (!made.ok) throw new Error(made.error.reason)
  return made.value
}

const columns = (rows: ReadonlyArray<Partial<Record<Metric, number>>>): MetricColumns =>
  Object.fromEntries(
    METRICS.map((metric) => [metric, rows.map((row) => row[metric] ?? null)]),
  ) as Record<Metric, Array<number | null>>

const valuesOf = (values: MetricColumns, row: number): MetricValues =>
  Object.fromEntries(METRICS.map((metric) => [metric, values[metric][row] ?? null])) as Record<
    Metric,
    number | null
  >

/** A sample of one VM; metrics that are not given are missing. */
export interface Report {
  readonly vmId: string
  readonly timestamp: number
  readonly healthScore?: number
  readonly cpu_usage?: number
  readonly memory_usage?: number
  readonly network_in_bytes?: number
}

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
const floor = (timestamp: number, unitMs: number): number => timestamp - (timestamp % unitMs)

/** The batch that a shard would make of one sample per VM: a minute, the latest, an hour and a window each. */
export const batchOf = (
  organisationId: string,
  reports: readonly Report[],
  sampleCount = 1,
): FlushBatch => {
  const vmId = reports.map((report) => report.vmId)
  const cpu = reports.map((report) => report.cpu_usage ?? null)
  const memory = reports.map((report) => report.memory_usage ?? null)
  const values = columns(reports)
  const counts = reports.map(() => sampleCount)
  const windows = reports.map((_, row) => ({
    cpu_avg: cpu[row] ?? null,
    cpu_max: cpu[row] ?? null,
    cpu_p95: cpu[row] ?? null,
    memory_avg: memory[row] ?? null,
    memory_max: memory[row] ?? null,
    memory_p95: memory[row] ?? null,
    sample_count: sampleCount,
  }))
  const rowValues = reports.map(({ timestamp }, row) =>
    rowValuesOf({ timestamp, ...valuesOf(values, row) }, windows[row] as Window24h),
  )
  const sketch = reports.map(() => new Uint8Array([0, 255, 34, 92]))
  return {
    organisationId,
    minutes: {
      vmId,
      timestamp: reports.map((report) => floor(report.timestamp, MINUTE_MS)),
      sampleCount: counts,
      mean: values,
      cpuMin: cpu,
      cpuMax: cpu,
      memoryMin: memory,
      memoryMax: memory,
      metricCounts: reports.map(() => null),
    },
    latest: {
      vmId,
      timestamp: reports.map((report) => report.timestamp),
      values,
      healthScore: reports.map((report) => report.healthScore ?? 100),
    },
    hours: {
      vmId,
      timestamp: reports.map((report) => floor(report.timestamp, HOUR_MS)),
      sampleCount: counts,
      cpuCount: counts,
      cpuSum: cpu.map((value) => (value ?? 0) * sampleCount),
      cpuMax: cpu,
      cpuSketch: sketch,
      memoryCount: counts,
      memorySum: memory.map((value) => (value ?? 0) * sampleCount),
      memoryMax: memory,
      memorySketch: sketch,
    },
    windows: {
      vmId,
      timestamp: reports.map(({ timestamp }) => timestamp),
      values: windows,
      rowValues,
    },
  }
}

/** The error of a Result that must not be ok. */
export const errorOf = <E>(
  result: { ok: true; value: unknown } | { ok: false; error: E },
): E | null => (result.ok ? null : result.error)

/** The value of a Result that must be ok. */
export const expectOk = <T>(
  result: { ok: true; value: T } | { ok: false; error: { reason: string } },
): T => {
  if (!result.ok) throw new Error(result.error.reason)
  return result.value
}
