import { describe, expect, it } from 'vitest'
import { runRounds, type Victim } from '../support/fault-rounds.ts'

/** `scripts/faults.ts` has many rounds, at random. */
const ROUNDS: readonly (readonly Victim[])[] = [
  ['worker'],
  ['postgres'],
  ['proxy', 'worker'],
  ['stack'],
]

describe('kill −9 under remote writes', () => {
  it('leaves every acknowledged sample queryable once, whoever is killed', async () => {
    const { counts, verdict } = await runRounds({
      rounds: ROUNDS.length,
      seed: 42,
      victimsOf: (round) => ROUNDS[round] ?? [],
      log: () => {},
    })
    expect(verdict).toMatchObject({ lost: 0, doubled: 0, wrong: 0, unknown: 0, examples: [] })
    expect(verdict.samples).toBeGreaterThan(5_000)
    expect(verdict.hostSamples).toBeGreaterThan(100)
    // Senders met the deaths, and were told when to come back where somebody could.
    expect(counts.failures.get(0)).toBeGreaterThan(0)
    expect(counts.withoutRetryAfter).toBe(0)
  })
})
