import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { WebSocketServer } from 'ws'
import { pipeWebSocket, sameTarget, type Target, targetOf } from './neon-target.ts'
import { bodyOf, type NeonQuery, type NeonResult, parseRequest, problemOf } from './neon-wire.ts'

export interface NeonProxy {
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

/** Connections to PostgreSQL; more requests wait. Two cores serve no more at once. */
const CONNECTIONS_MAX = 12
/** A request that waits longer for a connection is answered 503. */
const CONNECTION_WAIT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 30_000
/** As Neon's own limit. */
const BODY_BYTES_MAX = 64 * 1024 * 1024
/** Longer than the worker keeps idle connections, so that the proxy never closes one under a request. */
const KEEP_ALIVE_MS = 120_000

/**
 * Speaks Neon's protocol on a loopback port for one PostgreSQL: `POST /sql` (one statement, or a batch
 * in one transaction) and a WebSocket at `/v2` that pipes PostgreSQL's own bytes. Every other database,
 * and every request of a web page, is refused: it is no relay.
 *
 * @param options.target connection string of the only database that may be reached
 * @param options.port 0 or absent = any free one
 * @throws Error with code EADDRINUSE when the port is taken
 */
export const startNeonProxy = async (options: {
  readonly port?: number
  readonly target: string
}): Promise<NeonProxy> => {
  const target = targetOf(options.target)
  if (target === null) throw new Error('the database URL cannot be read')
  const pool = new pg.Pool({
    connectionString: options.target,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECTION_WAIT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    application_name: 'gjallar neon proxy',
  })
  // An idle connection that breaks leaves the pool by itself; the next request opens another.
  pool.on('error', () => {})
  // Between the pool's own listener and ours a client has none, and what a dying server says last may come then.
  pool.on('connect', (client) => client.on('error', () => {}))

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    answer(request, target, pool).then(
      ({ status, body }) => send(response, status, body),
      (error) => {
        const { status, body } = problemOf(error)
        send(response, status, JSON.stringify(body))
      },
    )
  })
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (pathname !== '/v2' || request.headers.origin !== undefined) return socket.destroy()
    sockets.handleUpgrade(request, socket, head, (webSocket) => pipeWebSocket(webSocket, target))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    host: '127.0.0.1',
    port,
    stop: async () => {
      for (const client of sockets.clients) client.terminate()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
      await pool.end()
    },
  }
}

interface Answer {
  readonly status: number
  readonly body: string
}

const refusal = (status: number, message: string): Answer => ({
  status,
  body: JSON.stringify({ message }),
})

const send = (response: ServerResponse, status: number, body: string): void => {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  })
  response.end(body)
}

const answer = async (request: IncomingMessage, target: Target, pool: pg.Pool): Promise<Answer> => {
  if (request.url !== '/sql') return refusal(404, 'only POST /sql and the WebSocket /v2 are served')
  if (request.method !== 'POST') return refusal(405, 'only POST is served')
  // Browsers send Origin, the driver in a worker does not.
  if (request.headers.origin !== undefined) return refusal(403, 'not for web pages')
  const asked = targetOf(String(request.headers['neon-connection-string'] ?? ''))
  if (asked === null || !sameTarget(asked, target)) {
    return refusal(403, 'this proxy serves another database or other credentials')
  }
  const body = await bodyOf(request, BODY_BYTES_MAX)
  if (body === null) return refusal(413, `the body is larger than ${BODY_BYTES_MAX} bytes`)
  const parsed = parseRequest(body)
  if (parsed === null) return refusal(400, 'the body is neither {query, params} nor {queries}')
  const client = await pool.connect()
  let broken: Error | undefined
  const onError = (error: Error): void => {
    broken = error
  }
  client.on('error', onError)
  try {
    const result =
      'queries' in parsed
        ? { results: await runBatch(client, parsed.queries, request.headers) }
        : await run(client, parsed)
    return { status: 200, body: JSON.stringify(result) }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) broken = error as Error
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

/** Values stay text, as PostgreSQL sends them: the driver at the other end parses. */
const RAW = { getTypeParser: () => (text: string) => text }

/**
 * Names of texts that connections prepare once and keep: parsing the dashboard's statement costs more
 * than reading its page of 50. Beyond the bound, texts are parsed each time.
 */
const prepared = new Map<string, string>()
const PREPARED_MAX = 200

const nameOf = (text: string): string | undefined => {
  const known = prepared.get(text)
  if (known !== undefined || prepared.size >= PREPARED_MAX) return known
  const name = `s${prepared.size}`
  prepared.set(text, name)
  return name
}

const run = async (client: pg.PoolClient, { query, params }: NeonQuery): Promise<NeonResult> => {
  const { command, rowCount, fields, rows } = await client.query({
    name: nameOf(query),
    text: query,
    values: params,
    rowMode: 'array',
    // Refuses several statements in one string, as Neon does.
    queryMode: 'extended',
    types: RAW,
  } as pg.QueryArrayConfig)
  return { command, rowCount, fields, rows }
}

const ISOLATION: Readonly<Record<string, string>> = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
}

const runBatch = async (
  client: pg.PoolClient,
  queries: readonly NeonQuery[],
  headers: IncomingMessage['headers'],
): Promise<NeonResult[]> => {
  const isolation = ISOLATION[String(headers['neon-batch-isolation-level'])] ?? 'READ COMMITTED'
  const access = headers['neon-batch-read-only'] === 'true' ? 'READ ONLY' : 'READ WRITE'
  const deferrable = headers['neon-batch-deferrable'] === 'true' ? ' DEFERRABLE' : ''
  await client.query(`BEGIN ISOLATION LEVEL ${isolation} ${access}${deferrable}`)
  try {
    const results: NeonResult[] = []
    for (const query of queries) results.push(await run(client, query))
    await client.query('COMMIT')
    return results
  } catch (error) {
    // A broken connection rolls back by itself.
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}
