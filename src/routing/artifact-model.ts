import { LexicalModel } from '../kernels/routing.ts'
import { dots } from '../kernels/similarity.ts'
import type { TreeEnsemble } from '../kernels/trees.ts'
import type { Artifact, ProvidedCentroids } from './artifact.ts'
import type { ArtifactHead } from './artifact-format.ts'
import { EMBEDDING_DIMS, embed, type SlotWeights } from './embedding.ts'
import { FEATURE_NAMES, readableOf, writeFeatures } from './features.ts'
import { type LexicalWeights, lexicalScale, lexicalSums, wordsOf } from './lexical.ts'
import type { Assessment, Features, Prediction, RoutingRequest } from './types.ts'

/** What a file holds beside its trees. */
export type ArtifactParts = Omit<Artifact, 'assess' | 'predict' | 'close'> & {
  /** f64[≥ 2], ascending: gains that the shares 0, 1/(n − 1), …, 1 of training's questions stay below. */
  readonly gains: Float64Array
  readonly weights: SlotWeights
  readonly lexical: LexicalWeights
  readonly calibration: ArtifactHead['calibration']
}

/** Shares that the margins' exponentials have. */
export function softmax(margins: Float64Array): Float64Array {
  let most = Number.NEGATIVE_INFINITY
  for (const margin of margins) most = Math.max(most, margin)
  const shares = new Float64Array(margins.length)
  let total = 0
  for (let i = 0; i < shares.length; i++) {
    const share = Math.exp((margins[i] ?? 0) - most)
    shares[i] = share
    total += share
  }
  for (let i = 0; i < shares.length; i++) shares[i] = (shares[i] ?? 0) / total
  return shares
}

/** Share of a distribution below a value, between the points given by their line; 0…1. */
export function shareBelow(points: Float64Array, value: number): number {
  const last = points.length - 1
  if (!(value > (points[0] ?? 0))) return 0
  if (value >= (points[last] ?? 0)) return 1
  let low = 0
  let high = last
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((points[middle] ?? 0) <= value) low = middle
    else high = middle
  }
  const start = points[low] ?? 0
  const width = (points[high] ?? 0) - start
  return (low + (width > 0 ? (value - start) / width : 0)) / last
}

/** A checked artifact whose trees lie in the kernels' memory. */
export class TrainedArtifact implements Artifact {
  readonly version: string
  readonly features: readonly string[]
  readonly thresholds: Artifact['thresholds']
  readonly alpha: number
  readonly clusters: number
  readonly centroids: Float32Array
  readonly provided: ProvidedCentroids | null
  readonly models: readonly string[]
  readonly quality: Float64Array
  readonly cost: Float64Array
  readonly report: unknown
  readonly #gains: Float64Array
  readonly weights: SlotWeights
  readonly #lexicalWeights: LexicalWeights
  readonly #calibration: ArtifactHead['calibration']
  readonly #trees: TreeEnsemble
  readonly #lexical: LexicalModel
  /** Work space of one call. */
  readonly #values = new Float64Array(FEATURE_NAMES.length)
  readonly #row = new Float32Array(FEATURE_NAMES.length)

  /** @throws ArenaExhaustedError, with the trees still open */
  constructor(parts: ArtifactParts, trees: TreeEnsemble) {
    this.version = parts.version
    this.features = parts.features
    this.thresholds = parts.thresholds
    this.alpha = parts.alpha
    this.clusters = parts.clusters
    this.centroids = parts.centroids
    this.provided = parts.provided ?? null
    this.models = parts.models
    this.quality = parts.quality
    this.cost = parts.cost
    this.report = parts.report
    this.#gains = parts.gains
    this.weights = parts.weights
    this.#calibration = parts.calibration
    this.#trees = trees
    this.#lexicalWeights = parts.lexical
    const { weights, centroids, lexical } = parts
    this.#lexical = new LexicalModel(weights.words, weights.trigrams, centroids, lexical)
  }

  assess(request: RoutingRequest): Assessment {
    const { text, question } = readableOf(request)
    const reading = this.#lexical.read(text, question)
    const { profile, tokens: read, similarities, slopeSums } = reading
    const tokens = writeFeatures(request, profile, read, this.#values)
    const { probabilities, gain, difficulty } = this.#judge(this.#values, slopeSums, profile.words)
    return { probabilities, gain, difficulty, similarities, tokens, values: this.#values }
  }

  predict(features: Features): Prediction {
    const embedding = embed(features, this.weights)
    const similarities = dots(embedding, this.centroids, EMBEDDING_DIMS)
    const sums = lexicalSums(features, this.#lexicalWeights)
    const judged = this.#judge(features.values, sums, wordsOf(features.values))
    return { ...judged, embedding, similarities }
  }

  /** @param values f64[features]        @param lexical sums of `words` words, f64[outcomes] */
  #judge(
    values: Float64Array,
    lexical: ArrayLike<number>,
    words: number,
  ): Pick<Prediction, 'probabilities' | 'gain' | 'difficulty'> {
    for (let i = 0; i < values.length; i++) this.#row[i] = values[i] ?? Number.NaN
    const margins = this.#trees.margins(this.#row)
    const divisor = lexicalScale(words)
    for (let outcome = 0; outcome < margins.length; outcome++)
      margins[outcome] = (margins[outcome] ?? 0) + (lexical[outcome] ?? 0) / divisor
    const [, , strongShare = 0, weakShare = 0] = softmax(margins)
    const gain = strongShare - weakShare
    const { scale, offsets } = this.#calibration
    for (let outcome = 0; outcome < margins.length; outcome++)
      margins[outcome] = scale * (margins[outcome] ?? 0) + (offsets[outcome] ?? 0)
    const [both = 0, neither = 0, strong = 0, weak = 0] = softmax(margins)
    return {
      probabilities: { cheap: both + weak, mid: neither, hard: strong },
      gain,
      difficulty: shareBelow(this.#gains, gain),
    }
  }

  close(): void {
    this.#trees.close()
    this.#lexical.close()
  }
}
