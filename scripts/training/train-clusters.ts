import { EMBEDDING_DIMS, embed, type SlotWeights, sifWeights } from '../../src/routing/embedding.ts'
import { HASH_SLOTS } from '../../src/routing/features.ts'
import { type Example, MODELS, type Seen } from './dataset.ts'
import { assign, sphericalKMeans } from './k-means.ts'
import { seeded } from './seeded.ts'
import { denseOf, type SparseCounts } from './sparse.ts'

export const CLUSTERING = {
  clusters: 24,
  iterations: 20,
  /** Answers that each cluster's share is shrunk to its model's mean with. */
  shrinkage: 20,
} as const

/** US dollars for a million tokens in and out, as openai.com and together.ai had them in 2025. */
const PRICES = [
  { input: 0.6, output: 0.6 },
  { input: 10, output: 30 },
] as const
/** An answer of the data is a letter. */
const ANSWER_TOKENS = 1

const weightsOf = (counts: readonly SparseCounts[]): Float32Array => {
  const sums = new Float64Array(HASH_SLOTS)
  for (const { slots, counts: own } of counts) {
    slots.forEach((slot, i) => {
      sums[slot] = (sums[slot] ?? 0) + Math.abs(own[i] ?? 0)
    })
  }
  const total = Math.max(
    1,
    sums.reduce((a, b) => a + b, 0),
  )
  return sifWeights(sums.map((sum) => sum / total))
}

/** Weights of slots by how frequent they are in texts. */
export const slotWeightsOf = (seen: readonly Seen[]): SlotWeights => ({
  words: weightsOf(seen.map(({ words }) => words)),
  trigrams: weightsOf(seen.map(({ trigrams }) => trigrams)),
})

/** Embeddings, f32[n][EMBEDDING_DIMS]. */
export function embedAll(seen: readonly Seen[], weights: SlotWeights): Float32Array {
  const rows = new Float32Array(seen.length * EMBEDDING_DIMS)
  seen.forEach(({ words, trigrams }, row) => {
    const counts = { words: denseOf(words), trigrams: denseOf(trigrams) }
    rows.set(embed(counts, weights), row * EMBEDDING_DIMS)
  })
  return rows
}

/** Where questions lie. */
export interface Places {
  readonly weights: SlotWeights
  /** f32[clusters][EMBEDDING_DIMS]. */
  readonly centroids: Float32Array
}

export function trainPlaces(examples: readonly Example[], seed: number): Places {
  const seen = examples.map(({ asked }) => asked)
  const weights = slotWeightsOf(seen)
  const { clusters, iterations } = CLUSTERING
  const rows = embedAll(seen, weights)
  return {
    weights,
    centroids: sphericalKMeans(rows, EMBEDDING_DIMS, clusters, iterations, seeded(seed)),
  }
}

/** Q̂ and Ĉ, each f64[models][clusters]. */
export interface ClusterRates {
  readonly models: readonly string[]
  readonly quality: Float64Array
  readonly cost: Float64Array
}

/** How good and dear the two models of the labelled questions are in each cluster. */
export function labelledRates(
  examples: readonly Example[],
  { weights, centroids }: Places,
): ClusterRates {
  const clusters = centroids.length / EMBEDDING_DIMS
  const seen = examples.map(({ asked }) => asked)
  const clusterOf = assign(embedAll(seen, weights), centroids, EMBEDDING_DIMS)
  const sizes = new Float64Array(clusters)
  const tokens = new Float64Array(clusters)
  const right = MODELS.map(() => new Float64Array(clusters))
  examples.forEach(({ isWeakRight, isStrongRight, asked }, row) => {
    const cluster = clusterOf[row] ?? 0
    sizes[cluster] = (sizes[cluster] ?? 0) + 1
    tokens[cluster] = (tokens[cluster] ?? 0) + asked.tokens
    for (const [model, isRight] of [isWeakRight, isStrongRight].entries()) {
      const counts = right[model] ?? new Float64Array(0)
      counts[cluster] = (counts[cluster] ?? 0) + Number(isRight)
    }
  })
  const { shrinkage } = CLUSTERING
  const quality = right.flatMap((own) => {
    const mean = own.reduce((a, b) => a + b, 0) / Math.max(1, examples.length)
    return Array.from(
      own,
      (count, cluster) => (count + shrinkage * mean) / ((sizes[cluster] ?? 0) + shrinkage),
    )
  })
  const costs = PRICES.map(({ input, output }) =>
    Array.from(
      tokens,
      (sum, cluster) => (sum * input) / Math.max(1, sizes[cluster] ?? 1) + ANSWER_TOKENS * output,
    ),
  )
  const cost = costs.flatMap((own) =>
    own.map((usd, cluster) => usd / Math.max(...costs.map((other) => other[cluster] ?? 0))),
  )
  return {
    models: [...MODELS],
    quality: Float64Array.from(quality),
    cost: Float64Array.from(cost),
  }
}
