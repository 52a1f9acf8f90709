import type { Spread } from './report.ts'

export interface MeasureOptions {
  readonly rounds: number
  /** A batch of calls lasts at least this long: far above the timer's grain. */
  readonly batchMs: number
}

const spreadOf = (times: readonly number[]): Spread => {
  const ascending = [...times].sort((a, b) => a - b)
  const at = (q: number) => ascending[Math.round(q * (ascending.length - 1))] ?? Number.NaN
  return { median: at(0.5), p5: at(0.05) }
}

/** CPU time of this thread: what other processes take does not count. */
const threadMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const timeMs = (work: () => void, calls: number): number => {
  const startedMs = threadMs()
  for (let i = 0; i < calls; i++) work()
  return threadMs() - startedMs
}

/** The compiler's last tier comes late on a busy machine, on a thread of its own. */
const WARM_UP_MS = 150

const warmUp = (work: () => void): void => {
  for (const startedMs = threadMs(); threadMs() - startedMs < WARM_UP_MS; ) work()
}

/** Calls that fill a batch. */
const callsOf = (work: () => void, batchMs: number): number => {
  for (let calls = 1; ; calls *= 2) {
    const ms = timeMs(work, calls)
    if (ms >= batchMs) return Math.max(1, Math.ceil((calls * batchMs) / ms))
  }
}

/**
 * Times every subject in every round, in reversed order each time, so that what else the machine does
 * falls on all of them.
 *
 * @returns CPU milliseconds a call, by name
 */
export const measureInterleaved = (
  subjects: Readonly<Record<string, () => void>>,
  { rounds, batchMs }: MeasureOptions,
): Record<string, Spread> => {
  for (const work of Object.values(subjects)) warmUp(work)
  const plans = Object.entries(subjects).map(([name, work]) => ({
    name,
    work,
    calls: callsOf(work, batchMs),
    times: [] as number[],
  }))
  for (let round = 0; round < rounds; round++) {
    for (const plan of round % 2 === 0 ? plans : [...plans].reverse()) {
      plan.times.push(timeMs(plan.work, plan.calls) / plan.calls)
    }
  }
  return Object.fromEntries(plans.map(({ name, times }) => [name, spreadOf(times)]))
}
