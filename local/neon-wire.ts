import type { IncomingMessage } from 'node:http'
import pg from 'pg'

/** Neon's HTTP bodies. Parameters and values are PostgreSQL's text form, or null. */
export interface NeonQuery {
  readonly query: string
  readonly params: Array<string | null>
}

export interface NeonResult {
  readonly command: string
  readonly rowCount: number | null
  readonly fields: ReadonlyArray<{ readonly name: string; readonly dataTypeID: number }>
  readonly rows: ReadonlyArray<ReadonlyArray<string | null>>
}

/** The whole body, or null when it is larger than allowed. */
export const bodyOf = (request: IncomingMessage, bytesMax: number): Promise<Buffer | null> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size <= bytesMax) chunks.push(chunk)
    })
    request.on('end', () => resolve(size <= bytesMax ? Buffer.concat(chunks, size) : null))
    request.on('error', reject)
  })

export const parseRequest = (
  body: Buffer,
): NeonQuery | { readonly queries: readonly NeonQuery[] } | null => {
  try {
    const parsed: unknown = JSON.parse(body.toString())
    if (typeof parsed !== 'object' || parsed === null) return null
    if (!('queries' in parsed)) return queryOf(parsed)
    if (!Array.isArray(parsed.queries)) return null
    const queries = parsed.queries.map(queryOf)
    return queries.every((query) => query !== null) ? { queries } : null
  } catch {
    // Not JSON.
    return null
  }
}

const queryOf = (value: unknown): NeonQuery | null => {
  if (typeof value !== 'object' || value === null || !('query' in value)) return null
  const params = 'params' in value ? value.params : []
  if (typeof value.query !== 'string' || !Array.isArray(params)) return null
  const areTexts = params.every((param) => param === null || typeof param === 'string')
  return areTexts ? { query: value.query, params } : null
}

/** SQLSTATE classes of a server that is starting, ending or full. */
const NOT_NOW = /^(?:08|53|57P)/

const FIELDS = [
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/**
 * What the driver is told: an error of the statement is 400 with PostgreSQL's fields; anything else
 * means that the server cannot be had now, 503 with SQLSTATE 57P03 (cannot_connect_now).
 */
export const problemOf = (
  error: unknown,
): { readonly status: number; readonly body: Readonly<Record<string, unknown>> } => {
  if (error instanceof pg.DatabaseError && !NOT_NOW.test(error.code ?? '')) {
    const fields = Object.fromEntries(FIELDS.map((field) => [field, error[field]]))
    return { status: 400, body: { message: error.message, ...fields } }
  }
  const { message, code } = error as NodeJS.ErrnoException
  return {
    status: 503,
    body: { message: message || `PostgreSQL is not reachable (${code})`, code: '57P03' },
  }
}
