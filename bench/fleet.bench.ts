/** How the dashboard grows with the fleet: a page of 50 and its summary at 100, 1,000 and 10,000 VMs. */
import { compareAnswers } from './dashboard/compare.ts'
import { maintained } from './dashboard/designs.ts'
import { RIVALS, rowsOf } from './dashboard/rows.ts'
import { seedFleet } from './dashboard/seed.ts'
import { withServer } from './dashboard/server.ts'
import { withWorker } from './dashboard/worker.ts'
import type { Row, SuiteOptions } from './report.ts'

const FLEETS = [100, 1_000, 10_000] as const
/** Seeding has to fit in 45 s. */
const FLEETS_QUICK = [20, 100] as const
const PAGE = 50
/** Lists of whole fleets are measured up to here: of 10,000 VMs N+1 would take ten minutes for one answer. */
const FULL_VMS_MAX = 1_000

export const run = async ({ quick, log }: SuiteOptions): Promise<Row[]> => {
  const rows: Row[] = []
  for (const vms of quick ? FLEETS_QUICK : FLEETS) {
    // A server each: the fleets before would stand in the same tables.
    const measured = await withServer(async (server) => {
      log(`${vms} VMs, ${vms * 1440} minute samples`)
      const fleet = await seedFleet(server, vms)
      return withWorker(server, fleet.organisationId, async (get) => {
        const rounds = quick ? { max: 3, budgetMs: 4_000 } : { max: 7, budgetMs: 90_000 }
        const limit = Math.min(PAGE, vms)
        const found = await rowsOf(server, get, fleet, {
          title: `page of ${limit} with summary, ${vms} VMs`,
          vms,
          limit,
          rounds,
        })
        if (quick || vms !== FULL_VMS_MAX) return found
        const full = { title: `all of ${vms} VMs`, vms, limit: vms, rounds }
        return [...found, ...(await rowsOf(server, get, fleet, full))]
      })
    })
    rows.push(...measured)
  }
  return rows
}

/** The page and its rivals agree on a fleet small enough for every test run. */
export const smoke = (): Promise<void> =>
  withServer(async (server) => {
    const fleet = await seedFleet(server, 6)
    const answer = await maintained(server.db, fleet, 3)
    if (answer.length !== 3) throw new Error(`3 VMs were asked for, ${answer.length} answered`)
    for (const [name, design] of Object.entries(RIVALS))
      compareAnswers(answer, await design(server.db, fleet, 3), name)
  })
