import { chmod, copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { copyDashboard, ROOT, WRANGLER_ENVIRONMENT } from '../scripts/build.ts'
import { type Child, startChild } from './child.ts'
import { workerdBinary } from './workerd-binary.ts'

/** The Durable Object classes of the worker, by binding; `wrangler.toml` has the same table. */
const DURABLE_OBJECTS = {
  SERIES_SHARD: 'SeriesShard',
  HUB: 'Hub',
  HEALTH_BOARD: 'HealthBoard',
  LEDGER: 'Ledger',
}
/** What the files of a bundle are to workerd. */
const MODULE_KINDS: Readonly<Record<string, string>> = {
  '.js': 'esModule',
  '.wasm': 'wasm',
  '.gjr': 'data',
  '.tiktoken': 'data',
}
export const COMPATIBILITY_DATE = '2026-08-01'
/** Compiling the bundle and opening the port takes 0.3 s; a loaded machine may need much longer. */
const READY_TIMEOUT_MS = 60_000
/** workerd lets open requests finish, and a WebSocket is one: it never ends by itself. */
const STOP_GRACE_MS = 1_000

const quoted = (text: string): string => JSON.stringify(text)

/**
 * The configuration of bare workerd: the worker, its objects on a disk folder and the page's files.
 * Values come from the environment, so no secret stands in the file.
 */
export const workerdConfig = (options: {
  port: number
  modules: readonly string[]
  objectsFolder: string
  assetsFolder: string
  bindings: readonly string[]
}): string => {
  const modules = options.modules.map((name) => {
    const kind = MODULE_KINDS[path.extname(name)] ?? 'esModule'
    const imported = kind === 'esModule' ? name : `./${name}`
    return `(name = ${quoted(imported)}, ${kind} = embed ${quoted(`bundle/${name}`)})`
  })
  const objects = Object.entries(DURABLE_OBJECTS)
  const bindings = [
    ...options.bindings.map(
      (name) => `(name = ${quoted(name)}, fromEnvironment = ${quoted(name)})`,
    ),
    ...objects.map(
      ([name, className]) =>
        `(name = ${quoted(name)}, durableObjectNamespace = ${quoted(className)})`,
    ),
    '(name = "ASSETS", service = "assets")',
  ]
  const namespaces = objects.map(
    ([, className]) =>
      `(className = ${quoted(className)}, uniqueKey = ${quoted(`gjallar-${className}`)}, enableSql = true)`,
  )
  const list = (items: readonly string[]): string => `[\n    ${items.join(',\n    ')}\n  ]`
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .app),
    (name = "assets", worker = .assets),
    (name = "files", disk = ${quoted(options.assetsFolder)}),
    (name = "objects", disk = (path = ${quoted(options.objectsFolder)}, writable = true, allowDotfiles = true)),
    (name = "internet", network = (allow = ["private", "public"], tlsOptions = (trustBrowserCas = true)))
  ],
  sockets = [ (name = "http", address = "127.0.0.1:${options.port}", http = (), service = "main") ]
);

const app :Workerd.Worker = (
  modules = ${list(modules)},
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = ["nodejs_compat", "enable_request_signal"],
  durableObjectNamespaces = ${list(namespaces)},
  durableObjectStorage = (localDisk = "objects"),
  bindings = ${list(bindings)}
);

const assets :Workerd.Worker = (
  modules = [ (name = "assets-worker.js", esModule = embed "assets-worker.js") ],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [ (name = "FILES", service = "files") ]
);
`
}

export interface WorkerOptions {
  port: number
  stateFolder: string
  /** Text bindings of the worker. */
  variables: Record<string, string>
  /** Arguments of bare workerd beyond the ones it always has. */
  arguments?: readonly string[]
  onLine(line: string): void
}

/**
 * Copies the bundle and the page into the state folder, so that a later build does not change what
 * a running stack restarts with, and writes the configuration beside them.
 *
 * @returns the configuration's path
 */
export const prepareWorkerd = async (options: WorkerOptions): Promise<string> => {
  const folder = path.join(options.stateFolder, 'worker')
  const bundle = path.join(ROOT, 'build', 'worker')
  const assetsFolder = path.join(options.stateFolder, 'assets')
  const objectsFolder = path.join(options.stateFolder, 'objects')
  await rm(folder, { recursive: true, force: true })
  await mkdir(path.join(folder, 'bundle'), { recursive: true })
  await mkdir(objectsFolder, { recursive: true })
  const modules = (await readdir(bundle)).filter((name) => path.extname(name) in MODULE_KINDS)
  // workerd starts the worker from its first module.
  modules.sort((a, b) => Number(b === 'index.js') - Number(a === 'index.js'))
  for (const name of modules) {
    await copyFile(path.join(bundle, name), path.join(folder, 'bundle', name))
  }
  const assetsWorker = path.join(import.meta.dirname, 'assets-worker.js')
  await copyFile(assetsWorker, path.join(folder, 'assets-worker.js'))
  await copyDashboard(assetsFolder)
  const file = path.join(folder, 'config.capnp')
  const bindings = Object.keys(options.variables)
  const { port } = options
  await writeFile(file, workerdConfig({ port, modules, objectsFolder, assetsFolder, bindings }))
  await chmod(objectsFolder, 0o700)
  return file
}

const untilHealthy = async (child: Child, port: number): Promise<Child> => {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  let ended: string | null = null
  child.exited.then((how) => {
    ended = how
  })
  while (performance.now() < deadlineMs) {
    if (ended !== null) throw new Error(`it ended with ${ended}\n${child.tail().trim()}`)
    const healthy = await fetch(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(2_000),
    }).then(
      (response) => response.ok,
      () => false,
    )
    if (healthy) return child
    await sleep(25)
  }
  await child.stop()
  throw new Error(`/healthz does not answer after ${READY_TIMEOUT_MS / 1000} s\n${child.tail()}`)
}

/** Starts bare workerd on a prepared configuration; resolves when it answers. */
export const startWorkerd = async (
  options: WorkerOptions,
  config: string,
  spawned: (child: Child) => void,
): Promise<Child> => {
  const child = startChild({
    command: workerdBinary(),
    args: ['serve', '--experimental', ...(options.arguments ?? []), config],
    cwd: options.stateFolder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.variables },
    logFile: path.join(options.stateFolder, 'logs', 'worker.log'),
    onLine: options.onLine,
    graceMs: STOP_GRACE_MS,
  })
  spawned(child)
  return untilHealthy(child, options.port)
}

/** Starts `wrangler dev`, which rebuilds and reloads when a source changes. */
export const startWranglerDev = async (
  options: WorkerOptions,
  spawned: (child: Child) => void,
): Promise<Child> => {
  // A file that only its owner can read: the process list would show the values to everybody.
  const variablesFile = path.join(options.stateFolder, 'wrangler.env')
  const lines = Object.entries(options.variables).map(([name, value]) => `${name}='${value}'`)
  await writeFile(variablesFile, `${lines.join('\n')}\n`, { mode: 0o600 })
  const child = startChild({
    command: path.join(ROOT, 'node_modules', '.bin', 'wrangler'),
    args: [
      'dev',
      '--ip=127.0.0.1',
      `--port=${options.port}`,
      '--inspector-port=0',
      `--persist-to=${path.join(options.stateFolder, 'wrangler')}`,
      '--show-interactive-dev-session=false',
      `--env-file=${variablesFile}`,
    ],
    cwd: ROOT,
    env: { ...process.env, ...WRANGLER_ENVIRONMENT },
    logFile: path.join(options.stateFolder, 'logs', 'worker.log'),
    onLine: options.onLine,
  })
  spawned(child)
  return untilHealthy(child, options.port)
}
