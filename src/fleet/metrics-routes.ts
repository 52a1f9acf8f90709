import { createRoute, z } from '@hono/zod-openapi'
import type { TypedResponse } from 'hono'
import { connect } from '../database/client.ts'
import { getVm, metricsRange, TIERS } from '../database/fleet-queries.ts'
import type { Settings } from '../env.ts'
import { requireScope } from '../http/auth.ts'
import { conditional } from '../http/conditional.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { parseTimestamp } from './ingest.ts'
import {
  EXPORT_READ_ROWS_MAX,
  rangeWithRows,
  readWindows,
  streamOf,
  type Window,
} from './metrics-export.ts'
import {
  COLUMNS_MEDIA_TYPE,
  CSV_HEADER,
  columnsBytes,
  csvRows,
  ndjsonRows,
  type RangeColumns,
} from './metrics-formats.ts'
import { HOUR_MS, MINUTE_MS } from './minute-buffer.ts'
import { shardOfVm } from './shards.ts'
import { METRICS, type Vm } from './types.ts'
import { fleetProblem } from './vm-problems.ts'
import { vmIdParameter } from './vm-schema.ts'

/** Rows in one answer: three days of minutes, or 1 h 20 min of one-second samples. */
export const METRICS_ROWS_MAX = 4_800
/** `auto` reads raw samples up to a quarter of an hour, with a minute for the request to arrive. */
const RAW_RANGE_MS = 16 * MINUTE_MS
/** `auto` reads minutes up to this range. */
const MINUTE_RANGE_MS = 48 * HOUR_MS
/** `auto` reads five minutes up to this range, hours beyond. */
const FIVE_MINUTE_RANGE_MS = 14 * 24 * HOUR_MS
const DAY_MS = 24 * HOUR_MS

export const vmMetrics = createRouter()

const resolutionSchema = z.enum(['raw', ...TIERS])
type Resolution = z.infer<typeof resolutionSchema>

/** One address has a form for each Accept. */
const HEADERS = { 'cache-control': 'private, no-cache', vary: 'accept' }

const FORMATS = ['json', 'csv', 'ndjson', 'columns'] as const
const FORMAT_OF_TYPE: Readonly<Record<string, (typeof FORMATS)[number]>> = {
  'application/json': 'json',
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
  [COLUMNS_MEDIA_TYPE]: 'columns',
}

/** The first type of Accept that there is; JSON where it names none of them. */
const formatOf = (accept: string | undefined): (typeof FORMATS)[number] =>
  (accept ?? '')
    .split(',')
    .map((range) => FORMAT_OF_TYPE[range.split(';', 1)[0]?.trim().toLowerCase() ?? ''])
    .find((format) => format !== undefined) ?? 'json'

const column = z.array(z.number().nullable())
const usageSchema = z.object({
  count: z.number().int(),
  mean: z.number().nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  p50: z.number().nullable(),
  p90: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
})

const rangeSchema = z
  .object({
    vm: z.string(),
    from: z.number().int(),
    to: z.number().int(),
    resolution: resolutionSchema,
    columns: z.object({
      timestamp: z.array(z.number().int()),
      ...(Object.fromEntries(METRICS.map((metric) => [metric, column])) as Record<
        (typeof METRICS)[number],
        typeof column
      >),
    }),
    truncated: z.boolean(),
    statistics_24h: z
      .object({
        cpu_usage: usageSchema,
        memory_usage: usageSchema,
        method: z.literal('sketch'),
        relativeErrorMax: z.number(),
      })
      .nullable(),
  })
  .openapi('VmMetrics')

const fault = (pointer: string, detail: string) =>
  new ProblemError(
    problem(422, 'validation-failed', `query: ${detail}`, { errors: [{ pointer, detail }] }),
  )

/** A time of the query: ms or RFC 3339. Throws ProblemError 422. */
const timeOf = (name: string, text: string | undefined, fallback: number): number => {
  if (text === undefined) return fallback
  const time = parseTimestamp(/^\d{1,16}$/.test(text) ? Number(text) : text)
  if (Number.isNaN(time)) throw fault(`#/${name}`, `${name} must be milliseconds or RFC 3339`)
  return time
}

const resolutionOf = (
  asked: Resolution | 'auto',
  rangeMs: number,
  ageMs: number,
  settings: Settings,
) => {
  if (asked !== 'auto') return asked
  if (rangeMs <= RAW_RANGE_MS && ageMs < settings.rawRetentionMs) return 'raw'
  const { minuteDays, fiveMinuteDays } = settings.retention
  if (rangeMs <= MINUTE_RANGE_MS && ageMs < minuteDays * DAY_MS) return 'minute'
  return rangeMs <= FIVE_MINUTE_RANGE_MS && ageMs < fiveMinuteDays * DAY_MS
    ? 'five-minutes'
    : 'hour'
}

const keptMs = (resolution: Resolution, { rawRetentionMs, retention }: Settings): number =>
  ({
    raw: rawRetentionMs,
    minute: retention.minuteDays * DAY_MS,
    'five-minutes': retention.fiveMinuteDays * DAY_MS,
    hour: retention.hourDays * DAY_MS,
  })[resolution]

vmMetrics.openapi(
  createRoute({
    method: 'get',
    path: '/api/v1/vms/{id}/metrics',
    tags: ['fleet'],
    summary: 'Metrics of a VM over time, as columns, and its 24 h quantiles',
    description: `Raw samples come from the VM's shard; minutes, five minutes and hours (means) from PostgreSQL, each tier kept for a time of its own. At most ${METRICS_ROWS_MAX} rows; "truncated" tells when there are more.`,
    middleware: [requireScope('read')],
    request: {
      params: vmIdParameter,
      query: z.object({
        from: z
          .string()
          .max(40)
          .optional()
          .openapi({ description: 'ms or RFC 3339; default: one hour before "to"' }),
        to: z.string().max(40).optional().openapi({ description: 'ms or RFC 3339; default: now' }),
        resolution: z.enum(['auto', 'raw', ...TIERS]).default('auto'),
        format: z
          .enum(FORMATS)
          .optional()
          .openapi({
            description: `Default: by Accept, else json. csv and ndjson stream the whole range; columns is ${COLUMNS_MEDIA_TYPE}`,
          }),
      }),
    },
    responses: {
      200: {
        description: 'Columns of one length, ascending by time',
        content: {
          'application/json': { schema: rangeSchema },
          'text/csv': { schema: z.string() },
          'application/x-ndjson': { schema: z.string() },
          [COLUMNS_MEDIA_TYPE]: { schema: z.string().openapi({ format: 'binary' }) },
        },
      },
      304: { description: 'Nothing changed since the entity tag in If-None-Match' },
      ...problemResponses(401, 403, 404, 422, 503),
    },
  }),
  async (c) => {
    const { settings, principal } = c.var
    const { organisationId } = principal
    const query = c.req.valid('query')
    const now = Date.now()
    const to = timeOf('to', query.to, now)
    const from = timeOf('from', query.from, to - HOUR_MS)
    if (from > to) throw fault('#/from', 'from must not be after to')
    const database = connect(settings)
    const vm = await getVm(database, organisationId, c.req.valid('param').id)
    if (!vm) throw fleetProblem({ reason: 'vm-not-found' })
    const shard = shardOfVm(c.env, settings, organisationId, vm.id)
    const resolution = resolutionOf(query.resolution, to - from, now - from, settings)
    const read = (fromMs: number, toMs: number, limit: number): Promise<Window> =>
      resolution === 'raw'
        ? shard.points(vm.id, fromMs, toMs, limit)
        : metricsRange(database, organisationId, vm.id, {
            fromMs,
            toMs: toMs + 1,
            resolution,
            limit,
          })
    const format = query.format ?? formatOf(c.req.header('accept'))
    if (format === 'csv' || format === 'ndjson') {
      const range = rangeWithRows(from, to, keptMs(resolution, settings), now)
      const windows = readWindows(range.from, range.to, WINDOW_MS[resolution], (fromMs, toMs) =>
        read(fromMs, toMs, EXPORT_READ_ROWS_MAX),
      )
      return exported(vm, format, windows)
    }
    if (format === 'columns') {
      const { columns, truncated } = await read(from, to, METRICS_ROWS_MAX)
      return conditional(c.req.raw, columnsBytes(columns), {
        ...HEADERS,
        'content-type': COLUMNS_MEDIA_TYPE,
        'x-gjallar-resolution': resolution,
        'x-gjallar-truncated': String(truncated),
      })
    }
    const [range, statistics] = await Promise.all([
      read(from, to, METRICS_ROWS_MAX),
      shard.statistics(vm.id),
    ])
    const answer = {
      from,
      to,
      vm: vm.id,
      resolution,
      columns: range.columns as z.infer<typeof rangeSchema>['columns'],
      truncated: range.truncated,
      statistics_24h: statistics && { ...statistics, method: 'sketch' as const },
    }
    const body = new TextEncoder().encode(JSON.stringify(answer))
    // A range that ends now has other ends each time, which say nothing of whether what is in it changed.
    const ends = query.to === undefined ? JSON.stringify({ from, to }).length : 0
    const headers = { ...HEADERS, 'content-type': 'application/json' }
    return conditional(c.req.raw, body, headers, body.subarray(ends)) as TypedResponse<
      typeof answer,
      200,
      'json'
    > &
      Response
  },
)

/** What one read of an export covers: its rows fit unless samples come more often than once a second. */
const WINDOW_MS = {
  raw: 4 * HOUR_MS,
  minute: 10 * DAY_MS,
  'five-minutes': 60 * DAY_MS,
  hour: 800 * DAY_MS,
} as const satisfies Record<Resolution, number>

const exported = async (
  vm: Vm,
  format: 'csv' | 'ndjson',
  windows: AsyncGenerator<RangeColumns>,
) => {
  // The first read happens before the status is sent, so that a failed database is told as one.
  const first = await windows.next()
  async function* text() {
    if (format === 'csv') yield CSV_HEADER
    const rows = (columns: RangeColumns) =>
      format === 'csv' ? csvRows(columns) : ndjsonRows(vm.id, columns)
    if (!first.done) yield rows(first.value)
    for await (const columns of windows) yield rows(columns)
  }
  return new Response(streamOf(text()), {
    headers: {
      ...HEADERS,
      'content-type':
        format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson',
      'content-disposition': `attachment; filename="${vm.id}.${format}"`,
    },
  })
}
