import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../local/checks.ts'
import { startChild } from '../../local/child.ts'
import { workerdBinary } from '../../local/workerd-binary.ts'
import { build, ROOT, WRANGLER_ENVIRONMENT } from '../../scripts/build.ts'
import { runTool } from '../../scripts/run-tool.ts'

const READY_TIMEOUT_MS = 30_000

/** Sends a body on a connection that stays open; resolves with the answer when its last byte is here. */
export type Post = (path: string, body: Uint8Array, contentType: string) => Promise<string>

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

const post = (url: string, agent: http.Agent, body: Uint8Array, contentType: string) =>
  new Promise<string>((resolve, reject) => {
    const headers = { 'content-type': contentType, 'content-length': body.byteLength }
    const request = http.request(url, { method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        if (response.statusCode === 200) resolve(text)
        else reject(new Error(`${url} answered ${response.statusCode}: ${text.slice(0, 200)}`))
      })
    })
    request.on('error', reject)
    request.end(body)
  })

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

/** Runs `work` against `worker.ts` on a bare workerd of its own. */
export const withComputeWorker = async <T>(work: (post: Post) => Promise<T>): Promise<T> => {
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
    const port = await freePort()
    const file = path.join(folder, 'config.capnp')
    await writeFile(file, configOf(port, modules))
    const child = startChild({
      command: workerdBinary(),
      args: ['serve', file],
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
    })
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const origin = `http://127.0.0.1:${port}`
      await untilReady(`${origin}/healthz`)
      return await work((to, body, type) => post(`${origin}${to}`, agent, body, type))
    } finally {
      agent.destroy()
      await child.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
