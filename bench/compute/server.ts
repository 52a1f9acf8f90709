import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../local/checks.ts'
import { startChild } from '../../local/child.ts'
import { workerdBinary } from '../../local/workerd-binary.ts'
import { build, ROOT, WRANGLER_ENVIRONMENT } from '../../scripts/build.ts'
import { runTool } from '../../scripts/run-tool.ts'
import { Connection } from './client.ts'

const READY_TIMEOUT_MS = 30_000

const configOf = (port: number, modules: readonly string[]): string => {
  const list = modules.map((name) => {
    const isWasm = name.endsWith('.wasm')
    const kind = isWasm ? 'wasm' : 'esModule'
    return `(name = ${JSON.stringify(isWasm ? `./${name}` : name)}, ${kind} = embed ${JSON.stringify(name)})`
  })
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [ (name = "main", worker = .app) ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ]
);

const app :Workerd.Worker = (
  modules = [ ${list.join(', ')} ],
  compatibilityDate = "2026-08-01",
  compatibilityFlags = ["nodejs_compat"]
);
`
}

const untilReady = async (url: string): Promise<void> => {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    const isReady = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    await sleep(25)
  }
  throw new Error(`${url} does not answer`)
}

/** CPU time of all threads of a process so far; NaN where the system does not tell. */
const cpuMsOf = async (pid: number | undefined): Promise<number> => {
  try {
    const tasks = await readdir(`/proc/${pid}/task`)
    const times = await Promise.all(
      tasks.map((task) => readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8')),
    )
    return times.reduce((total, text) => total + Number(text.split(' ', 1)[0]) / 1e6, 0)
  } catch {
    // No such file: not Linux, or a kernel without these figures.
    return Number.NaN
  }
}

/** A workerd of its own. */
export interface ComputeWorker {
  readonly connection: Connection
  /** CPU time that the process has taken, ms. */
  cpuMs(): Promise<number>
}

/** Runs `work` against `worker.ts` on a workerd that starts for it. */
export type WithWorker = <T>(work: (worker: ComputeWorker) => Promise<T>) => Promise<T>

const withWorker = async <T>(
  folder: string,
  modules: readonly string[],
  work: (worker: ComputeWorker) => Promise<T>,
): Promise<T> => {
  const port = await freePort()
  const file = path.join(folder, 'config.capnp')
  await writeFile(file, configOf(port, modules))
  const child = startChild({
    command: workerdBinary(),
    args: ['serve', file],
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  })
  try {
    await untilReady(`http://127.0.0.1:${port}/healthz`)
    const connection = new Connection(port)
    try {
      return await work({ connection, cpuMs: () => cpuMsOf(child.pid) })
    } finally {
      connection.close()
    }
  } finally {
    await child.stop()
  }
}

/** Bundles `worker.ts` and gives `work` fresh processes that run it. */
export const withComputeWorkers = async <T>(work: (run: WithWorker) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gjallar-bench-'))
  try {
    await build(['wasm'])
    const wrangler = path.join(ROOT, 'node_modules', '.bin', 'wrangler')
    const config = path.join(import.meta.dirname, 'wrangler.toml')
    await runTool(wrangler, ['deploy', '--dry-run', '--config', config, '--outdir', folder], {
      cwd: ROOT,
      env: { ...WRANGLER_ENVIRONMENT, WRANGLER_LOG_PATH: folder },
    })
    const modules = (await readdir(folder)).filter((name) => /\.(js|wasm)$/.test(name))
    modules.sort((a, b) => Number(b.endsWith('.js')) - Number(a.endsWith('.js')))
    return await work((use) => withWorker(folder, modules, use))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
