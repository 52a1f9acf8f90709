import { createHash } from 'node:crypto'
import path from 'node:path'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import { PARTITIONS_AHEAD_DAYS } from '../src/database/partition-queries.ts'

const MIGRATIONS_FOLDER = path.join(import.meta.dirname, '..', 'migrations')
const CONNECT_TIMEOUT_MS = 10_000
/**
 * Makes what is missing for the worker's default of 30 days, and drops nothing: how long rows stay is the worker's
 * setting, which its own daily run applies.
 */
const MAKE_PARTITIONS = `SELECT maintain_tiers(greatest(30, oldest), 3660, 36600, $1) FROM (
  SELECT max(current_date - to_date(right(relname, 8), 'YYYYMMDD')) AS oldest
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'vm_metrics'::regclass
) AS days`
/** Characters of a key that a list of keys shows. */
const PREFIX_LENGTH = 12

/**
 * Brings the schema up to date and makes the partitions. Callers at the same time wait for each other;
 * where nothing is new, nothing happens. Over TCP and node-postgres, because one migration is then one
 * transaction.
 *
 * @throws Error of the connection, or the SQL error of a migration, which then left no trace
 */
export const migrate = async (url: string): Promise<void> => {
  await withClient(url, async (client) => {
    await client.query(`SELECT pg_advisory_lock(hashtextextended('gjallar.migrations', 0))`)
    // Messages such as "schema already exists, skipping" tell nobody anything.
    await client.query(`SET client_min_messages = 'warning'`)
    await applyMigrations(drizzle(client), { migrationsFolder: MIGRATIONS_FOLDER })
    await client.query(MAKE_PARTITIONS, [PARTITIONS_AHEAD_DAYS])
  })
}

/**
 * Makes `key` a platform admin's key of the organisation `local`, which it makes too. Again with the
 * same key changes nothing; another key is added beside the first.
 */
export const ensureDevelopmentKey = async (url: string, key: string): Promise<void> => {
  const hash = createHash('sha256').update(key).digest()
  await withClient(url, async (client) => {
    await client.query(
      `WITH made AS (
        INSERT INTO organisations (slug, name) VALUES ('local', 'Local')
        ON CONFLICT (slug) DO UPDATE SET name = organisations.name RETURNING id
      )
      INSERT INTO api_keys (organisation_id, name, hash, prefix, scopes, platform_admin)
      SELECT id, 'development', $1, $2, ARRAY['read', 'write', 'admin'], true FROM made
      ON CONFLICT (hash) DO UPDATE SET revoked_at = NULL, expires_at = NULL`,
      [hash, key.slice(0, PREFIX_LENGTH)],
    )
  })
}

/** The session's end frees its advisory lock, whatever happens. */
const withClient = async (url: string, work: (client: pg.Client) => Promise<void>) => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'gjallar migrations',
  })
  // A connection that breaks between statements also fails the next statement.
  client.on('error', () => {})
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
