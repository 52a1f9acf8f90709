import { describe, expect, it } from 'vitest'
import { BREAKER_DEFAULTS, CircuitBreaker } from '../../src/resilience/circuit-breaker.ts'

const { openMs, openMsMax } = BREAKER_DEFAULTS

const opened = (nowMs = 0): CircuitBreaker => {
  const breaker = new CircuitBreaker()
  for (let i = 0; i < 5; i++) breaker.failed(nowMs)
  return breaker
}

describe('circuit breaker', () => {
  it.each([
    { failures: 4, state: 'closed' },
    { failures: 5, state: 'open' },
  ] as const)('is $state after $failures failures in a row', ({ failures, state }) => {
    const breaker = new CircuitBreaker()
    for (let i = 0; i < failures; i++) breaker.failed(0)
    expect(breaker.state(0)).toBe(state)
    expect(breaker.admit(0)).toBe(state === 'closed')
  })

  it('is not opened by failures with successes between them, below half of all', () => {
    const breaker = new CircuitBreaker()
    for (let i = 0; i < 100; i++) {
      breaker.succeeded(i)
      breaker.succeeded(i)
      breaker.failed(i)
    }
    expect(breaker.state(100)).toBe('closed')
    expect(breaker.errorRatio(100)).toBeCloseTo(1 / 3)
  })

  it('is opened by a share of failures, once enough calls are in the window', () => {
    const breaker = new CircuitBreaker()
    for (let i = 0; i < 9; i++) {
      breaker.failed(0)
      breaker.succeeded(0)
    }
    breaker.failed(0)
    expect(breaker.state(0)).toBe('closed')
    breaker.succeeded(0)
    breaker.failed(0)
    expect(breaker.state(0)).toBe('open')
  })

  it('forgets what left the window', () => {
    const breaker = new CircuitBreaker()
    for (let i = 0; i < 4; i++) breaker.failed(0)
    expect(breaker.errorRatio(0)).toBe(1)
    expect(breaker.errorRatio(60_000)).toBe(0)
  })

  it('lets one probe at a time through after its time, and closes after two', () => {
    const breaker = opened()
    expect(breaker.admit(openMs - 1)).toBe(false)
    expect(breaker.retryAtMs(openMs - 1)).toBe(openMs)
    expect(breaker.state(openMs)).toBe('half-open')
    expect(breaker.admit(openMs)).toBe(true)
    expect(breaker.admit(openMs)).toBe(false)
    breaker.succeeded(openMs)
    expect(breaker.state(openMs)).toBe('half-open')
    expect(breaker.admit(openMs)).toBe(true)
    breaker.succeeded(openMs)
    expect(breaker.state(openMs)).toBe('closed')
  })

  it('stays open twice as long with each probe that fails, up to a bound', () => {
    const breaker = opened()
    let nowMs = 0
    let waitMs: number = openMs
    for (let i = 0; i < 8; i++) {
      nowMs += waitMs
      expect(breaker.admit(nowMs)).toBe(true)
      breaker.failed(nowMs)
      waitMs = Math.min(waitMs * 2, openMsMax)
      expect(breaker.retryAtMs(nowMs)).toBe(nowMs + waitMs)
    }
    expect(waitMs).toBe(openMsMax)
  })

  it('gives a probe back whose call tells nothing', () => {
    const breaker = opened()
    expect(breaker.admit(openMs)).toBe(true)
    breaker.dropped()
    expect(breaker.admit(openMs)).toBe(true)
  })

  it('does not count answers to calls from before it opened as probes', () => {
    const breaker = opened()
    breaker.succeeded(1)
    breaker.succeeded(2)
    breaker.succeeded(3)
    expect(breaker.state(3)).toBe('open')
  })

  it('does not stay open because the clock was set back', () => {
    expect(opened(1_000_000).state(0)).toBe('half-open')
  })

  it('opens on the word of another, no longer than that one said', () => {
    const breaker = new CircuitBreaker()
    breaker.openUntil(2_000, 1_000)
    expect(breaker.retryAtMs(1_500)).toBe(2_000)
    expect(breaker.state(2_000)).toBe('half-open')
    const far = new CircuitBreaker()
    far.openUntil(Number.MAX_SAFE_INTEGER, 0)
    expect(far.retryAtMs(0)).toBe(openMsMax)
    const past = new CircuitBreaker()
    past.openUntil(5, 10)
    expect(past.state(10)).toBe('closed')
  })
})
