import type { Artifact } from '../../src/routing/artifact.ts'
import { FEATURE_NAMES } from '../../src/routing/features.ts'
import { plainRequest } from '../../src/routing/plain-request.ts'
import { bareOf, type Example, type Form } from './dataset.ts'
import { evaluate } from './evaluate.ts'
import { foldsBySubject } from './folds.ts'
import { routingQuality } from './metrics.ts'
import { withSpaceNoise } from './noise.ts'
import { seeded } from './seeded.ts'
import { VALIDATION_FOLDS } from './splits.ts'
import {
  predictAll,
  type Row,
  rank,
  rowsOf,
  TRAINING,
  trainTriage,
  trainTriageModel,
} from './train.ts'

const round = (value: number): number => Math.round(value * 1e4) / 1e4

/** APGR of each fold alone, as someone with those subjects would find it, beside that of length. */
function foldFigures(examples: readonly Example[], gains: Float64Array, form: Form) {
  const tokens = Float64Array.from(examples, (example) => example[form].tokens)
  const [gjallar, length] = [gains, tokens].map((scores) =>
    round(routingQuality(examples, scores).apgr),
  )
  return { subjects: new Set(examples.map(({ subject }) => subject)).size, gjallar, length }
}

/**
 * Figures over folds of whole subjects, each predicted by all that was trained on the others.
 *
 * @param moreOf rows beside those of the examples trained on
 */
export function judgeFolds(
  examples: readonly Example[],
  seed: number,
  moreOf: (examples: readonly Example[]) => readonly Row[],
) {
  const subjects = examples.map(({ subject }) => subject)
  // Other folds than those within training.
  const folds = foldsBySubject(subjects, VALIDATION_FOLDS, seed + 1)
  const parts = Array.from({ length: VALIDATION_FOLDS }, (_, fold) => {
    const held = examples.filter((_, i) => folds[i] === fold)
    const rest = examples.filter((_, i) => folds[i] !== fold)
    return { held, trained: trainTriage(rest, seed, moreOf(rest)) }
  })
  const order = parts.flatMap(({ held }) => held)
  const figuresOf = (form: Form) => {
    const predicted = parts.map(({ held, trained }) =>
      predictAll(
        trained,
        held.map((example) => example[form]),
      ),
    )
    const probabilities = Float64Array.from(predicted.flatMap((own) => [...own.probabilities]))
    const gains = Float64Array.from(predicted.flatMap((own) => [...own.gains]))
    return {
      ...evaluate({ form, examples: order, probabilities, gains }, seed),
      apgrOfFolds: parts.map(({ held }, fold) =>
        foldFigures(held, predicted[fold]?.gains ?? gains, form),
      ),
    }
  }
  return { asked: figuresOf('asked'), bare: figuresOf('bare') }
}

/** APGR of ours and of length over all questions, and its mean over folds. */
function partitionFigures(examples: readonly Example[], parts: readonly Part[], form: Form) {
  const order = parts.flatMap(({ held }) => held.map((i) => examples[i] as Example))
  const figuresOf = (scores: readonly Float64Array[]) => ({
    apgr: round(routingQuality(order, Float64Array.from(scores.flatMap((own) => [...own]))).apgr),
    meanOfFolds: round(
      parts.reduce((sum, { held }, fold) => {
        const own = held.map((i) => examples[i] as Example)
        return sum + routingQuality(own, scores[fold] ?? new Float64Array(0)).apgr
      }, 0) / parts.length,
    ),
  })
  return {
    gjallar: figuresOf(parts.map(({ gains }) => gains[form])),
    'length only': figuresOf(
      parts.map(({ held }) => Float64Array.from(held, (i) => examples[i]?.[form].tokens ?? 0)),
    ),
  }
}

interface Part {
  /** Places of the examples. */
  readonly held: readonly number[]
  readonly gains: Readonly<Record<Form, Float64Array>>
}

/**
 * The order of questions alone, over several partitions of the subjects into folds: how much a figure
 * owes to which subjects were together. The first partition is that of judgeFolds().
 */
export function judgePartitions(
  examples: readonly Example[],
  seed: number,
  partitions: number,
  moreOf: (examples: readonly Example[]) => readonly Row[],
) {
  const subjects = examples.map(({ subject }) => subject)
  return Array.from({ length: partitions }, (_, partition) => {
    const folds = foldsBySubject(subjects, VALIDATION_FOLDS, seed + 1 + partition)
    const parts = Array.from({ length: VALIDATION_FOLDS }, (_, fold): Part => {
      const rest = examples.filter((_, i) => folds[i] !== fold)
      const options = { ...TRAINING.boost, seed }
      const model = trainTriageModel(rowsOf(rest), moreOf(rest), options)
      const held = [...folds.keys()].filter((i) => folds[i] === fold)
      const gainsOf = (form: Form) =>
        rank(
          model,
          held.map((i) => (examples[i] as Example)[form]),
        )
      return { held, gains: { asked: gainsOf('asked'), bare: gainsOf('bare') } }
    })
    return {
      asked: partitionFigures(examples, parts, 'asked'),
      bare: partitionFigures(examples, parts, 'bare'),
    }
  })
}

const bucketOf = (difficulty: number, { cheap, hard }: Artifact['thresholds']): number =>
  Number(difficulty >= cheap) + Number(difficulty >= hard)

const share = (count: number, total: number): number => round(count / total)

/** Buckets that the artifact gives, and how many of them other white space changes. */
function bucketFigures(artifact: Artifact, examples: readonly Example[], form: Form, seed: number) {
  const random = seeded(seed)
  const counts = [0, 0, 0]
  const gains = [0, 0, 0]
  let flips = 0
  const bucketOfText = (text: string): number =>
    bucketOf(artifact.assess(plainRequest(text)).difficulty, artifact.thresholds)
  for (const { prompt, isWeakRight, isStrongRight } of examples) {
    const text = form === 'bare' ? bareOf(prompt) : prompt
    const bucket = bucketOfText(text)
    flips += Number(bucketOfText(withSpaceNoise(text, random)) !== bucket)
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

/** Figures of an artifact, read as the worker reads it, on examples of subjects that it never saw. */
export function judgeUnseen(artifact: Artifact, examples: readonly Example[], seed: number) {
  const figuresOf = (form: Form) => {
    const predictions = examples.map(({ prompt }) =>
      artifact.assess(plainRequest(form === 'bare' ? bareOf(prompt) : prompt)),
    )
    const figures = evaluate(
      {
        form,
        examples,
        // `evaluate` asks for what a bucket sums to: both and weak are one.
        probabilities: Float64Array.from(
          predictions.flatMap(({ probabilities: { cheap, mid, hard } }) => [cheap, mid, hard, 0]),
        ),
        gains: Float64Array.from(predictions, ({ gain }) => gain),
      },
      seed,
    )
    return { ...figures, buckets: bucketFigures(artifact, examples, form, seed) }
  }
  const constant = FEATURE_NAMES.filter(
    (_, i) =>
      new Set(examples.flatMap(({ asked, bare }) => [asked.values[i], bare.values[i]])).size === 1,
  )
  return { asked: figuresOf('asked'), bare: figuresOf('bare'), constantFeatures: constant }
}
