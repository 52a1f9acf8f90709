import { readFileSync } from 'node:fs'

/** How often the parents are looked at. */
const POLL_MS = 500

/** The parent of a process; null where there is no `/proc` or no such process. */
const parentOf = (pid: number): number | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return null
  }
}

/**
 * Calls `onGone` once when the process that started this one ends, or the one that started that:
 * npm runs a script through a shell, and passes a signal on to it only, or nothing when it is killed.
 */
export const followParents = (onGone: () => void): void => {
  const parent = process.ppid
  const grandparent = parentOf(parent)
  const timer = setInterval(() => {
    if (process.ppid === parent && parentOf(parent) === grandparent) return
    clearInterval(timer)
    onGone()
  }, POLL_MS)
  timer.unref()
}
