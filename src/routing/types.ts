/** One request to a language model, as far as routing looks at it. */
export interface RoutingRequest {
  /** UTF-8 of all messages' texts in their order, a line feed between two. */
  readonly text: Uint8Array
  /** UTF-8 of the last user message; empty where there is none. */
  readonly lastUserText: Uint8Array
  /** Bytes of `text` that are the system's. */
  readonly systemBytes: number
  /** User messages. */
  readonly turns: number
  readonly messages: number
  readonly tools: number
  readonly images: number
  readonly responseFormat: 'text' | 'json' | 'json-schema'
  readonly maxOutputTokens: number | null
  readonly requestedModel: string | null
  /** Weight of quality against cost in [0, 1]; null where the request names none. */
  readonly alpha: number | null
  readonly conversationKey: string | null
}

/** What one pass over a request's text gives. */
export interface Features {
  /** f64[FEATURE_NAMES.length], in that order; NaN where a value is not known. */
  readonly values: Float64Array
  /** Signed counts of hashed words, f32[HASH_SLOTS]. */
  readonly words: Float32Array
  /** Signed counts of hashed character trigrams, f32[HASH_SLOTS]. */
  readonly trigrams: Float32Array
  /** Estimated tokens of the whole request's text. */
  readonly tokens: number
}

/**
 * Calibrated probabilities of what a request needs; they sum to 1.
 *
 * cheap: the weak model answers it well. hard: the weak model fails and the strong one answers it
 * well. mid: both fail, so that the strong model gains nothing.
 */
export interface Probabilities {
  readonly cheap: number
  readonly mid: number
  readonly hard: number
}

/** What a trained artifact makes of one request. */
export interface Prediction {
  readonly probabilities: Probabilities
  /**
   * What the strong model gains, in [−1, 1]: P(strong right, weak wrong) − P(weak right, strong wrong) as
   * the trees have them. It ranks requests; calibration, which is made for single classes, ranks worse.
   */
  readonly gain: number
  /**
   * Share of the training's questions, as models that had not seen their subjects judged them, that gain
   * less: below `thresholds.cheap` is the cheap bucket, from `thresholds.hard` on the hard one.
   */
  readonly difficulty: number
  /** lexical-hash-v1, f32[EMBEDDING_DIMS], of length 1; zeros for a text without a word. */
  readonly embedding: Float32Array
  /** Cosine of the embedding with each cluster's centroid, f64[clusters]; 0 for zeros. */
  readonly similarities: Float64Array
}

/** What an artifact says of a request, with the estimate of its text's tokens. */
export interface Assessment
  extends Omit<Prediction, 'embedding' | 'similarities'>,
    Pick<Features, 'tokens'> {
  /** As those of a prediction. */
  readonly similarities: readonly number[]
  /** As `Features.values`; of the next request after the next call. */
  readonly values: Float64Array
}
