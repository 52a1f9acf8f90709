import { freePort } from '../../local/checks.ts'
import { DECISIONS_MAX } from '../../src/routing/decision-cache.ts'
import { Connection, requestOf } from '../gateway/client.ts'
import { at } from '../gateway/rounds.ts'
import { type LoadStack, seedBareFleet, withStack } from '../load/stack.ts'
import { readUsage } from '../load/usage.ts'
import { heapMibOf } from '../profile/inspector.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from '../report.ts'
import { shortBody } from './bodies.ts'

const CONNECTIONS = 16
const MICROSECONDS_PER_SECOND = 1e6

interface Round {
  readonly microsPerRequest: number
  readonly cpuMicrosPerRequest: number
  readonly p99Ms: number
}

/** Asks over connections that stay open, each one request at a time. @throws Error on an answer other than 200 */
const roundOf = async (
  connections: readonly Connection[],
  pid: number,
  requests: readonly Buffer[],
): Promise<Round> => {
  const timesMs: number[] = []
  const cpuBefore = readUsage(pid).cpuSeconds
  const startedMs = performance.now()
  let next = 0
  await Promise.all(
    connections.map(async (connection) => {
      for (let request = requests[next++]; request; request = requests[next++]) {
        const { status, totalMs } = await connection.send(request)
        if (status !== 200) throw new Error(`answered ${status}`)
        timesMs.push(totalMs)
      }
    }),
  )
  const wallMs = performance.now() - startedMs
  const cpuSeconds = readUsage(pid).cpuSeconds - cpuBefore
  return {
    microsPerRequest: (wallMs * 1_000) / requests.length,
    cpuMicrosPerRequest: (cpuSeconds * MICROSECONDS_PER_SECOND) / requests.length,
    p99Ms: at(
      timesMs.sort((a, b) => a - b),
      0.99,
    ),
  }
}

const spreadOf = (rounds: readonly Round[], figure: (round: Round) => number): Spread => {
  const sorted = rounds.map(figure).sort((a, b) => a - b)
  return { median: at(sorted, 0.5), p5: at(sorted, 0.05) }
}

/** What the same worker takes for a request that decides nothing. */
const RIVAL = 'nothing decided'
const HEALTH = Buffer.from('GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n')

const latencyRows = async (
  { key, pid }: LoadStack,
  connections: readonly Connection[],
  { quick, log }: SuiteOptions,
): Promise<Row[]> => {
  const [rounds, requests] = quick ? [3, 2_000] : [9, 10_000]
  const headers = { authorization: `Bearer ${key}` }
  let asked = 0
  const fresh = () => requestOf('/v1/route', headers, shortBody(asked++))
  const same = requestOf('/v1/route', headers, shortBody(-1))
  const makers = { fresh, same: () => same, plain: () => HEALTH }
  const done: Record<keyof typeof makers, Round[]> = { fresh: [], same: [], plain: [] }
  log(`over HTTP, ${CONNECTIONS} connections`)
  const names = Object.keys(makers) as (keyof typeof makers)[]
  // The first round warms up and is left out; each is the other way round.
  for (let round = 0; round <= rounds; round++)
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const batch = Array.from({ length: requests }, makers[name])
      const result = await roundOf(connections, pid, batch)
      if (round > 0) done[name].push(result)
    }
  const rowOf = (
    name: 'fresh' | 'same',
    title: string,
    unit: string,
    figure: (round: Round) => number,
  ): Row => {
    const ours = spreadOf(done[name], figure)
    const rivals = { [RIVAL]: spreadOf(done.plain, figure) }
    return {
      case: `bare workerd over HTTP, ${title}`,
      n: requests * rounds,
      unit,
      ours,
      rivals,
      ratio: ratiosOf(ours, rivals),
    }
  }
  return (['fresh', 'same'] as const).flatMap((name) => {
    const asks = name === 'fresh' ? 'not asked before' : 'the same body'
    return [
      rowOf(name, `1 KB, ${asks}`, 'µs/request', (round) => round.microsPerRequest),
      rowOf(name, `1 KB, ${asks}: CPU`, 'µs/request', (round) => round.cpuMicrosPerRequest),
      rowOf(name, `1 KB, ${asks}: p99`, 'ms', (round) => round.p99Ms),
    ]
  })
}

/** The isolate before and after so many requests that its caches are full. */
const heapRow = async (
  { key, pid }: LoadStack,
  connections: readonly Connection[],
  inspector: string,
  { quick, log }: SuiteOptions,
): Promise<Row> => {
  const entries = quick ? DECISIONS_MAX / 10 : DECISIONS_MAX
  const heapMib = async (): Promise<number> => {
    let isDone = false
    // The isolate answers its inspector only while it is at work.
    const work = (async () => {
      while (!isDone) await roundOf(connections, pid, [HEALTH])
    })()
    try {
      return await heapMibOf(inspector)
    } finally {
      isDone = true
      await work
    }
  }
  const beforeMib = await heapMib()
  log(`${entries} requests for the caches`)
  const headers = { authorization: `Bearer ${key}` }
  for (let done = 0; done < entries; done += 5_000) {
    const batch = Array.from({ length: 5_000 }, (_, i) =>
      requestOf('/v1/route', headers, shortBody(1_000_000 + done + i)),
    )
    await roundOf(connections, pid, batch)
  }
  const afterMib = await heapMib()
  log(`heap of the isolate from ${beforeMib.toFixed(1)} to ${afterMib.toFixed(1)} MiB`)
  return {
    case: 'heap of the isolate with full caches',
    n: entries,
    unit: 'MiB',
    ours: { median: afterMib, p5: afterMib },
    rivals: { 'before the first request': { median: beforeMib, p5: beforeMib } },
    ratio: {},
  }
}

/** Decisions as a client has them; with the client on the same processors. */
export const httpRows = async (options: SuiteOptions): Promise<Row[]> => {
  const inspector = `127.0.0.1:${await freePort()}`
  const withConnections = async (
    args: readonly string[],
    work: (stack: LoadStack, connections: readonly Connection[]) => Promise<Row[]>,
  ): Promise<Row[]> =>
    withStack({ seed: seedBareFleet(1), arguments: args, log: options.log }, async (stack) => {
      const port = Number(new URL(stack.url).port)
      const connections = Array.from({ length: CONNECTIONS }, () => new Connection(port))
      try {
        return await work(stack, connections)
      } finally {
        for (const connection of connections) connection.close()
      }
    })
  const latencies = await withConnections([], (stack, connections) =>
    latencyRows(stack, connections, options),
  )
  // An inspector slows what it looks at: a worker of its own.
  const heap = await withConnections([`--inspector-addr=${inspector}`], async (stack, all) => [
    await heapRow(stack, all, inspector, options),
  ])
  return [...latencies, ...heap]
}
