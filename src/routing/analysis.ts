import { dots } from '../kernels/similarity.ts'
import type { Artifact } from './artifact.ts'
import { nearestClusters, qualityNear } from './clusters.ts'
import { EMBEDDING_NAME } from './embedding.ts'
import type { ProvidedEmbedding } from './embedding-provider.ts'
import type { ExactTokens, TokensSource } from './exact-tokens.ts'
import type { Probabilities, RoutingRequest } from './types.ts'

/** Clusters that an explanation names. */
const CLUSTERS_TOLD_MAX = 4

/** What an artifact makes of a request's content: everything of a decision that does not change by the hour. */
export interface Analysis {
  readonly probabilities: Probabilities
  /** [0, 1], see `Prediction.difficulty`. */
  readonly difficulty: number
  /** Estimate for the text alone. */
  readonly tokens: number
  /** Whose places of the question the clusters are near to. */
  readonly embedding: string
  /** What that is by. */
  readonly tokensSource: TokensSource
  /** The nearest clusters, at most `CLUSTERS_TOLD_MAX`, and the weights of these. */
  readonly clusters: readonly number[]
  readonly clusterWeights: readonly number[]
  /** Q̂ over all clusters taken, by row of `router.quality`. Plain arrays: thousands are remembered. */
  readonly quality: readonly number[]
  /** In the order of FEATURE_NAMES, null where not known; null where they are not kept. */
  readonly features: readonly (number | null)[] | null
}

/** Cosines with the clusters' centroids in a provider's embedding; null where the artifact has none of it. */
const similaritiesIn = (
  { provided }: Artifact,
  { embedding, vector }: ProvidedEmbedding,
): Float64Array | null =>
  provided?.embedding === embedding && provided.dimensions === vector.length
    ? dots(vector, provided.centroids, provided.dimensions)
    : null

/** What an analysis is made with beside the request. */
export interface AnalysisOptions {
  /** f64[rows][clusters]: Q̂ of the artifact's models, and of others behind them. */
  readonly quality?: Float64Array
  /** Counts the tokens, where it is loaded. */
  readonly exact?: ExactTokens | undefined
  /** The question's place in the embedding that the artifact has other centroids of. */
  readonly provided?: ProvidedEmbedding | null | undefined
  readonly keepsFeatures?: boolean
}

/** @throws ArenaExhaustedError; RangeError after the artifact was closed */
export const analyse = (
  request: RoutingRequest,
  artifact: Artifact,
  { quality = artifact.quality, exact, provided, keepsFeatures = false }: AnalysisOptions = {},
): Analysis => {
  const { probabilities, difficulty, similarities, tokens, values } = artifact.assess(request)
  const counted = exact?.count(request.text, tokens) ?? null
  const elsewhere = provided ? similaritiesIn(artifact, provided) : null
  const near = nearestClusters(elsewhere ?? similarities)
  const told = near.slice(0, CLUSTERS_TOLD_MAX)
  return {
    probabilities,
    difficulty,
    embedding: elsewhere !== null && provided ? provided.embedding : EMBEDDING_NAME,
    tokens: counted ?? tokens,
    tokensSource: counted === null ? 'heuristic' : 'o200k_base',
    clusters: told.map(({ cluster }) => cluster),
    clusterWeights: told.map(({ weight }) => weight),
    quality: qualityNear(near, quality, artifact.clusters),
    features: keepsFeatures
      ? Array.from(values, (value) => (Number.isNaN(value) ? null : value))
      : null,
  }
}
