export interface LimitOptions {
  readonly initial: number
  readonly min: number
  readonly max: number
  /** Fewest measurements whose median is one look at the dependency; as many as calls at one time else. */
  readonly samplesPerWindow: number
  /** Share of the fastest time that a window may be slower without anything being wrong. */
  readonly tolerance: number
  /** Windows after which the fastest time is measured anew at half the limit. */
  readonly windowsPerProbe: number
}

export const LIMIT_DEFAULTS: LimitOptions = {
  initial: 32,
  min: 2,
  max: 1_024,
  samplesPerWindow: 16,
  tolerance: 0.05,
  windowsPerProbe: 64,
}

/** What is left of the limit where the dependency itself refuses calls for their number. */
const REFUSED_SHARE = 0.9
/** A window is never counted for less than half, nor for more than it is. */
const GRADIENT_MIN = 0.5
/** Part of the root of the limit that it may grow by in a window: room for a short queue. */
const GROWTH_SHARE = 0.5
/** Latest times of a window that its median is taken of. */
const SAMPLES_MAX = 256

/**
 * Calls that a dependency answers best at one time, found by measuring. Each window's median time beside the
 * fastest one gives a gradient: limit ← gradient · limit + ½ √limit. A dependency that slows down is asked less,
 * one that does not is asked more. Now and then half the limit is used for one window, so that the fastest
 * time is what the dependency takes without a queue, and follows it when that changes.
 *
 * Source: the gradient of Netflix' concurrency-limits and of Envoy's adaptive concurrency filter; the
 * measuring at less load is BBR's (Cardwell et al. 2016).
 */
export class ConcurrencyLimit {
  readonly #options: LimitOptions
  readonly #samples = new Float64Array(SAMPLES_MAX)
  #count = 0
  #limit: number
  #inFlight = 0
  #highest = 0
  #fastestMs = Number.POSITIVE_INFINITY
  #windows = 0
  #before: number | null = null
  #refusedInWindow = false

  constructor(options: Partial<LimitOptions> = {}) {
    this.#options = { ...LIMIT_DEFAULTS, ...options }
    this.#limit = this.#options.initial
  }

  /** Calls at one time, a whole number. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** Whether one more call may be made; it ends with `succeeded`, `refused` or `dropped`. */
  admit(): boolean {
    if (this.#inFlight >= this.limit) return false
    this.#inFlight++
    if (this.#inFlight > this.#highest) this.#highest = this.#inFlight
    return true
  }

  /** @param ms finite and ≥ 0; null where its time says nothing of the load */
  succeeded(ms: number | null): void {
    this.dropped()
    if (ms === null || !(ms >= 0 && Number.isFinite(ms))) return
    this.#samples[this.#count++ % SAMPLES_MAX] = ms
    // Calls that were under way when the limit changed say nothing of the change: a window outlasts them.
    if (this.#count >= Math.max(this.#options.samplesPerWindow, this.#highest)) this.#look()
  }

  /** The dependency said that it has too much to do: at once, and at most once a window. */
  refused(): void {
    this.dropped()
    if (this.#refusedInWindow) return
    this.#refusedInWindow = true
    this.#limit = this.#bounded(this.#limit * REFUSED_SHARE)
    this.#before = null
  }

  /** The call is over and tells nothing. */
  dropped(): void {
    this.#inFlight = Math.max(0, this.#inFlight - 1)
  }

  #bounded(limit: number): number {
    return Math.min(this.#options.max, Math.max(this.#options.min, limit))
  }

  /** The end of a window. */
  #look(): void {
    const times = this.#samples.slice(0, Math.min(this.#count, SAMPLES_MAX)).sort()
    const ms = times[times.length >> 1] ?? 0
    const wasUsed = this.#highest * 2 >= this.#limit
    this.#count = 0
    this.#highest = this.#inFlight
    this.#refusedInWindow = false
    if (this.#before !== null) {
      // Calls of before the probe end in its first window; the second one was made at half the limit.
      if (this.#windows++ < 1) return
      this.#fastestMs = ms
      this.#limit = this.#before
      this.#before = null
      this.#windows = 0
      return
    }
    this.#fastestMs = Math.min(this.#fastestMs, ms)
    // Less than half of it used: the time says nothing of what more calls would take.
    if (!wasUsed) return
    const { tolerance, windowsPerProbe } = this.#options
    const gradient =
      ms === 0 ? 1 : Math.max(GRADIENT_MIN, Math.min(1, ((1 + tolerance) * this.#fastestMs) / ms))
    this.#limit = this.#bounded(gradient * this.#limit + GROWTH_SHARE * Math.sqrt(this.#limit))
    if (++this.#windows < windowsPerProbe) return
    this.#windows = 0
    this.#before = this.#limit
    this.#limit = this.#bounded(this.#limit / 2)
  }
}
