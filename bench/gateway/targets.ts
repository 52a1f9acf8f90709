import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../local/checks.ts'
import { startMockChild } from '../../local/mock-llm/child.ts'
import { MOCK_LLM_KEY, mockedProviders, mockProviders } from '../../local/mock-llm/providers.ts'
import { COMPATIBILITY_DATE } from '../../local/workerd.ts'
import { workerdBinary } from '../../local/workerd-binary.ts'
import type { LoadStack } from '../load/stack.ts'
import { seedBareFleet, withStack } from '../load/stack.ts'
import { rivals } from '../rivals/load.ts'

const READY_TIMEOUT_MS = 30_000
const PORTKEY = path.join(
  import.meta.dirname,
  '../rivals/node_modules/@portkey-ai/gateway/build/start-server.js',
)

const BARE_PROXY = path.join(import.meta.dirname, 'bare-proxy.js')

/** Something that chat completions can be asked of. */
export interface Target {
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** As it calls the model that the mock then is asked for. */
  readonly model: string
  readonly pid: number
}

/** The mock as a process of its own, which keeps no requests. */
export interface Mock {
  readonly port: number
  readonly direct: Target
  script(always: Readonly<Record<string, unknown>>): Promise<void>
  faults(rate: number): Promise<void>
}

const MODEL = 'gpt-4.1-nano'

export const withMock = async <T>(folder: string, work: (mock: Mock) => Promise<T>): Promise<T> => {
  const port = await freePort()
  const child = await startMockChild(
    folder,
    port,
    () => {},
    () => {},
    ['--record', '0'],
  )
  const put = async (what: string, body: unknown): Promise<void> => {
    const url = `http://127.0.0.1:${port}/control/${what}`
    const response = await fetch(url, { method: 'PUT', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(await response.text())
  }
  try {
    return await work({
      port,
      direct: {
        port,
        path: '/openai/v1/chat/completions',
        headers: { authorization: 'Bearer sk-mock' },
        model: MODEL,
        pid: child.pid,
      },
      script: (always) => put('script', { always }),
      faults: (rate) =>
        put('faults', { rate, seed: 42, kinds: ['server-error', 'reset', 'drop', 'error-first'] }),
    })
  } finally {
    await child.stop()
  }
}

/** The worker on bare workerd, whose providers are all the mock. */
export const withGjallar = <T>(
  mockPort: number,
  log: (text: string) => void,
  work: (target: Target, stack: LoadStack) => Promise<T>,
  args: readonly string[] = [],
): Promise<T> =>
  withStack(
    {
      seed: seedBareFleet(1),
      variables: { PROVIDERS: mockProviders(mockedProviders({}), mockPort), MOCK_LLM_KEY },
      arguments: args,
      log,
    },
    (stack) =>
      work(
        {
          port: Number(new URL(stack.url).port),
          path: '/v1/chat/completions',
          headers: { authorization: `Bearer ${stack.key}` },
          model: `openai/${MODEL}`,
          pid: stack.pid,
        },
        stack,
      ),
  )

/** A worker on the same runtime that does nothing but fetch: the part of it that is the runtime's. */
export const withBareProxy = async <T>(
  folder: string,
  mock: Mock,
  work: (target: Target) => Promise<T>,
): Promise<T> => {
  const port = await freePort()
  const upstream = `http://127.0.0.1:${mock.port}${mock.direct.path}`
  const config = path.join(folder, 'bare-proxy.capnp')
  await copyFile(BARE_PROXY, path.join(folder, 'bare-proxy.js'))
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .proxy),
    (name = "internet", network = (allow = ["private", "public"]))
  ],
  sockets = [ (name = "http", address = "127.0.0.1:${port}", http = (), service = "main") ]
);

const proxy :Workerd.Worker = (
  modules = [ (name = "bare-proxy.js", esModule = embed "bare-proxy.js") ],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  bindings = [ (name = "UPSTREAM", text = ${JSON.stringify(upstream)}) ]
);
`,
  )
  const child = spawn(workerdBinary(), ['serve', config], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    await untilAnswers(port)
    return await work({ ...mock.direct, port, path: '/', pid: child.pid ?? 0 })
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL')
    await ended
  }
}

const untilAnswers = async (port: number): Promise<void> => {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    const response = await fetch(`http://127.0.0.1:${port}/`).catch(() => null)
    if (response !== null) return
    await sleep(50)
  }
  throw new Error(`nothing answers on port ${port}`)
}

/** `@portkey-ai/gateway` on the Node that runs this. @returns why it cannot be measured, or what `work` gives */
export const withPortkey = async <T>(
  mockPort: number,
  log: (text: string) => void,
  work: (target: Target | null, absent: string | null) => Promise<T>,
): Promise<T> => {
  let absent: string | null = null
  try {
    // Installs what is missing; the package itself is a program.
    rivals(log)('hdr-histogram-js')
    if (!existsSync(PORTKEY)) absent = 'not installed'
  } catch (error) {
    absent = error instanceof Error ? error.message : String(error)
  }
  if (absent !== null) return work(null, absent)
  const port = await freePort()
  const child = spawn(process.execPath, [PORTKEY, `--port=${port}`, '--headless'], {
    stdio: 'ignore',
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    await untilAnswers(port)
    return await work(
      {
        port,
        path: '/v1/chat/completions',
        headers: {
          authorization: 'Bearer sk-mock',
          'x-portkey-provider': 'openai',
          'x-portkey-custom-host': `http://127.0.0.1:${mockPort}/openai/v1`,
        },
        model: MODEL,
        pid: child.pid ?? 0,
      },
      null,
    )
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL')
    await ended
  }
}
