import { evictDurableObject, reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { HOUR_MS, minuteOf, periodOf } from '../../src/ledger/periods.ts'
import type { LeaseAsk, LedgerRpc } from '../../src/ledger/protocol.ts'
import type { KeyLimits } from '../../src/ledger/types.ts'
import { limitsOf, recordOf } from './records.ts'

const ORGANISATION = '0190a000-0000-7000-8000-0000000000bb'
const KEY = '0190a000-0000-7000-8000-0000000000c1'
/** Neither the first of a month nor a midnight. */
const NOW = Date.UTC(2026, 10, 22, 12)

const stubOf = (name: string): DurableObjectStub<Ledger> =>
  env.LEDGER.get(env.LEDGER.idFromName(name))
const rpcOf = (name: string): LedgerRpc => stubOf(name) as unknown as LedgerRpc

const askFor = (leaseId: string, limits: KeyLimits, nanoUsd: number): LeaseAsk => ({
  leaseId,
  keyId: KEY,
  limits,
  periodStartMs: periodOf(limits.budgetPeriod, Date.now()).startMs,
  minute: minuteOf(Date.now()),
  need: { nanoUsd, requests: 0, tokens: 0 },
  estimateNanoUsd: nanoUsd,
})
const entryOf = (costNanoUsd: number, leaseId: string | null, reservedNanoUsd: number) => ({
  record: recordOf({ keyId: KEY, costNanoUsd, atMs: Date.now() }),
  leaseId,
  reservedNanoUsd,
})

afterEach(() => {
  vi.restoreAllMocks()
})
// Alarms would go on for ever: there is no PostgreSQL here.
afterAll(() => reset())

describe('a lease', () => {
  const kinds = ['day', 'month', 'total'] as const
  it.each(kinds.flatMap((before) => kinds.map((after) => [before, after] as const)))(
    'of a budget by %s counts against the one by %s that takes its place',
    async (before, after) => {
      vi.spyOn(Date, 'now').mockReturnValue(NOW)
      const ledger = rpcOf(`from ${before} to ${after}`)
      const budgetOf = (budgetPeriod: KeyLimits['budgetPeriod']) =>
        limitsOf({ budgetNanoUsd: 10_000, budgetPeriod })
      const held = await ledger.lease(ORGANISATION, askFor('a:1', budgetOf(before), 6_000))
      expect(held).toMatchObject({ kind: 'granted', amounts: { nanoUsd: 6_000 } })
      const limits = budgetOf(after)
      expect(await ledger.lease(ORGANISATION, askFor('b:1', limits, 4_001))).toMatchObject({
        kind: 'refused',
      })
      expect(await ledger.lease(ORGANISATION, askFor('b:1', limits, 4_000))).toMatchObject({
        kind: 'granted',
      })
    },
  )

  it('is as its last report told, also where an earlier one comes late', async () => {
    const clock = vi.spyOn(Date, 'now').mockReturnValue(NOW)
    const ledger = rpcOf('late')
    const limits = limitsOf({ budgetNanoUsd: 10_000 })
    await ledger.lease(ORGANISATION, askFor('a:1', limits, 1_000))
    const state = { leaseId: 'a:1', returnedNanoUsd: 0 }
    const first = {
      holder: 'a',
      sequence: 1,
      entries: [entryOf(0, null, 0)],
      leases: [{ ...state, inFlightNanoUsd: 1_000 }],
    }
    await ledger.report(ORGANISATION, first)
    await ledger.report(ORGANISATION, {
      holder: 'a',
      sequence: 2,
      entries: [entryOf(300, 'a:1', 1_000)],
      leases: [{ ...state, inFlightNanoUsd: 0 }],
    })
    await ledger.report(ORGANISATION, first)
    clock.mockReturnValue(NOW + 61_000)
    // What was in flight has ended: of the silent lease nothing is held.
    expect(await ledger.lease(ORGANISATION, askFor('b:1', limits, 9_700))).toMatchObject({
      kind: 'granted',
    })
  })

  it('is not to be had while the ledger takes no records, which would not be charged', async () => {
    const bound = Number(env.LEDGER_RECORDS_MAX ?? 200_000)
    await runInDurableObject(stubOf('full'), (_, state) => {
      state.storage.sql.exec(`INSERT INTO journal (records, batch) VALUES (?, '[]')`, bound - 1)
    })
    await evictDurableObject(stubOf('full'))
    const ledger = rpcOf('full')
    const limits = limitsOf({ budgetNanoUsd: 10_000 })
    const report = { holder: 'a', sequence: 1, leases: [] }
    const entries = [entryOf(1, null, 0), entryOf(1, null, 0)]
    expect(await ledger.report(ORGANISATION, { ...report, entries })).toMatchObject({
      stored: false,
    })
    expect(await ledger.lease(ORGANISATION, askFor('b:1', limits, 1))).toMatchObject({
      kind: 'refused',
      fault: { reason: 'ledger-unavailable' },
    })
    const fewer = entries.slice(0, 1)
    expect(await ledger.report(ORGANISATION, { ...report, entries: fewer })).toMatchObject({
      stored: true,
    })
    expect(await ledger.lease(ORGANISATION, askFor('b:1', limits, 1))).toMatchObject({
      kind: 'granted',
    })
  })
})

it.each([
  ['a year ahead', NOW + 365 * 24 * HOUR_MS],
  ['three days behind', NOW - 72 * HOUR_MS],
  ['no clock', Number.NaN],
])('a request told by %s is spent today, where budgets count it', async (name, atMs) => {
  vi.spyOn(Date, 'now').mockReturnValue(NOW)
  const ledger = rpcOf(name)
  const entry = entryOf(700, null, 0)
  const entries = [{ ...entry, record: { ...entry.record, atMs } }]
  await ledger.report(ORGANISATION, { holder: 'a', sequence: 1, entries, leases: [] })
  expect(await ledger.spent([{ keyId: KEY, budgetPeriod: 'day' }])).toEqual([
    { keyId: KEY, spentNanoUsd: 700 },
  ])
})

it('a ledger whose clock was set back does its next round soon, not when the clock is there again', async () => {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(NOW)
  const stub = stubOf('set back')
  const report = { holder: 'a', sequence: 1, leases: [] }
  await rpcOf('set back').report(ORGANISATION, { ...report, entries: [entryOf(1, null, 0)] })
  await runInDurableObject(stub, (ledger: Ledger) => ledger.alarm())
  clock.mockReturnValue(NOW - HOUR_MS)
  await rpcOf('set back').report(ORGANISATION, {
    ...report,
    sequence: 2,
    entries: [entryOf(1, null, 0)],
  })
  const alarm = await runInDurableObject(stub, (_, state) => state.storage.getAlarm())
  expect(alarm).not.toBeNull()
  expect((alarm ?? 0) - (NOW - HOUR_MS)).toBeLessThan(2 * 60_000)
})
