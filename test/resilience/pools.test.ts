import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HedgePolicy, TIMES_MIN } from '../../src/resilience/hedge.ts'
import { outliersOf, wilsonLower } from '../../src/resilience/outlier.ts'
import { fullJitterMs } from '../../src/resilience/retry.ts'
import { WeightedPool } from '../../src/resilience/weighted-pool.ts'

describe('weighted pool', () => {
  it('gives turns by weight, and spreads them', () => {
    const pool = new WeightedPool([
      { value: 'a', weight: 5 },
      { value: 'b', weight: 1 },
      { value: 'c', weight: 1 },
    ])
    const turns = Array.from({ length: 7 }, () => pool.next(0)).join('')
    expect(turns).toBe('aabacaa')
  })

  it('leaves out who rests, and says when the first is back', () => {
    const pool = new WeightedPool([
      { value: 'a', weight: 1 },
      { value: 'b', weight: 1 },
    ])
    pool.rest('a', 100)
    expect([pool.next(0), pool.next(0), pool.next(0)]).toEqual(['b', 'b', 'b'])
    expect(pool.backAtMs(0)).toBeNull()
    pool.rest('b', 50)
    expect(pool.next(0)).toBeNull()
    expect(pool.backAtMs(0)).toBe(50)
    expect(pool.resting(0)).toBe(2)
    expect(pool.next(50)).toBe('b')
  })

  it('refuses weights that are no shares', () => {
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => new WeightedPool([{ value: 1, weight }])).toThrow(RangeError)
    expect(() => new WeightedPool([])).toThrow(RangeError)
  })
})

describe('outliers', () => {
  it('are peers that surely fail more than the others', () => {
    const good = { successes: 98, failures: 2 }
    expect(outliersOf([good, { successes: 50, failures: 50 }, good])).toEqual([1])
    expect(outliersOf([good, { successes: 50, failures: 50 }])).toEqual([1])
  })

  it('are not found in a few calls, in one peer, or where all fail alike', () => {
    expect(
      outliersOf([
        { successes: 0, failures: 10 },
        { successes: 100, failures: 0 },
      ]),
    ).toEqual([])
    expect(outliersOf([{ successes: 0, failures: 100 }])).toEqual([])
    expect(outliersOf(Array(4).fill({ successes: 0, failures: 100 }))).toEqual([])
  })

  it('are never more than half of the peers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ successes: fc.nat(200), failures: fc.nat(200) }), { maxLength: 8 }),
        (peers) => outliersOf(peers).length <= peers.length / 2,
      ),
      { seed: 42 },
    )
  })

  it('use the interval of Wilson: 0.0 to 0.278 for none of ten', () => {
    expect(wilsonLower(10, 10)).toBeCloseTo(1 - 0.2775, 3)
    expect(wilsonLower(0, 10)).toBe(0)
    expect(wilsonLower(0, 0)).toBe(0)
  })
})

describe('retry', () => {
  it('waits between nothing and a bound that doubles', () => {
    const options = { baseDelayMs: 100, delayMsMax: 1_000 }
    expect(fullJitterMs(0, options, 0)).toBe(0)
    expect(fullJitterMs(0, options, 0.5)).toBe(50)
    expect(fullJitterMs(2, options, 0.5)).toBe(200)
    expect(fullJitterMs(60, options, 0.999)).toBeCloseTo(999)
  })
})

describe('hedging', () => {
  it('waits for the p95 of what was measured, and for nothing before', () => {
    const policy = new HedgePolicy(0.1)
    for (let i = 1; i < TIMES_MIN; i++) policy.measured(i)
    expect(policy.delayMs()).toBeNull()
    policy.measured(TIMES_MIN)
    expect(policy.delayMs()).toBe(19)
  })

  it('gives second calls to its share of calls alone', () => {
    const policy = new HedgePolicy(0.1)
    let second = 0
    for (let i = 0; i < 1_000; i++) {
      policy.began()
      if (policy.take()) second++
    }
    expect(second).toBeLessThanOrEqual(110)
    expect(second).toBeGreaterThanOrEqual(99)
    expect(new HedgePolicy(0).take()).toBe(false)
  })
})
