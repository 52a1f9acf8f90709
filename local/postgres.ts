import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile, readlink, rename, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { findBinaries, type OsUser, serverUser } from './postgres-binaries.ts'
import { explain, openDataFolder, type ServerRecord, writeRecord } from './postgres-folder.ts'

export interface PostgresOptions {
  readonly stateFolder: string
  readonly log: (text: string) => void
}

export interface Postgres {
  readonly url: string
  readonly pid: number
  /** Ends it in order; sessions are cut, nothing committed is lost. */
  stop(): Promise<void>
}

const DATABASE = 'gjallar'
const READY_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 10_000
const POLL_MS = 10
/** The log is kept over restarts up to this size, then moved to `postgres.log.1`. */
const LOG_BYTES_MAX = 8 * 1024 * 1024

/** Durable, and moderate in memory: it shares the machine with the worker and the agent. */
const CONFIGURATION: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '60',
  shared_buffers: '128MB',
  work_mem: '16MB',
  maintenance_work_mem: '64MB',
  effective_cache_size: '512MB',
  jit: 'off',
  fsync: 'on',
  synchronous_commit: 'on',
  // No replicas: the log then needs less, and a flush of minute rows writes less.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_wal_size: '1GB',
  checkpoint_timeout: '10min',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'warning',
  log_line_prefix: '%m [%p] ',
}

/**
 * Starts the embedded PostgreSQL of a state folder, or takes over the one that a killed stack left
 * running there. First start about 1.5 s, later ones 0.1 s.
 *
 * @throws Error that names the folder and what to do
 */
export const startPostgres = async ({ stateFolder, log }: PostgresOptions): Promise<Postgres> => {
  const user = serverUser()
  const binaries = await findBinaries(user, log)
  const record = await openDataFolder(path.resolve(stateFolder), binaries, user, log)
  const running = await findRunning(record.dataFolder)
  if (running !== null) {
    log(`taking over PostgreSQL ${running.pid}, which still runs in ${record.dataFolder}`)
    return serving(record, running.port, running.pid)
  }
  const port = await freePort(record.port)
  if (port !== record.port) await writeRecord(stateFolder, { ...record, port })
  const pid = await launch(binaries.postgres, stateFolder, record.dataFolder, port, user)
  return serving(record, port, pid)
}

const serving = async (record: ServerRecord, port: number, pid: number): Promise<Postgres> => {
  const urlOf = (database: string) =>
    `postgresql://gjallar:${record.password}@127.0.0.1:${port}/${database}`
  await makeDatabase(urlOf('postgres'))
  return { url: urlOf(DATABASE), pid, stop: () => stopServer(pid) }
}

const makeDatabase = async (url: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: READY_TIMEOUT_MS })
  await client.connect()
  try {
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
  } finally {
    await client.end()
  }
}

interface Postmaster {
  readonly pid: number
  readonly port: number
  readonly status: string
}

/** Source: PostgreSQL, `src/include/utils/pidfile.h`: one fact a line. */
const readPidFile = async (dataFolder: string): Promise<Postmaster | null> => {
  const text = await readFile(path.join(dataFolder, 'postmaster.pid'), 'utf8').catch(() => null)
  if (text === null) return null
  const lines = text.split('\n').map((line) => line.trim())
  return { pid: Number(lines[0]), port: Number(lines[3]), status: lines[7] ?? '' }
}

/**
 * The postmaster that already serves the folder. A pid file left by a dead one is removed when its
 * number belongs to another program by now, which PostgreSQL would take for a running server.
 */
const findRunning = async (dataFolder: string): Promise<Postmaster | null> => {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    const found = await readPidFile(dataFolder)
    if (found === null || !(await isRunning(found.pid))) return null
    if (!(await servesFolder(found.pid, dataFolder))) {
      await rm(path.join(dataFolder, 'postmaster.pid'), { force: true })
      return null
    }
    if (found.status === 'ready') return found
    // It starts or ends right now.
    await sleep(POLL_MS)
  }
  throw new Error(`a PostgreSQL in ${dataFolder} neither starts nor ends: stop it by hand`)
}

/** A process that has ended but was not waited for (a zombie) does not run. */
const isRunning = async (pid: number): Promise<boolean> => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return line.slice(line.lastIndexOf(')') + 2, line.lastIndexOf(')') + 3) !== 'Z'
}

/** A postmaster's working folder is its data folder; without `/proc` the pid file is believed. */
const servesFolder = async (pid: number, dataFolder: string): Promise<boolean> => {
  const link = await readlink(`/proc/${pid}/cwd`).catch(() => null)
  return link === null ? process.platform !== 'linux' : link === dataFolder
}

/** The port of last time if nobody took it, so that clients need not be told another. */
const freePort = async (preferred: number): Promise<number> =>
  (await tryPort(preferred)) ?? (await tryPort(0)) ?? Promise.reject(new Error('no free port'))

const tryPort = (port: number): Promise<number | null> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(null))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const found = typeof address === 'object' && address !== null ? address.port : null
      server.close(() => resolve(found))
    })
  })

/** Resolves with the pid once it serves. Its output goes to a file, which outlives a killed stack. */
const launch = async (
  program: string,
  stateFolder: string,
  dataFolder: string,
  port: number,
  user: OsUser | null,
): Promise<number> => {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    const logFile = path.join(stateFolder, 'postgres.log')
    const offset = await rotate(logFile)
    const output = openLog(logFile, stateFolder)
    const options = Object.entries({ ...CONFIGURATION, port: String(port) })
    const child = spawn(
      program,
      ['-D', dataFolder, ...options.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        cwd: dataFolder,
        env: { LC_ALL: 'C', TZ: 'UTC' },
        stdio: ['ignore', output, output],
        // Its own group: Ctrl-C reaches the stack, which ends the worker first.
        detached: true,
        ...user,
      },
    )
    closeSync(output)
    child.unref()
    let failed: string | null = null
    child.once('error', (error) => {
      failed = error.message
    })
    child.once('exit', (code, signal) => {
      failed = `it ended with ${signal ?? `status ${code}`}`
    })
    while (failed === null && performance.now() < deadlineMs) {
      const found = await readPidFile(dataFolder)
      if (found !== null && found.pid === child.pid && found.status === 'ready') return found.pid
      await sleep(POLL_MS)
    }
    const printed = (await readFile(logFile, 'utf8').catch(() => '')).slice(offset).trim()
    // Children of a killed postmaster need a moment to notice.
    const isEnding = /pre-existing shared memory block|lock file .* already exists/.test(printed)
    if (isEnding && performance.now() < deadlineMs) {
      await sleep(100)
      continue
    }
    child.kill('SIGKILL')
    const reason = failed ?? `it was not ready after ${READY_TIMEOUT_MS / 1000} s`
    const error = new Error(
      `PostgreSQL in ${dataFolder} does not start: ${reason}\n${printed.split('\n').slice(-8).join('\n')}`,
    )
    throw explain(error, stateFolder)
  }
}

const openLog = (file: string, stateFolder: string): number => {
  try {
    return openSync(file, 'a', 0o600)
  } catch (error) {
    throw explain(error, stateFolder)
  }
}

/** @returns where this start's output begins in the file */
const rotate = async (file: string): Promise<number> => {
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  )
  if (size <= LOG_BYTES_MAX) return size
  await rename(file, `${file}.1`)
  return 0
}

/** Fast shutdown, then immediate, then the end. Source: PostgreSQL documentation, 18.5. */
const stopServer = async (pid: number): Promise<void> => {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!(await isRunning(pid))) return
    try {
      process.kill(pid, signal)
    } catch {
      // It ended between the look and the signal.
      return
    }
    const deadlineMs = performance.now() + STOP_TIMEOUT_MS
    while ((await isRunning(pid)) && performance.now() < deadlineMs) await sleep(POLL_MS)
  }
}
