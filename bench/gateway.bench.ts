/**
 * What a gateway adds to a request: the same client asks a mock of a provider directly, through Gjallar on bare
 * workerd, and through `@portkey-ai/gateway` on Node, in turns. The mock answers at once.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { freePort } from '../local/checks.ts'
import { Connection, requestOf } from './gateway/client.ts'
import { growthOver, type Held, holdStreams } from './gateway/memory.ts'
import {
  addedTo,
  at,
  type Case,
  figureOf,
  measureRounds,
  type Round,
  type Rounds,
} from './gateway/rounds.ts'
import {
  type Mock,
  type Target,
  withBareProxy,
  withGjallar,
  withMock,
  withPortkey,
} from './gateway/targets.ts'
import { heapMibOf } from './profile/inspector.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'

const RIVAL = 'Portkey 1.15.2'
/** What the runtime takes by itself. */
const BARE = 'bare workerd proxy'
const SENTENCE = 'The fleet reported 1,204 samples a second; no machine was lost, and nobody woke. '
/** Of about 20 tokens each. */
const LONG = SENTENCE.repeat(2_500)
/** Of a stream, where what a chunk takes is measured: what comes with the first token is small beside it. */
const STREAM_TOKENS = 1_000
const MICROSECONDS_PER_MS = 1_000

const messagesOf = (content: string) => [{ role: 'user', content }]
const SHORT = { messages: messagesOf('Hello, is anybody there?') }
const STREAM = { ...SHORT, stream: true, stream_options: { include_usage: true } }

interface Measurement {
  readonly title: string
  readonly of: Case
  /** What the mock does. */
  readonly script?: Readonly<Record<string, unknown>>
  readonly rows: (rounds: Rounds, of: Case, absent: Record<string, string>) => Row[]
}

const p50 = ({ totalMs }: Round): number => at(totalMs, 0.5)
const p99 = ({ totalMs }: Round): number => at(totalMs, 0.99)
const firstToken = ({ firstTokenMs }: Round): number => at(firstTokenMs, 0.5)
/** Of the whole stream: a gateway that holds the first chunks back has the later ones sooner. */
const chunkMicros = (round: Round): number => (p50(round) * MICROSECONDS_PER_MS) / STREAM_TOKENS
const cpuOf = (round: Round): number => round.cpuMs / round.totalMs.length
const wallOf = (round: Round): number => round.wallMs / round.totalMs.length

const rowOf = (
  title: string,
  n: number,
  unit: string,
  spreads: Readonly<Record<string, Spread>>,
  absent: Record<string, string>,
): Row => {
  const { ours = { median: Number.NaN, p5: Number.NaN }, ...others } = spreads
  return { case: title, n, unit, ours, rivals: others, ratio: ratiosOf(ours, others), absent }
}

/** One row of what the gateways add to what the direct way takes. */
const added =
  (title: string, unit: string, figure: (round: Round) => number): Measurement['rows'] =>
  (rounds, { requests, rounds: count }, absent) => {
    const { direct = [], ...gateways } = rounds
    const spreads = Object.fromEntries(
      Object.entries(gateways).map(([name, target]) => [name, addedTo(direct, target, figure)]),
    )
    return [rowOf(title, requests * count, unit, spreads, absent)]
  }

/** One row of what the gateways take. */
const taken =
  (title: string, unit: string, figure: (round: Round) => number): Measurement['rows'] =>
  (rounds, { requests, rounds: count }, absent) => {
    const { direct: _direct, ...gateways } = rounds
    const spreads = Object.fromEntries(
      Object.entries(gateways).map(([name, target]) => [name, figureOf(target, figure)]),
    )
    return [rowOf(title, requests * count, unit, spreads, absent)]
  }

const together =
  (...rows: Measurement['rows'][]): Measurement['rows'] =>
  (...args) =>
    rows.flatMap((row) => row(...args))

const measurementsOf = (quick: boolean): Measurement[] => {
  const rounds = quick ? 3 : 11
  const requests = quick ? 100 : 300
  return [
    {
      title: 'short, sequential',
      of: { body: SHORT, connections: 1, requests, rounds },
      rows: together(
        added('short prompt, 1 connection: added p50', 'ms', p50),
        added('short prompt, 1 connection: added p99', 'ms', p99),
      ),
    },
    ...[16, 64].map((connections): Measurement => {
      const name = `short prompt, ${connections} connections`
      return {
        title: name,
        of: { body: SHORT, connections, requests: (quick ? 3 : 4) * requests, rounds },
        rows: together(
          added(`${name}: added p50`, 'ms', p50),
          added(`${name}: added p99`, 'ms', p99),
          taken(`${name}: time a request`, 'ms', wallOf),
          taken(`${name}: CPU of the gateway`, 'ms/request', cpuOf),
        ),
      }
    }),
    {
      title: '50,000 tokens',
      of: { body: { messages: messagesOf(LONG) }, connections: 1, requests: requests / 5, rounds },
      rows: together(
        added('50,000 tokens, 1 connection: added p50', 'ms', p50),
        added('50,000 tokens, 1 connection: added p99', 'ms', p99),
      ),
    },
    {
      title: 'streams',
      of: { body: STREAM, connections: 1, requests: requests / 5, rounds },
      script: { writes: 'each' },
      rows: added('stream, 1 connection: added time to the first token', 'ms', firstToken),
    },
    {
      title: 'long streams',
      of: { body: STREAM, connections: 1, requests: quick ? 2 : 10, rounds },
      script: { outputTokens: STREAM_TOKENS, writes: 'each' },
      rows: added(`stream of ${STREAM_TOKENS} chunks: added a chunk`, 'µs', chunkMicros),
    },
  ]
}

const memoryRows = async (
  mock: Mock,
  portkey: Target | null,
  absent: Record<string, string>,
  { quick, log }: SuiteOptions,
): Promise<Row[]> => {
  const streams = quick ? 200 : 1_000
  const requests = quick ? 1_000 : 100_000
  const inspector = `127.0.0.1:${await freePort()}`
  const one = (value: number): Spread => ({ median: value, p5: value })
  const rows: Row[] = []
  const row = (title: string, n: number, ours: number, rival: number | null): void => {
    const rivals: Record<string, Spread> = rival === null ? {} : { [RIVAL]: one(rival) }
    rows.push(rowOf(title, n, 'MiB', { ours: one(ours), ...rivals }, absent))
  }
  const ofPortkey = async <T>(work: (target: Target) => Promise<T>): Promise<T | null> =>
    portkey === null ? null : work(portkey)
  await withGjallar(
    mock.port,
    log,
    async (gjallar) => {
      log(`${streams} streams at once`)
      const held: Held = await holdStreams(mock, gjallar, streams, () => heapMibOf(inspector))
      const rival = await ofPortkey((target) =>
        holdStreams(mock, target, streams, async () => Number.NaN),
      )
      row(
        'streams at once: memory of the process',
        streams,
        held.rssMaxMib,
        rival?.rssMaxMib ?? null,
      )
      rows.push(
        rowOf(
          'streams at once: heap of the isolate',
          streams,
          'MiB',
          { ours: one(held.heapMib) },
          {},
        ),
      )
      log(`${requests} requests, of which 5 % fail upstream`)
      const grown = await growthOver(mock, gjallar, requests)
      const rivalGrown = await ofPortkey((target) => growthOver(mock, target, requests / 5))
      row(
        'requests with 5 % failures: memory of the process after them',
        requests,
        grown.rssAfterMib,
        rivalGrown?.rssAfterMib ?? null,
      )
      log(
        `from ${grown.rssBeforeMib.toFixed(1)} to ${grown.rssAfterMib.toFixed(1)} MiB; ${grown.failed} were answered with an error`,
      )
    },
    [`--inspector-addr=${inspector}`],
  )
  return rows
}

const withFolder = async <T>(work: (folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'gjallar-gateway-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Requests that let every target's compiler see what comes. */
const warmUp = (targets: Readonly<Record<string, Target>>, quick: boolean): Promise<unknown> =>
  measureRounds(targets, {
    body: SHORT,
    connections: 8,
    requests: quick ? 1_000 : 6_000,
    rounds: 0,
  })

const latencyRows = (
  mock: Mock,
  bare: Target,
  portkey: Target | null,
  absent: Record<string, string>,
  { quick, log }: SuiteOptions,
): Promise<Row[]> =>
  withGjallar(mock.port, log, async (gjallar) => {
    const targets: Record<string, Target> = {
      direct: mock.direct,
      ours: gjallar,
      [BARE]: bare,
      ...(portkey === null ? {} : { [RIVAL]: portkey }),
    }
    log('warming up')
    await warmUp(targets, quick)
    const rows: Row[] = []
    for (const { title, of, script, rows: make } of measurementsOf(quick)) {
      log(title)
      await mock.script(script ?? {})
      rows.push(...make(await measureRounds(targets, of), of, absent))
    }
    return rows
  })

export const run = (options: SuiteOptions): Promise<Row[]> =>
  withFolder((folder) =>
    withMock(folder, (mock) =>
      withPortkey(mock.port, options.log, async (portkey, reason) => {
        const absent: Record<string, string> = reason === null ? {} : { [RIVAL]: reason }
        const latencies = await withBareProxy(folder, mock, (bare) =>
          latencyRows(mock, bare, portkey, absent, options),
        )
        return [...latencies, ...(await memoryRows(mock, portkey, absent, options))]
      }),
    ),
  )

/** The answer's text, whole or streamed, out of all that came. */
const contentOf = (text: string): string =>
  [...text.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)].map(([, piece = '']) => piece).join('')

/** Whole and streamed, the gateway says what the mock itself says. */
export const smoke = (): Promise<void> =>
  withFolder((folder) =>
    withMock(folder, (mock) =>
      withGjallar(
        mock.port,
        () => {},
        async (gjallar) => {
          for (const body of [SHORT, STREAM]) {
            const said: string[] = []
            for (const { port, path: at, headers, model } of [mock.direct, gjallar]) {
              const connection = new Connection(port)
              const { status, text } = await connection.send(
                requestOf(at, headers, { model, ...body }),
                true,
              )
              connection.close()
              if (status !== 200) throw new Error(text)
              said.push(contentOf(text))
            }
            if (said[0] === '' || said[0] !== said[1]) throw new Error(said.join(' is not '))
          }
        },
      ),
    ),
  )
