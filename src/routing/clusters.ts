/** One cluster near a request; the weights of all that are taken sum to 1. */
export interface ClusterWeight {
  readonly cluster: number
  readonly weight: number
}

/** Differences of cosines that matter: of 0.1, the nearer cluster weighs 2.7 times as much. */
const SOFTMAX_TEMPERATURE = 0.1
/** The nearest clusters are taken until they have this share of all weight. */
const TOP_P = 0.9

/**
 * The nearest clusters with softmax weights, nearest first; of equals the first.
 *
 * @param similarities cosines, f64[clusters], finite
 * @returns all clusters alike where the similarities are all equal, as those of a text without words
 */
export const nearestClusters = (similarities: Float64Array): readonly ClusterWeight[] => {
  let most = -1
  for (const similarity of similarities) most = Math.max(most, similarity)
  const weights = similarities.map((similarity) =>
    Math.exp((similarity - most) / SOFTMAX_TEMPERATURE),
  )
  let total = 0
  for (const weight of weights) total += weight
  const order = Array.from(weights.keys()).sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0))
  let taken = 0
  let count = 0
  for (const cluster of order) {
    const weight = weights[cluster] ?? 0
    // Ties stay together: which of two equal clusters comes first says nothing.
    if (taken >= TOP_P * total && weight < (weights[order[count - 1] ?? 0] ?? 0)) break
    taken += weight
    count++
  }
  return order
    .slice(0, count)
    .map((cluster) => ({ cluster, weight: (weights[cluster] ?? 0) / taken }))
}

/**
 * Each model's quality near a request: Σ weight · Q̂[model, cluster].
 *
 * @param quality f64[models][clusters]
 * @returns one a model
 */
export const qualityNear = (
  near: readonly ClusterWeight[],
  quality: Float64Array,
  clusters: number,
): number[] => {
  const means: number[] = []
  for (let model = 0; model < quality.length / clusters; model++) {
    let sum = 0
    for (const { cluster, weight } of near)
      sum += weight * (quality[model * clusters + cluster] ?? 0)
    means.push(sum)
  }
  return means
}
