/** A whole summary request on bare workerd, beside JSON.parse and plain loops in the same worker. */
import { type Connection, requestOf } from './compute/client.ts'
import { summarizePlainly } from './compute/rival.ts'
import { type ComputeWorker, withComputeWorkers } from './compute/server.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'

const N = 100_000
const N_SMOKE = 1_000

/** Each on a workerd of its own: when V8 compiles which function once more differs from start to start. */
const PROCESSES = 15
const PROCESSES_QUICK = 3
/** Requests of each kind before those that count: from some tens on the times no longer fall. */
const WARM_UP_REQUESTS = 80
/** Requests of each kind that count, in each process. */
const REQUESTS = 30

const OURS = '/api/v1/compute/summary'
const RIVAL = '/rival/summary'
const JSON_TYPE = 'application/json'
const BINARY_TYPE = 'application/octet-stream'

/** Percentages of a fixed seed (42), with all their digits. */
const percentages = (n: number): Float64Array<ArrayBuffer> => {
  let state = 42
  const uniform = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state + 0.5) / 4_294_967_296
  }
  return Float64Array.from({ length: n }, () => 100 * uniform() ** 3)
}

interface Kind {
  readonly request: Buffer
  /** The text whose numbers the answer is about. */
  readonly text: string
}

const kindsOf = (n: number) => {
  const long = percentages(n)
  const short = long.map((x, i) => Number(x.toFixed(i % 4)))
  const textOf = (values: Float64Array) => JSON.stringify({ values: [...values] })
  const utf8 = new TextEncoder()
  const json = (path: string, text: string): Kind => ({
    request: requestOf(path, JSON_TYPE, utf8.encode(text)),
    text,
  })
  const binary = (path: string): Kind => ({
    request: requestOf(path, BINARY_TYPE, new Uint8Array(long.buffer)),
    text: longText,
  })
  const longText = textOf(long)
  const shortText = textOf(short)
  return {
    long: json(OURS, longText),
    longRival: json(RIVAL, longText),
    longNothing: json('/nothing', longText),
    short: json(OURS, shortText),
    shortRival: json(RIVAL, shortText),
    shortNothing: json('/nothing', shortText),
    binary: binary(OURS),
    binaryNothing: binary('/nothing'),
  } satisfies Record<string, Kind>
}

type Kinds = ReturnType<typeof kindsOf>

/** Throws where an answer is not that of the plain loops, up to their own rounding. */
const compare = async (connection: Connection, kinds: Kinds): Promise<void> => {
  for (const name of ['long', 'longRival', 'short', 'shortRival', 'binary'] as const) {
    const { request, text } = kinds[name]
    const found = JSON.parse(await connection.send(request)) as Record<string, number>
    for (const [field, want] of Object.entries(summarizePlainly(text))) {
      if (!(Math.abs((found[field] ?? Number.NaN) - want) <= 1e-10 * Math.abs(want))) {
        throw new Error(`${name}: ${field} is ${found[field]}, the plain loops give ${want}`)
      }
    }
  }
}

const spreadOf = (times: readonly number[]): Spread => {
  const ascending = [...times].sort((a, b) => a - b)
  const at = (q: number) => ascending[Math.round(q * (ascending.length - 1))] ?? Number.NaN
  return { median: at(0.5), p5: at(0.05) }
}

/** Of one kind: milliseconds of every request, and of CPU for one, a process each. */
interface Times {
  readonly wallMs: number[]
  readonly cpuMs: number[]
}

/** One process: one request of each kind after the other, the order reversed each time. */
const measure = async (
  { connection, cpuMs }: ComputeWorker,
  kinds: Kinds,
  times: Record<keyof Kinds, Times>,
): Promise<void> => {
  await compare(connection, kinds)
  const names = Object.keys(kinds) as (keyof Kinds)[]
  const cpu = new Map<string, number>()
  for (let at = -WARM_UP_REQUESTS; at < REQUESTS; at++) {
    for (const name of at % 2 === 0 ? names : names.toReversed()) {
      const beforeMs = at < 0 ? 0 : await cpuMs()
      const startedMs = performance.now()
      await connection.send(kinds[name].request)
      const tookMs = performance.now() - startedMs
      if (at < 0) continue
      times[name].wallMs.push(tookMs)
      cpu.set(name, (cpu.get(name) ?? 0) + (await cpuMs()) - beforeMs)
    }
  }
  for (const name of names) times[name].cpuMs.push((cpu.get(name) ?? Number.NaN) / REQUESTS)
}

const rowsOf = (times: Record<keyof Kinds, Times>): Row[] => {
  const rows = (what: string, of: keyof Times): Row[] => {
    const row = (
      title: string,
      ours: keyof Kinds,
      rival: keyof Kinds,
      nothing: keyof Kinds,
    ): Row => {
      const rivals = {
        'JSON.parse and loops': spreadOf(times[rival][of]),
        'the body alone': spreadOf(times[nothing][of]),
      }
      const spread = spreadOf(times[ours][of])
      return {
        case: `${what}, ${title}`,
        n: N,
        unit: 'ms',
        ours: spread,
        rivals,
        ratio: ratiosOf(spread, rivals),
      }
    }
    return [
      row('JSON of 15 to 17 digits', 'long', 'longRival', 'longNothing'),
      row('JSON of 1 to 5 digits', 'short', 'shortRival', 'shortNothing'),
      row('binary beside JSON of 15 to 17', 'binary', 'longRival', 'binaryNothing'),
    ]
  }
  return [...rows('summary request', 'wallMs'), ...rows('CPU of workerd', 'cpuMs')].filter((row) =>
    Number.isFinite(row.ours.median),
  )
}

export const run = ({ quick, log }: SuiteOptions): Promise<Row[]> =>
  withComputeWorkers(async (withWorker) => {
    const kinds = kindsOf(N)
    const processes = quick ? PROCESSES_QUICK : PROCESSES
    log(
      `${N} numbers a request, ${REQUESTS} requests of each kind in each of ${processes} processes`,
    )
    const times = Object.fromEntries(
      Object.keys(kinds).map((name) => [name, { wallMs: [], cpuMs: [] }]),
    ) as unknown as Record<keyof Kinds, Times>
    for (let done = 0; done < processes; done++) {
      await withWorker((worker) => measure(worker, kinds, times))
    }
    return rowsOf(times)
  })

/** Ours, binary and JSON, beside the rival: one answer. */
export const smoke = (): Promise<void> =>
  withComputeWorkers((withWorker) =>
    withWorker(({ connection }) => compare(connection, kindsOf(N_SMOKE))),
  )
