/** Weights of a new measurement in the mean and in the mean deviation. Source: RFC 6298 §2. */
const MEAN_WEIGHT = 1 / 8
const DEVIATION_WEIGHT = 1 / 4
/** Deviations above the mean that a cautious expectation adds. Source: RFC 6298 §2. */
const DEVIATIONS = 4
/** Candidates that are remembered; the one measured longest ago is forgotten first. */
export const LATENCIES_MAX = 1_024
/** Below so many, one slow connection would stand for a candidate. */
export const MEASUREMENTS_MIN = 5
/**
 * What was measured longer ago says nothing: a candidate that was slow is not asked, so nobody would find out
 * that it is not slow any more.
 */
export const MEASURED_MS_MAX = 600_000

export interface Latency {
  readonly meanMs: number
  readonly deviationMs: number
  readonly measurements: number
}

interface MeasuredLatency extends Latency {
  /** ms since the epoch. */
  readonly lastAtMs: number
}

/** Measured time to an answer by candidate: exponentially weighted mean and mean deviation. */
export class LatencyTracker {
  readonly #latencies = new Map<string, MeasuredLatency>()

  /** @param ms finite and ≥ 0; anything else, as a clock that was set back gives, is not counted */
  measured(id: string, ms: number, nowMs: number): void {
    if (!(ms >= 0 && Number.isFinite(ms))) return
    const before = this.#latencies.get(id)
    this.#latencies.delete(id)
    this.#latencies.set(id, before === undefined ? first(ms, nowMs) : next(before, ms, nowMs))
    if (this.#latencies.size <= LATENCIES_MAX) return
    const oldest = this.#latencies.keys().next()
    if (!oldest.done) this.#latencies.delete(oldest.value)
  }

  latencyOf(id: string): Latency | null {
    return this.#latencies.get(id) ?? null
  }

  /** What a candidate is expected to take at worst, mean and four deviations; null where too little is known. */
  expectedMs(id: string, nowMs: number): number | null {
    const latency = this.#latencies.get(id)
    if (latency === undefined || latency.measurements < MEASUREMENTS_MIN) return null
    return Math.abs(nowMs - latency.lastAtMs) < MEASURED_MS_MAX ? expectedMsOf(latency) : null
  }
}

/** Mean and four deviations. */
export const expectedMsOf = ({
  meanMs,
  deviationMs,
}: Pick<Latency, 'meanMs' | 'deviationMs'>): number => meanMs + DEVIATIONS * deviationMs

const first = (ms: number, lastAtMs: number): MeasuredLatency => ({
  meanMs: ms,
  deviationMs: ms / 2,
  measurements: 1,
  lastAtMs,
})

const next = (
  { meanMs, deviationMs, measurements }: Latency,
  ms: number,
  lastAtMs: number,
): MeasuredLatency => ({
  // The deviation from the mean as it was before, as the RFC has it.
  deviationMs: deviationMs + DEVIATION_WEIGHT * (Math.abs(meanMs - ms) - deviationMs),
  meanMs: meanMs + MEAN_WEIGHT * (ms - meanMs),
  measurements: measurements + 1,
  lastAtMs,
})

/**
 * How far a candidate is behind the fastest measured one.
 *
 * @param expectedMs null for one that was never measured, which is not held against it
 * @returns [0, 1): 0 for the fastest, ½ at twice its time
 */
export const latencyLag = (expectedMs: number | null, fastestMs: number): number =>
  expectedMs === null || !(expectedMs > fastestMs) ? 0 : 1 - fastestMs / expectedMs
