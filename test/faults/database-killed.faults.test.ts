import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVm, samplesOf } from '../support/api.ts'
import { databaseUrlOf, storedSamples } from '../support/database.ts'
import { deliveredOf, expectedOf, ingest, type Samples } from '../support/delivery.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({ env: { GJALLAR_SETTING_FLUSH_INTERVAL_MS: '200' } })
})
afterAll(() => stack?.stop())

describe('kill −9 of PostgreSQL during flushes', () => {
  it('loses no acknowledged sample and counts none twice', async () => {
    const { api, stateFolder } = stack
    const vm = await createVm(api, 'database-killed')
    const databaseUrl = await databaseUrlOf(stateFolder)
    const all = samplesOf(vm.id, 900, Date.now())
    const acknowledged: Samples = []
    const batches = Array.from({ length: 45 }, (_, index) => all.slice(index * 20, index * 20 + 20))
    // The batches keep coming while the server is killed, so flushes meet its death midway.
    for (const [index, batch] of batches.entries()) {
      const answer = await ingest(api, batch).catch(() => null)
      if (answer !== null) acknowledged.push(...batch)
      if (index === 8 || index === 24) await stack.kill('postgres', 'SIGKILL')
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    await stack.ready()
    expect(acknowledged.length).toBeGreaterThan(all.length / 3)

    // Also what was not acknowledged may be there: the client sends it again and it counts once.
    for (const batch of batches) {
      const answer = await ingest(api, batch)
      expect(answer.accepted + answer.duplicates).toBe(batch.length)
    }
    await until(
      'all samples in PostgreSQL',
      async () => (await storedSamples(databaseUrl, vm.id)) >= all.length,
      60_000,
    )
    expect(await storedSamples(databaseUrl, vm.id)).toBe(all.length)
    expect(await deliveredOf(api, vm, all)).toEqual(expectedOf(all))
  })
})
