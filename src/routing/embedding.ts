import { EMBEDDING_DIMS, WORD_DIMS } from '../kernels/routing.ts'
import { HASH_SLOTS } from './features.ts'

export { EMBEDDING_DIMS, TRIGRAM_DIMS, WORD_DIMS } from '../kernels/routing.ts'

/** The embedding's name says what it is: hashed words and trigrams, no learnt meaning. */
export const EMBEDDING_NAME = 'lexical-hash-v1'

/** Share of the squared length that words have. */
const WORD_SHARE = 0.7

type Four = readonly [number, number, number, number]

/** Weights of hash slots, each f32[HASH_SLOTS] ≥ 0: what is frequent says little. */
export interface SlotWeights {
  readonly words: Float32Array
  readonly trigrams: Float32Array
}

/** Signed counts of hashed words and trigrams, each f32[HASH_SLOTS]. */
export interface SlotCounts {
  readonly words: Float32Array
  readonly trigrams: Float32Array
}

/** A slot of frequency p weighs a / (a + p). Source: Arora et al. 2017, "smooth inverse frequency". */
const SIF_CONSTANT = 1e-3

/** @param frequencies occurrences of each slot among all, summing to 1 */
export const sifWeights = (frequencies: Float64Array): Float32Array =>
  Float32Array.from(frequencies, (p) => SIF_CONSTANT / (SIF_CONSTANT + p))

/**
 * Weighted counts in places: slot s goes to ⌊s · dims / HASH_SLOTS⌋, which is where the kernel would
 * have hashed it in a vector of `dims`. Scaled to the length √share; zeros stay zeros.
 */
function fold(
  counts: Float32Array,
  weights: Float32Array,
  into: Float32Array,
  share: number,
): void {
  const slotsPerDim = HASH_SLOTS / into.length
  const sums = new Float64Array(into.length)
  // Of most texts nearly all slots are empty, so they are looked at four at a time.
  const bits = new Int32Array(counts.buffer, counts.byteOffset, HASH_SLOTS)
  for (let at = 0; at < HASH_SLOTS; at += 4) {
    // `?? 0` would make a branch of each: a third of the time.
    const [a, b, c, d] = [bits[at], bits[at + 1], bits[at + 2], bits[at + 3]] as Four
    if ((a | b | c | d) === 0) continue
    const dim = Math.floor(at / slotsPerDim)
    let sum = sums[dim] ?? 0
    for (let slot = at; slot < at + 4; slot++) sum += (counts[slot] ?? 0) * (weights[slot] ?? 0)
    sums[dim] = sum
  }
  let squares = 0
  for (let dim = 0; dim < into.length; dim++) {
    const sum = sums[dim] ?? 0
    into[dim] = sum
    squares += sum * sum
  }
  if (squares === 0) return
  const scale = Math.sqrt(share / squares)
  for (let dim = 0; dim < into.length; dim++) into[dim] = (into[dim] ?? 0) * scale
}

/**
 * lexical-hash-v1: words, weighted by smooth inverse frequency, in 256 places beside trigrams in 128,
 * likewise weighted.
 *
 * @param counts each f32[HASH_SLOTS], finite        @param weights likewise
 * @returns f32[EMBEDDING_DIMS] of length 1 within 1e-6; zeros where nothing was counted
 */
export function embed(counts: SlotCounts, weights: SlotWeights): Float32Array<ArrayBuffer> {
  const embedding = new Float32Array(EMBEDDING_DIMS)
  const words = embedding.subarray(0, WORD_DIMS)
  const trigrams = embedding.subarray(WORD_DIMS)
  fold(counts.words, weights.words, words, WORD_SHARE)
  fold(counts.trigrams, weights.trigrams, trigrams, 1 - WORD_SHARE)
  let squares = 0
  for (let dim = 0; dim < EMBEDDING_DIMS; dim++) squares += (embedding[dim] ?? 0) ** 2
  // Where signs cancel, one of the two may be zeros while the other is not.
  if (squares > 0 && squares < 0.999) {
    const scale = 1 / Math.sqrt(squares)
    for (let dim = 0; dim < EMBEDDING_DIMS; dim++) embedding[dim] = (embedding[dim] ?? 0) * scale
  }
  return embedding
}
