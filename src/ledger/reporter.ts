import type { Outbox } from './outbox.ts'
import type { LeaseState, Report, ReportAnswer } from './protocol.ts'

/** Finished requests are sent at most this often, unless a whole report waits. */
export const REPORT_INTERVAL_MS = 250
/** An organisation without requests for this long gives back what its leases have left. */
export const IDLE_MS = 5_000
/** What one request's `waitUntil` does for the others: less than the platform lets it live on. */
const TURN_MS_MAX = 20_000
/** A turn that was silent for this long has ended with its request; the next request takes over. */
const TURN_SILENT_MS = 12_000
const RETRY_MS_MAX = 5_000
/** How often a request looks whether another one's report was taken. */
const LOOK_AGAIN_MS = 10

/** The ledger as one request reaches it. Nothing here outlives the request's context. */
export interface ReportPort {
  report(report: Report): Promise<ReportAnswer>
  now(): number
  sleep(ms: number): Promise<void>
  waitUntil(work: Promise<void>): void
  failed(message: string, error: unknown): void
}

export interface LeaseStates {
  /** What a report tells. @param isIdle nothing was reserved for `IDLE_MS` */
  tell(isIdle: boolean): readonly LeaseState[]
  /** The ledger heard of these. @param sentAtMs when the report was sent */
  heard(states: readonly LeaseState[], ended: readonly string[], sentAtMs: number): void
}

/**
 * Sends reports of one organisation: one request at a time does it for all, in its own context, one report
 * after the other. A report that is not known to be taken is sent again as it was.
 */
export class Reporter {
  readonly #holder: string
  readonly #outbox: Outbox
  readonly #leases: LeaseStates
  /** Counts turns; one that is not the last ends. */
  #turn = 0
  #isTaken = false
  #beatMs = 0
  /** When the report under way was sent; 0 without one. */
  #sentAtMs = 0
  #failures = 0
  #retryMs = 0
  #isActive = false

  constructor(holder: string, outbox: Outbox, leases: LeaseStates) {
    this.#holder = holder
    this.#outbox = outbox
    this.#leases = leases
  }

  /** Something is to be reported: sees to it that a request does it. */
  arrange(port: ReportPort): void {
    this.#isActive = true
    const nowMs = port.now()
    if (this.#isTaken && Math.abs(nowMs - this.#beatMs) < TURN_SILENT_MS) {
      if (this.#outbox.isFull && this.#sentAtMs === 0 && this.#failures === 0)
        port.waitUntil(this.send(port, false))
      return
    }
    this.#isTaken = true
    this.#beatMs = nowMs
    port.waitUntil(this.#run(port, ++this.#turn))
  }

  /** Sends what waits, and returns when the ledger has all that waited when it began. Never throws. */
  async flush(port: ReportPort, timeoutMs: number): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += LOOK_AGAIN_MS) {
      if (this.#outbox.isEmpty) return true
      if (!this.#isSending(port.now())) await this.send(port, false)
      if (!this.#outbox.isEmpty) await port.sleep(LOOK_AGAIN_MS)
    }
    return this.#outbox.isEmpty
  }

  /** One report, unless one is under way. Never throws. */
  async send(port: ReportPort, isIdle: boolean): Promise<void> {
    const sentAtMs = port.now()
    if (this.#isSending(sentAtMs)) return
    const batch = this.#outbox.next()
    const leases = this.#leases.tell(isIdle)
    const dropped = this.#outbox.takeDropped()
    if (dropped > 0) port.failed(`${dropped} finished requests found no room and are lost`, null)
    if (batch.entries.length === 0 && leases.length === 0) return
    this.#sentAtMs = sentAtMs
    try {
      const answer = await port.report({ holder: this.#holder, ...batch, leases })
      if (answer.stored) {
        this.#outbox.taken(batch.sequence)
        this.#failures = 0
      } else {
        this.#failures++
        this.#retryMs = answer.retryAfterSeconds * 1_000
      }
      this.#leases.heard(leases, answer.ended, sentAtMs)
    } catch (error) {
      this.#failures++
      this.#retryMs = REPORT_INTERVAL_MS * 2 ** Math.min(this.#failures, 5)
      port.failed('the ledger did not take a report; it is sent again', error)
    } finally {
      this.#sentAtMs = 0
    }
  }

  #isSending(nowMs: number): boolean {
    return this.#sentAtMs !== 0 && Math.abs(nowMs - this.#sentAtMs) < TURN_SILENT_MS
  }

  async #run(port: ReportPort, turn: number): Promise<void> {
    const startMs = port.now()
    let idleMs = 0
    while (turn === this.#turn) {
      const waitMs = this.#failures > 0 ? Math.min(RETRY_MS_MAX, this.#retryMs) : REPORT_INTERVAL_MS
      await port.sleep(waitMs)
      if (turn !== this.#turn) return
      this.#beatMs = port.now()
      idleMs = this.#isActive ? 0 : idleMs + waitMs
      this.#isActive = false
      const isIdle = idleMs >= IDLE_MS && this.#outbox.isEmpty
      if (isIdle || !this.#outbox.isEmpty || idleMs === 0) await this.send(port, isIdle)
      const isOver = this.#beatMs - startMs >= TURN_MS_MAX
      if (isOver || (isIdle && !this.#isActive)) break
    }
    if (turn === this.#turn) this.#isTaken = false
  }
}
