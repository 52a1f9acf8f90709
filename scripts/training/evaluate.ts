import { OUTCOMES } from '../../src/routing/artifact-format.ts'
import { baselineScores } from './baselines.ts'
import { type Interval, intervalOf, Resamples } from './bootstrap.ts'
import type { Example, Form } from './dataset.ts'
import { calibrationError, orderOf, type RoutingQuality, routingQuality } from './metrics.ts'
import { seeded } from './seeded.ts'

const RESAMPLES = 1_000

/** A figure with both intervals: over other questions of these subjects, and over other subjects too. */
export interface Figure extends Interval {
  readonly bySubject: readonly [low: number, high: number]
}

/** What a router predicted for examples that it did not learn from. */
export interface Predicted {
  readonly form: Form
  readonly examples: readonly Example[]
  /** f64[n][OUTCOMES.length]. */
  readonly probabilities: Float64Array
  /** f64[n]: what the router ranks by. */
  readonly gains: Float64Array
}

type Metric = (counts?: Uint32Array) => number

const figureOf = (metric: Metric, { byQuestion, bySubject }: Resamples): Figure => {
  const value = metric()
  const { low, high } = intervalOf(value, bySubject.map(metric))
  return { ...intervalOf(value, byQuestion.map(metric)), bySubject: [low, high] }
}

/** APGR, CPT50 and CPT80 of one order of the questions. */
function routerRow(examples: readonly Example[], scores: Float64Array, resamples: Resamples) {
  const order = orderOf(scores)
  const known = new Map<Uint32Array | undefined, RoutingQuality>()
  const quality = (counts?: Uint32Array): RoutingQuality => {
    const found = known.get(counts) ?? routingQuality(examples, scores, order, counts)
    known.set(counts, found)
    return found
  }
  const row = {
    apgr: figureOf((counts) => quality(counts).apgr, resamples),
    cpt50: figureOf((counts) => quality(counts).cpt50, resamples),
    cpt80: figureOf((counts) => quality(counts).cpt80, resamples),
  }
  return { row, apgr: (counts?: Uint32Array) => quality(counts).apgr }
}

const sumOf = (probabilities: Float64Array, row: number, names: readonly string[]): number =>
  OUTCOMES.reduce(
    (sum, name, k) =>
      sum + (names.includes(name) ? (probabilities[row * OUTCOMES.length + k] ?? 0) : 0),
    0,
  )

/** Expected calibration error of each bucket's probability, and of the most probable one. */
function calibrationRows({ examples, probabilities }: Predicted, resamples: Resamples) {
  const buckets = {
    cheap: ['both', 'weak'],
    mid: ['neither'],
    hard: ['strong'],
  } as const
  const columns = Object.entries(buckets).map(([name, outcomes]) => ({
    name,
    chances: Float64Array.from(examples, (_, row) => sumOf(probabilities, row, outcomes)),
    happened: examples.map(({ label }) =>
      (outcomes as readonly string[]).includes(OUTCOMES[label] ?? ''),
    ),
  }))
  const best = examples.map((_, row) =>
    columns.reduce((a, b) => ((b.chances[row] ?? 0) > (a.chances[row] ?? 0) ? b : a)),
  )
  const top = {
    name: 'most probable',
    chances: Float64Array.from(best, ({ chances }, row) => chances[row] ?? 0),
    happened: best.map(({ happened }, row) => happened[row] ?? false),
  }
  return Object.fromEntries(
    [...columns, top].map(({ name, chances, happened }) => [
      name,
      figureOf((counts) => calibrationError(chances, happened, counts), resamples),
    ]),
  )
}

const shareOf = (examples: readonly Example[], test: (example: Example) => boolean): number =>
  Math.round((examples.filter(test).length / examples.length) * 1e4) / 1e4

/** All figures of a router beside those of simpler ones, with paired differences. */
export function evaluate(predicted: Predicted, seed: number) {
  const { examples, form, gains } = predicted
  const subjects = examples.map(({ subject }) => subject)
  const resamples = new Resamples(subjects, RESAMPLES, seeded(seed))
  const ours = routerRow(examples, gains, resamples)
  const rows = Object.entries(baselineScores(examples, form, seed)).map(
    ([name, scores]) => [name, routerRow(examples, scores, resamples)] as const,
  )
  return {
    questions: examples.length,
    subjects: new Set(subjects).size,
    weakAccuracy: shareOf(examples, ({ isWeakRight }) => isWeakRight),
    strongAccuracy: shareOf(examples, ({ isStrongRight }) => isStrongRight),
    routers: {
      gjallar: ours.row,
      ...Object.fromEntries(rows.map(([name, { row }]) => [name, row])),
    },
    apgrAbove: Object.fromEntries(
      rows
        .filter(([name]) => !name.startsWith('oracle'))
        .map(([name, other]) => [
          name,
          figureOf((counts) => ours.apgr(counts) - other.apgr(counts), resamples),
        ]),
    ),
    calibrationError: calibrationRows(predicted, resamples),
  }
}
