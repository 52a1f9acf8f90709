import type { SlotSlopes } from '../kernels/routing.ts'
import { OUTCOMES } from './artifact-format.ts'
import type { SlotCounts } from './embedding.ts'
import { FEATURE_NAMES } from './features.ts'

/** What hashed words and trigrams say of the outcomes: each slot's part of the margins, f32[slots][4]. */
export type LexicalWeights = SlotSlopes

/** Texts of so many words are the longest that outcomes are of. */
const WORDS_SCALED_MAX = 1_024

/**
 * What sums over a text's words are divided by: √words, as far as sums of independent words spread; beyond
 * the longest known texts words/32, so that a text that repeats itself for megabytes says no more than once.
 */
export const lexicalScale = (words: number): number =>
  words <= WORDS_SCALED_MAX ? Math.sqrt(Math.max(1, words)) : words / Math.sqrt(WORDS_SCALED_MAX)

const WORDS = FEATURE_NAMES.indexOf('question_words_log')

/** Words of a question, from the feature that tells them. */
export const wordsOf = (values: Float64Array): number => Math.round(2 ** (values[WORDS] ?? 0) - 1)

const outcomes = OUTCOMES.length

function addSlots(counts: Float32Array, weights: Float32Array, into: Float64Array): void {
  for (let slot = 0; slot < counts.length; slot++) {
    const count = counts[slot] ?? 0
    if (count === 0) continue
    for (let k = 0; k < outcomes; k++) {
      into[k] = (into[k] ?? 0) + count * (weights[slot * outcomes + k] ?? 0)
    }
  }
}

/**
 * Σ count · weight of each outcome: margins of a linear model, times lexicalScale() of the words.
 *
 * @param counts each f32[HASH_SLOTS], finite
 * @returns f64[OUTCOMES.length]
 */
export function lexicalSums(counts: SlotCounts, weights: LexicalWeights): Float64Array {
  const sums = new Float64Array(outcomes)
  addSlots(counts.words, weights.words, sums)
  addSlots(counts.trigrams, weights.trigrams, sums)
  return sums
}
