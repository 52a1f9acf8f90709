import { type Api, ApiError } from './api.ts'
import type { FleetStore } from './fleet-store.ts'
import { TRACE_WINDOW_MS } from './trace.ts'

/** Requests at once: the table must not crowd out what the user asked for. */
const IN_FLIGHT_MAX = 3

/** Fills the sparklines of rows on screen with what happened before the page was opened. */
export class TraceLoader {
  readonly #api: Pick<Api, 'metrics'>
  readonly #store: FleetStore
  readonly #asked = new Set<string>()
  #wanted: string[] = []
  #inFlight = 0
  #isStopped = false

  constructor(api: Pick<Api, 'metrics'>, store: FleetStore) {
    this.#api = api
    this.#store = store
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Names the rows on screen; those named before and not yet begun are forgotten. */
  want(ids: readonly string[]): void {
    const fromMs = this.#store.nowMs() - TRACE_WINDOW_MS
    this.#wanted = ids.filter((id) => {
      const latest = this.#store.rows.get(id)?.latest
      return !this.#asked.has(id) && latest != null && latest.timestamp > fromMs
    })
    this.#pump()
  }

  #pump(): void {
    while (!this.#isStopped && this.#inFlight < IN_FLIGHT_MAX) {
      const id = this.#wanted.shift()
      if (id === undefined) return
      void this.#load(id)
    }
  }

  async #load(id: string): Promise<void> {
    this.#asked.add(id)
    this.#inFlight += 1
    try {
      const answer = await this.#api.metrics(id, this.#store.nowMs() - TRACE_WINDOW_MS, 'raw')
      this.#store.prependTrace(id, answer.columns.timestamp, answer.columns.cpu_usage ?? [])
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // A sparkline that starts empty is no fault worth showing; when refused, ask no more.
      if (error.problem.status === 429 || error.problem.status >= 500) this.#isStopped = true
    } finally {
      this.#inFlight -= 1
    }
    this.#pump()
  }
}
