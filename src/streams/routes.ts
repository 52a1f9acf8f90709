import { createRoute } from '@hono/zod-openapi'
import { requireScope } from '../http/auth.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { admissionHeaders, hubOf } from './hub-client.ts'
import { PROTOCOL } from './protocol.ts'

const PATH = '/api/v1/stream'
const OBJECT_AWAY_RETRY_AFTER_SECONDS = 2

export const streams = createRouter()

streams.openAPIRegistry.registerPath(
  createRoute({
    method: 'get',
    path: PATH,
    tags: ['streams'],
    summary: 'Live updates of the fleet over a WebSocket',
    description:
      'Frames and topics are described in docs/api.md, "Live". A browser, which cannot set headers, ' +
      `offers the subprotocols "${PROTOCOL}" and "gjallar.key." followed by the base64url of its key.`,
    responses: {
      101: { description: 'The connection speaks gjallar.v1' },
      ...problemResponses(401, 403, 426, 503),
    },
  }),
)

const offeredProtocols = (headers: Headers): string[] =>
  (headers.get('sec-websocket-protocol') ?? '').split(',').map((name) => name.trim())

streams.get(PATH, requireScope('read'), async (c) => {
  const { headers } = c.req.raw
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket')
    throw new ProblemError(
      problem(426, 'upgrade-required', 'connect with a WebSocket client', {
        headers: { upgrade: 'websocket', connection: 'upgrade' },
      }),
    )
  const { organisationId, organisation, keyId, expiresAt } = c.var.principal
  const admission = admissionHeaders({
    organisation,
    keyId,
    expiresAtMs: expiresAt,
    requestId: c.var.requestId,
    offersProtocol: offeredProtocols(headers).includes(PROTOCOL),
  })
  try {
    return await hubOf(c.env, organisationId).fetch('https://hub/', { headers: admission })
  } catch (cause) {
    const away = new ProblemError(
      problem(503, 'dependency-unavailable', 'the hub does not answer; try again soon', {
        retryAfterSeconds: OBJECT_AWAY_RETRY_AFTER_SECONDS,
      }),
    )
    away.cause = cause
    throw away
  }
})
