import { globSync } from 'node:fs'
import { copyFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type Postgres, startPostgres } from '../../local/postgres.ts'
import { signalProcess, waitUntilGone } from '../../scripts/processes.ts'
import { makeFolder, type Stack, startStack } from './stack.ts'

/** A stack whose PostgreSQL can be taken away for as long as one likes. */
export interface DetachedStack {
  readonly stack: Stack
  readonly databaseUrl: string
  takeAway(): Promise<void>
  giveBack(): Promise<void>
  stop(): Promise<void>
}

/** Nobody answers on the port, and no other program gets it meanwhile. */
const guardPort = async (port: number): Promise<Server> => {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

export const startDetachedStack = async (env: Record<string, string>): Promise<DetachedStack> => {
  const folder = await makeFolder()
  const start = (): Promise<Postgres> => startPostgres({ stateFolder: folder, log: () => {} })
  let postgres = await start()
  let guard: Server | null = null
  const end = async () => {
    guard?.close()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const stack = await startStack({ env: { ...env, DATABASE_URL: postgres.url } })
    return {
      stack,
      databaseUrl: postgres.url,
      takeAway: async () => {
        signalProcess(postgres.pid, 'SIGKILL')
        await waitUntilGone(postgres.pid, 10_000)
        guard = await guardPort(Number(new URL(postgres.url).port))
      },
      giveBack: async () => {
        const { url } = postgres
        guard?.close()
        postgres = await start()
        if (postgres.url !== url) throw new Error('the port of PostgreSQL was taken meanwhile')
      },
      stop: async () => {
        await stack.stop()
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** What the shards of a stack hold that is not sealed, or that PostgreSQL does not have. */
export interface Held {
  /** Samples of label series in journals. */
  readonly journal: number
  /** Samples of VMs, in journals and waiting minutes. */
  readonly unflushed: number
}

const HELD = `SELECT (SELECT coalesce(sum(samples), 0) FROM series_journal) AS journal,
  (SELECT coalesce(sum(samples), 0) FROM minutes WHERE pending = 1)
    + (SELECT coalesce(sum(samples), 0) FROM journal) AS unflushed`

const heldOf = async (file: string, copy: string): Promise<Held> => {
  for (const ending of ['', '-wal']) await copyFile(`${file}${ending}`, `${copy}${ending}`)
  const database = new DatabaseSync(copy)
  try {
    const row = database.prepare(HELD).get()
    return { journal: Number(row?.journal), unflushed: Number(row?.unflushed) }
  } finally {
    database.close()
  }
}

/** Read from copies of the shards' files, for workerd keeps the files themselves to itself. */
export const heldSamples = async (stateFolder: string): Promise<Held> => {
  const copies = await makeFolder()
  try {
    const files = globSync('objects/gjallar-SeriesShard/*.sqlite', { cwd: stateFolder })
    const all: Held[] = []
    for (const [index, file] of files.entries()) {
      if (file.includes('metadata')) continue
      // A copy that was made during a checkpoint cannot be read.
      const read = () => heldOf(path.join(stateFolder, file), path.join(copies, `${index}.sqlite`))
      all.push(await read().catch(() => read()))
    }
    const sum = (name: keyof Held) => all.reduce((total, held) => total + held[name], 0)
    return { journal: sum('journal'), unflushed: sum('unflushed') }
  } finally {
    await rm(copies, { recursive: true, force: true })
  }
}

/** Transactions that PostgreSQL committed in each of the next seconds, those of this count left out. */
export const commitsPerSecond = async (databaseUrl: string, seconds: number): Promise<number[]> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const read = async () => {
      const { rows } = await client.query<{ commits: string }>(
        'SELECT xact_commit AS commits FROM pg_stat_database WHERE datname = current_database()',
      )
      return Number(rows[0]?.commits)
    }
    const counts: number[] = []
    let before = await read()
    for (let second = 0; second < seconds; second++) {
      await sleep(1_000)
      const commits = await read()
      counts.push(Math.max(0, commits - before - 1))
      before = commits
    }
    return counts
  } finally {
    await client.end()
  }
}
