import { EMBEDDING_DIMS, LexicalModel, WEIGHT_SLOTS } from '../../src/kernels/routing.ts'
import { dots } from '../../src/kernels/similarity.ts'
import { scanText } from '../../src/kernels/text.ts'
import { embed } from '../../src/routing/embedding.ts'
import type { BenchCase, CaseSize } from '../types.ts'
import { sizesOf } from './inputs.ts'

const CLUSTERS = 24
const SENTENCE =
  'The fleet reported 1,204 samples a second; latency stayed below 12 ms, and no machine was lost. '

/** Texts beyond a million bytes are no prompts. */
const BYTES_MAX = 1e6
/** The question is an eighth of a conversation. */
const QUESTION_SHARE = 8

const weights = Float32Array.from({ length: WEIGHT_SLOTS }, (_, i) => 1 / (1 + (i % 97)))
const centroids = Float32Array.from(
  { length: CLUSTERS * EMBEDDING_DIMS },
  (_, i) => ((i * 37) % 101) / 1_000 - 0.05,
)

let sink = 0

const check = (tokens: number, similarities: Iterable<number>): number => {
  let sum = tokens
  let weight = 1
  for (const similarity of similarities) sum += similarity * weight++
  return sum
}

export const cases = async (size: CaseSize): Promise<BenchCase[]> =>
  sizesOf(size)
    .filter((n) => n <= BYTES_MAX)
    .map((n) => {
      const text = new TextEncoder().encode(SENTENCE.repeat(Math.ceil(n / SENTENCE.length)))
      const question = text.subarray(text.length - Math.ceil(n / QUESTION_SHARE))
      const model = new LexicalModel(weights, weights, centroids)
      const ours = (): number => {
        const { tokens, similarities } = model.read(text, question)
        return check(tokens, similarities)
      }
      const parts = (): number => {
        const counts = {
          words: new Float32Array(WEIGHT_SLOTS),
          trigrams: new Float32Array(WEIGHT_SLOTS),
        }
        scanText(question, counts)
        const embedding = embed(counts, { words: weights, trigrams: weights })
        return check(scanText(text).tokens, dots(embedding, centroids, EMBEDDING_DIMS))
      }
      return {
        case: 'text and question for routing, a byte',
        n,
        unit: 'ns/element',
        elements: text.length,
        inputBytes: text.length,
        tolerance: 1e-6,
        checksum: ours,
        rivalChecksums: { 'one after the other': parts },
        ours: () => {
          sink += ours()
        },
        rivals: {
          'one after the other': () => {
            sink += parts()
          },
        },
        close: () => {
          model.close()
        },
      } satisfies BenchCase
    })

/** Read by nobody; it keeps results from being optimised away. */
export const checksumOfAll = (): number => sink
