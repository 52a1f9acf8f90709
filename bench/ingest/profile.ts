import type { BareFleet } from '../load/stack.ts'
import { seedBareFleet } from '../load/stack.ts'
import type { ProfileLoad } from '../load/suite.ts'
import { seriesOf } from './fleet-series.ts'
import { requestsOf } from './requests.ts'
import { send } from './send.ts'

const HOSTS = 100
const PER_REQUEST = 2_000
const SCRAPE_MS = 15_000
/** Scrapes that stand ready for each second of the profile; more than are taken. */
const ROUNDS_PER_SECOND = 40

/** The load that a profile is taken under: remote writes as fast as they are acknowledged. */
export const profile: ProfileLoad<BareFleet> = {
  seed: seedBareFleet(1),
  prepare: ({ url, key, pid }) => {
    // Samples may begin as far back as raw samples are kept; each drive goes on where the last one ended.
    let endMs = Math.floor(Date.now() / 1_000) * 1_000 - 24 * 3_600_000
    const series = seriesOf(HOSTS)
    return async (seconds) => {
      const rounds = Math.min(ROUNDS_PER_SECOND * seconds, 400)
      endMs += rounds * SCRAPE_MS
      const requests = requestsOf(series, PER_REQUEST, rounds, SCRAPE_MS, endMs)
      await send(`${url}/api/v1/write`, { authorization: `Bearer ${key}` }, pid, requests)
    }
  },
}
