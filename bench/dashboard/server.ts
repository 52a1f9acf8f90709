import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { migrate } from '../../local/migrate.ts'
import { startPostgres } from '../../local/postgres.ts'
import { connect, type Database } from '../../src/database/client.ts'
import { startProxyThread } from '../proxy.ts'

/** The designs that read samples take many seconds where the service would give up. */
const RIVAL_TIMEOUT_MS = 120_000

export interface Server {
  readonly url: string
  /** host:port. */
  readonly neonProxy: string
  /** A folder of the server's own, removed at the end. */
  readonly stateFolder: string
  /** The client that the worker uses, through the proxy. */
  readonly db: Database
}

/** Runs `work` on an empty, migrated PostgreSQL of its own that is gone afterwards. */
export const withServer = async <T>(work: (server: Server) => Promise<T>): Promise<T> => {
  const stateFolder = await mkdtemp(path.join(tmpdir(), 'gjallar-bench-'))
  // The server's own user must be able to enter.
  await chmod(stateFolder, 0o755)
  const postgres = await startPostgres({ stateFolder, log: () => {} })
  try {
    await migrate(postgres.url)
    const proxy = await startProxyThread(postgres.url)
    try {
      const neonProxy = proxy.address
      return await work({
        url: postgres.url,
        neonProxy,
        stateFolder,
        db: connect({ databaseUrl: postgres.url, neonProxy, answerTimeoutMs: RIVAL_TIMEOUT_MS }),
      })
    } finally {
      await proxy.stop()
    }
  } finally {
    await postgres.stop()
    await rm(stateFolder, { recursive: true, force: true })
  }
}
