import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../local/migrate.ts'
import { startNeonProxy } from '../../local/neon-proxy.ts'
import { startPostgres } from '../../local/postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A migrated database of this run's own. */
    databaseUrl: string
    /** host:port of the proxy in front of it. */
    neonProxy: string
  }
}

/**
 * One PostgreSQL for all test files: the embedded one in a folder of its own, or a new database on the
 * server that `DATABASE_URL` names. Both are gone afterwards.
 */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const given = process.env.DATABASE_URL
  const server = given ? await onGivenServer(given) : await embedded()
  await migrate(server.url)
  const proxy = await startNeonProxy({ target: server.url })
  project.provide('databaseUrl', server.url)
  project.provide('neonProxy', `${proxy.host}:${proxy.port}`)
  return async () => {
    await proxy.stop()
    await server.end()
  }
}

interface Server {
  readonly url: string
  end(): Promise<void>
}

const embedded = async (): Promise<Server> => {
  const stateFolder = await mkdtemp(path.join(tmpdir(), 'gjallar-test-'))
  // The server's own user must be able to enter.
  await chmod(stateFolder, 0o755)
  const postgres = await startPostgres({ stateFolder, log: () => {} })
  return {
    url: postgres.url,
    end: async () => {
      await postgres.stop()
      await rm(stateFolder, { recursive: true, force: true })
    },
  }
}

const onGivenServer = async (serverUrl: string): Promise<Server> => {
  const name = `gjallar_test_${randomBytes(6).toString('hex')}`
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: serverUrl })
    await client.connect()
    await client.query(sql).finally(() => client.end())
  }
  await run(`CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, end: () => run(`DROP DATABASE ${name} WITH (FORCE)`) }
}
