import type { LiveSocket } from '../../dashboard/src/live.ts'

/** Timers that run when the test says so, in order of time. */
export class FakeClock {
  nowMs = 1_000_000
  #timers = new Map<number, { atMs: number; callback: () => void }>()
  #next = 1

  setTimer(callback: () => void, delayMs: number): number {
    this.#timers.set(this.#next, { atMs: this.nowMs + delayMs, callback })
    this.#next += 1
    return this.#next - 1
  }

  clearTimer(timer: number): void {
    this.#timers.delete(timer)
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.nowMs + byMs
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.atMs <= untilMs)
      const first = due.sort(([, a], [, b]) => a.atMs - b.atMs)[0]
      if (first === undefined) break
      this.#timers.delete(first[0])
      this.nowMs = first[1].atMs
      first[1].callback()
      // What the callback awaits settles before the next timer.
      for (let i = 0; i < 5; i += 1) await Promise.resolve()
    }
    this.nowMs = untilMs
  }
}

export class FakeSocket implements LiveSocket {
  readonly sent: string[] = []
  isClosed = false
  #listeners = {
    message: [] as ((event: { data: unknown }) => void)[],
    close: [] as (() => void)[],
  }

  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: () => void): void
  addEventListener(type: 'message' | 'close', listener: (event: { data: unknown }) => void): void {
    if (type === 'message') this.#listeners.message.push(listener)
    else this.#listeners.close.push(() => listener({ data: null }))
  }

  send(text: string): void {
    this.sent.push(text)
  }

  close(): void {
    this.isClosed = true
  }

  receive(frame: unknown): void {
    this.receiveText(JSON.stringify(frame))
  }

  receiveText(data: string): void {
    for (const listener of this.#listeners.message) listener({ data })
  }

  /** The connection ends, as after a kill of the service. */
  end(): void {
    for (const listener of this.#listeners.close) listener()
  }
}
