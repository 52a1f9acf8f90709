import type { Assessment, Features, Prediction, RoutingRequest } from './types.ts'

/** Centroids of the same clusters in a provider's embedding. */
export interface ProvidedCentroids {
  /** The provider's name for it. */
  readonly embedding: string
  readonly dimensions: number
  /** f32[clusters][dimensions], of length 1. */
  readonly centroids: Float32Array
}

/**
 * A trained router in memory. Parts never change; a new one replaces it as a whole.
 */
export interface Artifact {
  /** SHA-256 of the content, hex. */
  readonly version: string
  /** Names of the columns that the trees see. */
  readonly features: readonly string[]
  /** Bounds of `Prediction.difficulty`: below `cheap` the cheap bucket, from `hard` on the hard one. */
  readonly thresholds: { readonly cheap: number; readonly hard: number }
  /** Default weight of quality against cost. */
  readonly alpha: number
  readonly clusters: number
  /** f32[clusters][EMBEDDING_DIMS], of length 1. */
  readonly centroids: Float32Array
  /** Null or absent where the clusters have no centroids of another embedding. */
  readonly provided?: ProvidedCentroids | null
  /** Models with a row in `quality` and `cost`, the weak one first, the strong one last. */
  readonly models: readonly string[]
  /** Q̂, f64[models][clusters] in [0, 1]: share of questions answered right, shrunk to the model's mean. */
  readonly quality: Float64Array
  /** Ĉ, f64[models][clusters] in [0, 1]: cost of a request relative to the dearest model of the cluster. */
  readonly cost: Float64Array
  /** What training measured, as in models/router-report.json. */
  readonly report: unknown
  /**
   * As predict() of the request's features, without the counts that only training takes: its text is
   * read in one call.
   *
   * @throws RangeError after close(); ArenaExhaustedError
   */
  assess(request: RoutingRequest): Assessment
  /** @throws RangeError after close() */
  predict(features: Features): Prediction
  /** Gives the memory of trees, weights and centroids back. */
  close(): void
}

/** What a file must also satisfy. */
export interface ReadArtifactOptions {
  /** Ed25519, 32 bytes: the file must be signed by it. */
  readonly publicKey?: Uint8Array<ArrayBuffer>
  /** Models that must have a row in Q̂. */
  readonly candidates?: readonly string[]
}
