import { readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Vm } from '../support/api.ts'
import { databaseUrlOf, storedSamples } from '../support/database.ts'
import type { MetricsAnswer } from '../support/delivery.ts'
import { snappy, writeRequest } from '../support/remote-write.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const HOSTS = ['well-1', 'poisoned', 'well-2'] as const
const SCRAPES = 40
const STEP_MS = 15_000

let stack: Stack
let databaseUrl = ''
beforeAll(async () => {
  stack = await startStack({
    env: {
      GJALLAR_SETTING_SHARDS_PER_ORGANISATION: '1',
      GJALLAR_SETTING_FLUSH_INTERVAL_MS: '200',
    },
  })
  databaseUrl = await databaseUrlOf(stack.stateFolder)
})
afterAll(() => stack?.stop())

/** Scrapes of every host; the newest of them only ends the one before. */
const scrape = async (firstMs: number, count: number): Promise<void> => {
  const series = HOSTS.map((host) => ({
    labels: [['__name__', 'vm_cpu_usage'] as const, ['vm', host] as const],
    samples: Array.from({ length: count + 1 }, (_, n) => ({
      timestamp: firstMs + n * STEP_MS,
      value: n,
    })),
  }))
  const answer = await stack.api.request('/api/v1/write', {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: snappy(writeRequest(series)).slice(),
  })
  expect(answer.status).toBe(204)
}

const sql = async (text: string): Promise<void> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(text).finally(() => client.end())
}

describe('host metrics whose rows PostgreSQL refuses', () => {
  it('hold up nobody else, and their series stay', async () => {
    const firstMs = Date.now() - 2 * SCRAPES * STEP_MS
    // One scrape makes the VMs; none of its samples is complete yet.
    await scrape(firstMs, 0)
    const vms = await Promise.all(HOSTS.map((host) => stack.api.json<Vm>(`/api/v1/vms/${host}`)))
    const poisoned = vms[1]?.id ?? ''
    await sql(`ALTER TABLE vm_metrics ADD CONSTRAINT poisoned CHECK (vm_id <> '${poisoned}')`)
    await scrape(firstMs, SCRAPES)

    const stored = () => Promise.all(vms.map(({ id }) => storedSamples(databaseUrl, id)))
    await until(
      'the samples of the others',
      async () => {
        const [first = 0, , second = 0] = await stored()
        return first >= SCRAPES && second >= SCRAPES
      },
      30_000,
    )
    expect(await stored()).toEqual([SCRAPES, 0, SCRAPES])
    // The terminal shows PostgreSQL's reason, the log whose rows they are.
    expect(stack.output()).toContain('violates check constraint "poisoned"')
    const log = await readFile(path.join(stack.stateFolder, 'logs', 'worker.log'), 'utf8')
    expect(log).toMatch(new RegExp(`refused \\d+ rows of VM ${poisoned}`))
    const to = firstMs + SCRAPES * STEP_MS - 1
    const { columns } = await stack.api.json<MetricsAnswer>(
      `/api/v1/vms/${poisoned}/metrics?from=${firstMs}&to=${to}&resolution=raw`,
    )
    expect(columns.cpu_usage).toEqual(Array.from({ length: SCRAPES }, (_, n) => n))
    const query = new URLSearchParams({
      query: `count_over_time(vm_cpu_usage{vm="poisoned"}[${3 * SCRAPES * STEP_MS}ms])`,
    })
    const counted = await stack.api.json<{ data: { result: { value: [number, string] }[] } }>(
      `/api/v1/query?${query}`,
    )
    expect(counted.data.result.map(({ value }) => value[1])).toContain(String(SCRAPES + 1))
  })

  it('are written again once nothing is wrong with them', async () => {
    await sql('ALTER TABLE vm_metrics DROP CONSTRAINT poisoned')
    await scrape(Date.now() - 30 * STEP_MS, 20)
    const { id } = await stack.api.json<Vm>('/api/v1/vms/poisoned')
    await until('its new samples', async () => (await storedSamples(databaseUrl, id)) >= 20, 30_000)
  })
})
