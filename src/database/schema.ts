import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

/**
 * The tables as drizzle sees them; `migrations/` is generated from this file and `ledger-schema.ts`. What drizzle-kit cannot
 * say (partitions, BRIN on a partitioned table, functions) stands in the custom migration files.
 * `docs/storage.md` has content, owner and lifetime of each table.
 */

export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array | string }>({
  dataType: () => 'bytea',
})

/** Byte order, so that sorting is the same on every server and a prefix filter can use the index. */
const name = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' })

export const instant = (column: string) => timestamp(column, { withTimezone: true, mode: 'date' })

export const organisations = pgTable('organisations', {
  id: uuid('id').primaryKey().defaultRandom(),
  slug: text('slug').notNull().unique('organisations_slug'),
  name: text('name').notNull(),
  createdAt: instant('created_at').notNull().defaultNow(),
})

export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    organisationId: uuid('organisation_id')
      .notNull()
      .references(() => organisations.id, { onDelete: 'cascade' }),
    name: text('name').notNull(),
    /** SHA-256 of the whole key; the key itself is never stored. */
    hash: bytea('hash').notNull().unique('api_keys_hash'),
    /** First characters of the key, so that a person can tell keys apart. */
    prefix: text('prefix').notNull(),
    scopes: text('scopes').array().notNull(),
    platformAdmin: boolean('platform_admin').notNull().default(false),
    createdAt: instant('created_at').notNull().defaultNow(),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
    /** What the key may spend; null: no limit. */
    budgetNanoUsd: bigint('budget_nano_usd', { mode: 'number' }),
    budgetPeriod: text('budget_period', { enum: ['day', 'month', 'total'] })
      .notNull()
      .default('month'),
    requestsPerMinute: integer('requests_per_minute'),
    tokensPerMinute: bigint('tokens_per_minute', { mode: 'number' }),
  },
  (table) => [
    index('api_keys_organisation').on(table.organisationId),
    check('api_keys_budget_period', sql`${table.budgetPeriod} IN ('day', 'month', 'total')`),
    check(
      'api_keys_limits',
      sql`${table.budgetNanoUsd} >= 0 AND ${table.requestsPerMinute} > 0 AND ${table.tokensPerMinute} > 0`,
    ),
    check('api_keys_scopes', sql`${table.scopes} <@ ARRAY['read', 'write', 'admin']`),
    check('api_keys_hash_length', sql`length(${table.hash}) = 32`),
  ],
)

export const vms = pgTable(
  'vms',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    organisationId: uuid('organisation_id')
      .notNull()
      .references(() => organisations.id, { onDelete: 'cascade' }),
    name: name('name').notNull(),
    status: text('status', { enum: ['running', 'starting', 'stopping', 'stopped'] }).notNull(),
    statusRank: smallint('status_rank')
      .notNull()
      .generatedAlwaysAs(
        sql`CASE status WHEN 'running' THEN 0 WHEN 'starting' THEN 1 WHEN 'stopping' THEN 2 ELSE 3 END`,
      ),
    cpuCores: integer('cpu_cores').notNull(),
    memoryMb: bigint('memory_mb', { mode: 'number' }).notNull(),
    diskGb: bigint('disk_gb', { mode: 'number' }).notNull(),
    region: text('region').notNull(),
    instanceType: text('instance_type').notNull(),
    /** 0 to 100 from the newest sample; 100 before the first. Kept here so that the order by health has an index. */
    healthScore: smallint('health_score').notNull().default(100),
    /** The members of a dashboard row that stand in this table, as JSON without braces. */
    rowJson: text('row_json')
      .notNull()
      .generatedAlwaysAs(
        sql`vm_row_json(id, name, status, cpu_cores, memory_mb, disk_gb, region, instance_type, created_at, health_score)`,
      ),
    statusChangedAt: instant('status_changed_at').notNull().defaultNow(),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
    deletedAt: instant('deleted_at'),
  },
  (table) => [
    uniqueIndex('vms_organisation_name')
      .on(table.organisationId, table.name)
      .where(sql`deleted_at IS NULL`),
    index('vms_dashboard_order')
      .on(table.organisationId, table.statusRank, table.healthScore, table.name)
      .where(sql`deleted_at IS NULL`),
    check('vms_status', sql`${table.status} IN ('running', 'starting', 'stopping', 'stopped')`),
    check('vms_health_score', sql`${table.healthScore} BETWEEN 0 AND 100`),
    check(
      'vms_capacity',
      sql`${table.cpuCores} > 0 AND ${table.memoryMb} > 0 AND ${table.diskGb} >= 0`,
    ),
  ],
)

const means = () => ({
  cpuUsage: doublePrecision('cpu_usage'),
  memoryUsage: doublePrecision('memory_usage'),
  diskUsage: doublePrecision('disk_usage'),
  networkInBytes: doublePrecision('network_in_bytes'),
  networkOutBytes: doublePrecision('network_out_bytes'),
  iopsRead: doublePrecision('iops_read'),
  iopsWrite: doublePrecision('iops_write'),
})

/**
 * One row per VM and minute: means, and the extremes of cpu and memory. Partitioned by UTC day.
 * No foreign key: its check costs a lookup a row, and the flush joins `vms` anyway.
 */
export const vmMetrics = pgTable(
  'vm_metrics',
  {
    vmId: uuid('vm_id').notNull(),
    timestamp: instant('timestamp').notNull(),
    sampleCount: integer('sample_count').notNull(),
    ...means(),
    cpuMin: doublePrecision('cpu_min'),
    cpuMax: doublePrecision('cpu_max'),
    memoryMin: doublePrecision('memory_min'),
    memoryMax: doublePrecision('memory_max'),
    /** Samples that had each metric, in the order of METRICS; null where all had all. */
    metricCounts: integer('metric_counts').array(),
  },
  (table) => [primaryKey({ columns: [table.vmId, table.timestamp] })],
)

/** `vmMetrics` by five minutes, made from its rows in the transaction that changes them. Partitioned by month. */
export const vmMetrics5m = pgTable(
  'vm_metrics_5m',
  {
    vmId: uuid('vm_id').notNull(),
    timestamp: instant('timestamp').notNull(),
    sampleCount: integer('sample_count').notNull(),
    ...means(),
    cpuMin: doublePrecision('cpu_min'),
    cpuMax: doublePrecision('cpu_max'),
    memoryMin: doublePrecision('memory_min'),
    memoryMax: doublePrecision('memory_max'),
    /** Samples that had each metric, in the order of METRICS; null where all had all. */
    metricCounts: integer('metric_counts').array(),
  },
  (table) => [primaryKey({ columns: [table.vmId, table.timestamp] })],
)

/** The newest sample of each VM; its timestamp never goes back. */
export const vmLatest = pgTable('vm_latest', {
  vmId: uuid('vm_id')
    .primaryKey()
    .references(() => vms.id, { onDelete: 'cascade' }),
  timestamp: instant('timestamp').notNull(),
  ...means(),
  /** Copies from `vms`, kept by its triggers: what the sample counts for in `fleet_totals`. */
  organisationId: uuid('organisation_id').notNull(),
  /** Null once the VM is deleted: it counts nowhere. */
  statusRank: smallint('status_rank'),
  healthScore: smallint('health_score').notNull(),
})

/**
 * Changes of a fleet's totals by status and health score; a total is the sum of its rows. Only triggers
 * write it, and they only add rows: writers never wait for each other. Each flush merges the rows it can lock.
 * No foreign key: rows are added while an organisation's VMs are deleted with it.
 */
export const fleetTotals = pgTable(
  'fleet_totals',
  {
    organisationId: uuid('organisation_id').notNull(),
    statusRank: smallint('status_rank').notNull(),
    healthScore: smallint('health_score').notNull(),
    vms: bigint('vms', { mode: 'number' }).notNull(),
    cpuCores: bigint('cpu_cores', { mode: 'number' }).notNull(),
    memoryMb: bigint('memory_mb', { mode: 'number' }).notNull(),
    diskGb: bigint('disk_gb', { mode: 'number' }).notNull(),
    cpuCount: bigint('cpu_count', { mode: 'number' }).notNull(),
    /** Sum in billionths of a percent: whole numbers, so that what was added is taken back exactly. */
    cpuNanopercent: bigint('cpu_nanopercent', { mode: 'number' }).notNull(),
    memoryCount: bigint('memory_count', { mode: 'number' }).notNull(),
    memoryNanopercent: bigint('memory_nanopercent', { mode: 'number' }).notNull(),
  },
  (table) => [index('fleet_totals_organisation').on(table.organisationId)],
)

/**
 * Mergeable state per VM and hour; sketches are `Histogram.toBytes()`, means are those of `vmMetrics5m`.
 * Partitioned by month; no foreign key, as `vmMetrics`.
 */
export const vmHours = pgTable(
  'vm_hours',
  {
    vmId: uuid('vm_id').notNull(),
    timestamp: instant('timestamp').notNull(),
    sampleCount: integer('sample_count').notNull(),
    cpuCount: integer('cpu_count').notNull(),
    cpuSum: doublePrecision('cpu_sum').notNull(),
    cpuMax: doublePrecision('cpu_max'),
    cpuSketch: bytea('cpu_sketch').notNull(),
    memoryCount: integer('memory_count').notNull(),
    memorySum: doublePrecision('memory_sum').notNull(),
    memoryMax: doublePrecision('memory_max'),
    memorySketch: bytea('memory_sketch').notNull(),
    ...means(),
  },
  (table) => [primaryKey({ columns: [table.vmId, table.timestamp] })],
)

/** What the dashboard shows beside the newest sample, one row per VM; written together with it. */
export const vmWindow = pgTable('vm_window', {
  vmId: uuid('vm_id')
    .primaryKey()
    .references(() => vms.id, { onDelete: 'cascade' }),
  cpuAvg: doublePrecision('cpu_avg'),
  cpuMax: doublePrecision('cpu_max'),
  cpuP95: doublePrecision('cpu_p95'),
  memoryAvg: doublePrecision('memory_avg'),
  memoryMax: doublePrecision('memory_max'),
  memoryP95: doublePrecision('memory_p95'),
  sampleCount: integer('sample_count').notNull(),
  /** `rowValuesOf` the newest sample and the window. */
  rowValues: text('row_values').notNull(),
})

/** What an organisation chose about routing; one without a row has what the worker ships. */
export const routerConfigs = pgTable('router_configs', {
  organisationId: uuid('organisation_id')
    .primaryKey()
    .references(() => organisations.id, { onDelete: 'cascade' }),
  /** JSON as `routerConfigSchema` wrote it. */
  config: text('config').notNull(),
  updatedAt: instant('updated_at').notNull().defaultNow(),
})

/** An organisation's own trained router; one without a row has the worker's. */
export const routerArtifacts = pgTable(
  'router_artifacts',
  {
    organisationId: uuid('organisation_id')
      .primaryKey()
      .references(() => organisations.id, { onDelete: 'cascade' }),
    /** SHA-256 of the content, hex. */
    version: text('version').notNull(),
    content: bytea('content').notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [check('router_artifacts_size', sql`length(${table.content}) <= 2097152`)],
)

/** A trained router that an organisation tries on a share of its conversations. */
export const routerCanaries = pgTable(
  'router_canaries',
  {
    organisationId: uuid('organisation_id')
      .primaryKey()
      .references(() => organisations.id, { onDelete: 'cascade' }),
    /** SHA-256 of the content, hex. */
    version: text('version').notNull(),
    content: bytea('content').notNull(),
    /** Of conversations, [0, 1]. */
    share: doublePrecision('share').notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    check('router_canaries_size', sql`length(${table.content}) <= 2097152`),
    check('router_canaries_share', sql`${table.share} BETWEEN 0 AND 1`),
  ],
)
