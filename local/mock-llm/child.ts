import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, startChild } from '../child.ts'

const READY_TIMEOUT_MS = 20_000

/** Starts the mock as a process of its own; resolves when it answers. */
export const startMockChild = async (
  stateFolder: string,
  port: number,
  onLine: (line: string) => void,
  spawned: (child: Child) => void,
  args: readonly string[] = [],
): Promise<Child> => {
  const child = startChild({
    command: process.execPath,
    args: [path.join(import.meta.dirname, 'main.ts'), '--port', String(port), ...args],
    cwd: stateFolder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    logFile: path.join(stateFolder, 'logs', 'mock-llm.log'),
    onLine: (line) => {
      if (line !== '' && !line.startsWith('mock LLM upstream on ')) onLine(line)
    },
  })
  spawned(child)
  let ended: string | null = null
  child.exited.then((how) => {
    ended = how
  })
  const deadlineMs = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < deadlineMs) {
    if (ended !== null) throw new Error(`it ended with ${ended}\n${child.tail().trim()}`)
    const counts = await fetch(`http://127.0.0.1:${port}/control/counts`).catch(() => null)
    if (counts?.ok === true) return child
    await sleep(25)
  }
  await child.stop()
  throw new Error(`the mock does not answer after ${READY_TIMEOUT_MS / 1000} s\n${child.tail()}`)
}
