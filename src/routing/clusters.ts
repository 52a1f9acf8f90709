/** One cluster near a request; the weights of all that are taken sum to 1. */
export interface ClusterWeight {
  readonly cluster: number
  readonly weight: number
}

/** Differences of cosines that matter: of 0.1, the nearer cluster weighs 2.7 times as much. */
const SOFTMAX_TEMPERATURE = 0.1
/** The nearest clusters are taken until they have this share of all weight. */
const TOP_P = 0.9

/** Work space, as an artifact has 256 clusters at most: arrays of their own would take longer than the sort. */
const CLUSTERS_MAX = 256
const weights = new Float64Array(CLUSTERS_MAX)
const order = new Uint16Array(CLUSTERS_MAX)

/**
 * The nearest clusters with softmax weights, nearest first; of equals the first.
 *
 * @param similarities cosines, f64[clusters ≤ 256], finite
 * @returns all clusters alike where the similarities are all equal, as those of a text without words
 */
export const nearestClusters = (similarities: ArrayLike<number>): readonly ClusterWeight[] => {
  let most = -1
  const count = similarities.length
  for (let i = 0; i < count; i++) most = Math.max(most, similarities[i] ?? 0)
  // Sorted by insertion: weights descend, of equals the first leads.
  let total = 0
  for (let cluster = 0; cluster < count; cluster++) {
    const weight = Math.exp(((similarities[cluster] ?? 0) - most) / SOFTMAX_TEMPERATURE)
    total += weight
    let at = cluster
    for (; at > 0 && (weights[at - 1] ?? 0) < weight; at--) {
      weights[at] = weights[at - 1] ?? 0
      order[at] = order[at - 1] ?? 0
    }
    weights[at] = weight
    order[at] = cluster
  }
  let taken = 0
  let end = 0
  for (; end < count; end++) {
    const weight = weights[end] ?? 0
    // Ties stay together: which of two equal clusters comes first says nothing.
    if (taken >= TOP_P * total && weight < (weights[end - 1] ?? 0)) break
    taken += weight
  }
  const near: ClusterWeight[] = []
  for (let i = 0; i < end; i++)
    near.push({ cluster: order[i] ?? 0, weight: (weights[i] ?? 0) / taken })
  return near
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
