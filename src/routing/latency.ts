/** Weights of a new measurement in the mean and in the mean deviation. Source: RFC 6298 §2. */
const MEAN_WEIGHT = 1 / 8
const DEVIATION_WEIGHT = 1 / 4
/** Deviations above the mean that a cautious expectation adds. Source: RFC 6298 §2. */
const DEVIATIONS = 4
/** Candidates that are remembered; the one measured longest ago is forgotten first. */
export const LATENCIES_MAX = 1_024

export interface Latency {
  readonly meanMs: number
  readonly deviationMs: number
  readonly measurements: number
}

/** Measured time to an answer by candidate: exponentially weighted mean and mean deviation. */
export class LatencyTracker {
  readonly #latencies = new Map<string, Latency>()

  /** @param ms finite and ≥ 0; anything else, as a clock that was set back gives, is not counted */
  measured(id: string, ms: number): void {
    if (!(ms >= 0 && Number.isFinite(ms))) return
    const before = this.#latencies.get(id)
    this.#latencies.delete(id)
    this.#latencies.set(id, before === undefined ? first(ms) : next(before, ms))
    if (this.#latencies.size <= LATENCIES_MAX) return
    const oldest = this.#latencies.keys().next()
    if (!oldest.done) this.#latencies.delete(oldest.value)
  }

  latencyOf(id: string): Latency | null {
    return this.#latencies.get(id) ?? null
  }

  /** What a candidate is expected to take at worst, mean and four deviations; null unmeasured. */
  expectedMs(id: string): number | null {
    const latency = this.#latencies.get(id)
    return latency === undefined ? null : expectedMsOf(latency)
  }
}

/** Mean and four deviations. */
export const expectedMsOf = ({ meanMs, deviationMs }: Latency): number =>
  meanMs + DEVIATIONS * deviationMs

const first = (ms: number): Latency => ({ meanMs: ms, deviationMs: ms / 2, measurements: 1 })

const next = ({ meanMs, deviationMs, measurements }: Latency, ms: number): Latency => ({
  // The deviation from the mean as it was before, as the RFC has it.
  deviationMs: deviationMs + DEVIATION_WEIGHT * (Math.abs(meanMs - ms) - deviationMs),
  meanMs: meanMs + MEAN_WEIGHT * (ms - meanMs),
  measurements: measurements + 1,
})

/**
 * How far a candidate is behind the fastest measured one.
 *
 * @param expectedMs null for one that was never measured, which is not held against it
 * @returns [0, 1): 0 for the fastest, ½ at twice its time
 */
export const latencyLag = (expectedMs: number | null, fastestMs: number): number =>
  expectedMs === null || !(expectedMs > fastestMs) ? 0 : 1 - fastestMs / expectedMs
