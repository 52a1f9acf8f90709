import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from './processes.ts'

/** How often a waiting process looks again. */
const POLL_MS = 100

/** Puts a file in place with its content at once; false when there is one already. */
const linkIfAbsent = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Takes a dead holder's lock away, unless another process was faster and holds it by now. */
const removeStale = async (file: string): Promise<void> => {
  const holder = Number(await readFile(file, 'utf8').catch(() => ''))
  if (!(holder > 0) || isAlive(holder)) return
  const aside = `${file}.${process.pid}.stale`
  await rename(file, aside).catch(() => {})
  const taken = Number(await readFile(aside, 'utf8').catch(() => ''))
  if (taken > 0 && taken !== holder) await linkIfAbsent(aside, file)
  await rm(aside, { force: true })
}

/** Runs `work` while this process alone holds the file; a holder that died loses it. */
export const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  const ticket = `${file}.${process.pid}`
  await writeFile(ticket, String(process.pid))
  try {
    while (!(await linkIfAbsent(ticket, file))) {
      await removeStale(file)
      await sleep(POLL_MS)
    }
  } finally {
    await rm(ticket, { force: true })
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}
