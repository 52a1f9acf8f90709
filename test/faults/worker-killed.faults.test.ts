import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVm, samplesOf } from '../support/api.ts'
import { databaseUrlOf, storedSamples } from '../support/database.ts'
import { deliveredOf, expectedOf, ingest } from '../support/delivery.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

/** Longer than the kill takes, so that nothing acknowledged is in PostgreSQL yet. */
const FLUSH_INTERVAL_MS = 12_000

let stack: Stack
beforeAll(async () => {
  stack = await startStack({
    env: { GJALLAR_SETTING_FLUSH_INTERVAL_MS: String(FLUSH_INTERVAL_MS) },
  })
})
afterAll(() => stack?.stop())

describe('kill −9 of the worker between acknowledge and flush', () => {
  it('loses no acknowledged sample and counts none twice', async () => {
    const { api, stateFolder } = stack
    const vm = await createVm(api, 'worker-killed')
    const databaseUrl = await databaseUrlOf(stateFolder)
    // A first batch is flushed at once or soon; the one under test comes right after a flush.
    const warmUp = samplesOf(vm.id, 60, Date.now() - 120_000)
    await ingest(api, warmUp)
    await until(
      'the first flush',
      async () => (await storedSamples(databaseUrl, vm.id)) === warmUp.length,
      3 * FLUSH_INTERVAL_MS,
    )
    const sent = samplesOf(vm.id, 90, Date.now())
    expect(await ingest(api, sent)).toMatchObject({ accepted: 90, duplicates: 0, refusedTotal: 0 })
    const killed = await stack.kill('worker', 'SIGKILL')
    expect(await storedSamples(databaseUrl, vm.id)).toBe(warmUp.length)

    await stack.restarted('worker', killed)
    await stack.ready()
    expect(await deliveredOf(api, vm, sent)).toEqual(expectedOf(sent))
    // What a client sends again because it saw no answer is recognised.
    expect(await ingest(api, sent)).toMatchObject({ accepted: 0, duplicates: 90, refusedTotal: 0 })
    const all = warmUp.length + sent.length
    await until(
      'all samples in PostgreSQL',
      async () => (await storedSamples(databaseUrl, vm.id)) >= all,
      4 * FLUSH_INTERVAL_MS,
    )
    expect(await storedSamples(databaseUrl, vm.id)).toBe(all)
    expect(await deliveredOf(api, vm, sent)).toEqual(expectedOf(sent))
  })
})
