import { SequenceTracker } from '../../src/streams/tracker.ts'
import { parseFrame, type ServerFrame, type VmChange } from './frames.ts'
import type { VmUpdate } from './types.ts'

export type LiveState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'connected' }
  | { readonly kind: 'reconnecting'; readonly retryAtMs: number }
  /** The browser says that there is no network; tried again when it says otherwise. */
  | { readonly kind: 'offline' }
  | { readonly kind: 'signed-out'; readonly detail: string }
  /** Nobody looks: the page is hidden. */
  | { readonly kind: 'paused' }

/** The part of a WebSocket that the client uses. */
export interface LiveSocket {
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  addEventListener(type: 'close', listener: () => void): void
  send(text: string): void
  close(code?: number): void
}

/** What the client needs from outside; times in milliseconds. */
export interface LivePorts {
  open(): LiveSocket
  /** Asked after a connection that ended before its hello: browsers hide the status of a refused upgrade. */
  isSignedIn(): Promise<boolean>
  nowMs(): number
  /** Uniform in [0, 1). */
  random(): number
  setTimer(callback: () => void, delayMs: number): number
  clearTimer(timer: number): void
}

export interface LiveListener {
  stateChanged(state: LiveState): void
  updated(topic: string, vms: readonly VmUpdate[]): void
  vmChanged(id: string, change: VmChange): void
  /** Something was missed: read the state again by HTTP. */
  missed(): void
}

export const RETRY_BASE_MS = 500
export const RETRY_CAP_MS = 20_000
/** A connection that lasted this long was a good one: the next failure starts at the base again. */
export const STABLE_AFTER_MS = 10_000
export const PING_INTERVAL_MS = 20_000
/** Silence after a ping that ends a connection which died without a word. */
export const PONG_TIMEOUT_MS = 10_000
/** From opening to hello. */
export const HELLO_TIMEOUT_MS = 15_000

/**
 * Full jitter: uniform in [0, min(cap, base · 2^attempt)), so that a fleet of pages does not return at once.
 * Source: Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015.
 */
export const retryDelayMs = (attempt: number, random: number): number =>
  random * Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** Math.min(attempt, 30))

/**
 * One live connection that is kept up: subscribes, notices loss by the sequence rules, pings, and comes
 * back after every kind of end except a refused key. Holds no data and touches nothing but its ports.
 */
export class LiveClient {
  readonly #ports: LivePorts
  readonly #listener: LiveListener
  readonly #tracker = new SequenceTracker()
  readonly #topics = new Set<string>()
  #state: LiveState = { kind: 'paused' }
  #socket: LiveSocket | null = null
  #attempt = 0
  #connectedAtMs: number | null = null
  #timer: number | null = null

  constructor(ports: LivePorts, listener: LiveListener) {
    this.#ports = ports
    this.#listener = listener
  }

  get state(): LiveState {
    return this.#state
  }

  /** Connects unless it is connected or on its way already. */
  start(): void {
    if (this.#socket === null) this.#connect()
  }

  /** Ends the connection and stays away until `start`. */
  stop(reason: 'paused' | 'offline' = 'paused'): void {
    this.#drop()
    this.#attempt = 0
    this.#setState({ kind: reason })
  }

  subscribe(topic: string): void {
    if (this.#topics.has(topic)) return
    this.#topics.add(topic)
    if (this.#state.kind === 'connected') this.#send({ kind: 'subscribe', topics: [topic] })
  }

  unsubscribe(topic: string): void {
    if (!this.#topics.delete(topic)) return
    if (this.#state.kind === 'connected') this.#send({ kind: 'unsubscribe', topics: [topic] })
  }

  #connect(): void {
    this.#drop()
    this.#setState({ kind: 'connecting' })
    const socket = this.#ports.open()
    this.#socket = socket
    // Events of a socket that was dropped must not move the state of its successor.
    socket.addEventListener('message', ({ data }) => {
      if (this.#socket === socket) this.#receive(data)
    })
    socket.addEventListener('close', () => {
      if (this.#socket === socket) this.#ended()
    })
    this.#setTimer(() => this.#ended(), HELLO_TIMEOUT_MS)
  }

  #receive(data: unknown): void {
    if (this.#state.kind === 'connected') this.#awaitSilence()
    const frame = parseFrame(data)
    if (frame === null) return
    const verdict = this.#tracker.read(frame)
    if (verdict === 'ignore') return
    this.#dispatch(frame)
    if (verdict === 'reread') this.#listener.missed()
  }

  #dispatch(frame: ServerFrame): void {
    switch (frame.kind) {
      case 'hello':
        this.#connectedAtMs = this.#ports.nowMs()
        this.#setState({ kind: 'connected' })
        this.#awaitSilence()
        if (this.#topics.size > 0) this.#send({ kind: 'subscribe', topics: [...this.#topics] })
        return
      case 'subscribed':
        return
      case 'update':
        this.#listener.updated(frame.topic, frame.vms)
        return
      case 'vm-changed':
        this.#listener.vmChanged(frame.id, frame.change)
        return
      case 'problem':
        if (frame.status === 401 || frame.status === 403) {
          this.#signedOut(frame.detail ?? frame.title)
        }
        return
    }
  }

  /** After every frame: ping when it has been silent, end it when it stays silent. */
  #awaitSilence(): void {
    this.#setTimer(() => {
      this.#socket?.send('ping')
      this.#setTimer(() => this.#ended(), PONG_TIMEOUT_MS)
    }, PING_INTERVAL_MS)
  }

  #ended(): void {
    const connectedAtMs = this.#connectedAtMs
    this.#drop()
    const now = this.#ports.nowMs()
    if (connectedAtMs !== null && now - connectedAtMs >= STABLE_AFTER_MS) this.#attempt = 0
    const delayMs = retryDelayMs(this.#attempt, this.#ports.random())
    this.#attempt += 1
    this.#setState({ kind: 'reconnecting', retryAtMs: now + delayMs })
    this.#setTimer(() => this.#retry(connectedAtMs === null), delayMs)
  }

  async #retry(mayBeRefused: boolean): Promise<void> {
    this.#clearTimer()
    const before = this.#state
    if (mayBeRefused && !(await this.#ports.isSignedIn())) {
      if (this.#state === before) this.#signedOut('the service no longer accepts this key')
      return
    }
    if (this.#state === before) this.#connect()
  }

  #signedOut(detail: string): void {
    this.#drop()
    this.#setState({ kind: 'signed-out', detail })
  }

  #drop(): void {
    this.#clearTimer()
    this.#connectedAtMs = null
    const socket = this.#socket
    this.#socket = null
    socket?.close(1000)
  }

  #send(frame: { kind: 'subscribe' | 'unsubscribe'; topics: string[] }): void {
    this.#socket?.send(JSON.stringify(frame))
  }

  #setState(state: LiveState): void {
    this.#state = state
    this.#listener.stateChanged(state)
  }

  #setTimer(callback: () => void, delayMs: number): void {
    this.#clearTimer()
    this.#timer = this.#ports.setTimer(callback, delayMs)
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#ports.clearTimer(this.#timer)
    this.#timer = null
  }
}
