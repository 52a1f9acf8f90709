import {
  evictDurableObject,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { Journal } from '../../src/ledger/journal.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { type LedgerPort, OrganisationAccount } from '../../src/ledger/organisation-account.ts'
import { MINUTE_MS } from '../../src/ledger/periods.ts'
import type { LedgerRpc } from '../../src/ledger/protocol.ts'
import type { KeyLimits, Reservation } from '../../src/ledger/types.ts'
import { limitsOf, randomOf, recordOf } from './records.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000bb'
const KEY = '0190a000-0000-7000-8000-0000000000c1'

const stubOf = (name: string): DurableObjectStub<Ledger> =>
  env.LEDGER.get(env.LEDGER.idFromName(name))

/** An isolate's account in front of a real ledger. */
const isolateOf = (name: string) => {
  const stub = stubOf(name) as unknown as LedgerRpc
  const account = new OrganisationAccount(crypto.randomUUID())
  const work: Promise<void>[] = []
  const port: LedgerPort = {
    lease: (ask) => stub.lease(ORGANISATION, ask),
    report: (report) => stub.report(ORGANISATION, report),
    now: () => Date.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    waitUntil: (promise) => void work.push(promise),
    failed: (message, error) => console.error(message, error),
  }
  const reserve = (limits: KeyLimits, costNanoUsd: number, tokens = 0) =>
    Promise.resolve(account.reserve(KEY, limits, { costNanoUsd, tokens }, port))
  return { account, port, reserve, flush: () => account.flush(port) }
}

const spentOf = async (name: string, budgetPeriod: KeyLimits['budgetPeriod'] = 'total') => {
  const [spend] = await (stubOf(name) as unknown as LedgerRpc).spent([{ keyId: KEY, budgetPeriod }])
  return spend?.spentNanoUsd
}

const settle = (reservation: Reservation, costNanoUsd: number) =>
  reservation.settle(recordOf({ keyId: KEY, costNanoUsd }))

afterEach(() => {
  vi.restoreAllMocks()
})
// Alarms would go on for ever: there is no PostgreSQL here.
afterAll(() => reset())

describe('the ledger', () => {
  it('has the sum of 200 streams at a time with failures to the billionth, and no budget is passed', async () => {
    const random = randomOf(42)
    const isolates = [isolateOf('exact'), isolateOf('exact'), isolateOf('exact')]
    const limits = limitsOf({ budgetNanoUsd: 3_000_000_000 })
    let spent = 0
    let refused = 0
    const stream = async (number: number): Promise<void> => {
      const isolate = isolates[number % isolates.length] ?? isolateOf('exact')
      for (let request = 0; request < 10; request++) {
        const estimate = 1 + Math.floor(random() * 3_000_000)
        const reserved = await isolate.reserve(limits, estimate)
        if (!reserved.ok) {
          expect(reserved.error.reason).toBe('budget-exceeded')
          refused++
          continue
        }
        await new Promise((resolve) => setTimeout(resolve, random() * 4))
        const outcome = random()
        // A fifth fails before a token came, a fifth breaks off in the middle.
        const cost = outcome < 0.2 ? 0 : outcome < 0.4 ? Math.floor(estimate * random()) : estimate
        spent += cost
        settle(reserved.value, cost)
        // Settling twice, as an error path after a finally would, changes nothing.
        settle(reserved.value, cost)
      }
    }
    await Promise.all(Array.from({ length: 200 }, (_, number) => stream(number)))
    for (const { flush } of isolates) expect(await flush()).toBe(true)
    expect(await spentOf('exact')).toBe(spent)
    expect(spent).toBeLessThanOrEqual(3_000_000_000)
    expect(refused).toBe(0)
  })

  it('stops at the budget: what is spent by many isolates at once never passes it', async () => {
    const random = randomOf(7)
    const isolates = [isolateOf('full'), isolateOf('full')]
    const limits = limitsOf({ budgetNanoUsd: 100_000_000 })
    let spent = 0
    let refused = 0
    const stream = async (number: number): Promise<void> => {
      for (let request = 0; request < 10; request++) {
        const estimate = 1 + Math.floor(random() * 2_000_000)
        const reserved = await (isolates[number % 2] ?? isolateOf('full')).reserve(limits, estimate)
        if (!reserved.ok) refused++
        else {
          spent += estimate
          settle(reserved.value, estimate)
        }
      }
    }
    await Promise.all(Array.from({ length: 50 }, (_, number) => stream(number)))
    for (const { flush } of isolates) await flush()
    expect(refused).toBeGreaterThan(0)
    expect(spent).toBeLessThanOrEqual(100_000_000)
    expect(await spentOf('full')).toBe(spent)
  })

  it('refuses nothing that fits, to the last billionth, where one isolate asks', async () => {
    const isolate = isolateOf('last')
    const limits = limitsOf({ budgetNanoUsd: 1_000 })
    for (let request = 0; request < 10; request++) {
      const reserved = await isolate.reserve(limits, 100)
      expect(reserved.ok).toBe(true)
      // A tenth of the estimate: what is over is there for the next one.
      if (reserved.ok) settle(reserved.value, 10)
    }
    expect((await isolate.reserve(limits, 901)).ok).toBe(false)
    const rest = await isolate.reserve(limits, 900)
    expect(rest.ok).toBe(true)
    expect(await isolate.reserve(limits, 1)).toEqual({
      ok: false,
      error: {
        reason: 'budget-exceeded',
        spentNanoUsd: expect.any(Number),
        budgetNanoUsd: 1_000,
        resetsAtMs: null,
      },
    })
  })

  it('takes a request that cost more than was estimated, and refuses the next', async () => {
    const isolate = isolateOf('over')
    const limits = limitsOf({ budgetNanoUsd: 1_000 })
    const reserved = await isolate.reserve(limits, 900)
    if (reserved.ok) settle(reserved.value, 1_500)
    expect((await isolate.reserve(limits, 1)).ok).toBe(false)
    await isolate.flush()
    expect(await spentOf('over')).toBe(1_500)
    expect((await isolate.reserve(limits, 1)).ok).toBe(false)
  })

  it('bounds requests and tokens of a minute over all isolates, and says when the next begins', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_790_000_040_000 + 15_000)
    const isolates = [isolateOf('rates'), isolateOf('rates')]
    const limits = limitsOf({ requestsPerMinute: 5, tokensPerMinute: 1_000 })
    const answers = []
    for (let request = 0; request < 8; request++)
      answers.push(await (isolates[request % 2] ?? isolateOf('rates')).reserve(limits, 0, 10))
    expect(answers.filter(({ ok }) => ok)).toHaveLength(5)
    expect(answers.at(-1)).toEqual({
      ok: false,
      error: { reason: 'rate-exceeded', of: 'requests', limitPerMinute: 5, retryAfterMs: 45_000 },
    })
    vi.spyOn(Date, 'now').mockReturnValue(1_790_000_040_000 + MINUTE_MS)
    const next = isolates[0] ?? isolateOf('rates')
    expect((await next.reserve(limits, 0, 951)).ok).toBe(true)
    expect(await next.reserve(limits, 0, 50)).toMatchObject({
      error: { reason: 'rate-exceeded', of: 'tokens', limitPerMinute: 1_000 },
    })
    expect(await next.reserve(limits, 0, 1_001)).toMatchObject({
      error: { reason: 'request-too-large', tokens: 1_001 },
    })
  })

  it('begins a day’s budget anew at midnight UTC', async () => {
    const midnight = Date.UTC(2026, 10, 23)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(midnight - 1_000)
    const isolate = isolateOf('day')
    const limits = limitsOf({ budgetNanoUsd: 1_000, budgetPeriod: 'day' })
    const reserved = await isolate.reserve(limits, 1_000)
    if (reserved.ok) settle(reserved.value, 1_000)
    expect(await isolate.reserve(limits, 1)).toMatchObject({
      error: { reason: 'budget-exceeded', resetsAtMs: midnight },
    })
    clock.mockReturnValue(midnight)
    expect((await isolate.reserve(limits, 1_000)).ok).toBe(true)
    await isolate.flush()
    expect(await spentOf('day', 'day')).toBe(0)
    expect(await spentOf('day', 'month')).toBe(1_000)
  })

  it('keeps leases and spend over an eviction', async () => {
    const isolate = isolateOf('evicted')
    const limits = limitsOf({ budgetNanoUsd: 1_000 })
    const reserved = await isolate.reserve(limits, 600)
    await evictDurableObject(stubOf('evicted'))
    expect((await isolateOf('evicted').reserve(limits, 500)).ok).toBe(false)
    if (reserved.ok) settle(reserved.value, 450)
    await isolate.flush()
    await evictDurableObject(stubOf('evicted'))
    expect(await spentOf('evicted')).toBe(450)
  })

  it('takes a report once, however often it is sent, and a record once from whoever sends it', async () => {
    const stub = stubOf('twice') as unknown as LedgerRpc
    const entries = [
      { record: recordOf({ keyId: KEY, costNanoUsd: 7 }), leaseId: null, reservedNanoUsd: 0 },
    ]
    const report = { holder: 'a', sequence: 1, entries, leases: [] }
    for (let time = 0; time < 3; time++)
      expect(await stub.report(ORGANISATION, report)).toEqual({ stored: true, ended: [] })
    await stub.report(ORGANISATION, { ...report, holder: 'b' })
    expect(await spentOf('twice')).toBe(7)
  })

  it('frees what a lost isolate held, keeps what it had in flight, and charges that as estimated', async () => {
    const start = Date.UTC(2026, 10, 22, 12)
    const clock = vi.spyOn(Date, 'now').mockReturnValue(start)
    const lost = isolateOf('lost')
    const limits = limitsOf({ budgetNanoUsd: 10_000 })
    const reserved = await lost.reserve(limits, 400)
    const other = isolateOf('lost')
    clock.mockReturnValue(start + 61_000)
    expect((await other.reserve(limits, 9_601)).ok).toBe(false)
    const rest = await other.reserve(limits, 9_600)
    expect(rest.ok).toBe(true)
    if (rest.ok) settle(rest.value, 0)
    await other.flush()
    clock.mockReturnValue(start + 16 * 60_000)
    await runDurableObjectAlarm(stubOf('lost'))
    expect(await spentOf('lost')).toBe(400)
    // It lives after all: its request costs what it cost.
    if (reserved.ok) settle(reserved.value, 250)
    await lost.flush()
    expect(await spentOf('lost')).toBe(250)
  })

  it('does not serve a key with limits on trust while the ledger is away', async () => {
    const isolate = isolateOf('away')
    vi.spyOn(isolate.port, 'failed').mockReturnValue()
    vi.spyOn(isolate.port, 'lease').mockRejectedValue(new Error('the object is overloaded'))
    expect(await isolate.reserve(limitsOf({ requestsPerMinute: 5 }), 1)).toEqual({
      ok: false,
      error: { reason: 'ledger-unavailable', retryAfterMs: 2_000 },
    })
  })

  it('takes no more records than its bound while PostgreSQL is away, and says when to come back', async () => {
    const stub = stubOf('bound') as unknown as LedgerRpc
    const bound = Number(env.LEDGER_RECORDS_MAX ?? 200_000)
    const entries = Array.from({ length: 500 }, () => ({
      record: recordOf(),
      leaseId: null,
      reservedNanoUsd: 0,
    }))
    await runInDurableObject(stubOf('bound'), (_, state) => {
      state.storage.sql.exec(`INSERT INTO journal (records, batch) VALUES (?, '[]')`, bound - 400)
    })
    await evictDurableObject(stubOf('bound'))
    expect(
      await stub.report(ORGANISATION, { holder: 'a', sequence: 1, entries, leases: [] }),
    ).toEqual({
      stored: false,
      ended: [],
      retryAfterSeconds: 6,
    })
    expect(
      await stub.report(ORGANISATION, {
        holder: 'a',
        sequence: 1,
        entries: entries.slice(0, 100),
        leases: [],
      }),
    ).toMatchObject({ stored: true })
  })
})

describe('feedback', () => {
  const decisions = (name: string) =>
    runInDurableObject(stubOf(name), (_, state) =>
      state.storage.sql
        .exec('SELECT trials, score_micro, latency_count, latency_sum FROM outcomes')
        .toArray(),
    )
  const tell = (name: string, decisionId: string, more: object) =>
    (stubOf(name) as unknown as LedgerRpc).feedback(ORGANISATION, {
      decisionId,
      success: null,
      score: null,
      latencyMs: null,
      ...more,
    })

  it('replaces what was told before of the same decision exactly, and survives an eviction', async () => {
    const isolate = isolateOf('feedback')
    const record = recordOf({ kind: 'route', outcome: 'decided' })
    isolate.account.record(record, isolate.port)
    await isolate.flush()
    expect(await tell('feedback', record.id, { score: 0.1, latencyMs: 900 })).toEqual({
      kind: 'stored',
    })
    expect(await tell('feedback', record.id, { score: 0.3, latencyMs: 120.4 })).toEqual({
      kind: 'stored',
    })
    await evictDurableObject(stubOf('feedback'))
    expect(await decisions('feedback')).toEqual([
      { trials: 1, score_micro: 300_000, latency_count: 1, latency_sum: 120 },
    ])
    await tell('feedback', record.id, { success: true })
    expect(await decisions('feedback')).toEqual([
      { trials: 1, score_micro: 1_000_000, latency_count: 0, latency_sum: 0 },
    ])
  })

  it('does not count a client’s latency beside the one that the gateway measured', async () => {
    const isolate = isolateOf('measured')
    const record = recordOf({ latencyMs: 250 })
    isolate.account.record(record, isolate.port)
    isolate.account.record(recordOf({ outcome: 'error', latencyMs: 9 }), isolate.port)
    await isolate.flush()
    await runDurableObjectAlarm(stubOf('measured'))
    await tell('measured', record.id, { success: false, latencyMs: 4_000 })
    expect(await decisions('measured')).toEqual([
      { trials: 1, score_micro: 0, latency_count: 1, latency_sum: 250 },
    ])
  })

  it('on a decision that nobody made is not taken', async () => {
    expect(await tell('nobody', crypto.randomUUID(), { success: true })).toEqual({
      kind: 'unknown',
    })
  })
})

describe('the journal', () => {
  it('counts each record into its hour once, over evictions between journal, count and flush', async () => {
    const isolate = isolateOf('hours')
    const atMs = Date.now()
    for (let n = 0; n < 450; n++)
      isolate.account.record(recordOf({ atMs, costNanoUsd: n, latencyMs: n }), isolate.port)
    await isolate.flush()
    for (let round = 0; round < 3; round++) {
      await evictDurableObject(stubOf('hours'))
      await runDurableObjectAlarm(stubOf('hours'))
    }
    const [hours, waiting] = await runInDurableObject(stubOf('hours'), (_, state) => {
      const journal = new Journal(state.storage.sql)
      return [journal.pendingHours(10), journal.waiting]
    })
    expect(waiting).toBe(450)
    expect(hours).toHaveLength(1)
    expect(hours[0]?.sums).toMatchObject({ requests: 450, costNanoUsd: (449 * 450) / 2 })
  })
})
