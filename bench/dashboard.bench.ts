/** The dashboard from the database and from the worker, beside the designs that read samples. */
import { compareAnswers } from './dashboard/compare.ts'
import { maintained } from './dashboard/designs.ts'
import { RIVALS, rowsOf } from './dashboard/rows.ts'
import { seedFleet } from './dashboard/seed.ts'
import { withServer } from './dashboard/server.ts'
import { withWorker } from './dashboard/worker.ts'
import type { Row, SuiteOptions } from './report.ts'

const VMS = 1_000
/** Seeding and one round of N+1 have to fit in 45 s. */
const VMS_QUICK = 100
const PAGE = 50
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
