import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { DatabaseUnavailableError } from './faults.ts'
import * as schema from './schema.ts'

/** Longest wait for one answer of the database; a flush of a full batch takes well under a second. */
const ANSWER_TIMEOUT_MS = 15_000

export interface DatabaseSettings {
  /** `postgresql://user:password@host[:port]/database`. */
  readonly databaseUrl: string
  /** `host:port` of a local Neon-compatible proxy; null where `databaseUrl` names a Neon host. */
  readonly neonProxy: string | null
  /** Longest wait for one answer, ms; `ANSWER_TIMEOUT_MS` where absent. */
  readonly answerTimeoutMs?: number
}

/** SQL with `$1…` placeholders; parameters are text (or null), as the wire wants them. */
export interface Statement {
  readonly text: string
  readonly params: ReadonlyArray<string | null>
}

export interface Database {
  /** Query builder over the same client, for statements that need no special shape. */
  readonly orm: NeonHttpDatabase<typeof schema>
  /**
   * One statement, one round trip; its rows as objects.
   * @throws what `faultOf` reads: the statement's SQL error, or an unavailable database
   */
  query<Row>(statement: Statement): Promise<Row[]>
  /** As `query`, with the values as PostgreSQL writes them: nothing parses them, JSON least of all. */
  texts(statement: Statement): Promise<ReadonlyArray<ReadonlyArray<string | null>>>
  /**
   * Statements in one READ COMMITTED transaction, one round trip; all or nothing.
   * @returns rows of each statement, in order
   * @throws as `query`
   */
  transaction(statements: readonly Statement[]): Promise<Array<Record<string, unknown>[]>>
}

const clients = new WeakMap<DatabaseSettings, Database>()

/**
 * The client of these settings, one an isolate: it holds no connection, every statement is a request of
 * its own, and Neon pools on its side. Opens nothing until the first query.
 *
 * @throws Error when `databaseUrl` is not a PostgreSQL URL with user and host
 */
export const connect = (settings: DatabaseSettings): Database => {
  const known = clients.get(settings)
  if (known) return known
  const made = clientOf(settings)
  clients.set(settings, made)
  return made
}

/** Values as they come. */
const AS_TEXT = { arrayMode: true, types: { getTypeParser: () => (text: string) => text } } as const

const clientOf = ({
  databaseUrl,
  neonProxy,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
}: DatabaseSettings): Database => {
  const route: Route = { neonProxy, answerTimeoutMs }
  const client = neon(databaseUrl, { fullResults: false, fetchOptions: { route } })
  return {
    orm: drizzle(client, { schema }),
    query: async <Row>({ text, params }: Statement) =>
      (await client.query(text, [...params])) as Row[],
    texts: async ({ text, params }) =>
      (await client.query(text, [...params], AS_TEXT)) as Array<Array<string | null>>,
    transaction: async (statements) =>
      (await client.transaction(
        statements.map(({ text, params }) => client.query(text, [...params])),
        { isolationLevel: 'ReadCommitted' },
      )) as Array<Record<string, unknown>[]>,
  }
}

/** One trivial round trip, for readiness. @throws what `faultOf` reads */
export const ping = async (db: Database): Promise<void> => {
  await db.query({ text: 'SELECT 1 AS one', params: [] })
}

/** Where a client's requests go; the driver hands it through to `fetchFunction`. */
interface Route {
  readonly neonProxy: string | null
  readonly answerTimeoutMs: number
}

const DIRECT: Route = { neonProxy: null, answerTimeoutMs: ANSWER_TIMEOUT_MS }

// The driver is configured once for all clients, so what differs between them travels with the request.
neonConfig.fetchFunction = (url: string, init: RequestInit & { route?: Route }) => {
  const { route = DIRECT, ...request } = init
  const { neonProxy, answerTimeoutMs } = route
  return boundedFetch(
    neonProxy === null ? url : `http://${neonProxy}/sql`,
    request,
    answerTimeoutMs,
  )
}

/**
 * `fetch` with a deadline. A connection that breaks while the answer is read is reported like one that
 * was never made; the driver guards only the latter.
 */
const boundedFetch = async (url: string, init: RequestInit, timeoutMs: number) => {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) })
  const guarded = async <T>(body: Promise<T>): Promise<T> => {
    try {
      return await body
    } catch (cause) {
      throw new DatabaseUnavailableError('the connection broke while the answer was read', {
        cause,
      })
    }
  }
  return {
    ok: response.ok,
    status: response.status,
    json: () => guarded(response.json()),
    text: () => guarded(response.text()),
  }
}
