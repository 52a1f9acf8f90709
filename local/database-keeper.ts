import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../scripts/processes.ts'
import { startAbsentDatabase } from './absent-database.ts'
import { ensureDevelopmentKey, migrate } from './migrate.ts'
import { startNeonProxy } from './neon-proxy.ts'
import { startPostgres } from './postgres.ts'
import { RESTART, restartDelayMs } from './supervisor.ts'

type Postgres = Awaited<ReturnType<typeof startPostgres>>

export interface DatabaseOptions {
  stateFolder: string
  /** A PostgreSQL of the person's own; `null` = the embedded one. */
  externalUrl: string | null
  proxyPort: number
  developmentKey: string
  log(text: string): void
  onPid(pid: number | null): void
  /** The address that the proxy accepts from now on; it changes when the server's port was taken. */
  onUrl(url: string): void
}

/** How often the embedded server's process is looked at. */
const WATCH_MS = 200

/** The host and port of a database URL, without the password. */
export const addressOf = (url: string): string => {
  const { hostname, port } = new URL(url)
  return `${hostname}:${port || 5432}`
}

const messageOf = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return message || code || String(error)
}

/**
 * Keeps PostgreSQL, the Neon proxy in front of it and the schema in order. The proxy's port never
 * changes, and the server's hardly ever, so the worker needs no restart when the database comes back.
 */
export class DatabaseKeeper {
  readonly #options: DatabaseOptions
  readonly #ending = new AbortController()
  #postgres: Postgres | null = null
  /** What listens on the proxy's port: the proxy, or what stands there until there is a database. */
  #listener: { stop(): Promise<void> } | null = null
  #absence = 'PostgreSQL is starting'
  #proxyTarget: string | null = null
  #prepared = false
  #loop: Promise<void> = Promise.resolve()

  constructor(options: DatabaseOptions) {
    this.#options = options
  }

  /**
   * Tries once; afterwards goes on in the background. An absent database is no error.
   *
   * @returns the address that serves, or the reason why none does yet
   */
  async start(): Promise<{ ready: true; address: string } | { ready: false; reason: string }> {
    this.#listener = await startAbsentDatabase(this.#options.proxyPort, () => this.#absence)
    const attempt = this.#attempt()
    // A stop in the middle of the first start waits for it, and so leaves no server behind.
    this.#loop = attempt.then(() => {})
    const first = await attempt
    if (this.#ending.signal.aborted) return { ready: false, reason: 'the stack is ending' }
    this.#loop = this.#keep(first === null)
    return first === null
      ? { ready: true, address: addressOf(this.#proxyTarget ?? '') }
      : { ready: false, reason: first }
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#loop
    await this.#listener?.stop()
    await this.#postgres?.stop()
    this.#options.onPid(null)
  }

  /** Brings everything up that is not up. @returns null, or why not */
  async #attempt(): Promise<string | null> {
    const { externalUrl, stateFolder, log, onPid, onUrl, developmentKey } = this.#options
    try {
      if (externalUrl === null && this.#postgres === null) {
        this.#postgres = await startPostgres({ stateFolder, log })
        onPid(this.#postgres.pid)
      }
      const url = externalUrl ?? this.#postgres?.url ?? ''
      if (!this.#prepared) {
        await migrate(url)
        await ensureDevelopmentKey(url, developmentKey)
        this.#prepared = true
      }
      // Only now: the worker must not reach a database that has no tables yet.
      await this.#pointProxyAt(url)
      onUrl(url)
      return null
    } catch (error) {
      const where = externalUrl === null ? '' : ` at ${addressOf(externalUrl)}`
      this.#absence = `PostgreSQL${where} is not available: ${messageOf(error)}`
      return this.#absence
    }
  }

  async #pointProxyAt(url: string): Promise<void> {
    if (this.#proxyTarget === url) return
    await this.#listener?.stop()
    this.#listener = await startNeonProxy({ port: this.#options.proxyPort, target: url })
    this.#proxyTarget = url
  }

  async #keep(readyAtStart: boolean): Promise<void> {
    const { log, onPid } = this.#options
    const { signal } = this.#ending
    const pause = (ms: number): Promise<unknown> => sleep(ms, null, { signal }).catch(() => {})
    let ready = readyAtStart
    let failures = 0
    let readySinceMs = performance.now()
    while (!signal.aborted) {
      if (ready) {
        await pause(WATCH_MS)
        if (this.#postgres === null || isAlive(this.#postgres.pid) || signal.aborted) continue
        log('PostgreSQL ended; starting it again')
        await this.#postgres.stop().catch(() => {})
        this.#postgres = null
        onPid(null)
        if (performance.now() - readySinceMs > RESTART.healthyAfterMs) failures = 0
        ready = false
      }
      await pause(restartDelayMs(RESTART, failures++))
      if (signal.aborted) return
      const reason = await this.#attempt()
      if (reason === null) {
        log(`PostgreSQL serves at ${addressOf(this.#proxyTarget ?? '')}`)
        ready = true
        readySinceMs = performance.now()
      } else {
        log(`${reason}; next try in ${restartDelayMs(RESTART, failures) / 1000} s`)
      }
    }
  }
}
