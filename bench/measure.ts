import { setFlagsFromString } from 'node:v8'
import type { Spread } from './report.ts'

// V8's middle compiler inlines a rival's loop into the closure that calls it, where it runs at a fifth
// of its speed and seldom reaches the last compiler. Without it every subject does, within milliseconds.
setFlagsFromString('--no-maglev')

export interface MeasureOptions {
  readonly rounds: number
  /** A batch of calls lasts at least this long: far above the timer's grain. */
  readonly batchMs: number
  /** The compiler's last tier comes late on a busy machine, on a thread of its own. */
  readonly warmUpMs?: number
  /** When this much CPU time is used up no further round begins; there are at least three. */
  readonly budgetMs?: number
}

/** Work in this thread, or something that times its own work elsewhere. */
export type Subject = (() => void) | { timeMs(calls: number): Promise<number> }

const WARM_UP_MS = 150
const ROUNDS_MIN = 3

/** One call of it takes so long that it is measured once. */
const SLOW_MS = 1500

const spreadOf = (times: readonly number[]): Spread => {
  const ascending = [...times].sort((a, b) => a - b)
  const at = (q: number) => ascending[Math.round(q * (ascending.length - 1))] ?? Number.NaN
  return { median: at(0.5), p5: at(0.05) }
}

const nothing = new Int32Array(new SharedArrayBuffer(4))

/**
 * CPU time of this thread: what other processes take does not count. Some kernels bring a thread's
 * account up to date only at a tick of 4 ms or when it sleeps, so it sleeps.
 */
const threadMs = (): number => {
  Atomics.wait(nothing, 0, 0, 0.05)
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Not in the async function that calls it, whose compiled code would differ. */
const repeat = (work: () => void, calls: number): void => {
  for (let i = 0; i < calls; i++) work()
}

const timeMs = async (subject: Subject, calls: number): Promise<number> => {
  if (typeof subject !== 'function') return subject.timeMs(calls)
  const startedMs = threadMs()
  repeat(subject, calls)
  return threadMs() - startedMs
}

interface Plan {
  readonly name: string
  readonly subject: Subject
  readonly calls: number
  readonly isSlow: boolean
  readonly times: number[]
}

/** Calls that fill a batch, found while the compiler warms up. */
const planOf = async (
  name: string,
  subject: Subject,
  { batchMs, warmUpMs = WARM_UP_MS }: MeasureOptions,
): Promise<Plan> => {
  const onceMs = await timeMs(subject, 1)
  if (onceMs > SLOW_MS) return { name, subject, calls: 1, isSlow: true, times: [onceMs] }
  let spentMs = onceMs
  let calls = 1
  for (;;) {
    const ms = await timeMs(subject, calls)
    spentMs += ms
    if (spentMs < warmUpMs && ms >= batchMs) continue
    if (ms < batchMs / 2) calls *= 2
    else
      return {
        name,
        subject,
        calls: Math.max(1, Math.round((calls * batchMs) / ms)),
        isSlow: false,
        times: [],
      }
  }
}

/**
 * Times every subject in every round, in reversed order each time, so that what else the machine does
 * falls on all of them.
 *
 * @returns CPU milliseconds a call, by name
 */
export const measureInterleaved = async (
  subjects: Readonly<Record<string, Subject>>,
  options: MeasureOptions,
): Promise<Record<string, Spread>> => {
  const { rounds, budgetMs = Number.POSITIVE_INFINITY } = options
  const plans: Plan[] = []
  for (const [name, subject] of Object.entries(subjects)) {
    plans.push(await planOf(name, subject, options))
  }
  let spentMs = 0
  for (let round = 0; round < rounds; round++) {
    if (round >= ROUNDS_MIN && spentMs > budgetMs) break
    for (const plan of round % 2 === 0 ? plans : [...plans].reverse()) {
      if (plan.isSlow) continue
      const ms = await timeMs(plan.subject, plan.calls)
      spentMs += ms
      plan.times.push(ms / plan.calls)
    }
  }
  return Object.fromEntries(plans.map(({ name, times }) => [name, spreadOf(times)]))
}
