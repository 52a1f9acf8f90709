import { createRoute, z } from '@hono/zod-openapi'
import { requireScope } from '../../http/auth.ts'
import { readBody } from '../../http/body.ts'
import { type Problem, ProblemError, problem } from '../../http/problem.ts'
import { createRouter, problemResponses } from '../../http/validate.ts'
import { ArenaExhaustedError } from '../../kernels/memory.ts'
import {
  MESSAGE_BYTES_MAX,
  PARTS_MAX,
  type RemoteWriteFault,
  type RemoteWriteVersion,
  SAMPLES_MAX,
  SERIES_MAX,
} from '../../kernels/remote-write.ts'
import { distributeSeries } from './distribute-series.ts'
import { type PartFault, readRemoteWrite } from './remote-write.ts'
import { contentOf, messageOf } from './remote-write-content.ts'
import { writeResponse, writtenHeaders } from './write-answer.ts'

const ARENA_RETRY_AFTER_SECONDS = 1

export const remoteWrite = createRouter()

const bounds = `at most ${MESSAGE_BYTES_MAX} bytes decompressed, ${SERIES_MAX} series, ${SAMPLES_MAX} samples and ${PARTS_MAX} histograms, exemplars and metadata a request; send smaller batches`

const faultProblem = (
  fault: RemoteWriteFault | PartFault,
  version: RemoteWriteVersion,
): Problem => {
  // Nothing was written, and remote write 2.0 wants that said.
  const headers = writtenHeaders(0, 0, 0)
  if (fault.error === 'bad-part')
    return problem(400, 'bad-request', `a message is malformed: ${fault.detail}`, { headers })
  switch (fault.error) {
    case 'too-large':
    case 'too-many-series':
    case 'too-many-samples':
    case 'too-many-parts':
    case 'too-many-symbols':
    case 'too-many-label-bytes':
      return problem(413, 'body-too-large', `${fault.error}: ${bounds}`, { headers })
    case 'unexpected-end':
    case 'too-long':
    case 'too-short':
    case 'bad-offset':
    case 'bad-size':
      return problem(
        400,
        'bad-request',
        `the body is no Snappy block: ${fault.error} at byte ${fault.offset}`,
        { headers },
      )
    case 'other-version':
      return problem(
        400,
        'bad-request',
        `the content type says ${messageOf(version)}, but the body is ${messageOf(version === 1 ? 2 : 1)}: a field of that message stands at byte ${fault.offset}`,
        { headers },
      )
    default:
      return problem(
        400,
        'bad-request',
        `the protobuf message is malformed: ${fault.error} at byte ${fault.offset}`,
        { headers },
      )
  }
}

/** As readRemoteWrite. @throws ProblemError 503 where others hold the kernels' memory */
const read: typeof readRemoteWrite = (block, version) => {
  try {
    return readRemoteWrite(block, version)
  } catch (error) {
    if (!(error instanceof ArenaExhaustedError)) throw error
    throw new ProblemError(
      problem(503, 'dependency-unavailable', `${error.message}; send the request again`, {
        retryAfterSeconds: ARENA_RETRY_AFTER_SECONDS,
      }),
    )
  }
}

// Documented from the specification, read by hand: the body is no JSON.
remoteWrite.openAPIRegistry.registerPath(
  createRoute({
    method: 'post',
    path: '/api/v1/write',
    tags: ['ingest'],
    summary: 'Prometheus remote write 1.0 and 2.0',
    description:
      'A Snappy block of prometheus.WriteRequest or, by the parameter proto of the content type, io.prometheus.write.v2.Request. What is good is stored before the answer; the headers X-Prometheus-Remote-Write-*-Written count it. Sending the same again is harmless.',
    request: {
      body: {
        required: true,
        content: {
          'application/x-protobuf': { schema: z.string().openapi({ format: 'binary' }) },
        },
      },
    },
    responses: {
      204: { description: 'All is stored' },
      ...problemResponses(401, 403, 413, 415, 503),
      400: {
        description: 'Some was refused, and why; the rest is stored',
        content: { 'text/plain': { schema: z.string() } },
      },
      429: {
        description: 'Some was refused for now; send all of it again',
        content: { 'text/plain': { schema: z.string() } },
      },
    },
  }),
)

remoteWrite.post('/api/v1/write', requireScope('write'), async (c) => {
  const version = contentOf(c.req.raw.headers)
  if (!version.ok) {
    const { detail, headers } = version.error
    throw new ProblemError(problem(415, 'media-type-unsupported', detail, { headers }))
  }
  const block = await readBody(c.req.raw, MESSAGE_BYTES_MAX)
  const write = read(block, version.value)
  if (!write.ok) throw new ProblemError(faultProblem(write.error, version.value))
  const { organisationId } = c.var.principal
  return writeResponse(
    await distributeSeries(c.env, c.var.settings, organisationId, write.value, Date.now()),
  )
})
