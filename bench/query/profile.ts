import { send } from '../ingest/send.ts'
import type { BareFleet } from '../load/stack.ts'
import { seedBareFleet } from '../load/stack.ts'
import type { ProfileLoad } from '../load/suite.ts'
import { ask, DAY_MS, dataOf, lastScrapeMs, QUERIES } from './queries.ts'

const HOSTS = 32

/** The load that a profile is taken under: the suite's queries in turn, one after the other. */
export const profile: ProfileLoad<BareFleet> = {
  seed: seedBareFleet(1),
  prepare: ({ url, key, pid }) => {
    const endMs = lastScrapeMs()
    const target = { base: url, headers: { authorization: `Bearer ${key}` } }
    let isStored: Promise<unknown> | null = null
    return async (seconds) => {
      isStored ??= send(`${url}/api/v1/write`, target.headers, pid, dataOf(HOSTS, endMs, DAY_MS))
      await isStored
      const untilMs = performance.now() + seconds * 1_000
      while (performance.now() < untilMs)
        for (const name of Object.keys(QUERIES)) await ask(target, name, endMs)
    }
  },
}
