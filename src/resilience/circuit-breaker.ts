export type BreakerState = 'closed' | 'half-open' | 'open'

export interface BreakerOptions {
  /** So many failures in a row open it. */
  readonly consecutiveFailuresMax: number
  /** So large a share of failures in the window opens it, once `requestsMin` are in it. */
  readonly errorRatioMax: number
  readonly requestsMin: number
  readonly windowMs: number
  /** How long it stays open; doubled each time that a probe fails, up to `openMsMax`. */
  readonly openMs: number
  readonly openMsMax: number
  /** Probes under way at once while half-open. */
  readonly probesMax: number
  /** So many probes in a row close it. */
  readonly probesToClose: number
}

export const BREAKER_DEFAULTS: BreakerOptions = {
  consecutiveFailuresMax: 5,
  errorRatioMax: 0.5,
  requestsMin: 20,
  windowMs: 30_000,
  openMs: 5_000,
  openMsMax: 60_000,
  probesMax: 1,
  probesToClose: 2,
}

/** Parts of the window; what is counted leaves it a part at a time. */
const PARTS = 6

/**
 * Stops calls to a dependency that fails: closed, until failures in a row or their share open it; open for a
 * while; then half-open, where a few probes decide. Each admitted call ends with `succeeded`, `failed` or
 * `dropped`. Times are ms since the epoch; a clock that was set back ends a wait instead of prolonging it.
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions
  readonly #successes = new Float64Array(PARTS)
  readonly #failures = new Float64Array(PARTS)
  #part = 0
  #consecutiveFailures = 0
  #openedAtMs = 0
  #openMs: number
  #isOpen = false
  #probes = 0
  #probesSucceeded = 0

  constructor(options: Partial<BreakerOptions> = {}) {
    this.#options = { ...BREAKER_DEFAULTS, ...options }
    this.#openMs = this.#options.openMs
  }

  state(nowMs: number): BreakerState {
    if (!this.#isOpen) return 'closed'
    const elapsedMs = nowMs - this.#openedAtMs
    return elapsedMs >= 0 && elapsedMs < this.#openMs ? 'open' : 'half-open'
  }

  /** When it lets a probe through; null where it is not open. */
  retryAtMs(nowMs: number): number | null {
    return this.state(nowMs) === 'open' ? this.#openedAtMs + this.#openMs : null
  }

  /** Share of failures in the window, [0, 1]; 0 without calls. */
  errorRatio(nowMs: number): number {
    this.#advance(nowMs)
    const failures = this.#failures.reduce((a, b) => a + b, 0)
    const all = failures + this.#successes.reduce((a, b) => a + b, 0)
    return all === 0 ? 0 : failures / all
  }

  /** Whether a call may be made now; a half-open one counts it as a probe. */
  admit(nowMs: number): boolean {
    switch (this.state(nowMs)) {
      case 'closed':
        return true
      case 'open':
        return false
      case 'half-open':
        if (this.#probes >= this.#options.probesMax) return false
        this.#probes++
        return true
    }
  }

  succeeded(nowMs: number): void {
    this.#count(this.#successes, nowMs)
    this.#consecutiveFailures = 0
    if (!this.#isOpen) return
    this.#endProbe()
    // An answer to a call from before it opened says nothing of now.
    if (this.state(nowMs) === 'open') return
    if (++this.#probesSucceeded >= this.#options.probesToClose) this.#close()
  }

  failed(nowMs: number): void {
    this.#count(this.#failures, nowMs)
    this.#consecutiveFailures++
    if (this.#isOpen) {
      this.#endProbe()
      if (this.state(nowMs) === 'open') return
      const { openMs, openMsMax } = this.#options
      this.#openMs = Math.min(Math.max(this.#openMs, openMs / 2) * 2, openMsMax)
      this.#open(nowMs)
      return
    }
    const { consecutiveFailuresMax, errorRatioMax, requestsMin } = this.#options
    const isRow = this.#consecutiveFailures >= consecutiveFailuresMax
    if (isRow || (this.#calls() >= requestsMin && this.errorRatio(nowMs) >= errorRatioMax))
      this.#open(nowMs)
  }

  /** The call ended in a way that says nothing of the dependency, as when the client left. */
  dropped(): void {
    if (this.#isOpen) this.#endProbe()
  }

  /** Opens it on somebody else's word. @param untilMs beyond `openMsMax` from now is cut to that */
  openUntil(untilMs: number, nowMs: number): void {
    const openMs = Math.min(untilMs - nowMs, this.#options.openMsMax)
    if (openMs <= 0 || this.state(nowMs) === 'open') return
    // Not a moment longer: two that tell each other would keep it open for ever.
    this.#openMs = openMs
    this.#open(nowMs)
  }

  #open(nowMs: number): void {
    this.#isOpen = true
    this.#openedAtMs = nowMs
    this.#probesSucceeded = 0
  }

  #close(): void {
    this.#isOpen = false
    this.#openMs = this.#options.openMs
    this.#probes = 0
    this.#successes.fill(0)
    this.#failures.fill(0)
  }

  #endProbe(): void {
    this.#probes = Math.max(0, this.#probes - 1)
  }

  #calls(): number {
    return this.#successes.reduce((a, b) => a + b, 0) + this.#failures.reduce((a, b) => a + b, 0)
  }

  #count(counts: Float64Array, nowMs: number): void {
    this.#advance(nowMs)
    const at = this.#part % PARTS
    counts[at] = (counts[at] ?? 0) + 1
  }

  /** Empties the parts of the window that have passed. */
  #advance(nowMs: number): void {
    const part = Math.floor(nowMs / (this.#options.windowMs / PARTS))
    const passed = part - this.#part
    if (passed === 0) return
    if (passed < 0 || passed >= PARTS) {
      this.#successes.fill(0)
      this.#failures.fill(0)
    } else {
      for (let i = 1; i <= passed; i++) {
        this.#successes[(this.#part + i) % PARTS] = 0
        this.#failures[(this.#part + i) % PARTS] = 0
      }
    }
    this.#part = part
  }
}
