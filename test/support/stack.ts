import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from '../../local/checks.ts'
import { PROVIDER_BINDINGS } from '../../local/mock-llm/providers.ts'
import { type ChildName, parseRecord } from '../../local/state-folder.ts'
import { isAlive, signalProcess, waitUntilGone } from '../../scripts/processes.ts'
import { type Api, createApi } from './api.ts'
import { createMockControl, type MockControl } from './mock-llm.ts'
import { until } from './until.ts'

const ROOT = path.join(import.meta.dirname, '..', '..')
const START_TIMEOUT_MS = 110_000
const STOP_TIMEOUT_MS = 20_000

/** The children of a stack, found by the record in its state folder. */
export interface StackChildren {
  pids(): Promise<Partial<Record<ChildName, number>>>
  /** Sends the signal and resolves with the number of the process once it is gone. */
  kill(name: ChildName, signal: NodeJS.Signals): Promise<number>
  /** Resolves with the number of the process that was started in the place of `previous`. */
  restarted(name: ChildName, previous: number): Promise<number>
}

export interface Stack extends StackChildren {
  readonly url: string
  readonly port: number
  readonly key: string
  readonly stateFolder: string
  readonly pid: number
  readonly api: Api
  /** Of the mock upstream that stands in for every provider of models. */
  readonly mock: MockControl
  /** All that it has printed. */
  output(): string
  printed(pattern: RegExp, timeoutMs?: number): Promise<string>
  ready(timeoutMs?: number): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Resolves with the exit status, or the signal that ended it. */
  exited: Promise<number | string>
  /** Ends it in order and removes its state folder, unless that was given. */
  stop(): Promise<void>
}

export interface StackOptions {
  /** Whether the stack reports this machine; off unless asked for. */
  agent?: boolean
  env?: Record<string, string>
  stateFolder?: string
  port?: number
  /** Resolve as soon as the process runs, for starts that are meant to fail or to be late. */
  waitFor?: 'database' | 'worker' | 'nothing'
}

/** A folder that also the operating system's user of the database can enter. */
export const makeFolder = async (): Promise<string> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gjallar-stack-'))
  await chmod(folder, 0o755)
  return folder
}

export const childrenOf = (stateFolder: string): StackChildren => {
  const pids = async (): Promise<Partial<Record<ChildName, number>>> => {
    const text = await readFile(path.join(stateFolder, 'stack.json'), 'utf8').catch(() => '')
    return parseRecord(text)?.children ?? {}
  }
  return {
    pids,
    kill: async (name, signal) => {
      const pid = await until(`a ${name} to kill`, async () => (await pids())[name])
      signalProcess(pid, signal)
      if (!(await waitUntilGone(pid, 10_000))) throw new Error(`${name} survived ${signal}`)
      return pid
    },
    restarted: (name, previous) =>
      until(`${name} to be started again`, async () => {
        const pid = (await pids())[name]
        return pid !== undefined && pid !== previous && isAlive(pid) && pid
      }),
  }
}

/** Starts `local/start.ts` as `npm start` does, with a state folder and a port of its own. */
export const startStack = async (options: StackOptions = {}): Promise<Stack> => {
  const stateFolder = options.stateFolder ?? (await makeFolder())
  const port = options.port ?? (await freePort())
  const key = options.env?.GJALLAR_DEV_KEY ?? `gjl_dev_of_the_tests_${port}_0123456789`
  const { DATABASE_URL: _url, ...environment } = process.env
  // No test asks a real provider.
  for (const name of PROVIDER_BINDINGS) delete environment[name]
  const child = spawn(process.execPath, [path.join(ROOT, 'local', 'start.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environment,
      PORT: String(port),
      GJALLAR_STATE: stateFolder,
      GJALLAR_DEV_KEY: key,
      GJALLAR_AGENT: options.agent === true ? 'on' : 'off',
      // A test that is killed takes its stack along.
      GJALLAR_FOLLOW_PARENT: 'on',
      ...options.env,
    },
  })
  let printedText = ''
  const collect = (chunk: Buffer): void => {
    printedText += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  let ended = false
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = true
      resolve(signal ?? code ?? -1)
    })
  })

  const url = `http://127.0.0.1:${port}`
  const api = createApi(url, key)
  const printed = (pattern: RegExp, timeoutMs = START_TIMEOUT_MS): Promise<string> =>
    until(`"${pattern.source}" in\n${printedText}`, () => pattern.exec(printedText)?.[0], timeoutMs)
  const stack: Stack = {
    ...childrenOf(stateFolder),
    url,
    port,
    key,
    stateFolder,
    pid: child.pid ?? -1,
    api,
    get mock() {
      const [, mockUrl] = /(http:\/\/\S+) stands in for/.exec(printedText) ?? []
      if (mockUrl === undefined) throw new Error(`no mock upstream in\n${printedText}`)
      return createMockControl(mockUrl)
    },
    output: () => printedText,
    printed,
    ready: async (timeoutMs = START_TIMEOUT_MS) => {
      await until('/readyz to be 200', async () => (await api.request('/readyz')).ok, timeoutMs)
    },
    signal: (signal) => signalProcess(child.pid ?? -1, signal),
    exited,
    stop: async () => {
      if (!ended) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS)
      await exited
      clearTimeout(timer)
      if (options.stateFolder === undefined) await rm(stateFolder, { recursive: true, force: true })
    },
  }
  const waitFor = options.waitFor ?? 'database'
  if (waitFor === 'nothing') return stack
  try {
    await until(
      'the stack to start',
      () => printedText.includes('Ready after') || ended,
      START_TIMEOUT_MS,
    )
    if (ended) throw new Error('the stack ended')
    if (waitFor === 'database') await stack.ready()
  } catch (error) {
    await stack.stop()
    throw new Error(`${error instanceof Error ? error.message : error}\n${printedText}`)
  }
  return stack
}
