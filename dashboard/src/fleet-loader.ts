import { type Api, ApiError } from './api.ts'
import type { FleetStore } from './fleet-store.ts'
import type { VmChange } from './frames.ts'
import { retryDelayMs } from './live.ts'
import type { DashboardPage } from './types.ts'

export type LoadState =
  | { readonly kind: 'loading' }
  /** The first page is shown, the rest is on its way. */
  | { readonly kind: 'partial'; readonly total: number }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ApiError; readonly retryAtMs: number }

/** Small, so that it is on screen at once; a screen shows about 30 rows. */
export const FIRST_PAGE_ROWS = 200
/** About 1 MB of JSON, which parses within one frame. */
export const NEXT_PAGE_ROWS = 2000
/** At most one reading of the whole fleet in this time, whatever is announced. */
export const REFRESH_SPACING_MS = 3000
/** More changed VMs than this at once are read with the whole fleet. */
export const SINGLE_READS_MAX = 20
const CHANGE_DEBOUNCE_MS = 150

export interface LoaderPorts {
  nowMs(): number
  random(): number
  setTimer(callback: () => void, delayMs: number): number
  clearTimer(timer: number): void
}

export interface LoaderListener {
  loadStateChanged(state: LoadState): void
  unauthorized(): void
}

/** Reads the fleet page by page into the store, again when something was missed, and retries. */
export class FleetLoader {
  readonly #api: Pick<Api, 'dashboard' | 'vm'>
  readonly #store: FleetStore
  readonly #ports: LoaderPorts
  readonly #listener: LoaderListener
  readonly #changed = new Set<string>()
  #state: LoadState = { kind: 'loading' }
  #isStopped = false
  #isReading = false
  /** Something was announced while a reading was under way that may have passed it already. */
  #isReadAgainAsked = false
  #attempt = 0
  #refreshedAtMs = Number.NEGATIVE_INFINITY
  #refreshTimer: number | null = null
  #changeTimer: number | null = null

  constructor(
    api: Pick<Api, 'dashboard' | 'vm'>,
    store: FleetStore,
    ports: LoaderPorts,
    listener: LoaderListener,
  ) {
    this.#api = api
    this.#store = store
    this.#ports = ports
    this.#listener = listener
  }

  get state(): LoadState {
    return this.#state
  }

  stop(): void {
    this.#isStopped = true
    this.#clearTimers()
  }

  /** Reads everything again soon; calls in the meantime are one. */
  requestRefresh(): void {
    if (this.#refreshTimer !== null || this.#isStopped) return
    const earliest = this.#refreshedAtMs + REFRESH_SPACING_MS - this.#ports.nowMs()
    // The jitter keeps pages apart that were all cut off by the same event.
    const delayMs = Math.max(0, earliest) + this.#ports.random() * 300
    this.#refreshTimer = this.#ports.setTimer(() => void this.refresh(), delayMs)
  }

  vmChanged(id: string, change: VmChange): void {
    if (change === 'deleted') this.#store.remove(id)
    else if (this.#store.rows.has(id)) this.#queueSingleRead(id)
    else this.requestRefresh()
  }

  async refresh(): Promise<void> {
    if (this.#isReading) {
      this.#isReadAgainAsked = true
      return
    }
    this.#clearTimers()
    this.#isReading = true
    this.#refreshedAtMs = this.#ports.nowMs()
    try {
      await this.#readPages()
    } catch (error) {
      if (!this.#isStopped) this.#failed(error)
    } finally {
      this.#isReading = false
    }
    if (this.#isReadAgainAsked && !this.#isStopped) {
      this.#isReadAgainAsked = false
      this.requestRefresh()
    }
  }

  async #readPages(): Promise<void> {
    const ids = new Set<string>()
    let cursor: string | null = null
    do {
      const limit = cursor === null ? FIRST_PAGE_ROWS : NEXT_PAGE_ROWS
      const page: DashboardPage = await this.#api.dashboard(limit, cursor)
      if (this.#isStopped) return
      for (const row of page.vms) ids.add(row.id)
      this.#store.mergePage(page)
      cursor = page.next_cursor
      if (this.#state.kind !== 'ready') {
        this.#setState({ kind: 'partial', total: page.summary.total })
      }
    } while (cursor !== null)
    this.#store.keepOnly(ids)
    this.#attempt = 0
    this.#setState({ kind: 'ready' })
  }

  #failed(error: unknown): void {
    if (!(error instanceof ApiError)) throw error
    if (error.isUnauthorized) {
      this.#listener.unauthorized()
      return
    }
    const jitterMs = retryDelayMs(this.#attempt, this.#ports.random())
    const delayMs = Math.max(1000 + jitterMs, error.retryAfterMs ?? 0)
    this.#attempt += 1
    this.#setState({ kind: 'failed', error, retryAtMs: this.#ports.nowMs() + delayMs })
    this.#refreshTimer = this.#ports.setTimer(() => void this.refresh(), delayMs)
  }

  #queueSingleRead(id: string): void {
    this.#changed.add(id)
    this.#changeTimer ??= this.#ports.setTimer(() => void this.#readChanged(), CHANGE_DEBOUNCE_MS)
  }

  async #readChanged(): Promise<void> {
    this.#changeTimer = null
    const ids = [...this.#changed]
    this.#changed.clear()
    if (ids.length > SINGLE_READS_MAX) this.requestRefresh()
    else await Promise.all(ids.map((id) => this.#readVm(id)))
  }

  async #readVm(id: string): Promise<void> {
    try {
      this.#store.mergeVm(await this.#api.vm(id))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.problem.status === 404) this.#store.remove(id)
      else this.requestRefresh()
    }
  }

  #clearTimers(): void {
    if (this.#refreshTimer !== null) this.#ports.clearTimer(this.#refreshTimer)
    if (this.#changeTimer !== null) this.#ports.clearTimer(this.#changeTimer)
    this.#refreshTimer = null
    this.#changeTimer = null
  }

  #setState(state: LoadState): void {
    this.#state = state
    this.#listener.loadStateChanged(state)
  }
}
