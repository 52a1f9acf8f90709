import type { UpstreamFault } from './faults.ts'
import type { Clock } from './gateway-clock.ts'

/** What is waited for; `peek` ends the wait for content of a stream that has said something else. */
export type Stage = 'headers' | 'answer' | 'first-token' | 'peek' | 'idle' | 'total'

/**
 * What may stop one call to a provider: its client, its deadlines, an answer that is not one. The first
 * reason stays. One timer serves all deadlines: it is set anew only for one that is earlier, so that a
 * deadline for each chunk of a stream costs no timer.
 */
export class UpstreamCall {
  readonly clock: Clock
  readonly #controller = new AbortController()
  readonly #client: AbortSignal | null
  readonly #cancelled: () => void
  #fault: UpstreamFault | null = null
  #onStop: (() => void) | null = null
  #onDue: ((stage: Stage) => void) | null = null
  #stage: Stage = 'headers'
  #dueMs = Number.POSITIVE_INFINITY
  #ringsMs = Number.POSITIVE_INFINITY
  #cancelTimer: (() => void) | null = null

  /** @param client tells that the client left, or that another call won */
  constructor(clock: Clock, client: AbortSignal | null) {
    this.clock = clock
    this.#client = client
    this.#cancelled = () => this.stop({ reason: 'cancelled' })
    if (client?.aborted) this.#cancelled()
    else client?.addEventListener('abort', this.#cancelled, { once: true })
  }

  /** For `fetch`. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why it was stopped; null while it was not. */
  get fault(): UpstreamFault | null {
    return this.#fault
  }

  /** Ends the call at the provider. */
  stop(fault: UpstreamFault): void {
    if (this.#fault !== null) return
    this.#fault = fault
    this.close()
    this.#controller.abort()
    this.#onStop?.()
  }

  /** @param run once, when the call is stopped; takes the place of the one before */
  whenStopped(run: () => void): void {
    this.#onStop = run
  }

  /** @param run when a deadline has passed; takes the place of the one before */
  whenDue(run: (stage: Stage) => void): void {
    this.#onDue = run
  }

  /** From now on this deadline holds, in place of the one before. */
  watch(stage: Stage, dueMs: number): void {
    if (this.#fault !== null) return
    this.#stage = stage
    this.#dueMs = dueMs
    if (dueMs < this.#ringsMs) this.#setTimer()
  }

  /** Nothing is waited for. */
  rest(): void {
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  /** The call is over: no timer and no listener stays. */
  close(): void {
    this.rest()
    this.#cancelTimer?.()
    this.#cancelTimer = null
    this.#ringsMs = Number.POSITIVE_INFINITY
    this.#client?.removeEventListener('abort', this.#cancelled)
  }

  #setTimer(): void {
    this.#cancelTimer?.()
    this.#ringsMs = this.#dueMs
    const waitMs = Math.max(1, this.#dueMs - this.clock.now())
    this.#cancelTimer = this.clock.after(waitMs, () => this.#ring())
  }

  #ring(): void {
    this.#cancelTimer = null
    this.#ringsMs = Number.POSITIVE_INFINITY
    if (this.#dueMs === Number.POSITIVE_INFINITY) return
    if (this.clock.now() < this.#dueMs) {
      this.#setTimer()
      return
    }
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#onDue?.(this.#stage)
  }
}
