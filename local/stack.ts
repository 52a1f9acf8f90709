import { spawn } from 'node:child_process'
import path from 'node:path'
import { build } from '../scripts/build.ts'
import { checkPort, checkStateFolder, freePort } from './checks.ts'
import { startChild } from './child.ts'
import { DatabaseKeeper } from './database-keeper.ts'
import { watchDisk } from './disk-watch.ts'
import type { LocalLog } from './log.ts'
import { startMockChild } from './mock-llm/child.ts'
import {
  MOCK_LLM_KEY,
  type MockedProvider,
  mockedProviders,
  mockProviders,
} from './mock-llm/providers.ts'
import type { LocalSettings } from './settings.ts'
import { type ChildName, StateFolder } from './state-folder.ts'
import { type Running, Supervisor, type SupervisorOptions } from './supervisor.ts'
import { limitLines } from './worker-log.ts'
import { prepareWorkerd, startWorkerd, startWranglerDev, type WorkerOptions } from './workerd.ts'

const GIBIBYTE = 1024 ** 3

/** Relative where that is shorter. */
const shortPath = (folder: string): string => {
  const relative = path.relative('.', folder) || '.'
  return relative.length < folder.length ? relative : folder
}

/** Everything that `npm start` runs, from the checks to the end. */
export class Stack {
  readonly #settings: LocalSettings
  readonly #log: LocalLog
  readonly #ending = new AbortController()
  #folder: StateFolder | null = null
  #reaper: ReturnType<typeof spawn> | null = null
  #database: DatabaseKeeper | null = null
  #mock: Supervisor | null = null
  #worker: Supervisor | null = null
  #agent: Supervisor | null = null
  #unwatchDisk: () => void = () => {}

  constructor(settings: LocalSettings, log: LocalLog) {
    this.#settings = settings
    this.#log = log
  }

  /** Providers without a key, whose answers come from a mock. */
  get mocked(): readonly MockedProvider[] {
    return mockedProviders(this.#settings.providerKeys)
  }

  get url(): string {
    return `http://127.0.0.1:${this.#settings.port}`
  }

  /**
   * Starts everything in order. PostgreSQL may come later; all else must start.
   *
   * @returns the development key
   * @throws CannotStart for what the person can change, ToolError when the build fails
   */
  async start(): Promise<string> {
    const { port, stateFolder, agent } = this.#settings
    await this.#step(
      'state folder',
      () => checkStateFolder(stateFolder),
      (free) => `${shortPath(stateFolder)}, ${Math.floor(free / GIBIBYTE)} GiB free`,
    )
    this.#folder = await StateFolder.claim(stateFolder, this.url, (text) =>
      this.#log.plain(`  ${text}`),
    )
    // After the folder: what a killed stack left there still holds the port until it is ended.
    await this.#step(
      'port',
      () => checkPort(port),
      () => `127.0.0.1:${port} is free`,
    )
    const folder = this.#folder
    const key = await folder.developmentKey(this.#settings.developmentKey)
    await build(
      this.#settings.development ? ['wasm', 'dashboard'] : ['wasm', 'dashboard', 'worker'],
      ({ part, built, durationMs }) =>
        this.#log.done(part, built ? 'built' : 'up to date', durationMs),
      this.#ending.signal,
    )
    this.#ending.signal.throwIfAborted()
    await this.#startReaper(folder)
    const mocked = await this.#startMock(folder)
    const variables = await this.#startDatabase(folder, key, mocked)
    await this.#startWorker(folder, variables)
    if (agent) await this.#startAgent(folder, key)
    this.#unwatchDisk = watchDisk(folder.path, (text) => this.#log.event('disk', text))
    return key
  }

  /** Ends the children in order: who writes goes before who keeps. */
  async stop(): Promise<void> {
    this.#ending.abort()
    this.#unwatchDisk()
    await this.#agent?.stop()
    await this.#worker?.stop()
    await this.#mock?.stop()
    await this.#database?.stop()
    this.#reaper?.stdin?.end('end\n')
    await this.#folder?.release()
  }

  #step<T>(name: string, work: () => Promise<T>, detail: (value: T) => string): Promise<T> {
    this.#ending.signal.throwIfAborted()
    return this.#log.step(name, work, detail)
  }

  async #startReaper(folder: StateFolder): Promise<void> {
    const script = path.join(import.meta.dirname, 'reaper.ts')
    this.#reaper = spawn(process.execPath, [script], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#reaper.stdin?.on('error', () => {})
    this.#reaper.on('error', () => {})
    await folder.setChild('reaper', this.#reaper.pid ?? null)
  }

  /** Tells the reaper and the state folder about a child. `group` = it leads a process group. */
  #track(folder: StateFolder, name: ChildName, group: boolean): (pid: number | null) => void {
    let listed: number | null = null
    return (pid) => {
      if (listed !== null) this.#reaper?.stdin?.write(`-${listed}\n`)
      listed = pid === null ? null : group ? -pid : pid
      if (listed !== null) this.#reaper?.stdin?.write(`+${listed}\n`)
      void folder.setChild(name, pid)
    }
  }

  /**
   * Starts the mock that stands in for the providers whose keys are not in the environment.
   *
   * @returns settings of the worker that reach it; none where every key is there
   */
  async #startMock(folder: StateFolder): Promise<Record<string, string>> {
    const { mocked } = this
    if (mocked.length === 0) return {}
    const port = await freePort()
    const mock = this.#supervise(folder, 'mock-llm', (spawned) =>
      startMockChild(folder.path, port, (line) => this.#log.event('mock-llm', line), spawned),
    )
    this.#mock = mock
    const names = mocked.map(({ id }) => id).join(', ')
    await this.#step(
      'mock LLM',
      () => mock.start(),
      () => `http://127.0.0.1:${port} stands in for ${names}`,
    )
    return { PROVIDERS: mockProviders(mocked, port), MOCK_LLM_KEY }
  }

  async #startDatabase(
    folder: StateFolder,
    key: string,
    mocked: Record<string, string>,
  ): Promise<Record<string, string>> {
    const { databaseUrl } = this.#settings
    const proxyPort = await freePort()
    const variables = {
      // Without a server yet nobody answers at this address, which is what the worker then tells.
      DATABASE_URL: databaseUrl ?? 'postgresql://gjallar:absent@127.0.0.1/gjallar',
      NEON_PROXY: `127.0.0.1:${proxyPort}`,
      LOCAL_DEVELOPMENT_KEY: key,
      ...mocked,
      ...this.#settings.providerKeys,
      ...this.#settings.workerSettings,
    }
    this.#database = new DatabaseKeeper({
      stateFolder: folder.path,
      externalUrl: databaseUrl,
      proxyPort,
      developmentKey: key,
      log: (text) => this.#log.event('database', text),
      onPid: this.#track(folder, 'postgres', false),
      onUrl: (url) => {
        if (variables.DATABASE_URL === url) return
        variables.DATABASE_URL = url
        // A worker that was started with another address is started anew with this one.
        void this.#worker?.running?.stop()
      },
    })
    const startedMs = performance.now()
    const outcome = await this.#database.start()
    this.#ending.signal.throwIfAborted()
    if (outcome.ready) {
      this.#log.done('PostgreSQL', outcome.address, performance.now() - startedMs)
    } else {
      this.#log.failed(
        'PostgreSQL',
        `${outcome.reason}\nTrying again; until then /readyz answers 503.`,
      )
    }
    return variables
  }

  async #startWorker(folder: StateFolder, variables: Record<string, string>): Promise<void> {
    const logFile = path.join(folder.path, 'logs', 'worker.log')
    const options: WorkerOptions = {
      port: this.#settings.port,
      stateFolder: folder.path,
      variables,
      onLine: limitLines(
        (line) => this.#log.event('worker', line),
        logFile,
        () => performance.now(),
      ),
    }
    const start = this.#settings.development
      ? (spawned: (running: Running) => void) => startWranglerDev(options, spawned)
      : await prepareWorkerd(options).then(
          (config) => (spawned: (running: Running) => void) =>
            startWorkerd(options, config, spawned),
        )
    this.#worker = this.#supervise(folder, 'worker', start)
    const worker = this.#worker
    const runtime = this.#settings.development ? 'wrangler dev' : 'workerd'
    await this.#step(
      'worker',
      () => worker.start(),
      () => `${runtime} on ${this.url}`,
    )
  }

  async #startAgent(folder: StateFolder, key: string): Promise<void> {
    const script = path.join(import.meta.dirname, 'agent', 'main.ts')
    const agent = this.#supervise(folder, 'agent', async (spawned) => {
      const child = startChild({
        command: process.execPath,
        args: [script, '--url', this.url, '--until-stdin-closes'],
        cwd: folder.path,
        env: { ...process.env, GJALLAR_KEY: key },
        logFile: path.join(folder.path, 'logs', 'agent.log'),
        onLine: (line) => this.#log.event('agent', line),
        keepStdinOpen: true,
      })
      spawned(child)
      return child
    })
    this.#agent = agent
    await this.#step(
      'agent',
      () => agent.start(),
      () => "reports this machine's metrics every second",
    )
  }

  #supervise(folder: StateFolder, name: ChildName, start: SupervisorOptions['start']): Supervisor {
    const track = this.#track(folder, name, true)
    return new Supervisor({
      name,
      start,
      log: (text) => this.#log.event(name, text),
      onSpawned: track,
      onGone: () => track(null),
    })
  }
}
