import { type ArtifactContent, writeArtifact } from '../../src/routing/artifact-write.ts'
import { EMBEDDING_DIMS, EMBEDDING_NAME, embed } from '../../src/routing/embedding.ts'
import {
  extractFeatures,
  FEATURE_NAMES,
  FEATURES_VERSION,
  HASH_SLOTS,
} from '../../src/routing/features.ts'

const GOLDEN = 'What is the capital of France?'
const CLUSTERS = 2

/** One tree an outcome; that of "strong" says more from eight words on. */
const tree = (output: number) =>
  output === 2
    ? {
        output,
        left: [1, -1, -1],
        right: [2, -1, -1],
        feature: [FEATURE_NAMES.indexOf('question_words_log'), 0, 0],
        threshold: [Math.log2(9), 0, 0],
        isDefaultLeft: [true, false, false],
        value: [0, -2, 2],
      }
    : {
        output,
        left: [-1],
        right: [-1],
        feature: [0],
        threshold: [0],
        isDefaultLeft: [false],
        value: [0],
      }

const unitVector = (dim: number): number[] =>
  Array.from({ length: EMBEDDING_DIMS }, (_, i) => (i === dim ? 1 : 0))

/** What the trees make of a short question: softmax of 0, 0, −2, 0. */
const SHARE = 1 / (3 + Math.exp(-2))
const STRONG = Math.exp(-2) * SHARE
const GAIN_MAX = Math.exp(2) / (3 + Math.exp(2))

/** A file of the smallest artifact: short questions are easy, long ones hard. */
export const smallArtifact = (
  models: readonly string[] = ['mistralai/Mixtral-8x7B-Instruct-v0.1', 'gpt-4-1106-preview'],
  signingKey?: CryptoKey,
  provided?: { readonly embedding: string; readonly dimensions: number },
): Promise<Uint8Array<ArrayBuffer>> => {
  const text = new TextEncoder().encode(GOLDEN)
  const counts = { systemBytes: 0, turns: 1, messages: 1, tools: 0, images: 0 }
  const settings = { responseFormat: 'text' as const, maxOutputTokens: null }
  const asked = { requestedModel: null, alpha: null, conversationKey: null }
  const features = extractFeatures({ text, lastUserText: text, ...counts, ...settings, ...asked })
  const weights = new Float32Array(HASH_SLOTS).fill(1)
  const embedding = embed(features, { words: weights, trigrams: weights })
  const cluster = (embedding[1] ?? 0) > (embedding[0] ?? 0) ? 1 : 0
  const content: ArtifactContent = {
    head: {
      featuresVersion: FEATURES_VERSION,
      features: [...FEATURE_NAMES],
      embedding: EMBEDDING_NAME,
      ...(provided === undefined ? {} : { provided }),
      outcomes: ['both', 'neither', 'strong', 'weak'],
      thresholds: { cheap: 0.25, hard: 0.75 },
      alpha: 0.75,
      models: [...models],
      calibration: { scale: 1, offsets: [0, 0, 0, 0] },
      golden: [
        {
          text: GOLDEN,
          ...counts,
          ...settings,
          probabilities: { cheap: 2 * SHARE, mid: SHARE, hard: STRONG },
          difficulty: 0,
          cluster,
        },
      ],
      report: { of: 'tests' },
    },
    model: {
      features: FEATURE_NAMES.length,
      base: [0, 0, 0, 0],
      link: 'softmax',
      trees: [0, 1, 2, 3].map(tree),
    },
    clusters: CLUSTERS,
    numbers: {
      gains: new Float64Array([0, GAIN_MAX / 2]),
      quality: new Float64Array(models.flatMap((_, i) => [0.6 + 0.1 * i, 0.5 + 0.1 * i])),
      cost: new Float64Array(models.length * CLUSTERS),
      centroids: Float32Array.from([...unitVector(0), ...unitVector(1)]),
      wordWeights: weights,
      trigramWeights: weights,
      ...(provided === undefined
        ? {}
        : { providedCentroids: new Float32Array(CLUSTERS * provided.dimensions).fill(1, 0, 1) }),
      wordMargins: new Float32Array(HASH_SLOTS * 4),
      trigramMargins: new Float32Array(HASH_SLOTS * 4),
    },
  }
  return writeArtifact(content, signingKey)
}
