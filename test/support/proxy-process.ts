/**
 * The Neon proxy in a process of its own, which can be killed without the rest of a stack.
 * `node test/support/proxy-process.ts PORT DATABASE_URL` serves until its parent is gone.
 */
import { spawn } from 'node:child_process'
import { startNeonProxy } from '../../local/neon-proxy.ts'
import { signalProcess, waitUntilGone } from '../../scripts/processes.ts'

export interface ProxyProcess {
  readonly pid: number
  kill(): Promise<void>
}

/** Resolves when the proxy serves on the port. */
export const startProxyProcess = async (
  port: number,
  databaseUrl: string,
): Promise<ProxyProcess> => {
  const child = spawn(process.execPath, [import.meta.filename, String(port), databaseUrl], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const { pid = -1 } = child
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', (status) => reject(new Error(`the proxy ended with ${status}`)))
  })
  return {
    pid,
    kill: async () => {
      signalProcess(pid, 'SIGKILL')
      if (!(await waitUntilGone(pid, 10_000))) throw new Error('the proxy survived SIGKILL')
    },
  }
}

if (import.meta.main) {
  const [port = '', target = ''] = process.argv.slice(2)
  await startNeonProxy({ port: Number(port), target })
  process.stdin.resume().once('close', () => process.exit(0))
  console.log('serves')
}
