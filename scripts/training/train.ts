import type { DecisionTree, TreeModel } from '../../src/kernels/tree-model.ts'
import { OUTCOMES } from '../../src/routing/artifact-format.ts'
import { FEATURE_NAMES, type FeatureName } from '../../src/routing/features.ts'
import { type Calibration, calibratedShares, fitCalibration } from './calibration.ts'
import type { Example, Form, Seen } from './dataset.ts'
import { foldsBySubject } from './folds.ts'
import { type BoostOptions, boost, type LabelledTable, marginsOf, softmaxRows } from './gbdt.ts'
import { slotWeightsOf } from './train-clusters.ts'
import { type LexicalModel, lexicalMarginsOf, trainLexical } from './train-lexical.ts'

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
  lexical: { penalty: 2, iterations: 40, tolerance: 1e-3, trigramScale: 0.43 },
  /** Forms of a question that are learnt from; calibration is of both. */
  forms: ['asked'],
  /** Of the trees' margins and of the lexical ones in their sum. */
  share: 0.5,
  /** Folds whose held-out margins calibrate. */
  innerFolds: 4,
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

/** One form of a question to learn from. */
export interface Row {
  /** f64[FEATURE_NAMES.length]. */
  readonly values: Float64Array
  readonly label: number
  readonly weight: number
}

/** A row whose words are known. */
export interface LabelledRow extends Row {
  readonly seen: Seen
}

export const FORMS: readonly Form[] = ['asked', 'bare']

/** Every question in each of the forms, which share its weight. */
export function rowsOf(
  examples: readonly Example[],
  forms: readonly Form[] = TRAINING.forms,
): LabelledRow[] {
  const sizes = new Map<string, number>()
  for (const { subject } of examples) sizes.set(subject, (sizes.get(subject) ?? 0) + 1)
  const raw = examples.map(
    ({ subject }) => (sizes.get(subject) ?? 1) ** TRAINING.subjectWeightExponent,
  )
  const mean = raw.reduce((a, b) => a + b, 0) / raw.length
  return examples.flatMap(({ label, ...seenAs }, i) =>
    forms.map((form) => ({
      seen: seenAs[form],
      values: seenAs[form].values,
      label,
      weight: (raw[i] ?? 0) / mean / forms.length,
    })),
  )
}

export const tableOf = (rows: readonly Row[]): LabelledTable => {
  const values = new Float32Array(rows.length * features)
  rows.forEach((row, i) => {
    values.set(row.values, i * features)
    for (const place of UNUSED_PLACES) values[i * features + place] = 0
  })
  return {
    values,
    features,
    labels: Uint8Array.from(rows, ({ label }) => label),
    classes,
    weights: Float64Array.from(rows, ({ weight }) => weight),
    directions: directions(),
  }
}

/** What rows say of words alone. */
export function trainWords(rows: readonly LabelledRow[]): LexicalModel {
  const seen = rows.map((row) => row.seen)
  const table = {
    seen,
    labels: Uint8Array.from(rows, ({ label }) => label),
    weights: Float64Array.from(rows, ({ weight }) => weight),
  }
  return trainLexical(table, slotWeightsOf(seen), TRAINING.lexical)
}

/** Margins of texts by trees alone, f64[n][classes]. */
export const treeMargins = (trees: TreeModel, seen: readonly Seen[]): Float64Array =>
  marginsOf(trees, tableOf(seen.map(({ values }) => ({ values, label: 0, weight: 1 }))))

/** Trees on features beside a linear model on words: their margins are added. */
export interface TriageModel {
  readonly trees: TreeModel
  readonly lexical: LexicalModel
}

const scaledTree = (tree: DecisionTree, scale: number): DecisionTree => ({
  ...tree,
  value: tree.value.map((value) => Math.fround(value * scale)),
})

/**
 * @param more rows without their words, for the trees alone
 */
export function trainTriageModel(
  rows: readonly LabelledRow[],
  more: readonly Row[],
  options: BoostOptions,
): TriageModel {
  const { share } = TRAINING
  const { weights, base } = trainWords(rows)
  const trees = boost(tableOf([...rows, ...more]), options)
  return {
    trees: {
      ...trees,
      base: trees.base.map((margin, k) => share * (margin + (base[k] ?? 0))),
      trees: trees.trees.map((tree) => scaledTree(tree, share)),
    },
    lexical: {
      weights: {
        words: weights.words.map((x) => x * share),
        trigrams: weights.trigrams.map((x) => x * share),
      },
      base: base.map(() => 0),
    },
  }
}

/** Margins of each text, f64[n][classes]. */
export function triageMargins(
  { trees, lexical }: TriageModel,
  seen: readonly Seen[],
): Float64Array {
  const words = lexicalMarginsOf(lexical, seen)
  return treeMargins(trees, seen).map((margin, i) => margin + (words[i] ?? 0))
}

const formsOf = (examples: readonly Example[]): Seen[] =>
  examples.flatMap((example) => FORMS.map((form) => example[form]))

/** Margins of each example's two forms by a model that has seen none of its subject. */
function heldOutMargins(
  examples: readonly Example[],
  more: readonly Row[],
  options: BoostOptions,
): Float64Array {
  const subjects = examples.map(({ subject }) => subject)
  const folds = foldsBySubject(subjects, TRAINING.innerFolds, options.seed)
  const width = 2 * classes
  const margins = new Float64Array(examples.length * width)
  for (let fold = 0; fold < TRAINING.innerFolds; fold++) {
    const rows = [...folds.keys()].filter((row) => folds[row] === fold)
    const rest = examples.filter((_, row) => folds[row] !== fold)
    const model = trainTriageModel(rowsOf(rest), more, options)
    const own = triageMargins(model, formsOf(rows.map((row) => examples[row] as Example)))
    rows.forEach((row, i) => {
      margins.set(own.subarray(i * width, (i + 1) * width), row * width)
    })
  }
  return margins
}

/** What a model says of every text. */
export function predictAll({ model, calibration }: TrainedTriage, seen: readonly Seen[]) {
  const margins = triageMargins(model, seen)
  return {
    /** Calibrated, f64[n][classes]. */
    probabilities: calibratedShares(margins, calibration),
    /** f64[n]. */
    gains: gainsOf(softmaxRows(margins, classes)),
  }
}

/** What a model ranks texts by, f64[n]. */
export const rank = (model: TriageModel, seen: readonly Seen[]): Float64Array =>
  gainsOf(softmaxRows(triageMargins(model, seen), classes))

/** P(strong alone is right) − P(weak alone is right) of each row. */
export const gainsOf = (probabilities: Float64Array): Float64Array => {
  const [strong, weak] = [OUTCOMES.indexOf('strong'), OUTCOMES.indexOf('weak')]
  return Float64Array.from(
    { length: probabilities.length / classes },
    (_, row) =>
      (probabilities[row * classes + strong] ?? 0) - (probabilities[row * classes + weak] ?? 0),
  )
}

export interface TrainedTriage {
  readonly model: TriageModel
  readonly calibration: Calibration
  /** f64[gainPoints], ascending, of held-out predictions. */
  readonly gains: Float64Array
}

/** What an artifact decides buckets with. */
export function trainTriage(
  examples: readonly Example[],
  seed: number,
  more: readonly Row[] = [],
): TrainedTriage {
  const options = { ...TRAINING.boost, seed }
  const margins = heldOutMargins(examples, more, options)
  const labels = Uint8Array.from(examples.flatMap(({ label }) => [label, label]))
  const calibration = fitCalibration(margins, labels, classes)
  const sorted = gainsOf(softmaxRows(margins, classes)).sort()
  const gains = Float64Array.from(
    { length: TRAINING.gainPoints },
    (_, i) => sorted[Math.round((i / (TRAINING.gainPoints - 1)) * (sorted.length - 1))] ?? 0,
  )
  return { model: trainTriageModel(rowsOf(examples), more, options), calibration, gains }
}
