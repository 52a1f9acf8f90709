import { z } from 'zod'
import { describeFault } from '../../src/routing/artifact-fault.ts'
import { OUTCOMES } from '../../src/routing/artifact-format.ts'
import { TrainedArtifact } from '../../src/routing/artifact-model.ts'
import { readArtifact } from '../../src/routing/artifact-read.ts'
import { type Example, MODELS } from './dataset.ts'
import { boost, marginsOf, softmaxRows } from './gbdt.ts'
import { type ClusterNames, SINGLE_OUTCOMES, type SingleOutcome } from './outcomes.ts'
import { type Row, rowsOf, TRAINING, tableOf } from './train.ts'
import type { ClusterRates, Places } from './train-clusters.ts'

/** Artifacts whose clusters stay the same through trainings on outcomes. */
const VERSIONS_MAX = 64

const reportSchema = z.object({ clustersOf: z.array(z.string()).default([]) })

/** Where an artifact's clusters lie, and which artifacts have had the same. @throws Error for no artifact */
export async function placesOf(bytes: Uint8Array): Promise<Places & ClusterNames> {
  const read = await readArtifact(Uint8Array.from(bytes))
  if (!read.ok) throw new Error(`the base is no artifact: ${describeFault(read.error)}`)
  const artifact = read.value
  artifact.close()
  if (!(artifact instanceof TrainedArtifact)) throw new Error('the base was not trained')
  const { version, weights, centroids, clusters, report } = artifact
  const { clustersOf } = reportSchema.parse(report)
  const versions = [...clustersOf, version].slice(-VERSIONS_MAX)
  return { weights, centroids, clusters, versions }
}

const idOf = ({ provider, model }: SingleOutcome): string => `${provider}/${model}`

/** The row that an outcome is of: its model's in the data, or one of its own. */
const rowNameOf = (outcome: SingleOutcome, models: readonly string[]): string =>
  [outcome.model, idOf(outcome)].find((name) => models.includes(name)) ?? idOf(outcome)

const meanOf = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => a + b, 0) / Math.max(1, values.length)
const inUnit = (value: number): number => Math.min(1, Math.max(0, value))

/** Scores of one model by cluster, shrunk to what is expected there. */
function shrunk(outcomes: readonly SingleOutcome[], prior: ArrayLike<number>): number[] {
  const { shrinkage } = SINGLE_OUTCOMES
  const sums = Float64Array.from(prior, (rate) => rate * shrinkage)
  const counts = new Float64Array(prior.length).fill(shrinkage)
  for (const { cluster, score } of outcomes) {
    if (cluster === null) continue
    sums[cluster] = (sums[cluster] ?? 0) + score
    counts[cluster] = (counts[cluster] ?? 0) + 1
  }
  return Array.from(sums, (sum, cluster) => sum / (counts[cluster] ?? 1))
}

/**
 * Q̂ and Ĉ with outcomes of single models: rows of the data move towards what was seen, and models that
 * the data do not have get rows, between the weak one and the strong one. A new model is expected to find
 * hard what the others do.
 */
export function ratesWith(rates: ClusterRates, outcomes: readonly SingleOutcome[]): ClusterRates {
  const clusters = rates.quality.length / rates.models.length
  const byRow = Map.groupBy(outcomes, (outcome) => rowNameOf(outcome, rates.models))
  const rowOf = (values: Float64Array, model: number) =>
    values.subarray(model * clusters, (model + 1) * clusters)
  const means = Float64Array.from({ length: clusters }, (_, cluster) =>
    meanOf(rates.models.map((_name, model) => rowOf(rates.quality, model)[cluster] ?? 0)),
  )
  const known = rates.models.map((name, model) => ({
    name,
    quality: shrunk(byRow.get(name) ?? [], rowOf(rates.quality, model)),
    cost: [...rowOf(rates.cost, model)],
  }))
  const costOf = (own: readonly SingleOutcome[]) => meanOf(own.map(({ costUsd }) => costUsd))
  const dearest = Math.max(...[...byRow.values()].map(costOf), Number.MIN_VALUE)
  const added = [...byRow]
    .filter(
      ([name, { length }]) =>
        !rates.models.includes(name) && length >= SINGLE_OUTCOMES.rowOutcomesMin,
    )
    .sort(([a, own], [b, other]) => other.length - own.length || (a < b ? -1 : 1))
    .slice(0, SINGLE_OUTCOMES.rowsMax - known.length)
    .map(([name, own]) => {
      const mean = meanOf(own.map(({ score }) => score))
      const prior = means.map((rate) => inUnit(mean + rate - meanOf(means)))
      return {
        name,
        quality: shrunk(own, prior),
        cost: new Array<number>(clusters).fill(costOf(own) / dearest),
      }
    })
  const all = [...known.slice(0, -1), ...added, ...known.slice(-1)]
  return {
    models: all.map(({ name }) => name),
    quality: Float64Array.from(all.flatMap(({ quality }) => quality)),
    cost: Float64Array.from(all.flatMap(({ cost }) => cost)),
  }
}

/** Which outcomes the weak model answers well, and the strong one. */
const ANSWERED = [
  ['both', 'weak'],
  ['both', 'strong'],
] as const satisfies readonly (readonly (typeof OUTCOMES)[number][])[]

/**
 * Rows for the trees out of outcomes of the weak and the strong model: what trees of labelled questions
 * say of both models' answers, given the one that was seen. One step of expectation–maximisation.
 * Source: Dempster, Laird & Rubin 1977; weights in parts as in Nigam et al. 2000, §5.1.
 */
export function rowsWith(
  examples: readonly Example[],
  outcomes: readonly SingleOutcome[],
  seed: number,
): Row[] {
  const seen = outcomes.flatMap((outcome) => {
    const role = (MODELS as readonly string[]).indexOf(rowNameOf(outcome, MODELS))
    const { features, score } = outcome
    return features && role >= 0 ? [{ values: features, score, role }] : []
  })
  if (seen.length === 0) return []
  const labelled = rowsOf(examples)
  const model = boost(tableOf(labelled), { ...TRAINING.boost, seed })
  const unknown = seen.map(({ values }) => ({ values, label: 0, weight: 1 }))
  const shares = softmaxRows(marginsOf(model, tableOf(unknown)), OUTCOMES.length)
  const total = labelled.reduce((sum, { weight }) => sum + weight, 0)
  const each = Math.min(1, (SINGLE_OUTCOMES.weightShareMax * total) / seen.length)
  return seen.flatMap(({ values, score, role }, i) => {
    const answered: readonly string[] = ANSWERED[role] ?? []
    const joint = OUTCOMES.map(
      (name, k) =>
        (shares[i * OUTCOMES.length + k] ?? 0) * (answered.includes(name) ? score : 1 - score),
    )
    const evidence = joint.reduce((a, b) => a + b, 0)
    return joint.flatMap((share, label) =>
      share > 0 ? [{ values, label, weight: (each * share) / evidence }] : [],
    )
  })
}
