import { hostname } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Vm } from '../support/api.ts'
import { databaseUrlOf, storedSamples } from '../support/database.ts'
import type { MetricsAnswer } from '../support/delivery.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

let stack: Stack
beforeAll(async () => {
  stack = await startStack({
    agent: true,
    env: { GJALLAR_SETTING_FLUSH_INTERVAL_MS: '500' },
  })
})
afterAll(() => stack?.stop())

const timestamps = async (): Promise<number[]> => {
  const to = Date.now() + 1_000
  const { columns } = await stack.api.json<MetricsAnswer>(
    `/api/v1/vms/${hostname()}/metrics?from=${to - 600_000}&to=${to}&resolution=raw`,
  )
  return columns.timestamp
}

describe('kill −9 of the agent', () => {
  it('is followed by a new one that goes on with the same VM, and nothing counts twice', async () => {
    const before = await until('first samples', async () => {
      const seen = await timestamps()
      return seen.length >= 3 && seen
    })
    const killed = await stack.kill('agent', 'SIGKILL')
    await stack.restarted('agent', killed)
    const after = await until('samples of the new agent', async () => {
      const seen = await timestamps()
      return seen.length >= before.length + 3 && seen
    })
    expect(after.slice(0, before.length)).toEqual(before)
    expect(new Set(after).size).toBe(after.length)
    const { vms } = await stack.api.json<{ vms: Vm[] }>('/api/v1/vms')
    expect(vms.map(({ name, status }) => ({ name, status }))).toEqual([
      { name: hostname(), status: 'running' },
    ])

    // The agent goes on meanwhile, so the two may differ by the samples on their way.
    const vmId = vms[0]?.id ?? ''
    const databaseUrl = await databaseUrlOf(stack.stateFolder)
    await until(
      'PostgreSQL to have as many samples as the service tells',
      async () => {
        const told = (await timestamps()).length
        const stored = await storedSamples(databaseUrl, vmId)
        return Math.abs(told - stored) <= 2
      },
      20_000,
    )
  })
})

describe('the service killed −9 under the agent', () => {
  it('leaves no gap: what was measured meanwhile is delivered afterwards', async () => {
    const killed = await stack.kill('worker', 'SIGKILL')
    await stack.restarted('worker', killed)
    await stack.ready()
    const from = (await timestamps()).at(-1) ?? 0
    await until(
      'five more samples',
      async () => (await timestamps()).filter((t) => t > from).length >= 5,
    )
    const seen = (await timestamps()).slice(-10)
    const gaps = seen.slice(1).map((t, index) => t - (seen[index] ?? 0))
    expect(Math.max(...gaps)).toBeLessThan(2_000)
  })
})
