/** The dashboard of a fleet with 24 h of samples: the full list and a page, on one connection and 16. */
import { type Fleet, seedFleet } from '../dashboard/seed.ts'
import { createClient } from './client.ts'
import { closedLoopGet, failuresOf, measured, openLoop } from './loops.ts'
import type { LoadRow } from './report.ts'
import { type LoadStack, withStack } from './stack.ts'
import type { LoadOptions, Outcome, ProfileLoad } from './suite.ts'

const VMS = 1_000
const VMS_QUICK = 200
const PAGE = 50
const CONNECTIONS = [1, 16]
/** Of the closed loop's rate: busy, and short of the queue that grows without end. */
const OPEN_SHARE = 0.5
const WARM_UP_REQUESTS = 50

export const run = async ({ quick, log }: LoadOptions): Promise<Outcome> => {
  const vms = quick ? VMS_QUICK : VMS
  const seconds = quick ? 2 : 10
  log(`${vms} VMs, ${vms * 1440} minute samples`)
  const rows = await withStack({ seed: (server) => seedFleet(server, vms), log }, async (stack) => {
    const rows: LoadRow[] = []
    for (const limit of [vms, PAGE]) {
      for (const connections of CONNECTIONS) {
        log(`${limit} of ${vms} VMs, ${connections} connections`)
        rows.push(...(await measureList(stack, { vms, limit, connections, seconds })))
      }
    }
    return rows
  })
  return { rows, faults: failuresOf(rows) }
}

const measureList = async (
  stack: LoadStack,
  options: { vms: number; limit: number; connections: number; seconds: number },
): Promise<LoadRow[]> => {
  const { vms, limit, connections, seconds } = options
  const path = `/api/v1/dashboard?limit=${limit}`
  const client = createClient(stack, connections)
  try {
    for (let request = 0; request < WARM_UP_REQUESTS; request++) {
      const answer = await client.json<{ vms: unknown[] }>(path)
      if (answer.vms.length !== limit) throw new Error(`${answer.vms.length} VMs, not ${limit}`)
    }
    const name = `${limit} of ${vms} VMs`
    const closed = await measured(stack, name, connections, () =>
      closedLoopGet(stack, path, { connections, seconds }),
    )
    const ratePerSecond = closed.requestsPerSecond * OPEN_SHARE
    const open = await measured(stack, name, connections, () =>
      openLoop({ ratePerSecond, seconds }, async () => {
        const { status } = await client.ask(path)
        return { status, expected: status === 200 }
      }),
    )
    return [open, closed]
  } finally {
    client.close()
  }
}

/** The load that a profile is taken under: the full list, then a page, on 4 connections. */
export const profile: ProfileLoad<Fleet> = {
  seed: (server) => seedFleet(server, VMS_QUICK),
  prepare: (stack) => async (seconds) => {
    for (const limit of [VMS_QUICK, PAGE]) {
      const path = `/api/v1/dashboard?limit=${limit}`
      const tally = await closedLoopGet(stack, path, { connections: 4, seconds: seconds / 2 })
      if (tally.errors > 0) throw new Error(`${tally.errors} requests failed`)
    }
  },
}
