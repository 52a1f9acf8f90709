import { OUTCOMES } from '../../src/routing/artifact-format.ts'
import { intervalOf, Resamples } from './bootstrap.ts'
import type { Example, Form, Seen } from './dataset.ts'
import type { Figure } from './evaluate.ts'
import { boost, softmaxRows } from './gbdt.ts'
import { orderOf, routingQuality } from './metrics.ts'
import { seeded, shuffle } from './seeded.ts'
import {
  FORMS,
  gainsOf,
  type LabelledRow,
  rowsOf,
  TRAINING,
  tableOf,
  trainWords,
  treeMargins,
} from './train.ts'
import { lexicalMarginsOf } from './train-lexical.ts'

export interface SplitOptions {
  readonly splits: number
  /** Subjects that each split holds out. */
  readonly heldOut: number
  readonly resamples: number
}

const OPTIONS: SplitOptions = { splits: 16, heldOut: 10, resamples: 500 }

/** Which forms a part learns from, and how much of the margins is its own. */
interface Configuration {
  readonly forms: 'asked' | 'both'
  /** Of words; the rest is of trees. */
  readonly words: number
  /** Whether the rank of length is averaged with what comes of that. */
  readonly length?: true
}

const CONFIGURATIONS = {
  'trees, asked': { forms: 'asked', words: 0 },
  'trees, both forms': { forms: 'both', words: 0 },
  'trees and words, both forms': { forms: 'both', words: TRAINING.share },
  'trees and words, asked': { forms: 'asked', words: TRAINING.share },
  'trees and a quarter of words, asked': { forms: 'asked', words: 0.25 },
  'words, both forms': { forms: 'both', words: 1 },
  'rank of trees and of length, asked': { forms: 'asked', words: 0, length: true },
} as const satisfies Record<string, Configuration>

type Name = keyof typeof CONFIGURATIONS
const NAMES = Object.keys(CONFIGURATIONS) as Name[]

const LENGTH = 'length only'

/** Margins of texts by each part alone, f64[n][classes]. */
type Parts = Readonly<Record<'trees' | 'words', (seen: readonly Seen[]) => Float64Array>>

function partsOf(rows: readonly LabelledRow[], seed: number): Parts {
  const trees = boost(tableOf(rows), { ...TRAINING.boost, seed })
  const words = trainWords(rows)
  return {
    trees: (seen) => treeMargins(trees, seen),
    words: (seen) => lexicalMarginsOf(words, seen),
  }
}

/** Places in the order of scores as shares, f64[n]; the greatest last. */
function ranksOf(scores: Float64Array): Float64Array {
  const ranks = new Float64Array(scores.length)
  orderOf(scores).forEach((place, i) => {
    ranks[place] = 1 - i / scores.length
  })
  return ranks
}

/** What every configuration, and length, ranks texts of one form by. */
function scoresOf(
  parts: Readonly<Record<'asked' | 'both', Parts>>,
  held: readonly Example[],
  form: Form,
): Record<string, Float64Array> {
  const seen = held.map((example) => example[form])
  const tokens = Float64Array.from(seen, (own) => own.tokens)
  const [asked, both] = (['asked', 'both'] as const).map((forms) => ({
    trees: parts[forms].trees(seen),
    words: parts[forms].words(seen),
  }))
  const scores = Object.entries(CONFIGURATIONS).map(
    ([name, configuration]: [string, Configuration]) => {
      const { trees, words } = (configuration.forms === 'asked' ? asked : both) ?? {}
      const margins = (trees ?? new Float64Array(0)).map(
        (margin, i) => (1 - configuration.words) * margin + configuration.words * (words?.[i] ?? 0),
      )
      const gains = gainsOf(softmaxRows(margins, OUTCOMES.length))
      if (!configuration.length) return [name, gains] as const
      const ofLength = ranksOf(tokens)
      return [name, ranksOf(gains).map((rank, i) => rank + (ofLength[i] ?? 0))] as const
    },
  )
  return { ...Object.fromEntries(scores), [LENGTH]: tokens }
}

/** One split: its examples by their places, and what they are ranked by. */
interface Split {
  readonly held: readonly number[]
  readonly scores: Readonly<Record<Form, Record<string, Float64Array>>>
}

function splitOf(examples: readonly Example[], heldOut: number, seed: number): Split {
  const subjects = [...new Set(examples.map(({ subject }) => subject))].sort()
  const out = new Set(shuffle(subjects, seeded(seed)).slice(0, heldOut))
  const held = [...examples.keys()].filter((i) => out.has(examples[i]?.subject ?? ''))
  const rest = examples.filter(({ subject }) => !out.has(subject))
  const parts = {
    asked: partsOf(rowsOf(rest, ['asked']), seed),
    both: partsOf(rowsOf(rest, FORMS), seed),
  }
  const own = held.map((i) => examples[i] as Example)
  return {
    held,
    scores: { asked: scoresOf(parts, own, 'asked'), bare: scoresOf(parts, own, 'bare') },
  }
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

const round = (value: number): number => Math.round(value * 1e4) / 1e4

/** APGR by router and split, once as the questions are and once for each resample of them. */
type Apgrs = (name: string, counts?: Uint32Array) => number[]

function apgrsOf(examples: readonly Example[], splits: readonly Split[], form: Form): Apgrs {
  const own = splits.map(({ held, scores }) => ({
    held,
    questions: held.map((i) => examples[i] as Example),
    routers: Object.fromEntries(
      Object.entries(scores[form]).map(([name, by]) => [name, { by, order: orderOf(by) }]),
    ),
  }))
  const known = new Map<Uint32Array | undefined, Map<string, number[]>>()
  return (name, counts) => {
    const sameCounts = known.get(counts) ?? new Map<string, number[]>()
    known.set(counts, sameCounts)
    const found = sameCounts.get(name)
    if (found) return found
    const apgrs = own.map(({ held, questions, routers }) => {
      const { by, order } = routers[name] ?? { by: new Float64Array(0), order: new Uint32Array(0) }
      const drawn = counts && Uint32Array.from(held, (i) => counts[i] ?? 0)
      return routingQuality(questions, by, order, drawn).apgr
    })
    sameCounts.set(name, apgrs)
    return apgrs
  }
}

/** How far a router is above length: by split, and of the mean over splits with its intervals. */
function aboveLength(apgrs: Apgrs, name: string, { byQuestion, bySubject }: Resamples) {
  const differences = (counts?: Uint32Array): number[] => {
    const length = apgrs(LENGTH, counts)
    return apgrs(name, counts).map((apgr, split) => apgr - (length[split] ?? Number.NaN))
  }
  // A resample may leave a split without a gap between both models.
  const metric = (counts?: Uint32Array): number =>
    meanOf(differences(counts).filter(Number.isFinite))
  const own = differences()
  const mean = meanOf(own)
  const { low, high } = intervalOf(mean, bySubject.map(metric))
  const figure: Figure = {
    ...intervalOf(mean, byQuestion.map(metric)),
    bySubject: [low, high],
  }
  return {
    mean: figure,
    deviation: round(Math.sqrt(meanOf(own.map((x) => (x - mean) ** 2)))),
    median: round(own.toSorted((a, b) => a - b)[own.length >> 1] ?? Number.NaN),
    splitsAbove: own.filter((difference) => difference > 0).length,
  }
}

/**
 * What one model makes of subjects that it never saw, as it is used: a part of the subjects is held out
 * and ranked by one model of the others, over and over. Several ways to train are compared so.
 */
export function judgeSplits(
  examples: readonly Example[],
  seed: number,
  options: SplitOptions = OPTIONS,
) {
  const splits = Array.from({ length: options.splits }, (_, split) =>
    splitOf(examples, options.heldOut, seed + split),
  )
  const subjects = examples.map(({ subject }) => subject)
  const resamples = new Resamples(subjects, options.resamples, seeded(seed))
  const figuresOf = (form: Form) => {
    const apgrs = apgrsOf(examples, splits, form)
    const rowOf = (name: Name) => ({
      apgr: round(meanOf(apgrs(name))),
      aboveLength: aboveLength(apgrs, name, resamples),
    })
    return {
      [LENGTH]: { apgr: round(meanOf(apgrs(LENGTH))) },
      ...(Object.fromEntries(NAMES.map((name) => [name, rowOf(name)])) as Record<
        Name,
        ReturnType<typeof rowOf>
      >),
    }
  }
  return {
    ...options,
    questions: splits.map(({ held }) => held.length),
    asked: figuresOf('asked'),
    bare: figuresOf('bare'),
  }
}
