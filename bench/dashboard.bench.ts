/** The dashboard from the database and from the worker, beside the designs that read samples. */
import { compareAnswers } from './dashboard/compare.ts'
import { type Design, maintained, oneByOne, singleQuery } from './dashboard/designs.ts'
import { type Fleet, seedFleet } from './dashboard/seed.ts'
import { type Server, withServer } from './dashboard/server.ts'
import { type Get, withWorker } from './dashboard/worker.ts'
import { type Row, ratiosOf, type Spread, type SuiteOptions } from './report.ts'

const RIVALS: Readonly<Record<string, Design>> = {
  'N+1': oneByOne,
  'single query': singleQuery,
}

const VMS = 1_000
/** Seeding and one round of N+1 have to fit in 45 s. */
const VMS_QUICK = 100
const PAGE = 50
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

interface Rounds {
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

const rowsOf = async (
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

export const run = ({ quick, log }: SuiteOptions): Promise<Row[]> =>
  withServer(async (server) => {
    const vms = quick ? VMS_QUICK : VMS
    log(`${vms} VMs, ${vms * 1440} minute samples`)
    const fleet = await seedFleet(server, vms)
    return withWorker(server, fleet.organisationId, async (get) => {
      const rounds = quick ? { max: 5, budgetMs: 8_000 } : { max: 7, budgetMs: 240_000 }
      log('full list')
      const all = { title: `all of ${vms} VMs`, vms, limit: vms, rounds }
      const full = await rowsOf(server, get, fleet, all)
      log(`page of ${PAGE}`)
      const some = { title: `${PAGE} of ${vms} VMs`, vms, limit: PAGE, rounds }
      return [...full, ...(await rowsOf(server, get, fleet, some))]
    })
  })

/** Three designs, one answer: on a fleet small enough for every test run. */
export const smoke = (): Promise<void> =>
  withServer(async (server) => {
    const fleet = await seedFleet(server, 6)
    const answer = await maintained(server.db, fleet, 6)
    if (answer.length !== 6) throw new Error(`6 VMs were seeded, ${answer.length} answered`)
    for (const [name, design] of Object.entries(RIVALS)) {
      compareAnswers(answer, await design(server.db, fleet, 6), name)
    }
  })
