import type { TreeModel } from '../../src/kernels/tree-model.ts'
import { OUTCOMES } from '../../src/routing/artifact-format.ts'
import { EMBEDDING_DIMS, embed, sifWeights } from '../../src/routing/embedding.ts'
import { FEATURE_NAMES, type FeatureName, HASH_SLOTS } from '../../src/routing/features.ts'
import { type Calibration, calibratedShares, fitCalibration } from './calibration.ts'
import type { Example } from './dataset.ts'
import { foldsBySubject } from './folds.ts'
import { type BoostOptions, boost, type LabelledTable, marginsOf, softmaxRows } from './gbdt.ts'
import { assign, sphericalKMeans } from './k-means.ts'
import { seeded } from './seeded.ts'

export const TRAINING = {
  boost: {
    rounds: 80,
    depthMax: 4,
    learningRate: 0.05,
    leafWeightMin: 60,
    penalty: 20,
    rowShare: 0.7,
    featureShare: 0.5,
  },
  /** Folds whose held-out margins calibrate. */
  innerFolds: 4,
  clusters: 24,
  iterations: 20,
  /** Answers that each cluster's share is shrunk to its model's mean with. */
  shrinkage: 20,
  /** Points of the distribution of gains. */
  gainPoints: 101,
  /** A subject of n questions weighs as n^0.5. */
  subjectWeightExponent: -0.5,
} as const

/** A longer question is never easier: true over all subjects, and it holds beyond the longest seen. */
const RISING_WITH_DIFFICULTY: readonly FeatureName[] = [
  'question_words_log',
  'question_tokens_log',
  'tokens_log',
]

/** US dollars for a million tokens in and out, as openai.com and together.ai had them in 2025. */
const PRICES = [
  { input: 0.6, output: 0.6 },
  { input: 10, output: 30 },
] as const
/** An answer of the data is a letter. */
const ANSWER_TOKENS = 1

const classes = OUTCOMES.length
const features = FEATURE_NAMES.length

/**
 * Not split on. Entropy changes with white space, and the outcomes are in one script and well formed, so
 * that trees would learn accidents of them.
 */
const UNUSED: readonly FeatureName[] = [
  'question_entropy_bits',
  'question_latin_share',
  'question_cyrillic_share',
  'question_cjk_share',
  'question_other_script_share',
  'question_malformed_share',
]
const UNUSED_PLACES = UNUSED.map((name) => FEATURE_NAMES.indexOf(name))

const directions = (): Int8Array => {
  const signs = { both: -1, neither: 0, strong: 1, weak: -1 }
  return Int8Array.from({ length: classes * features }, (_, i) => {
    const name = FEATURE_NAMES[i % features]
    const outcome = OUTCOMES[Math.floor(i / features)]
    return name && outcome && RISING_WITH_DIFFICULTY.includes(name) ? signs[outcome] : 0
  })
}

export function tableOf(examples: readonly Example[]): LabelledTable {
  const values = new Float32Array(examples.length * features)
  examples.forEach((example, row) => {
    values.set(example.features.values, row * features)
    for (const place of UNUSED_PLACES) values[row * features + place] = 0
  })
  const sizes = new Map<string, number>()
  for (const { subject } of examples) sizes.set(subject, (sizes.get(subject) ?? 0) + 1)
  const raw = examples.map(
    ({ subject }) => (sizes.get(subject) ?? 1) ** TRAINING.subjectWeightExponent,
  )
  const mean = raw.reduce((a, b) => a + b, 0) / raw.length
  return {
    values,
    features,
    labels: Uint8Array.from(examples, ({ label }) => label),
    classes,
    weights: Float64Array.from(raw, (weight) => weight / mean),
    directions: directions(),
  }
}

/** Margins of each example by a model that has seen none of its subject. */
function heldOutMargins(examples: readonly Example[], options: BoostOptions): Float64Array {
  const subjects = examples.map(({ subject }) => subject)
  const folds = foldsBySubject(subjects, TRAINING.innerFolds, options.seed)
  const margins = new Float64Array(examples.length * classes)
  for (let fold = 0; fold < TRAINING.innerFolds; fold++) {
    const rows = [...folds.keys()].filter((row) => folds[row] === fold)
    const model = boost(tableOf(examples.filter((_, row) => folds[row] !== fold)), options)
    const own = marginsOf(model, tableOf(rows.map((row) => examples[row] as Example)))
    rows.forEach((row, i) => {
      margins.set(own.subarray(i * classes, (i + 1) * classes), row * classes)
    })
  }
  return margins
}

/** What a model says of every example. */
export function predictAll({ model, calibration }: TrainedTrees, examples: readonly Example[]) {
  const margins = marginsOf(model, tableOf(examples))
  return {
    /** Calibrated, f64[n][classes]. */
    probabilities: calibratedShares(margins, calibration),
    /** f64[n]. */
    gains: gainsOf(softmaxRows(margins, classes)),
  }
}

/** P(strong alone is right) − P(weak alone is right) of each row. */
export const gainsOf = (probabilities: Float64Array): Float64Array => {
  const [strong, weak] = [OUTCOMES.indexOf('strong'), OUTCOMES.indexOf('weak')]
  return Float64Array.from(
    { length: probabilities.length / classes },
    (_, row) =>
      (probabilities[row * classes + strong] ?? 0) - (probabilities[row * classes + weak] ?? 0),
  )
}

export interface TrainedTrees {
  readonly model: TreeModel
  readonly calibration: Calibration
  /** f64[gainPoints], ascending, of held-out predictions. */
  readonly gains: Float64Array
}

/** Trees and their calibration: what an artifact decides buckets with. */
export function trainTrees(examples: readonly Example[], seed: number): TrainedTrees {
  const options = { ...TRAINING.boost, seed }
  const table = tableOf(examples)
  const margins = heldOutMargins(examples, options)
  const calibration = fitCalibration(margins, table.labels, classes)
  const sorted = gainsOf(softmaxRows(margins, classes)).sort()
  const gains = Float64Array.from(
    { length: TRAINING.gainPoints },
    (_, i) => sorted[Math.round((i / (TRAINING.gainPoints - 1)) * (sorted.length - 1))] ?? 0,
  )
  return { model: boost(table, options), calibration, gains }
}

const slotFrequencies = (counts: readonly Float32Array[]): Float64Array => {
  const sums = new Float64Array(HASH_SLOTS)
  for (const own of counts) {
    own.forEach((count, slot) => {
      sums[slot] = (sums[slot] ?? 0) + Math.abs(count)
    })
  }
  const total = sums.reduce((a, b) => a + b, 0)
  return sums.map((sum) => sum / total)
}

/** Where questions lie, and how good and dear each model is there. */
export function trainClusters(examples: readonly Example[], seed: number) {
  const weights = {
    words: sifWeights(slotFrequencies(examples.map((example) => example.features.words))),
    trigrams: sifWeights(slotFrequencies(examples.map((example) => example.features.trigrams))),
  }
  const rows = new Float32Array(examples.length * EMBEDDING_DIMS)
  examples.forEach((example, row) => {
    rows.set(embed(example.features, weights), row * EMBEDDING_DIMS)
  })
  const { clusters, iterations, shrinkage } = TRAINING
  const random = seeded(seed)
  const centroids = sphericalKMeans(rows, EMBEDDING_DIMS, clusters, iterations, random)
  const clusterOf = assign(rows, centroids, EMBEDDING_DIMS)
  const sizes = new Array<number>(clusters).fill(0)
  const tokens = new Array<number>(clusters).fill(0)
  const right = PRICES.map(() => new Array<number>(clusters).fill(0))
  examples.forEach(({ isWeakRight, isStrongRight, features: own }, row) => {
    const cluster = clusterOf[row] ?? 0
    sizes[cluster] = (sizes[cluster] ?? 0) + 1
    tokens[cluster] = (tokens[cluster] ?? 0) + own.tokens
    for (const [model, isRight] of [isWeakRight, isStrongRight].entries()) {
      const shares = right[model] ?? []
      shares[cluster] = (shares[cluster] ?? 0) + Number(isRight)
    }
  })
  const quality = right.flatMap((own) => {
    const mean = own.reduce((a, b) => a + b, 0) / examples.length
    return own.map(
      (count, cluster) => (count + shrinkage * mean) / ((sizes[cluster] ?? 0) + shrinkage),
    )
  })
  const costs = PRICES.map(({ input, output }) =>
    tokens.map(
      (sum, cluster) => (sum * input) / Math.max(1, sizes[cluster] ?? 1) + ANSWER_TOKENS * output,
    ),
  )
  const cost = costs.flatMap((own) =>
    own.map((usd, cluster) => usd / Math.max(...costs.map((other) => other[cluster] ?? 0))),
  )
  return {
    weights,
    centroids,
    sizes,
    quality: Float64Array.from(quality),
    cost: Float64Array.from(cost),
  }
}
