/** Measurements that the quantile is of: the latest. */
const TIMES_MAX = 256
/** Below so many, nothing is hedged: their p95 is one measurement. */
export const TIMES_MIN = 20
/** Second calls that may be made at once after a quiet time. */
const BURST = 10

/**
 * When a second call may be started beside a slow first one: after the p95 of what was measured, and for at most
 * a share of all calls. Source: Dean & Barroso 2013, "The tail at scale", doi:10.1145/2408776.2408794.
 */
export class HedgePolicy {
  readonly #share: number
  readonly #times: number[] = []
  #next = 0
  #tokens = BURST
  #p95Ms: number | null = null

  /** @param share of calls that may get a second one, [0, 1] */
  constructor(share: number) {
    this.#share = share
  }

  /** A call begins: it earns its share of a second one. */
  began(): void {
    this.#tokens = Math.min(BURST, this.#tokens + this.#share)
  }

  /** @param ms until the first content, finite and ≥ 0 */
  measured(ms: number): void {
    if (!(ms >= 0 && Number.isFinite(ms))) return
    this.#times[this.#next] = ms
    this.#next = (this.#next + 1) % TIMES_MAX
    this.#p95Ms = null
  }

  /** How long to wait for the first call; null while too little was measured. */
  delayMs(): number | null {
    if (this.#times.length < TIMES_MIN) return null
    if (this.#p95Ms === null) {
      const sorted = Float64Array.from(this.#times).sort()
      this.#p95Ms = sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0
    }
    return this.#p95Ms
  }

  /** Takes a second call out of the budget. @returns false where it is used up */
  take(): boolean {
    if (this.#share <= 0 || this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
