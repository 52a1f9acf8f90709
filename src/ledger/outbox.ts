import type { Entry } from './protocol.ts'

/** Entries of one report. */
export const REPORT_ENTRIES_MAX = 500
/** Finished requests that wait in an isolate, of all organisations, while the ledger does not take them. */
export const OUTBOX_ENTRIES_MAX = 20_000

let waiting = 0

/** Finished requests of one organisation on their way to the ledger, in reports that keep their number until taken. */
export class Outbox {
  readonly #entries: Entry[] = []
  #batch: readonly Entry[] = []
  #sequence = 0
  #dropped = 0

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#batch.length === 0
  }

  get isFull(): boolean {
    return this.#entries.length >= REPORT_ENTRIES_MAX
  }

  push(entry: Entry): void {
    if (waiting >= OUTBOX_ENTRIES_MAX) {
      this.#dropped++
      return
    }
    waiting++
    this.#entries.push(entry)
  }

  /** Entries that found no room since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }

  /** The report to send: the one that was not taken, else a new one, empty where nothing waits. */
  next(): { readonly sequence: number; readonly entries: readonly Entry[] } {
    if (this.#batch.length === 0) {
      this.#batch = this.#entries.splice(0, REPORT_ENTRIES_MAX)
      if (this.#batch.length > 0) this.#sequence++
    }
    return { sequence: this.#sequence, entries: this.#batch }
  }

  /** The report with this number was taken. */
  taken(sequence: number): void {
    if (sequence !== this.#sequence) return
    waiting -= this.#batch.length
    this.#batch = []
  }
}
