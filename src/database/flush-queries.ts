import { type FlushBatch, METRICS, type Metric } from '../fleet/types.ts'
import { base64Array, numberArray, textArray, uuidArray } from './array-literal.ts'
import type { Database, Statement } from './client.ts'
import { sqlState } from './faults.ts'
import { maintainTiers, type TierRetention } from './partition-queries.ts'

export { maintainTiers, type TierRetention } from './partition-queries.ts'
export { settleStopping } from './transition-queries.ts'

const HOUR_MS = 3_600_000
/** What a row that fits no partition raises; `check_violation`. */
const NO_PARTITION = '23514'

/**
 * Writes a batch in one transaction and one round trip: all of it or nothing. Rows are absolute and
 * keyed, so the same batch again changes nothing, and an older one arriving late neither lowers a
 * minute's or hour's sample count nor moves `vm_latest` or `vm_window` back. Rows of VMs that are deleted, unknown or
 * another organisation's are dropped, and so are minutes and hours older than the retention.
 * Per table, a key may stand in the batch once.
 *
 * @throws what `faultOf` reads; the batch then left no trace and may be sent again
 */
export const flush = async (
  db: Database,
  batch: FlushBatch,
  retention: TierRetention,
): Promise<void> => {
  const statements = flushStatements(batch, retention.minuteDays)
  if (statements.length === 0) return
  try {
    await db.transaction(statements)
  } catch (error) {
    if (sqlState(error) !== NO_PARTITION) throw error
    await maintainTiers(db, retention)
    await db.transaction(statements)
  }
}

/** The statements of `flush`, in the order in which they must run. */
export const flushStatements = (batch: FlushBatch, minuteDays: number): readonly Statement[] => {
  const { organisationId, minutes, latest, hours, windows } = batch
  const retention = String(minuteDays)
  const statements: Statement[] = []
  if (minutes.vmId.length > 0) {
    statements.push({
      text: MINUTES,
      params: [
        organisationId,
        retention,
        uuidArray(minutes.vmId),
        numberArray(minutes.timestamp),
        numberArray(minutes.sampleCount),
        ...METRICS.map((metric) => numberArray(minutes.mean[metric])),
        numberArray(minutes.cpuMin),
        numberArray(minutes.cpuMax),
        numberArray(minutes.memoryMin),
        numberArray(minutes.memoryMax),
        textArray(minutes.metricCounts.map((counts) => counts && `{${counts.join(',')}}`)),
      ],
    })
  }
  if (minutes.vmId.length > 0) {
    const keys = [uuidArray(minutes.vmId), numberArray(minutes.timestamp)]
    statements.push({ text: FIVE_MINUTES, params: [organisationId, retention, ...keys] })
    // Hours of this batch take their means as they are written.
    const written = new Set(hours.vmId.map((id, row) => `${id} ${hours.timestamp[row]}`))
    const others = minutes.vmId.flatMap((id, row) => {
      const hour = Math.floor((minutes.timestamp[row] ?? 0) / HOUR_MS) * HOUR_MS
      return written.has(`${id} ${hour}`) ? [] : [{ id, hour }]
    })
    if (others.length > 0)
      statements.push({
        text: HOUR_MEANS,
        params: [
          organisationId,
          uuidArray(others.map(({ id }) => id)),
          numberArray(others.map(({ hour }) => hour)),
        ],
      })
  }
  if (latest.vmId.length > 0) {
    const vmIds = uuidArray(latest.vmId)
    const timestamps = numberArray(latest.timestamp)
    const values = METRICS.map((metric) => numberArray(latest.values[metric]))
    statements.push(
      {
        text: STATUS_AND_HEALTH,
        params: [organisationId, vmIds, timestamps, numberArray(latest.healthScore)],
      },
      { text: LATEST, params: [organisationId, vmIds, timestamps, ...values] },
    )
  }
  if (hours.vmId.length > 0) {
    statements.push({
      text: HOURS,
      params: [
        organisationId,
        retention,
        uuidArray(hours.vmId),
        numberArray(hours.timestamp),
        numberArray(hours.sampleCount),
        numberArray(hours.cpuCount),
        numberArray(hours.cpuSum),
        numberArray(hours.cpuMax),
        base64Array(hours.cpuSketch),
        numberArray(hours.memoryCount),
        numberArray(hours.memorySum),
        numberArray(hours.memoryMax),
        base64Array(hours.memorySketch),
      ],
    })
  }
  if (windows.vmId.length > 0) {
    const column = (name: keyof (typeof windows.values)[number]) =>
      numberArray(windows.values.map((window) => window[name]))
    statements.push({
      text: WINDOWS,
      params: [
        organisationId,
        uuidArray(windows.vmId),
        numberArray(windows.timestamp),
        textArray(windows.rowValues),
        column('cpu_avg'),
        column('cpu_max'),
        column('cpu_p95'),
        column('memory_avg'),
        column('memory_max'),
        column('memory_p95'),
        column('sample_count'),
      ],
    })
  }
  if (latest.vmId.length > 0) statements.push({ text: MERGE_TOTALS, params: [organisationId] })
  return statements
}

/** `fleet_totals` stays as small as its groups, whatever the number of flushes. */
const MERGE_TOTALS = 'SELECT merge_fleet_totals($1::uuid)'

const LIVING_VMS = `JOIN vms ON vms.id = batch.vm_id
  AND vms.organisation_id = $1::uuid AND vms.deleted_at IS NULL`

/** The first day that `maintain_partitions` keeps. */
const RETAINED = `date_trunc('day', now(), 'UTC') - make_interval(days => $2::integer)`

const MEANS = METRICS.join(', ')
const excluded = (columns: readonly string[]): string =>
  columns.map((column) => `${column} = excluded.${column}`).join(', ')

const EXTREMES = ['cpu_min', 'cpu_max', 'memory_min', 'memory_max'] as const

const MINUTES = `INSERT INTO vm_metrics (vm_id, timestamp, sample_count, ${MEANS}, ${EXTREMES.join(', ')}, metric_counts)
  SELECT batch.vm_id, to_timestamp(batch.ms / 1000), batch.sample_count,
    ${[...METRICS, ...EXTREMES].map((column) => `batch.${column}`).join(', ')}, batch.metric_counts::integer[]
  FROM unnest($3::uuid[], $4::float8[], $5::integer[],
      ${[...METRICS, ...EXTREMES].map((_, position) => `$${position + 6}::float8[]`).join(', ')}, $17::text[])
    AS batch (vm_id, ms, sample_count, ${MEANS}, ${EXTREMES.join(', ')}, metric_counts)
  ${LIVING_VMS}
  WHERE to_timestamp(batch.ms / 1000) >= ${RETAINED}
  ON CONFLICT (vm_id, timestamp) DO UPDATE
    SET ${excluded(['sample_count', ...METRICS, ...EXTREMES, 'metric_counts'])}
    WHERE excluded.sample_count >= vm_metrics.sample_count`

/** Samples of a row that had the metric; `metric_counts` is null where all had it, or none. */
const weight = (metric: Metric): string =>
  `CASE WHEN ${metric} IS NULL THEN 0 ELSE COALESCE(metric_counts[${METRICS.indexOf(metric) + 1}], sample_count) END`

const weighted = (metric: Metric): string =>
  `sum(${metric} * ${weight(metric)}) / nullif(sum(${weight(metric)}), 0) AS ${metric}`

/** The `metric_counts` of rows together. */
const METRIC_COUNTS = `CASE WHEN ${METRICS.map((metric) => `sum(${weight(metric)}) NOT IN (0, sum(sample_count))`).join(' OR ')}
  THEN ARRAY[${METRICS.map((metric) => `sum(${weight(metric)})`).join(', ')}]::integer[] END`

/** The five minutes that the batch's minutes lie in, made anew from all their minutes; runs after `MINUTES`. */
const FIVE_MINUTES = `INSERT INTO vm_metrics_5m (vm_id, timestamp, sample_count, ${MEANS}, ${EXTREMES.join(', ')}, metric_counts)
  SELECT touched.vm_id, touched.start, minutes.*
  FROM (
    SELECT DISTINCT batch.vm_id, date_bin('5 minutes', to_timestamp(batch.ms / 1000), 'epoch') AS start
    FROM unnest($3::uuid[], $4::float8[]) AS batch (vm_id, ms)
    ${LIVING_VMS}
    WHERE to_timestamp(batch.ms / 1000) >= ${RETAINED}
  ) AS touched
  -- Lateral, so that every plan reads five rows by key.
  CROSS JOIN LATERAL (
    SELECT sum(sample_count) AS sample_count, ${METRICS.map(weighted).join(', ')},
      min(cpu_min), max(cpu_max), min(memory_min), max(memory_max), ${METRIC_COUNTS}
    FROM vm_metrics WHERE vm_id = touched.vm_id
      AND timestamp >= touched.start AND timestamp < touched.start + interval '5 minutes'
  ) AS minutes
  WHERE minutes.sample_count IS NOT NULL
  ON CONFLICT (vm_id, timestamp) DO UPDATE
    SET ${excluded(['sample_count', ...METRICS, ...EXTREMES, 'metric_counts'])}`

/** The means of the hour that starts at `start`, from its five minutes. */
const hourMeans = (vmId: string, start: string): string => `LATERAL (
    SELECT ${METRICS.map(weighted).join(', ')} FROM vm_metrics_5m
    WHERE vm_id = ${vmId} AND timestamp >= ${start} AND timestamp < ${start} + interval '1 hour'
  ) AS means`

/** For minutes whose hour was written before them. */
const HOUR_MEANS = `UPDATE vm_hours SET ${METRICS.map((metric) => `${metric} = touched.${metric}`).join(', ')}
  FROM (
    SELECT hours.*, means.* FROM (
      SELECT DISTINCT batch.vm_id AS id, to_timestamp(batch.ms / 1000) AS start
      FROM unnest($2::uuid[], $3::float8[]) AS batch (vm_id, ms)
      ${LIVING_VMS}
    ) AS hours CROSS JOIN ${hourMeans('hours.id', 'hours.start')}
  ) AS touched
  WHERE vm_hours.vm_id = touched.id AND vm_hours.timestamp = touched.start`

/** What a VM counts for is copied for its first sample; later the triggers of `vms` keep the copy. */
const LATEST = `INSERT INTO vm_latest
    (vm_id, organisation_id, status_rank, health_score, timestamp, ${MEANS})
  SELECT batch.vm_id, vms.organisation_id, vms.status_rank, vms.health_score,
    to_timestamp(batch.ms / 1000), ${METRICS.map((metric) => `batch.${metric}`).join(', ')}
  FROM unnest($2::uuid[], $3::float8[], ${METRICS.map((_, position) => `$${position + 4}::float8[]`).join(', ')})
    AS batch (vm_id, ms, ${MEANS})
  ${LIVING_VMS}
  ON CONFLICT (vm_id) DO UPDATE SET ${excluded(['timestamp', ...METRICS])}
    WHERE excluded.timestamp >= vm_latest.timestamp`

/**
 * A VM that reports after it was started runs; a sample older than the newest changes nothing. Runs before
 * `LATEST`, because every writer locks a VM's row in `vms` before its row in `vm_latest`: here, in a change of
 * status and in the triggers that keep `fleet_totals`.
 */
const STATUS_AND_HEALTH = `UPDATE vms SET health_score = batch.health_score,
    status = CASE WHEN batch.started THEN 'running' ELSE vms.status END,
    status_changed_at = CASE WHEN batch.started THEN now() ELSE vms.status_changed_at END,
    updated_at = CASE WHEN batch.started THEN now() ELSE vms.updated_at END
  FROM (
    SELECT vms.id, sample.health_score,
      vms.status = 'starting' AND to_timestamp(sample.ms / 1000) > vms.status_changed_at AS started
    FROM unnest($2::uuid[], $3::float8[], $4::smallint[]) AS sample (vm_id, ms, health_score)
    JOIN vms ON vms.id = sample.vm_id
      AND vms.organisation_id = $1::uuid AND vms.deleted_at IS NULL
    LEFT JOIN vm_latest ON vm_latest.vm_id = sample.vm_id
    WHERE vm_latest.timestamp IS NULL OR vm_latest.timestamp <= to_timestamp(sample.ms / 1000)
  ) AS batch
  WHERE vms.id = batch.id AND (vms.health_score <> batch.health_score OR batch.started)`

const HOUR_COLUMNS = [
  'sample_count',
  'cpu_count',
  'cpu_sum',
  'cpu_max',
  'cpu_sketch',
  'memory_count',
  'memory_sum',
  'memory_max',
  'memory_sketch',
] as const

const HOURS = `INSERT INTO vm_hours (vm_id, timestamp, ${HOUR_COLUMNS.join(', ')}, ${MEANS})
  SELECT batch.vm_id, to_timestamp(batch.ms / 1000), batch.sample_count,
    batch.cpu_count, batch.cpu_sum, batch.cpu_max, decode(batch.cpu_sketch, 'base64'),
    batch.memory_count, batch.memory_sum, batch.memory_max, decode(batch.memory_sketch, 'base64'),
    ${METRICS.map((metric) => `means.${metric}`).join(', ')}
  FROM unnest($3::uuid[], $4::float8[], $5::integer[], $6::integer[], $7::float8[], $8::float8[],
      $9::text[], $10::integer[], $11::float8[], $12::float8[], $13::text[])
    AS batch (vm_id, ms, ${HOUR_COLUMNS.join(', ')})
  ${LIVING_VMS}
  CROSS JOIN ${hourMeans('batch.vm_id', 'to_timestamp(batch.ms / 1000)')}
  WHERE to_timestamp(batch.ms / 1000) >= ${RETAINED}
  ON CONFLICT (vm_id, timestamp) DO UPDATE SET ${excluded([...HOUR_COLUMNS, ...METRICS])}
    WHERE excluded.sample_count >= vm_hours.sample_count`

const WINDOW_COLUMNS = [
  'cpu_avg',
  'cpu_max',
  'cpu_p95',
  'memory_avg',
  'memory_max',
  'memory_p95',
  'sample_count',
] as const

/**
 * Runs after `LATEST`, so that what belongs to a sample that is not the newest finds no row with its time
 * and changes nothing: window, row and newest sample never contradict each other.
 */
const WINDOWS = `INSERT INTO vm_window (vm_id, row_values, ${WINDOW_COLUMNS.join(', ')})
  SELECT batch.vm_id, batch.row_values, ${WINDOW_COLUMNS.map((column) => `batch.${column}`).join(', ')}
  FROM unnest($2::uuid[], $3::float8[], $4::text[], $5::float8[], $6::float8[], $7::float8[],
      $8::float8[], $9::float8[], $10::float8[], $11::integer[])
    AS batch (vm_id, ms, row_values, ${WINDOW_COLUMNS.join(', ')})
  ${LIVING_VMS}
  JOIN vm_latest ON vm_latest.vm_id = batch.vm_id
    AND vm_latest.timestamp = to_timestamp(batch.ms / 1000)
  ON CONFLICT (vm_id) DO UPDATE SET ${excluded(['row_values', ...WINDOW_COLUMNS])}`
