import { type Row, ratiosOf, type Spread } from '../report.ts'
import { compareAnswers } from './compare.ts'
import { type Design, maintained, oneByOne, singleQuery } from './designs.ts'
import type { Fleet } from './seed.ts'
import type { Server } from './server.ts'
import type { Get } from './worker.ts'

export const RIVALS: Readonly<Record<string, Design>> = {
  'N+1': oneByOne,
  'single query': singleQuery,
}

/** Answers of ours per round; a rival takes as long for one. */
const OURS_PER_ROUND = 20

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

const spreadOf = (times: readonly number[]): Spread => {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
  return { median: at(0.5), p5: at(0.05) }
}

export interface Rounds {
  readonly max: number
  /** No round begins later than this, once one was measured. */
  readonly budgetMs: number
}

/** Interleaved, the order reversed each round; the first round warms up and is left out. */
const measure = async (
  designs: Readonly<Record<string, Design>>,
  run: (design: Design) => Promise<unknown>,
  { max, budgetMs }: Rounds,
): Promise<Record<string, Spread>> => {
  const times = new Map(Object.keys(designs).map((name) => [name, [] as number[]]))
  const deadlineMs = performance.now() + budgetMs
  for (let round = 0; round <= max; round++) {
    if (round > 1 && performance.now() > deadlineMs) break
    const order = Object.entries(designs)
    if (round % 2 === 1) order.reverse()
    for (const [name, design] of order) {
      const repeats = name in RIVALS ? 1 : OURS_PER_ROUND
      for (let repeat = 0; repeat < repeats; repeat++) {
        const time = await timed(() => run(design))
        if (round > 0) times.get(name)?.push(time)
      }
    }
  }
  return Object.fromEntries([...times].map(([name, found]) => [name, spreadOf(found)]))
}

/** Ours from the database and over HTTP beside the rivals, answers compared first. */
export const rowsOf = async (
  server: Server,
  get: Get,
  fleet: Fleet,
  options: { title: string; vms: number; limit: number; rounds: Rounds },
): Promise<Row[]> => {
  const { title, vms, limit, rounds } = options
  const run = (design: Design) => design(server.db, fleet, limit)
  const answer = await run(maintained)
  for (const [name, design] of Object.entries(RIVALS))
    compareAnswers(answer, await run(design), name)
  const path = `/api/v1/dashboard?limit=${limit}`
  const { vms: served } = JSON.parse(await get(path)) as { vms: { id: string }[] }
  if (served.length !== limit || served.some(({ id }, row) => id !== answer[row]?.id))
    throw new Error('the worker answered other VMs than the database')
  const overHttp: Design = async () => {
    await get(path)
    return []
  }
  const { database, worker, ...rivals } = await measure(
    { database: maintained, worker: overHttp, ...RIVALS },
    run,
    rounds,
  )
  if (database === undefined || worker === undefined) throw new Error('ours was not measured')
  const row = (name: string, ours: Spread): Row => ({
    case: `${title}, ${name}`,
    n: vms,
    unit: 'ms',
    ours,
    rivals,
    ratio: ratiosOf(ours, rivals),
  })
  // The rivals are measured from the database only: their request would cost them more.
  return [row('from the database', database), row('GET on bare workerd', worker)]
}
