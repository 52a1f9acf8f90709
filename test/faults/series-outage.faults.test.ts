import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Vm } from '../support/api.ts'
import { storedSamples } from '../support/database.ts'
import type { MetricsAnswer } from '../support/delivery.ts'
import { type DetachedStack, startDetachedStack } from '../support/outage.ts'
import { runOutage } from '../support/outage-run.ts'
import { type SentSeries, snappy, writeRequest } from '../support/remote-write.ts'
import { until } from '../support/until.ts'

const OUTAGE_SECONDS = 12
const WATCH_SECONDS = 10
const CUT_SAMPLES = 3_000
const JOURNAL_SAMPLES_MAX = 500
/** Commits in one second: of a flush with its look-ups, for each failed try of half a minute. */
const COMMITS_MAX = 40

let detached: DetachedStack
beforeAll(async () => {
  detached = await startDetachedStack({
    GJALLAR_SETTING_SHARDS_PER_ORGANISATION: '1',
    GJALLAR_SETTING_SERIES_CUT_SAMPLES: String(CUT_SAMPLES),
    GJALLAR_SETTING_JOURNAL_SAMPLES_MAX: String(JOURNAL_SAMPLES_MAX),
    GJALLAR_SETTING_FLUSH_INTERVAL_MS: '500',
  })
})
afterAll(() => detached?.stop())

const write = (series: readonly SentSeries[]): Promise<Response> =>
  detached.stack.api.request('/api/v1/write', {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' },
    body: snappy(writeRequest(series)).slice(),
  })

const samples = (name: string, labels: SentSeries['labels'], times: readonly number[]) => ({
  labels: [['__name__', name] as const, ...labels],
  samples: times.map((timestamp) => ({ timestamp, value: 5 })),
})
const ofHost = (times: readonly number[]) =>
  samples('vm_memory_usage', [['vm', 'waiting-host']], times)

describe('PostgreSQL gone under remote writes', () => {
  it('loses nothing, keeps the journal short, and is written to without a storm when it is back', async () => {
    const outage = await runOutage(detached, {
      outageSeconds: OUTAGE_SECONDS,
      samplesPerSecond: 1_000,
      watchSeconds: WATCH_SECONDS,
      seed: 42,
      log: () => {},
    })
    expect(outage.acknowledged).toBeGreaterThan((OUTAGE_SECONDS * 1_000) / 2)
    expect(outage.verdict).toMatchObject({
      lost: 0,
      doubled: 0,
      wrong: 0,
      unknown: 0,
      examples: [],
    })
    // A cut begins at its bound, and a request or two come while it is made.
    const journals = [...outage.held, outage.heldAfter].map(({ journal }) => journal)
    expect(Math.max(...journals)).toBeLessThan(2 * CUT_SAMPLES)
    expect(Math.max(...outage.commitsAfter)).toBeLessThan(COMMITS_MAX)
  })

  it('stops what needs it at the bound with Retry-After, and nothing else', async () => {
    const now = Date.now()
    const before = Array.from({ length: JOURNAL_SAMPLES_MAX }, (_, n) => now - (n + 10) * 2_000)
    expect((await write([ofHost([now - 3_600_000])])).status).toBe(204)
    await detached.takeAway()
    const taken = [...before].reverse()
    expect((await write([ofHost(taken)])).status).toBe(204)
    const next: number[] = []
    const refused = await until(
      'the bound',
      async () => {
        const at = Date.now()
        const answer = await write([ofHost([at])])
        if (answer.status === 204) next.push(at)
        // What comes sooner is the same scrape.
        await sleep(1_000)
        return answer.status === 503 && answer
      },
      30_000,
    )
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(((await refused.json()) as { type: string }).type).toContain('journal-full')
    const plain = samples('waiting_for_nobody', [['job', 'outage']], [Date.now()])
    expect((await write([plain])).status).toBe(204)

    await detached.giveBack()
    const last = Date.now()
    await until(
      'the host to be taken again',
      async () => (await write([ofHost([last])])).ok,
      80_000,
    )
    const { api } = detached.stack
    const vm = await api.json<Vm>('/api/v1/vms/waiting-host')
    const all = [...taken, ...next]
    const { columns } = await until('the scrapes to settle', async () => {
      const answer = await api.json<MetricsAnswer>(
        `/api/v1/vms/${vm.id}/metrics?from=${taken[0]}&to=${last - 1}&resolution=raw`,
      )
      return answer.columns.timestamp.length >= all.length && answer
    })
    expect(columns.timestamp).toEqual(all)
    // The first sample of the host stands beside those.
    await until(
      'PostgreSQL to have them',
      async () => (await storedSamples(detached.databaseUrl, vm.id)) > all.length,
      80_000,
    )
  })
})
