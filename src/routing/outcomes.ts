import type { Artifact } from './artifact.ts'
import { expectedMsOf, type Latency, MEASUREMENTS_MIN } from './latency.ts'

/** What became of an organisation's requests to one candidate near one cluster, in whole. */
export interface Outcome {
  /** `provider/model`. */
  readonly candidate: string
  /** Negative where no decision was made: those count for the candidate alone. */
  readonly cluster: number
  /** Whose cluster it is; of another artifact it counts for the candidate alone. */
  readonly artifactVersion: string
  /** Requests with feedback on success. */
  readonly trials: number
  /** Sum of their scores, each in [0, 1]. */
  readonly successes: number
  readonly latencyCount: number
  readonly latencyMeanMs: number
  /** Sum of squared deviations from the mean, ms². */
  readonly latencyM2: number
}

/**
 * Trials that what is believed before them weighs as many as: the artifact's quality moves half of the way
 * after so many of one's own. A cluster of the shipped artifact was measured on a few hundred questions, of
 * another kind than an organisation's; the mean of thirty is known to ±0.18 (twice the standard error at ½).
 */
export const PRIOR_TRIALS = 30

/** Trials from which a candidate is compared that no artifact has measured: its mean is known to ±0.14. */
export const UNMEASURED_TRIALS_MIN = 50

/** Mean absolute deviation of a normal distribution, in standard deviations: √(2/π). */
const MEAN_DEVIATION = Math.sqrt(2 / Math.PI)

/** Successes and trials, by cluster and in whole. */
export interface Tally {
  readonly trials: number
  readonly successes: number
  /** f64[clusters], of the clusters of one artifact. */
  readonly clusterTrials: Float64Array
  readonly clusterSuccesses: Float64Array
}

/** Counts of one candidate; what is not finite, negative or beyond its range is not counted. */
export const tallyOf = (
  outcomes: readonly Outcome[],
  { version, clusters }: Pick<Artifact, 'version' | 'clusters'>,
): Tally => {
  const clusterTrials = new Float64Array(clusters)
  const clusterSuccesses = new Float64Array(clusters)
  let trials = 0
  let successes = 0
  for (const outcome of outcomes) {
    if (!(outcome.trials > 0 && Number.isFinite(outcome.trials) && outcome.successes >= 0)) continue
    const right = Math.min(outcome.successes, outcome.trials)
    trials += outcome.trials
    successes += right
    const { cluster } = outcome
    if (outcome.artifactVersion !== version || !(cluster >= 0 && cluster < clusters)) continue
    clusterTrials[cluster] = (clusterTrials[cluster] ?? 0) + outcome.trials
    clusterSuccesses[cluster] = (clusterSuccesses[cluster] ?? 0) + right
  }
  return { trials, successes, clusterTrials, clusterSuccesses }
}

const clamped = (share: number): number => Math.min(1, Math.max(0, share))

/**
 * Quality of a candidate by cluster, shrunk twice: the artifact's quality is moved by what the candidate did
 * elsewhere, and that by what it did in the cluster itself,
 *
 *   δ = (S′ − E′) / (N′ + k)        q = (k·(Q̂ + δ) + s) / (k + n)
 *
 * with n trials and s successes in the cluster, N′ and S′ those of all other clusters and artifacts, E′ the
 * successes that Q̂ expects of them, k = PRIOR_TRIALS. No trial counts twice.
 *
 * @param prior f64[clusters] in [0, 1], Q̂        @returns f64[clusters] in [0, 1]; Q̂ itself without trials
 * Source: Gelman et al., Bayesian Data Analysis, 3rd ed., §5.4 (partial pooling), with k given instead of fitted.
 */
export const shrunkQuality = (prior: Float64Array, tally: Tally): Float64Array => {
  const { trials, successes, clusterTrials, clusterSuccesses } = tally
  let priorSum = 0
  let placedTrials = 0
  let placedExpected = 0
  for (let c = 0; c < prior.length; c++) {
    const n = clusterTrials[c] ?? 0
    priorSum += prior[c] ?? 0
    placedTrials += n
    placedExpected += n * (prior[c] ?? 0)
  }
  // Where it is not known which clusters they were near, all count alike.
  const expected = placedExpected + (trials - placedTrials) * (priorSum / Math.max(1, prior.length))
  return prior.map((quality, c) => {
    const n = clusterTrials[c] ?? 0
    const s = clusterSuccesses[c] ?? 0
    const elsewhere = successes - s - (expected - n * quality)
    const shift = elsewhere / (trials - n + PRIOR_TRIALS)
    return clamped((PRIOR_TRIALS * clamped(quality + shift) + s) / (PRIOR_TRIALS + n))
  })
}

/**
 * Time to an answer over all clusters, as an isolate that measured none expects it; null where none was kept.
 * Means and squared deviations are joined exactly.
 * Source: Chan, Golub & LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample variances".
 */
export const latencyOf = (outcomes: readonly Outcome[]): Latency | null => {
  let count = 0
  let mean = 0
  let m2 = 0
  for (const { latencyCount, latencyMeanMs, latencyM2 } of outcomes) {
    if (!(latencyCount > 0 && latencyMeanMs >= 0 && latencyM2 >= 0)) continue
    if (!Number.isFinite(latencyCount + latencyMeanMs + latencyM2)) continue
    const total = count + latencyCount
    const delta = latencyMeanMs - mean
    m2 += latencyM2 + (delta * delta * count * latencyCount) / total
    mean += (delta * latencyCount) / total
    count = total
  }
  if (count === 0) return null
  // One measurement has no deviation: as RFC 6298 begins, half of it is taken.
  const deviationMs = count === 1 ? mean / 2 : MEAN_DEVIATION * Math.sqrt(m2 / count)
  return { meanMs: mean, deviationMs, measurements: count }
}

/** As `LatencyTracker.expectedMs`, from what was kept. */
export const expectedFrom = (outcomes: readonly Outcome[]): number | null => {
  const latency = latencyOf(outcomes)
  if (latency === null || latency.measurements < MEASUREMENTS_MIN) return null
  return expectedMsOf(latency)
}
