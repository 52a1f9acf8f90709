import type { Artifact } from '../../src/routing/artifact.ts'
import { extractFeatures, FEATURE_NAMES } from '../../src/routing/features.ts'
import { type Example, requestOf } from './dataset.ts'
import { evaluate } from './evaluate.ts'
import { foldsBySubject } from './folds.ts'
import { withSpaceNoise } from './noise.ts'
import { seeded } from './seeded.ts'
import { VALIDATION_FOLDS } from './splits.ts'
import { predictAll, trainTrees } from './train.ts'

/** Figures over folds of whole subjects, each predicted by trees, calibration and all of the others. */
export function judgeFolds(examples: readonly Example[], seed: number) {
  const subjects = examples.map(({ subject }) => subject)
  // Other folds than those within training.
  const folds = foldsBySubject(subjects, VALIDATION_FOLDS, seed + 1)
  const order: Example[] = []
  const probabilities: number[] = []
  const gains: number[] = []
  for (let fold = 0; fold < VALIDATION_FOLDS; fold++) {
    const held = examples.filter((_, i) => folds[i] === fold)
    const rest = examples.filter((_, i) => folds[i] !== fold)
    const own = predictAll(trainTrees(rest, seed), held)
    order.push(...held)
    probabilities.push(...own.probabilities)
    gains.push(...own.gains)
  }
  return evaluate(
    {
      examples: order,
      probabilities: Float64Array.from(probabilities),
      gains: Float64Array.from(gains),
    },
    seed,
  )
}

const bucketOf = (difficulty: number, { cheap, hard }: Artifact['thresholds']): number =>
  Number(difficulty >= cheap) + Number(difficulty >= hard)

const share = (count: number, total: number): number => Math.round((count / total) * 1e4) / 1e4

/** Buckets that the artifact gives, and how many of them other white space changes. */
function bucketFigures(artifact: Artifact, examples: readonly Example[], seed: number) {
  const random = seeded(seed)
  const counts = [0, 0, 0]
  const gains = [0, 0, 0]
  let flips = 0
  for (const { prompt, features, isWeakRight, isStrongRight } of examples) {
    const bucket = bucketOf(artifact.predict(features).difficulty, artifact.thresholds)
    const noisy = extractFeatures(requestOf(withSpaceNoise(prompt, random)))
    flips += Number(bucketOf(artifact.predict(noisy).difficulty, artifact.thresholds) !== bucket)
    counts[bucket] = (counts[bucket] ?? 0) + 1
    gains[bucket] = (gains[bucket] ?? 0) + Number(isStrongRight) - Number(isWeakRight)
  }
  return {
    shares: counts.map((count) => share(count, examples.length)),
    /** What the strong model answers better, by bucket. */
    measuredGains: counts.map((count, i) => share(gains[i] ?? 0, Math.max(1, count))),
    spaceNoiseFlips: share(flips, examples.length),
  }
}

/** Figures of an artifact as it is shipped, on examples of subjects that it never saw. */
export function judgeUnseen(artifact: Artifact, examples: readonly Example[], seed: number) {
  const predictions = examples.map(({ features }) => artifact.predict(features))
  const figures = evaluate(
    {
      examples,
      // `evaluate` asks for what a bucket sums to: both and weak are one.
      probabilities: Float64Array.from(
        predictions.flatMap(({ probabilities: { cheap, mid, hard } }) => [cheap, mid, hard, 0]),
      ),
      gains: Float64Array.from(predictions, ({ gain }) => gain),
    },
    seed,
  )
  const constant = FEATURE_NAMES.filter(
    (_, i) => new Set(examples.map(({ features }) => features.values[i])).size === 1,
  )
  return {
    ...figures,
    buckets: bucketFigures(artifact, examples, seed),
    constantFeatures: constant,
  }
}
