import { readFileSync } from 'node:fs'
import type { Usage } from './report.ts'

const SAMPLE_INTERVAL_MS = 50
const MEBIBYTE = 1024 * 1024
/** sysconf(_SC_CLK_TCK) on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

interface Reading {
  rssMib: number
  cpuSeconds: number
}

/** proc(5): VmRSS of `status`, fields 14 and 15 of `stat` (user and system time). NaN where there is no `/proc`. */
export const readUsage = (pid: number): Reading => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the name in brackets, which may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const kibibytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
    return {
      rssMib: (kibibytes * 1024) / MEBIBYTE,
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    }
  } catch {
    // Another system, or the process is gone.
    return { rssMib: Number.NaN, cpuSeconds: Number.NaN }
  }
}

/** Watches a process while `work` runs. */
export const withUsage = async <T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ value: T; usage: Usage }> => {
  const before = readUsage(pid)
  let rssMaxMib = before.rssMib
  const timer = setInterval(() => {
    rssMaxMib = Math.max(rssMaxMib, readUsage(pid).rssMib)
  }, SAMPLE_INTERVAL_MS)
  try {
    const value = await work()
    const after = readUsage(pid)
    return {
      value,
      usage: {
        rssBeforeMib: before.rssMib,
        rssMaxMib: Math.max(rssMaxMib, after.rssMib),
        rssAfterMib: after.rssMib,
        cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      },
    }
  } finally {
    clearInterval(timer)
  }
}
