import { createRoute, z } from '@hono/zod-openapi'
import { requireScope } from '../../http/auth.ts'
import { mediaType } from '../../http/body.ts'
import { readGzipBody } from '../../http/gzip-body.ts'
import { ProblemError, problem } from '../../http/problem.ts'
import { errorsAs, type ProtocolBody } from '../../http/protocol-errors.ts'
import { createRouter } from '../../http/validate.ts'
import { distributeSeries } from './distribute-series.ts'
import { exportResponse, OTLP_TYPES, rejectionOf, statusBody } from './otlp-answer.ts'
import { decodeOtlp, type OtlpEncoding } from './otlp-decode.ts'
import { OtlpTranslator } from './otlp-metrics.ts'
import type { OtlpFault } from './otlp-model.ts'

/** Decompressed bytes of one request. */
export const OTLP_BODY_BYTES_MAX = 64 * 1024 * 1024

const RETRY_AFTER_SECONDS = 2

export const otlp = createRouter()

const encodingOf = (request: Request): OtlpEncoding | null => {
  const type = mediaType(request)
  if (type === OTLP_TYPES.protobuf || type === 'application/protobuf') return 'protobuf'
  return type === OTLP_TYPES.json ? 'json' : null
}

/** Every error of the route as google.rpc.Status, also one that stands before it, as a missing key. */
export const otlpErrors = errorsAs((error, request) =>
  statusBody(error, encodingOf(request) ?? 'json'),
)

const requireEncoding = (request: Request): OtlpEncoding => {
  const encoding = encodingOf(request)
  if (encoding === null)
    throw new ProblemError(
      problem(415, 'media-type-unsupported', `send ${OTLP_TYPES.protobuf} or ${OTLP_TYPES.json}`, {
        headers: { accept: Object.values(OTLP_TYPES).join(', ') },
      }),
    )
  return encoding
}

const faultProblem = ({ reason, detail }: OtlpFault) => {
  switch (reason) {
    case 'malformed':
      return problem(400, 'bad-request', detail)
    case 'too-large':
      return problem(413, 'body-too-large', `${detail}; send smaller batches`)
  }
}

const responseOf = ({ contentType, body }: ProtocolBody): Response =>
  new Response(body, { headers: { 'content-type': contentType, 'cache-control': 'no-store' } })

const binary = z.string().openapi({ format: 'binary' })
const message = z.object({}).openapi({ description: 'proto3 JSON of the message' })
const status = (description: string) => ({
  description,
  content: {
    'application/x-protobuf': { schema: binary },
    'application/json': {
      schema: z.object({ code: z.number().int(), message: z.string() }).openapi('RpcStatus'),
    },
  },
})

// Documented from the specification, read by hand: most bodies are no JSON.
otlp.openAPIRegistry.registerPath(
  createRoute({
    method: 'post',
    path: '/v1/metrics',
    tags: ['ingest'],
    summary: 'OTLP/HTTP metrics',
    description:
      'ExportMetricsServiceRequest as protobuf or JSON, as it is or gzip. What is good is stored before the answer; partial_success counts the data points that were refused and says why. Sending the same again is harmless.',
    request: {
      body: {
        required: true,
        content: {
          'application/x-protobuf': { schema: binary },
          'application/json': { schema: message },
        },
      },
    },
    responses: {
      200: {
        description: 'ExportMetricsServiceResponse in the encoding of the request',
        content: {
          'application/x-protobuf': { schema: binary },
          'application/json': { schema: message },
        },
      },
      400: status('Malformed, or every data point was refused'),
      401: status('No key, or one that is not known'),
      403: status('The key lacks the scope "write"'),
      413: status('Beyond 64 MiB decompressed, or too many samples'),
      415: status('Another content type or encoding'),
      429: status('Some was refused for now; Retry-After says when to send all of it again'),
      503: status('A shard cannot store; Retry-After says when to send all of it again'),
    },
  }),
)

otlp.post('/v1/metrics', requireScope('write'), async (c) => {
  const encoding = requireEncoding(c.req.raw)
  const bytes = await readGzipBody(c.req.raw, OTLP_BODY_BYTES_MAX)
  const translator = new OtlpTranslator()
  const decoded = decodeOtlp(encoding, bytes, translator)
  if (!decoded.ok) throw new ProblemError(faultProblem(decoded.error))
  const { write, points } = translator.finish()
  const { organisationId } = c.var.principal
  const outcome = await distributeSeries(c.env, c.var.settings, organisationId, write, Date.now())
  if (outcome.refused.some(({ reason }) => reason === 'rate-exceeded'))
    throw new ProblemError(
      problem(429, 'about:blank', 'too many samples for now; send all of them again', {
        retryAfterSeconds: RETRY_AFTER_SECONDS,
      }),
    )
  const rejection = rejectionOf(outcome.refused)
  if (rejection.dataPoints > 0 && rejection.dataPoints >= points)
    throw new ProblemError(
      problem(
        400,
        'samples-refused',
        `all ${points} data points were refused: ${rejection.message}`,
      ),
    )
  return responseOf(exportResponse(rejection, encoding))
})
