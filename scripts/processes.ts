import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Whether a process with this number runs (also one of another user). One that has ended but was
 * not waited for yet (a zombie) does not; where there is no `/proc`, it counts as running.
 */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  // A negative number is a process group, which has no entry of its own.
  if (pid < 0) return true
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z'
  } catch (error) {
    // Gone between the two looks, or a system without /proc.
    return process.platform !== 'linux' || (error as NodeJS.ErrnoException).code === 'EACCES'
  }
}

/** Sends a signal; a process that is already gone is no error. */
export const signalProcess = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Waits until the process is gone; false when it still runs after `timeoutMs`. */
export const waitUntilGone = async (pid: number, timeoutMs: number): Promise<boolean> => {
  const deadlineMs = performance.now() + timeoutMs
  while (isAlive(pid)) {
    if (performance.now() > deadlineMs) return false
    await sleep(20)
  }
  return true
}
