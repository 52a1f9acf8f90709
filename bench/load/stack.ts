import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import { freePort } from '../../local/checks.ts'
import { migrate } from '../../local/migrate.ts'
import { startPostgres } from '../../local/postgres.ts'
import { prepareWorkerd, startWorkerd, type WorkerOptions } from '../../local/workerd.ts'
import { build, PARTS } from '../../scripts/build.ts'
import { createKey } from '../../src/database/access-queries.ts'
import { connect } from '../../src/database/client.ts'
import type { Server } from '../dashboard/server.ts'
import { startProxyThread } from '../proxy.ts'

/** Seeding writes more at once than a request of the service. */
const SEED_TIMEOUT_MS = 120_000

export interface LoadStack {
  /** http://127.0.0.1:PORT */
  readonly url: string
  /** With the scopes `read` and `write` of the seeded organisation. */
  readonly key: string
  /** Of workerd. */
  readonly pid: number
  /** Holds what the worker and the database keep. */
  readonly stateFolder: string
}

export interface StackOptions<Fleet> {
  /** Fills the empty database before the worker starts. */
  seed(server: Server): Promise<Fleet>
  /** Settings of the worker beside the stack's own. */
  variables?: Readonly<Record<string, string>>
  /** Further arguments of workerd. */
  arguments?: readonly string[]
  log(text: string): void
}

/** Runs `work` on PostgreSQL, the proxy and bare workerd, built from the sources as they are; all are gone afterwards. */
export const withStack = async <Fleet extends { readonly organisationId: string }, T>(
  options: StackOptions<Fleet>,
  work: (stack: LoadStack, fleet: Fleet) => Promise<T>,
): Promise<T> => {
  const stopping: (() => Promise<unknown>)[] = []
  const stopAll = async (): Promise<void> => {
    for (let stop = stopping.pop(); stop; stop = stopping.pop()) await stop()
  }
  // The children have process groups of their own: a Ctrl-C does not reach them.
  const interrupted = (): void => void stopAll().finally(() => process.exit(130))
  const SIGNALS = ['SIGINT', 'SIGTERM'] as const
  for (const signal of SIGNALS) process.once(signal, interrupted)
  try {
    await build(PARTS, ({ part, built }) => built && options.log(`built ${part}`))
    const stateFolder = await mkdtemp(path.join(tmpdir(), 'gjallar-load-'))
    stopping.push(() => rm(stateFolder, { recursive: true, force: true }))
    // The database's own user must be able to enter.
    await chmod(stateFolder, 0o755)
    const postgres = await startPostgres({ stateFolder, log: () => {} })
    stopping.push(() => postgres.stop())
    await migrate(postgres.url)
    const proxy = await startProxyThread(postgres.url)
    stopping.push(proxy.stop)
    const neonProxy = proxy.address
    const db = connect({
      databaseUrl: postgres.url,
      neonProxy,
      answerTimeoutMs: SEED_TIMEOUT_MS,
    })
    const fleet = await options.seed({ url: postgres.url, neonProxy, stateFolder, db })
    const key = `gjl_${randomBytes(32).toString('base64url')}`
    await createKey(db, fleet.organisationId, {
      name: 'load',
      hash: createHash('sha256').update(key).digest(),
      prefix: key.slice(0, 12),
      scopes: ['read', 'write'],
    })
    const port = await freePort()
    const worker: WorkerOptions = {
      port,
      stateFolder,
      variables: { ...options.variables, DATABASE_URL: postgres.url, NEON_PROXY: neonProxy },
      arguments: options.arguments ?? [],
      onLine: () => {},
    }
    const child = await startWorkerd(worker, await prepareWorkerd(worker), (spawned) =>
      stopping.push(() => spawned.stop()),
    )
    return await work({ url: `http://127.0.0.1:${port}`, key, pid: child.pid, stateFolder }, fleet)
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted)
    await stopAll()
  }
}

export interface BareFleet {
  readonly organisationId: string
  /** Ids, by name. */
  readonly vms: readonly string[]
}

/** An organisation with running VMs that have never reported. */
export const seedBareFleet =
  (count: number) =>
  async ({ url }: Server): Promise<BareFleet> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      const organisations = await client.query<{ id: string }>(
        `INSERT INTO organisations (slug, name) VALUES ('load', 'Load') RETURNING id`,
      )
      const organisationId = organisations.rows[0]?.id ?? ''
      const { rows } = await client.query<{ id: string }>(
        `INSERT INTO vms (organisation_id, name, status, cpu_cores, memory_mb, disk_gb, region, instance_type)
         SELECT $1, 'vm-' || lpad(n::text, 6, '0'), 'running', 4, 8192, 100, 'local', 'custom'
         FROM generate_series(1, $2::integer) AS n RETURNING id`,
        [organisationId, count],
      )
      await client.query('VACUUM ANALYZE')
      return { organisationId, vms: rows.map(({ id }) => id) }
    } finally {
      await client.end()
    }
  }
