import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grantOf, shortageOf } from '../../src/ledger/grants.ts'
import { LEASE_USABLE_MS, Lease } from '../../src/ledger/lease.ts'
import { periodOf } from '../../src/ledger/periods.ts'
import type { Estimate, KeyLimits } from '../../src/ledger/types.ts'
import { limitsOf } from './records.ts'

const NOW = Date.UTC(2026, 10, 22, 12, 30, 15)
const ALWAYS = periodOf('total', NOW)

/** The ledger's side of a budget and a minute, as little as it can be: what is granted is gone. */
const ledgerOf = (limits: KeyLimits) => {
  const left = {
    nanoUsd: limits.budgetNanoUsd ?? Number.POSITIVE_INFINITY,
    requests: limits.requestsPerMinute ?? Number.POSITIVE_INFINITY,
    tokens: limits.tokensPerMinute ?? Number.POSITIVE_INFINITY,
  }
  return {
    left,
    /** @returns whether it was granted */
    ask: (lease: Lease, estimate: Estimate): boolean => {
      const claim = lease.claim(estimate, NOW)
      const free = { ...left, spentNanoUsd: 0 }
      if (shortageOf(claim.need, free, limits, ALWAYS, NOW) !== null) {
        lease.refused(claim)
        return false
      }
      const amounts = grantOf(claim.need, free, estimate.costNanoUsd)
      for (const name of ['nanoUsd', 'requests', 'tokens'] as const) left[name] -= amounts[name]
      lease.usableUntilMs = NOW + LEASE_USABLE_MS
      lease.granted(claim, amounts)
      return true
    },
  }
}

const step = fc.record({
  isolate: fc.nat(2),
  cost: fc.integer({ min: 0, max: 400 }),
  tokens: fc.integer({ min: 0, max: 60 }),
  /** Cost over estimate, in tenths; 10 is as estimated. */
  tenths: fc.nat(10),
  isSettled: fc.boolean(),
})

describe('leases', () => {
  it('never let isolates together spend more than the budget, nor more requests and tokens than a minute has', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 1, max: 60 }),
        (steps, budgetNanoUsd, requestsPerMinute) => {
          const limits = limitsOf({ budgetNanoUsd, requestsPerMinute, tokensPerMinute: 2_000 })
          const ledger = ledgerOf(limits)
          const leases = [0, 1, 2].map((n) => new Lease(String(n), limits, ALWAYS))
          let spent = 0
          let held = 0
          let requests = 0
          for (const { isolate, cost, tokens, tenths, isSettled } of steps) {
            const lease = leases[isolate]
            if (lease === undefined) continue
            const estimate = { costNanoUsd: cost, tokens }
            if (!lease.take(estimate, NOW) && !ledger.ask(lease, estimate)) continue
            requests++
            if (isSettled) {
              const real = Math.floor((cost * tenths) / 10)
              lease.settle(estimate, Math.floor(NOW / 60_000), real, tokens)
              spent += real
            } else held += cost
          }
          const room = leases.reduce((sum, { roomNanoUsd }) => sum + roomNanoUsd, 0)
          // Nothing is lost and nothing is made: all of the budget is somewhere.
          expect(spent + held + room + ledger.left.nanoUsd).toBe(budgetNanoUsd)
          expect(spent + held).toBeLessThanOrEqual(budgetNanoUsd)
          expect(ledger.left.nanoUsd).toBeGreaterThanOrEqual(0)
          expect(requests).toBeLessThanOrEqual(requestsPerMinute)
          expect(ledger.left.tokens).toBeGreaterThanOrEqual(0)
        },
      ),
      { seed: 42, numRuns: 300 },
    )
  })

  it('refuse nothing that fits where one isolate asks', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 100 }),
        fc.integer({ min: 0, max: 10_000 }),
        (steps, budgetNanoUsd) => {
          const limits = limitsOf({ budgetNanoUsd })
          const ledger = ledgerOf(limits)
          const lease = new Lease('one', limits, ALWAYS)
          let used = 0
          for (const { cost, tokens } of steps) {
            const estimate = { costNanoUsd: cost, tokens }
            const isTaken = lease.take(estimate, NOW) || ledger.ask(lease, estimate)
            expect(isTaken).toBe(used + cost <= budgetNanoUsd)
            if (isTaken) used += cost
          }
        },
      ),
      { seed: 42, numRuns: 300 },
    )
  })

  it('are filled up by the next grant after a request cost more than it was estimated', () => {
    const limits = limitsOf({ budgetNanoUsd: 1_000 })
    const ledger = ledgerOf(limits)
    const lease = new Lease('one', limits, ALWAYS)
    const estimate = { costNanoUsd: 100, tokens: 0 }
    expect(ledger.ask(lease, estimate)).toBe(true)
    lease.settle(estimate, 0, 700, 0)
    expect(ledger.ask(lease, { costNanoUsd: 301, tokens: 0 })).toBe(false)
    expect(ledger.ask(lease, { costNanoUsd: 300, tokens: 0 })).toBe(true)
  })

  it('end with their minute, and with the silence of the ledger', () => {
    const limits = limitsOf({ requestsPerMinute: 1_000 })
    const ledger = ledgerOf(limits)
    const lease = new Lease('one', limits, ALWAYS)
    const estimate = { costNanoUsd: 5, tokens: 5 }
    expect(lease.take(estimate, NOW)).toBe(false)
    expect(ledger.ask(lease, estimate)).toBe(true)
    expect(lease.take(estimate, NOW)).toBe(true)
    expect(lease.take(estimate, NOW + LEASE_USABLE_MS)).toBe(false)
    lease.usableUntilMs = NOW + 600_000
    expect(lease.take(estimate, NOW + 60_000)).toBe(false)
  })

  it('are as small as what is needed where little is left, and hold room for more where plenty is', () => {
    const free = { nanoUsd: 10_000, requests: 60, tokens: 1e9, spentNanoUsd: 0 }
    const need = { nanoUsd: 1_000, requests: 1, tokens: 100 }
    expect(grantOf(need, free, 1_000)).toEqual({
      nanoUsd: 1_000,
      requests: 1,
      tokens: 100 + 25_600,
    })
    const plenty = grantOf(need, { ...free, nanoUsd: 1e12, requests: 1_000 }, 1_000)
    expect(plenty.nanoUsd).toBe(1_000 + 256_000)
    expect(plenty.requests).toBe(1 + 124)
  })

  it('give back what no request uses, once', () => {
    const limits = limitsOf({ budgetNanoUsd: 1e12 })
    const ledger = ledgerOf(limits)
    const lease = new Lease('one', limits, ALWAYS)
    const estimate = { costNanoUsd: 10, tokens: 0 }
    ledger.ask(lease, estimate)
    const room = lease.roomNanoUsd
    lease.giveBack()
    lease.giveBack()
    expect(lease.tell()).toEqual({ leaseId: 'one', returnedNanoUsd: room, inFlightNanoUsd: 10 })
    expect(lease.isChanged).toBe(false)
    lease.settle(estimate, 0, 4, 0)
    lease.giveBack()
    expect(lease.tell()).toEqual({ leaseId: 'one', returnedNanoUsd: room + 6, inFlightNanoUsd: 0 })
  })
})

describe('periods of budgets', () => {
  it.each([
    { kind: 'day', start: '2026-11-22T00:00:00Z', end: '2026-11-23T00:00:00Z' },
    { kind: 'month', start: '2026-11-01T00:00:00Z', end: '2026-12-01T00:00:00Z' },
  ] as const)('begin and end with the UTC $kind', ({ kind, start, end }) => {
    expect(periodOf(kind, NOW)).toEqual({ startMs: Date.parse(start), endMs: Date.parse(end) })
    expect(periodOf(kind, Date.parse(end)).startMs).toBe(Date.parse(end))
  })
})
