import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { type Hono, type MiddlewareHandler, Hono as Router } from 'hono'
import { settingsOf } from '../../../src/env.ts'
import { influx, influxErrors } from '../../../src/fleet/ingest/influx-routes.ts'
import { otlp, otlpErrors } from '../../../src/fleet/ingest/otlp-routes.ts'
import { remoteWrite } from '../../../src/fleet/ingest/remote-write-routes.ts'
import { keyOf } from '../../../src/http/auth.ts'
import { drainRefused } from '../../../src/http/body.ts'
import type { AppEnv, Scope } from '../../../src/http/context.ts'
import { notFoundOf, onError } from '../../../src/http/errors.ts'
import { requestId, securityHeaders } from '../../../src/http/headers.ts'
import { ProblemError, problem } from '../../../src/http/problem.ts'

const KEYS: Readonly<Record<string, Scope>> = { 'write-key': 'write', 'read-key': 'read' }

const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const scope = KEYS[keyOf(c.req.raw.headers) ?? '']
  if (scope === undefined) throw new ProblemError(problem(401, 'unauthorized', 'send an API key'))
  c.set('principal', {
    keyId: 'key-1',
    organisationId: 'organisation-1',
    organisation: 'acme',
    scopes: new Set([scope]),
    platformAdmin: false,
    expiresAt: null,
    limits: null,
  })
  await next()
}

/** The ingest routes behind the worker's own middleware, in its order. */
export const protocolApp = (): Hono<AppEnv> => {
  const app = new Router<AppEnv>()
    .use(requestId)
    .use(securityHeaders)
    .use(drainRefused)
    .use(async (c, next) => {
      c.set('settings', settingsOf({} as Parameters<typeof settingsOf>[0]))
      await next()
    })
    .use('/v1/metrics', otlpErrors)
    .use('/api/v2/write', influxErrors)
    .use(authenticate)
    .route('/', otlp)
    .route('/', influx)
    .route('/', remoteWrite)
    .onError(onError)
  return app.notFound(notFoundOf(app))
}

/** Serves an app on a port of its own, for clients that bring their own HTTP. */
export const serve = async (app: Hono<AppEnv>): Promise<{ url: string; server: Server }> => {
  const server = createServer(async (incoming, outgoing) => {
    const request = new Request(`http://localhost${incoming.url}`, {
      method: incoming.method ?? 'GET',
      headers: incoming.headers as Record<string, string>,
      body: Readable.toWeb(incoming) as unknown as ReadableStream,
      duplex: 'half',
    } as RequestInit)
    const response = await app.fetch(request, {})
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    outgoing.end(Buffer.from(await response.arrayBuffer()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}
