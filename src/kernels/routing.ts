import type { Lease } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'
import { profileOf, type TextProfile, tokensFrom } from './text.ts'

/** Slots that words, and trigrams, are hashed to: each has its weight. */
export const WEIGHT_SLOTS = 2048
/** Places that words' slots are folded to, and those of trigrams. */
export const WORD_DIMS = 256
export const TRIGRAM_DIMS = 128
export const EMBEDDING_DIMS = WORD_DIMS + TRIGRAM_DIMS

/** Places of routing_read's output. */
const PROFILE_FIELDS = 23
const TOKENS = 23
const CJK = 24
const SIMILARITIES = 25

/** The kernel reads text in blocks of so many bytes. */
const BLOCK_BYTES = 64
const aligned = (bytes: number, to: number): number => Math.ceil(bytes / to) * to

/** What routing reads of a request's text. */
export interface TextReading {
  /** Of the question. */
  readonly profile: TextProfile
  /** Of the whole text, as `TextProfile.tokens`. */
  readonly tokens: number
  /** lexical-hash-v1 of the question, f32[EMBEDDING_DIMS], of length 1; zeros without a word. */
  readonly embedding: Float32Array
  /** Cosine of the embedding with each centroid, f64[clusters]. */
  readonly similarities: Float64Array
}

/** Weights and centroids, laid out once in the kernels' memory, where they stay until close(). */
export class LexicalModel {
  readonly clusters: number
  readonly #kernels: Kernels
  readonly #bytes: number
  #pointer: number | undefined

  /**
   * @param words f32[WEIGHT_SLOTS]        @param trigrams f32[WEIGHT_SLOTS]
   * @param centroids f32[clusters][EMBEDDING_DIMS]
   * @throws RangeError when a length is another; ArenaExhaustedError
   */
  constructor(words: Float32Array, trigrams: Float32Array, centroids: Float32Array) {
    this.clusters = centroids.length / EMBEDDING_DIMS
    if (words.length !== WEIGHT_SLOTS || trigrams.length !== WEIGHT_SLOTS)
      throw new RangeError(`words and trigrams must have ${WEIGHT_SLOTS} weights each`)
    if (!Number.isInteger(this.clusters))
      throw new RangeError(`centroids must hold a multiple of ${EMBEDDING_DIMS} values`)
    this.#kernels = getKernels()
    this.#bytes = words.byteLength + trigrams.byteLength + centroids.byteLength
    const { arena } = this.#kernels
    this.#pointer = arena.take(this.#bytes)
    const values = arena.f32(this.#pointer, this.#bytes / 4)
    values.set(words)
    values.set(trigrams, WEIGHT_SLOTS)
    values.set(centroids, 2 * WEIGHT_SLOTS)
  }

  /**
   * Reads a text and a question, which may be a part of its bytes; one as long as the text is the text.
   *
   * @param text UTF-8        @param question UTF-8
   * @throws RangeError after close(); ArenaExhaustedError
   * Accuracy: counts exact; embedding and similarities within 1e-6.
   */
  read(text: Uint8Array, question: Uint8Array): TextReading {
    const lease = this.#kernels.arena.openLease()
    try {
      return this.#read(lease, text, question)
    } finally {
      lease.close()
    }
  }

  #read(lease: Lease, text: Uint8Array, question: Uint8Array): TextReading {
    const model = this.#pointer
    if (model === undefined) throw new RangeError('the model is closed')
    const { arena, exports } = this.#kernels
    const within = question.byteOffset - text.byteOffset
    const isPart =
      question.buffer === text.buffer && within >= 0 && within + question.length <= text.length
    const textBytes = aligned(text.length, BLOCK_BYTES)
    const workBytes = exports.routing_work_bytes()
    const resultBytes = exports.routing_result_bytes(this.clusters)
    // One block: to take one costs as much as a hundred bytes of text.
    const work = lease.allocate(
      workBytes + resultBytes + BLOCK_BYTES + textBytes + (isPart ? 0 : question.length),
    )
    const output = work + workBytes
    const input = aligned(output + resultBytes, 16)
    arena.u8(input, text.length).set(text)
    let asked = input + within
    if (!isPart) {
      asked = input + textBytes
      arena.u8(asked, question.length).set(question)
    }
    exports.routing_read(
      input,
      text.length,
      asked,
      question.length,
      model,
      this.clusters,
      work,
      output,
    )
    const results = arena.f64(output, SIMILARITIES + this.clusters)
    return {
      profile: profileOf(results.subarray(0, PROFILE_FIELDS)),
      tokens: tokensFrom(results[TOKENS] ?? 0, results[CJK] ?? 0),
      embedding: arena.f32(output - EMBEDDING_DIMS * 4, EMBEDDING_DIMS).slice(),
      similarities: results.slice(SIMILARITIES),
    }
  }

  /** Gives the memory back; read() throws from then on. */
  close(): void {
    if (this.#pointer === undefined) return
    this.#kernels.arena.release(this.#pointer, this.#bytes)
    this.#pointer = undefined
  }
}
