import { Api, ApiError } from './api.ts'
import { FleetLoader, type LoadState } from './fleet-loader.ts'
import { FleetStore } from './fleet-store.ts'
import { DEFAULT_SORT, type Filter, NO_FILTER, type Sort } from './fleet-view.ts'
import { subprotocols } from './frames.ts'
import { LiveClient, type LiveState } from './live.ts'
import { TraceLoader } from './trace-loader.ts'
import type { VmUpdate } from './types.ts'

/** Everything is read again after this, for what no update announces (costs, windows of silent VMs). */
const FULL_REFRESH_MS = 5 * 60_000
/** A page that was hidden this long lets its connection go. */
const PAUSE_AFTER_MS = 60_000

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What the fleet page shows, kept while a VM's page is open so that going back finds it again. */
export interface FleetViewState {
  filter: Filter
  sort: Sort
  activeId: string | null
  scrollTop: number
}

export interface FleetListener {
  changed(): void
  signedOut(reason: string): void
}

/** One signed-in session: the store, what fills it, and what keeps it live. */
export class Fleet {
  readonly api: Api
  readonly key: string
  readonly store: FleetStore
  readonly traces: TraceLoader
  readonly view: FleetViewState = {
    filter: NO_FILTER,
    sort: DEFAULT_SORT,
    activeId: null,
    scrollTop: 0,
  }
  readonly #loader: FleetLoader
  readonly #live: LiveClient
  readonly #listener: FleetListener
  readonly #vmListeners = new Map<string, (update: VmUpdate) => void>()
  readonly #unknownIds = new Set<string>()
  readonly #abort = new AbortController()
  #refreshTimer = 0
  #pauseTimer = 0
  /** Whether a connection was ever up, which makes the next attempt a reconnect. */
  wasConnected = false

  constructor(key: string, listener: FleetListener) {
    this.key = key
    this.api = new Api(key)
    this.#listener = listener
    const clock = {
      nowMs: () => Date.now(),
      random: () => Math.random(),
      setTimer: (callback: () => void, delayMs: number) => window.setTimeout(callback, delayMs),
      clearTimer: (timer: number) => window.clearTimeout(timer),
    }
    this.store = new FleetStore({
      nowMs: clock.nowMs,
      requestFrame: (callback) => void requestAnimationFrame(callback),
    })
    this.traces = new TraceLoader(this.api, this.store)
    this.#loader = new FleetLoader(this.api, this.store, clock, {
      loadStateChanged: () => listener.changed(),
      unauthorized: () => listener.signedOut('The service no longer accepts this key.'),
    })
    this.#live = new LiveClient(
      {
        ...clock,
        open: () => new WebSocket(streamUrl(), subprotocols(key)),
        isSignedIn: () => this.#isSignedIn(),
      },
      {
        stateChanged: (state) => this.#liveStateChanged(state),
        updated: (topic, vms) => this.#updated(topic, vms),
        vmChanged: (id, change) => this.#loader.vmChanged(id, change),
        missed: () => this.#loader.requestRefresh(),
      },
    )
    this.#live.subscribe('fleet')
  }

  get loadState(): LoadState {
    return this.#loader.state
  }

  get liveState(): LiveState {
    return this.#live.state
  }

  start(): void {
    void this.#loader.refresh()
    if (navigator.onLine) this.#live.start()
    else this.#live.stop('offline')
    this.#refreshTimer = window.setInterval(() => {
      this.#unknownIds.clear()
      if (!document.hidden) this.#loader.requestRefresh()
    }, FULL_REFRESH_MS)
    const { signal } = this.#abort
    window.addEventListener('online', () => this.#resume(), { signal })
    window.addEventListener('offline', () => this.#live.stop('offline'), { signal })
    document.addEventListener('visibilitychange', () => this.#visibilityChanged(), { signal })
  }

  stop(): void {
    this.#abort.abort()
    window.clearInterval(this.#refreshTimer)
    window.clearTimeout(this.#pauseTimer)
    this.#loader.stop()
    this.traces.stop()
    this.#live.stop()
  }

  retryNow(): void {
    void this.#loader.refresh()
    this.#resume()
  }

  reread(): void {
    this.#loader.requestRefresh()
  }

  /** Listens to one VM's own topic, with every sample. @returns a function that ends it */
  watch(id: string, listener: (update: VmUpdate) => void): () => void {
    // A page may be addressed by name; topics are by id, which it learns a moment later.
    if (!UUID.test(id)) return () => {}
    const topic = `vm:${id}`
    this.#vmListeners.set(topic, listener)
    this.#live.subscribe(topic)
    return () => {
      this.#vmListeners.delete(topic)
      this.#live.unsubscribe(topic)
    }
  }

  #updated(topic: string, vms: readonly VmUpdate[]): void {
    const unknown = this.store.enqueue(vms)
    // While the first reading is under way, rows are missing only because they have not come yet.
    if (this.loadState.kind === 'ready') this.#readUnknown(unknown)
    const listener = this.#vmListeners.get(topic)
    if (listener !== undefined) for (const update of vms) listener(update)
  }

  /** Each unknown VM causes one reading: one that the service does not list would cause them for ever. */
  #readUnknown(ids: readonly string[]): void {
    const before = this.#unknownIds.size
    for (const id of ids) this.#unknownIds.add(id)
    if (this.#unknownIds.size > before) this.#loader.requestRefresh()
  }

  #liveStateChanged(state: LiveState): void {
    if (state.kind === 'connected') this.wasConnected = true
    if (state.kind === 'signed-out') this.#listener.signedOut(`Signed out: ${state.detail}.`)
    else this.#listener.changed()
  }

  #visibilityChanged(): void {
    window.clearTimeout(this.#pauseTimer)
    if (document.hidden) {
      this.#pauseTimer = window.setTimeout(() => this.#live.stop('paused'), PAUSE_AFTER_MS)
    } else if (this.#live.state.kind === 'paused') this.#resume()
  }

  #resume(): void {
    this.#live.start()
  }

  async #isSignedIn(): Promise<boolean> {
    try {
      await this.api.session()
      return true
    } catch (error) {
      // A service that is away says nothing about the key.
      return !(error instanceof ApiError && error.isUnauthorized)
    }
  }
}

const streamUrl = (): string => {
  const url = new URL('/api/v1/stream', location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}
