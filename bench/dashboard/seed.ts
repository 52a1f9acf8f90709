import { readFileSync } from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { flush } from '../../src/database/flush-queries.ts'
import { rowValuesOf } from '../../src/fleet/dashboard-row.ts'
import { healthOf } from '../../src/fleet/health.ts'
import {
  type FlushBatch,
  type LatestSample,
  METRICS,
  type Metric,
  type Window24h,
} from '../../src/fleet/types.ts'
import { HourState } from '../../src/fleet/usage-statistics.ts'
import { loadKernels } from '../../src/kernels/module.ts'
import type { Server } from './server.ts'

const HOUR_MS = 3_600_000
const KERNELS = path.join(import.meta.dirname, '../../build/kernels.wasm')
const RETENTION = { minuteDays: 30, fiveMinuteDays: 90, hourDays: 400, requestDays: 30 }
/** VMs whose rows are read and flushed together. */
const CHUNK_VMS = 100

export interface Fleet {
  readonly organisationId: string
  /** Start of the 24 hours, ms; every VM has a sample in each of their 1,440 minutes. */
  readonly sinceMs: number
}

/**
 * A fleet with 24 h of minute samples (a daily wave with noise, seeded), and the rows that shards keep
 * for it, computed from those samples by the shard's own code.
 */
export const seedFleet = async (server: Server, vms: number): Promise<Fleet> => {
  loadKernels(readFileSync(KERNELS))
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    const now = Date.now()
    const sinceMs = now - (now % HOUR_MS) - 24 * HOUR_MS
    const organisationId = await writeSamples(client, vms, sinceMs)
    // Without statistics each read of some VMs' samples would scan all of them.
    await client.query('ANALYZE vm_metrics')
    await buildRollups(client, server, { organisationId, sinceMs })
    await client.query('VACUUM ANALYZE')
    return { organisationId, sinceMs }
  } finally {
    await client.end()
  }
}

const writeSamples = async (client: pg.Client, vms: number, sinceMs: number): Promise<string> => {
  await client.query('SELECT setseed(0.42)')
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO organisations (slug, name) VALUES ('fleet-' || $1::text, 'Fleet') RETURNING id`,
    [vms],
  )
  const organisationId = rows[0]?.id ?? ''
  await client.query(
    `INSERT INTO vms (organisation_id, name, status, cpu_cores, memory_mb, disk_gb, region, instance_type)
     SELECT $1, 'vm-' || lpad(n::text, 6, '0'),
       (ARRAY['running', 'running', 'running', 'running', 'starting', 'stopping', 'stopped'])[1 + n % 7],
       2 ^ (n % 6), 1024 * 2 ^ (n % 7), 50 * (1 + n % 20), 'region-' || n % 5, 'type-' || n % 8
     FROM generate_series(1, $2::integer) AS n`,
    [organisationId, vms],
  )
  await client.query(
    `INSERT INTO vm_metrics
     SELECT vms.id, to_timestamp($2::float8 / 1000 + 60 * minute), 60,
       greatest(0, least(100, base + 20 * sin(minute / 229.0) + 15 * random())),
       greatest(0, least(100, base * 0.8 + 10 * random())), base * 0.9,
       1e6 * random(), 1e6 * random(), 1e3 * random(), 1e3 * random()
     FROM vms, generate_series(0, 1439) AS minute,
       LATERAL (SELECT 10 + ('x' || substr(vms.id::text, 1, 4))::bit(16)::integer % 70 AS base) AS load
     WHERE organisation_id = $1`,
    [organisationId, sinceMs],
  )
  return organisationId
}

type Sample = Record<Metric, number>

const buildRollups = async (client: pg.Client, server: Server, fleet: Fleet): Promise<void> => {
  const { rows: vms } = await client.query<{ id: string }>(
    'SELECT id FROM vms WHERE organisation_id = $1 ORDER BY name',
    [fleet.organisationId],
  )
  for (let start = 0; start < vms.length; start += CHUNK_VMS) {
    const ids = vms.slice(start, start + CHUNK_VMS).map(({ id }) => id)
    const { rows } = await client.query<{
      id: string
      cpu: number[]
      memory: number[]
      last: Sample
    }>(
      `SELECT vm_id AS id, array_agg(cpu_usage ORDER BY timestamp) AS cpu,
         array_agg(memory_usage ORDER BY timestamp) AS memory,
         (array_agg(to_json(vm_metrics) ORDER BY timestamp DESC))[1] AS last
       FROM vm_metrics WHERE vm_id = ANY ($1) GROUP BY vm_id`,
      [ids],
    )
    await flush(server.db, batchOf(fleet, rows), RETENTION)
  }
}

const batchOf = (
  { organisationId, sinceMs }: Fleet,
  rows: readonly { id: string; cpu: number[]; memory: number[]; last: Sample }[],
): FlushBatch => {
  const hours = rows.flatMap(({ id, cpu, memory }) =>
    Array.from({ length: 24 }, (_, hour) => {
      const state = new HourState()
      state.sampleCount = 60
      state.cpu.add(Float64Array.from(cpu.slice(hour * 60, hour * 60 + 60)))
      state.memory.add(Float64Array.from(memory.slice(hour * 60, hour * 60 + 60)))
      return { id, timestamp: sinceMs + hour * HOUR_MS, state }
    }),
  )
  const windows = rows.map(({ id }): Window24h => {
    const window = new HourState()
    for (const hour of hours) if (hour.id === id) window.merge(hour.state)
    return {
      cpu_avg: window.cpu.mean,
      cpu_max: window.cpu.max,
      cpu_p95: window.cpu.quantile(0.95),
      memory_avg: window.memory.mean,
      memory_max: window.memory.max,
      memory_p95: window.memory.quantile(0.95),
      sample_count: window.sampleCount,
    }
  })
  const vmId = rows.map(({ id }) => id)
  const timestamp = sinceMs + 24 * HOUR_MS - 60_000
  const latest = rows.map(({ last }): LatestSample => ({ ...last, timestamp }))
  const column = (metric: Metric) => latest.map((sample) => sample[metric])
  return {
    organisationId,
    minutes: {
      vmId: [],
      timestamp: [],
      sampleCount: [],
      mean: Object.fromEntries(METRICS.map((metric) => [metric, []])) as never,
      cpuMin: [],
      cpuMax: [],
      memoryMin: [],
      memoryMax: [],
      metricCounts: [],
    },
    latest: {
      vmId,
      timestamp: vmId.map(() => timestamp),
      values: Object.fromEntries(METRICS.map((metric) => [metric, column(metric)])) as never,
      healthScore: latest.map((sample) => healthOf(sample).health_score),
    },
    hours: {
      vmId: hours.map(({ id }) => id),
      timestamp: hours.map((hour) => hour.timestamp),
      sampleCount: hours.map(({ state }) => state.sampleCount),
      cpuCount: hours.map(({ state }) => state.cpu.count),
      cpuSum: hours.map(({ state }) => state.cpu.sum),
      cpuMax: hours.map(({ state }) => state.cpu.max),
      cpuSketch: hours.map(({ state }) => state.cpu.sketch.toBytes()),
      memoryCount: hours.map(({ state }) => state.memory.count),
      memorySum: hours.map(({ state }) => state.memory.sum),
      memoryMax: hours.map(({ state }) => state.memory.max),
      memorySketch: hours.map(({ state }) => state.memory.sketch.toBytes()),
    },
    windows: {
      vmId,
      timestamp: vmId.map(() => timestamp),
      values: windows,
      rowValues: latest.map((sample, row) => rowValuesOf(sample, windows[row] as Window24h)),
    },
  }
}
