import type { ArtifactFeedback, DecisionHour } from '../database/ledger-reads.ts'
import { Histogram } from '../kernels/histogram.ts'

const NANO_PER_USD = 1e9

/** Decisions that belong together, summed. */
class Group {
  decisions = 0
  /** Decisions whose request the gateway served. */
  served = 0
  errors = 0
  costNanoUsd = 0
  strongCostNanoUsd = 0
  readonly latency = new Histogram()
  readonly timeToFirstToken = new Histogram()

  add(hour: DecisionHour): void {
    this.decisions += hour.requests
    this.costNanoUsd += hour.costNanoUsd
    this.strongCostNanoUsd += hour.strongCostNanoUsd
    if (!hour.isServed) return
    this.served += hour.requests
    this.errors += hour.errors
    this.latency.merge(Histogram.fromBytes(hour.latency))
    this.timeToFirstToken.merge(Histogram.fromBytes(hour.timeToFirstToken))
  }
}

/** Quantiles of a sketch, ms; null where it is empty. */
const quantilesOf = (sketch: Histogram) => {
  if (sketch.count === 0) return null
  return { p50: sketch.quantile(0.5), p95: sketch.quantile(0.95), p99: sketch.quantile(0.99) }
}

const describe = (group: Group) => {
  const { decisions, served, errors, costNanoUsd, strongCostNanoUsd } = group
  return {
    decisions,
    served,
    errors,
    costUsd: costNanoUsd / NANO_PER_USD,
    latencyMs: quantilesOf(group.latency),
    timeToFirstTokenMs: quantilesOf(group.timeToFirstToken),
    strongCostUsd: strongCostNanoUsd / NANO_PER_USD,
  }
}

const grouped = (
  hours: readonly DecisionHour[],
  nameOf: (hour: DecisionHour) => string,
): Map<string, Group> => {
  const groups = new Map<string, Group>()
  for (const hour of hours) {
    const name = nameOf(hour)
    const group = groups.get(name) ?? new Group()
    group.add(hour)
    groups.set(name, group)
  }
  return groups
}

const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/**
 * What the router decided, and what that saved against sending everything to the dearest candidate of the
 * hard bucket: an estimate, as that one was not asked. Quantiles have the relative error of the sketch.
 */
export const statisticsOf = (
  hours: readonly DecisionHour[],
  feedback: readonly ArtifactFeedback[],
) => {
  const total = new Group()
  for (const hour of hours) total.add(hour)
  const list = (nameOf: (hour: DecisionHour) => string) =>
    [...grouped(hours, nameOf)].sort(([, a], [, b]) => b.decisions - a.decisions)
  const savedNanoUsd = total.strongCostNanoUsd - total.costNanoUsd
  const artifacts = list(({ artifactVersion }) => artifactVersion).map(([version, group]) => ({
    version,
    decisions: group.decisions,
    errors: group.errors,
    buckets: Object.fromEntries(
      [
        ...grouped(
          hours.filter(({ artifactVersion }) => artifactVersion === version),
          ({ bucket }) => bucket,
        ),
      ].map(([bucket, { decisions }]) => [bucket, decisions]),
    ),
    costUsd: group.costNanoUsd / NANO_PER_USD,
    feedback: feedback
      .filter(({ artifactVersion }) => artifactVersion === version)
      .map(({ isCanary, feedback: count, meanScore }) => ({ isCanary, count, meanScore })),
  }))
  return {
    total: describe(total),
    savings: {
      usd: savedNanoUsd / NANO_PER_USD,
      ratio: shareOf(savedNanoUsd, total.strongCostNanoUsd),
    },
    buckets: list(({ bucket }) => bucket).map(([bucket, group]) => ({
      bucket,
      ...describe(group),
    })),
    models: list(({ provider, model }) => `${provider}/${model}`).map(([model, group]) => ({
      model,
      ...describe(group),
    })),
    artifacts,
    relativeErrorMax: total.latency.relativeErrorMax,
  }
}
