import { describe, expect, it } from 'vitest'
import { ConcurrencyLimit } from '../../src/resilience/concurrency-limit.ts'

/**
 * A server of a capacity: so many calls at a time take `baseMs`, more share it. Runs an always hungry client
 * for a while of virtual time, and gives the limit at its end.
 */
class Simulation {
  readonly limit: ConcurrencyLimit
  readonly #ends: { atMs: number; ms: number }[] = []
  #nowMs = 0

  constructor(limit: ConcurrencyLimit) {
    this.limit = limit
  }

  run(capacity: number, baseMs: number, forMs: number): number {
    const untilMs = this.#nowMs + forMs
    const limits: number[] = []
    while (this.#nowMs < untilMs) {
      while (this.limit.admit()) {
        const ms = baseMs * Math.max(1, this.limit.inFlight / capacity)
        this.#ends.push({ atMs: this.#nowMs + ms, ms })
      }
      this.#ends.sort((a, b) => a.atMs - b.atMs)
      const next = this.#ends.shift()
      if (next === undefined) throw new Error('nothing is in flight')
      this.#nowMs = next.atMs
      this.limit.succeeded(next.ms)
      limits.push(this.limit.limit)
    }
    return limits.sort((a, b) => a - b)[limits.length >> 1] ?? 0
  }
}

describe('concurrency limit', () => {
  it.each([20, 50, 100, 200])('finds a capacity of %i within a fifth', (capacity) => {
    const simulation = new Simulation(new ConcurrencyLimit())
    simulation.run(capacity, 20, 20_000)
    const limit = simulation.run(capacity, 20, 10_000)
    expect(limit).toBeGreaterThanOrEqual(capacity * 0.8)
    expect(limit).toBeLessThanOrEqual(capacity * 1.2)
  })

  it('does not drift up under a load that never ceases', () => {
    const simulation = new Simulation(new ConcurrencyLimit())
    simulation.run(50, 20, 20_000)
    const late = simulation.run(50, 20, 120_000)
    expect(late).toBeLessThanOrEqual(60)
  })

  it('is back within a fifth ten seconds after the capacity halved', () => {
    const simulation = new Simulation(new ConcurrencyLimit())
    simulation.run(100, 20, 20_000)
    simulation.run(50, 20, 10_000)
    const limit = simulation.run(50, 20, 2_000)
    expect(limit).toBeGreaterThanOrEqual(40)
    expect(limit).toBeLessThanOrEqual(60)
  })

  it('follows a server whose every answer takes three times as long, without giving up calls for good', () => {
    const simulation = new Simulation(new ConcurrencyLimit())
    simulation.run(100, 20, 20_000)
    simulation.run(100, 60, 60_000)
    const limit = simulation.run(100, 60, 10_000)
    expect(limit).toBeGreaterThanOrEqual(80)
    expect(limit).toBeLessThanOrEqual(120)
  })

  it('does not grow by calls that never used it', () => {
    const limit = new ConcurrencyLimit()
    for (let i = 0; i < 10_000; i++) {
      limit.admit()
      limit.succeeded(5)
    }
    expect(limit.limit).toBe(32)
  })

  it('gives way once a window where it is refused, and never below its least', () => {
    const limit = new ConcurrencyLimit({ initial: 100, min: 4 })
    limit.admit()
    limit.admit()
    limit.refused()
    limit.refused()
    expect(limit.limit).toBe(90)
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 16; i++) {
        limit.admit()
        limit.succeeded(5)
      }
      limit.admit()
      limit.refused()
    }
    expect(limit.limit).toBe(4)
    expect(limit.inFlight).toBe(0)
  })

  it('takes times of 0 ms and times that are no numbers', () => {
    const limit = new ConcurrencyLimit({ initial: 2 })
    for (const ms of [0, Number.NaN, -1, Number.POSITIVE_INFINITY, null]) {
      for (let i = 0; i < 64; i++) {
        limit.admit()
        limit.succeeded(ms)
      }
    }
    expect(limit.limit).toBeGreaterThanOrEqual(2)
  })
})
