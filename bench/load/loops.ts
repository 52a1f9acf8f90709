import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { type LoadRow, latenciesOf } from './report.ts'
import type { LoadStack } from './stack.ts'
import { withUsage } from './usage.ts'

/** Requests that wait for an answer at once; the schedule's next ones count as errors meanwhile. */
const IN_FLIGHT_MAX = 5_000
/** A request sent this late was kept by the timer, whose grain is 1 ms, and counts from when it was sent. */
const TIMER_GRAIN_MS = 2

/** What one request came to: its status, and whether that is the status it must get. */
export interface Verdict {
  readonly status: number
  readonly expected: boolean
}

/** Sends the request with this number; a throw is an error. */
export type Operation = (index: number) => Promise<Verdict>

export interface Tally {
  requests: number
  errors: number
  non2xx: number
  seconds: number
  /** From when a request was due to its last byte; null in a closed loop. */
  timesMs: number[] | null
}

const judged = async (tally: Tally, operation: Operation, index: number): Promise<void> => {
  try {
    const { status, expected } = await operation(index)
    if (!expected) tally.errors++
    if (status < 200 || status > 299) tally.non2xx++
  } catch {
    // A connection that broke, or an answer that did not come in time.
    tally.errors++
  }
  tally.requests++
}

/**
 * Requests at a fixed rate, whatever the answers do. A time counts from when the request was due, so
 * that a stall costs every request that should have been sent during it. (autocannon's `overallRate`
 * sends each second's requests in a burst and corrects with an interval of 1 ms whatever the rate,
 * so it is not used here.)
 */
export const openLoop = async (
  { ratePerSecond, seconds }: { ratePerSecond: number; seconds: number },
  operation: Operation,
): Promise<Tally> => {
  const timesMs: number[] = []
  const tally: Tally = { requests: 0, errors: 0, non2xx: 0, seconds: 0, timesMs }
  const count = Math.max(1, Math.floor(ratePerSecond * seconds))
  const inFlight = new Set<Promise<void>>()
  const startedMs = performance.now()
  for (let index = 0; index < count; index++) {
    const dueMs = startedMs + (index * 1_000) / ratePerSecond
    for (let left = dueMs - performance.now(); left > 0; left = dueMs - performance.now()) {
      await sleep(Math.ceil(left))
    }
    if (inFlight.size >= IN_FLIGHT_MAX) {
      tally.errors++
      continue
    }
    const sentMs = performance.now()
    const sinceMs = sentMs - dueMs > TIMER_GRAIN_MS ? dueMs : sentMs
    const one: Promise<void> = judged(tally, operation, index).then(() => {
      timesMs.push(performance.now() - sinceMs)
      inFlight.delete(one)
    })
    inFlight.add(one)
  }
  await Promise.all(inFlight)
  tally.seconds = (performance.now() - startedMs) / 1_000
  return tally
}

/** `connections` loops, each of which sends when it has its answer; at most `requestsMax` in all. */
export const closedLoop = async (
  options: { connections: number; seconds: number; requestsMax?: number },
  operation: Operation,
): Promise<Tally> => {
  const tally: Tally = { requests: 0, errors: 0, non2xx: 0, seconds: 0, timesMs: null }
  const startedMs = performance.now()
  const endMs = startedMs + options.seconds * 1_000
  let next = 0
  const loop = async (): Promise<void> => {
    while (performance.now() < endMs && next < (options.requestsMax ?? Number.POSITIVE_INFINITY)) {
      await judged(tally, operation, next++)
    }
  }
  await Promise.all(Array.from({ length: options.connections }, loop))
  tally.seconds = (performance.now() - startedMs) / 1_000
  return tally
}

/** The same GET as fast as it is answered, by autocannon: its client takes the least from the machine. */
export const closedLoopGet = async (
  stack: LoadStack,
  path: string,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Tally> => {
  const result = await autocannon({
    url: `${stack.url}${path}`,
    connections,
    duration: seconds,
    headers: { authorization: `Bearer ${stack.key}` },
  })
  return {
    requests: result.requests.total,
    errors: result.errors + result.non2xx,
    non2xx: result.non2xx,
    seconds: result.duration,
    timesMs: null,
  }
}

export const rowOf = (
  name: string,
  connections: number,
  tally: Tally,
  workerd: LoadRow['workerd'],
): LoadRow => ({
  case: name,
  loop: tally.timesMs === null ? 'closed' : 'open',
  connections,
  requests: tally.requests,
  requestsPerSecond: tally.requests / tally.seconds,
  latencyMs: tally.timesMs === null ? null : latenciesOf(tally.timesMs),
  errors: tally.errors,
  non2xx: tally.non2xx,
  workerd,
})

/** A run as a row, with what workerd took meanwhile. */
export const measured = async (
  stack: LoadStack,
  name: string,
  connections: number,
  run: () => Promise<Tally>,
): Promise<LoadRow> => {
  const { value, usage } = await withUsage(stack.pid, run)
  return rowOf(name, connections, value, usage)
}

/** Faults of rows in which nothing may fail. */
export const failuresOf = (rows: readonly LoadRow[]): string[] =>
  rows
    .filter(({ errors }) => errors > 0)
    .map((row) => `${row.case}, ${row.loop}: ${row.errors} of ${row.requests} requests failed`)
