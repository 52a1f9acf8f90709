import type { Clock } from '../../src/gateway/gateway-clock.ts'

interface Timer {
  readonly atMs: number
  readonly run: () => void
}

/** Time that passes only when everything waits for it. */
export class VirtualClock implements Clock {
  #nowMs = Date.UTC(2026, 10, 22)
  readonly #timers = new Set<Timer>()

  now(): number {
    return this.#nowMs
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, run }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that nobody took back. */
  get pending(): number {
    return this.#timers.size
  }

  /** Waits for a promise; where nothing else is left to do, the next timer rings. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false
    const settled = promise.finally(() => {
      isSettled = true
    })
    settled.catch(() => undefined)
    while (!isSettled) {
      await new Promise(setImmediate)
      if (isSettled) break
      const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) continue
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
    }
    return settled
  }
}
