import { createRoute, z } from '@hono/zod-openapi'
import { requireScope } from '../../http/auth.ts'
import { readGzipBody } from '../../http/gzip-body.ts'
import { ProblemError, problem } from '../../http/problem.ts'
import { errorsAs } from '../../http/protocol-errors.ts'
import { createRouter } from '../../http/validate.ts'
import { distributeSeries } from './distribute-series.ts'
import { influxError, partialWrite } from './influx-answer.ts'
import { isPrecision, PRECISIONS, type Precision, readInfluxLines } from './influx-lines.ts'
import { WRITE_SAMPLES_MAX } from './series-builder.ts'

/** Decompressed bytes of one request; Telegraf sends 1,000 lines, some hundred kilobytes. */
export const INFLUX_BODY_BYTES_MAX = 32 * 1024 * 1024
const RETRY_AFTER_SECONDS = 2

export const influx = createRouter()

/** Every error of the route as InfluxDB's clients read it, also one that stands before it. */
export const influxErrors = errorsAs(influxError)

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
const lenient = new TextDecoder('utf-8', { fatal: false, ignoreBOM: false })

const textOf = (bytes: Uint8Array): { text: string; isRepaired: boolean } => {
  try {
    return { text: strict.decode(bytes), isRepaired: false }
  } catch {
    // TypeError: not UTF-8. The lines with faults are refused, not the whole body.
    return { text: lenient.decode(bytes), isRepaired: true }
  }
}

const requirePrecision = (text: string | undefined): Precision => {
  const precision = text ?? 'ns'
  if (!isPrecision(precision))
    throw new ProblemError(
      problem(400, 'bad-request', `precision must be one of ${Object.keys(PRECISIONS).join(', ')}`),
    )
  return precision
}

const errorSchema = z.object({
  code: z.string(),
  message: z.string(),
  line: z.number().int().optional(),
  errors: z
    .array(z.object({ line: z.number().int(), reason: z.string(), message: z.string() }))
    .optional(),
})

const error = (description: string) => ({
  description,
  content: { 'application/json': { schema: errorSchema.openapi('InfluxError') } },
})

// Documented from InfluxDB's API, read by hand: the body is no JSON.
influx.openAPIRegistry.registerPath(
  createRoute({
    method: 'post',
    path: '/api/v2/write',
    tags: ['ingest'],
    summary: 'Influx line protocol',
    description:
      'Lines of InfluxDB 2, as they are or gzip. A series is named measurement_field (measurement alone for a field "value"), tags are its labels, text is left out. What is good is stored before the answer; sending the same again is harmless. The key may come as "Authorization: Token KEY".',
    request: {
      query: z.object({
        org: z.string().optional().openapi({ description: 'Ignored: the key has one' }),
        bucket: z.string().optional().openapi({ description: 'Ignored' }),
        precision: z.enum(['ns', 'us', 'ms', 's']).optional(),
      }),
      body: { required: true, content: { 'text/plain': { schema: z.string() } } },
    },
    responses: {
      204: { description: 'All is stored' },
      400: error('Some lines were refused, and why; the others are stored'),
      401: error('No key, or one that is not known'),
      403: error('The key lacks the scope "write"'),
      413: error('Beyond 32 MiB decompressed, or too many samples'),
      415: error('Another content encoding'),
      429: error('Some was refused for now; Retry-After says when to send all of it again'),
      503: error('A shard cannot store; Retry-After says when to send all of it again'),
    },
  }),
)

influx.post('/api/v2/write', requireScope('write'), async (c) => {
  const precision = requirePrecision(c.req.query('precision'))
  const { text, isRepaired } = textOf(await readGzipBody(c.req.raw, INFLUX_BODY_BYTES_MAX))
  const now = Date.now()
  const write = readInfluxLines(text, { precision, now, isRepaired })
  if (write === null)
    throw new ProblemError(
      problem(
        413,
        'body-too-large',
        `at most ${WRITE_SAMPLES_MAX} samples a request; send smaller batches`,
      ),
    )
  const { organisationId } = c.var.principal
  const { refused } = await distributeSeries(c.env, c.var.settings, organisationId, write, now)
  if (refused.length === 0) return c.body(null, 204)
  if (refused.some(({ reason }) => reason === 'rate-exceeded'))
    throw new ProblemError(
      problem(429, 'about:blank', 'too many samples for now; send all of them again', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      }),
    )
  const { contentType, body } = partialWrite(refused)
  return new Response(body, { status: 400, headers: { 'content-type': contentType } })
})
