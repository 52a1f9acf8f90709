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
  /**
   * Statements in one READ COMMITTED transaction, one round trip; all or nothing.
   * @returns rows of each statement, in order
   * @throws as `query`
   */
  transaction(statements: readonly Statement[]): Promise<Array<Record<string, unknown>[]>>
}

/**
 * A client for one request: Workers cannot share a connection between requests, and Neon pools on its
 * side. Opens nothing until the first query.
 *
 * @throws Error when `databaseUrl` is not a PostgreSQL URL with user and host
 */
export const connect = (settings: DatabaseSettings): Database => {
  configure(settings)
  const client = neon(settings.databaseUrl, { fullResults: false })
  return {
    orm: drizzle(client, { schema }),
    query: async <Row>({ text, params }: Statement) =>
      (await client.query(text, [...params])) as Row[],
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

const configure = ({ neonProxy, answerTimeoutMs = ANSWER_TIMEOUT_MS }: DatabaseSettings): void => {
  neonConfig.fetchFunction = (url: string, init: RequestInit) =>
    boundedFetch(url, init, answerTimeoutMs)
  if (neonProxy === null) return
  neonConfig.fetchEndpoint = () => `http://${neonProxy}/sql`
  neonConfig.wsProxy = () => `${neonProxy}/v2`
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineConnect = false
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
