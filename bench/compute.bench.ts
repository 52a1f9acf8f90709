/** A whole summary request on bare workerd, beside JSON.parse and plain loops in the same worker. */
import { summarizePlainly } from './compute/rival.ts'
import { type Post, withComputeWorker } from './compute/server.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'

const N = 100_000
const N_SMOKE = 1_000
/** Requests of each kind in a round. */
const REQUESTS_PER_ROUND = 5

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
  readonly path: string
  readonly body: Uint8Array
  readonly type: string
}

const kindsOf = (n: number) => {
  const utf8 = new TextEncoder()
  const long = percentages(n)
  const short = long.map((x, i) => Number(x.toFixed(i % 4)))
  const jsonOf = (values: Float64Array) => utf8.encode(JSON.stringify({ values: [...values] }))
  const json = (path: string, values: Float64Array): Kind => ({
    path,
    body: jsonOf(values),
    type: JSON_TYPE,
  })
  const binary = (path: string): Kind => ({
    path,
    body: new Uint8Array(long.buffer),
    type: BINARY_TYPE,
  })
  return {
    long: json(OURS, long),
    longRival: json(RIVAL, long),
    longNothing: json('/nothing', long),
    short: json(OURS, short),
    shortRival: json(RIVAL, short),
    shortNothing: json('/nothing', short),
    binary: binary(OURS),
    binaryNothing: binary('/nothing'),
  } satisfies Record<string, Kind>
}

type Kinds = ReturnType<typeof kindsOf>

/** Throws where an answer is not that of the plain loops, up to their own rounding. */
const compare = async (post: Post, kinds: Kinds): Promise<void> => {
  for (const [kind, reference] of [
    [kinds.long, kinds.longRival],
    [kinds.short, kinds.shortRival],
    [kinds.binary, kinds.longRival],
  ] as const) {
    const want = summarizePlainly(new TextDecoder().decode(reference.body))
    const ours = JSON.parse(await post(kind.path, kind.body, kind.type)) as Record<string, number>
    const { path, body, type } = reference
    const rival = JSON.parse(await post(path, body, type)) as Record<string, number>
    for (const [name, value] of Object.entries(want)) {
      for (const found of [ours[name], rival[name]]) {
        if (!(Math.abs((found ?? Number.NaN) - value) <= 1e-10 * Math.abs(value))) {
          throw new Error(`${kind.type}: ${name} is ${found}, the plain loops give ${value}`)
        }
      }
    }
  }
}

const spreadOf = (times: readonly number[]): Spread => {
  const ascending = [...times].sort((a, b) => a - b)
  const at = (q: number) => ascending[Math.round(q * (ascending.length - 1))] ?? Number.NaN
  return { median: at(0.5), p5: at(0.05) }
}

/** Interleaved, the order reversed each round; the first rounds warm up and are left out. */
const measure = async (
  post: Post,
  kinds: Kinds,
  rounds: number,
): Promise<Record<keyof Kinds, Spread>> => {
  const names = Object.keys(kinds) as (keyof Kinds)[]
  const times = new Map<string, number[]>(names.map((name) => [name, []]))
  const warmUpRounds = 4
  for (let round = 0; round < rounds + warmUpRounds; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const { path, body, type } = kinds[name]
      for (let request = 0; request < REQUESTS_PER_ROUND; request++) {
        const startedMs = performance.now()
        await post(path, body, type)
        const tookMs = performance.now() - startedMs
        if (round >= warmUpRounds) times.get(name)?.push(tookMs)
      }
    }
  }
  return Object.fromEntries(names.map((name) => [name, spreadOf(times.get(name) ?? [])])) as Record<
    keyof Kinds,
    Spread
  >
}

const rowsOf = (found: Record<keyof Kinds, Spread>): Row[] => {
  const row = (title: string, ours: Spread, rival: Spread, nothing: Spread): Row => {
    const rivals = { 'JSON.parse and loops': rival, 'the body alone': nothing }
    return {
      case: `summary request, ${title}`,
      n: N,
      unit: 'ms',
      ours,
      rivals,
      ratio: ratiosOf(ours, rivals),
    }
  }
  return [
    row('JSON of 15 to 17 digits', found.long, found.longRival, found.longNothing),
    row('JSON of 1 to 5 digits', found.short, found.shortRival, found.shortNothing),
    row('binary beside JSON of 15 to 17', found.binary, found.longRival, found.binaryNothing),
  ]
}

export const run = ({ quick, log }: SuiteOptions): Promise<Row[]> =>
  withComputeWorker(async (post) => {
    const kinds = kindsOf(N)
    await compare(post, kinds)
    log(`${N} numbers a request`)
    return rowsOf(await measure(post, kinds, quick ? 8 : 30))
  })

/** Ours, binary and JSON, beside the rival: one answer. */
export const smoke = (): Promise<void> =>
  withComputeWorker((post) => compare(post, kindsOf(N_SMOKE)))
