import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { isAlive, signalProcess, waitUntilGone } from './processes.ts'

/** A stack that lost its test ends by itself within this time. */
const END_BY_ITSELF_MS = 15_000

/** Process numbers of the stacks whose state folders lie under `folder`. */
const stacksUnder = async (folder: string): Promise<number[]> => {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const pids: number[] = []
  for (const name of names) {
    if (path.basename(name) !== 'stack.json') continue
    try {
      const record = JSON.parse(await readFile(path.join(folder, name), 'utf8'))
      pids.push(record.pid, ...Object.values<number>(record.children ?? {}))
    } catch {
      // The stack removed or rewrote the file just now: it is ending or starting by itself.
    }
  }
  return pids.filter((pid) => Number.isInteger(pid) && isAlive(pid))
}

/**
 * Waits until every stack under the folder has ended, then kills what has not.
 *
 * @returns how many processes had to be killed
 */
export const endStacksUnder = async (folder: string): Promise<number> => {
  const running = await stacksUnder(folder)
  const gone = await Promise.all(running.map((pid) => waitUntilGone(pid, END_BY_ITSELF_MS)))
  const left = running.filter((_pid, index) => !gone[index])
  for (const pid of left) signalProcess(pid, 'SIGKILL')
  return left.length
}
