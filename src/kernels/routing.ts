import { SCRATCH_BYTES } from './memory.ts'
import { getKernels, type Kernels } from './module.ts'
import { profileAt, type TextProfile, tokensFrom } from './text.ts'

/** Slots that words, and trigrams, are hashed to: each has its weight. */
export const WEIGHT_SLOTS = 2048
/** Places that words' slots are folded to, and those of trigrams. */
export const WORD_DIMS = 256
export const TRIGRAM_DIMS = 128
export const EMBEDDING_DIMS = WORD_DIMS + TRIGRAM_DIMS

/** Places of routing_read's output. */
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
  /** Cosine of the question's lexical-hash-v1 with each centroid, 0 without a word. */
  readonly similarities: readonly number[]
  /** Σ slopes of the question's words and trigrams, one a slope. */
  readonly slopeSums: readonly number[]
}

/** Slopes of a slot: one an outcome. */
export const SLOPES = 4

/** Slopes of slots, each f32[WEIGHT_SLOTS][SLOPES]. */
export interface SlotSlopes {
  readonly words: Float32Array
  readonly trigrams: Float32Array
}

const NO_SLOPES = new Float32Array(WEIGHT_SLOTS * SLOPES)

/** Weights, slopes and centroids, laid out once in the kernels' memory, where they stay until close(). */
export class LexicalModel {
  readonly clusters: number
  readonly #kernels: Kernels
  readonly #bytes: number
  readonly #workBytes: number
  /** Of work and output, to the next multiple of 16. */
  readonly #fixedBytes: number
  #pointer: number | undefined

  /**
   * @param words f32[WEIGHT_SLOTS]        @param trigrams f32[WEIGHT_SLOTS]
   * @param centroids f32[clusters][EMBEDDING_DIMS]
   * @param slopes zeros where absent
   * @throws RangeError when a length is another; ArenaExhaustedError
   */
  constructor(
    words: Float32Array,
    trigrams: Float32Array,
    centroids: Float32Array,
    slopes: SlotSlopes = { words: NO_SLOPES, trigrams: NO_SLOPES },
  ) {
    this.clusters = centroids.length / EMBEDDING_DIMS
    if (words.length !== WEIGHT_SLOTS || trigrams.length !== WEIGHT_SLOTS)
      throw new RangeError(`words and trigrams must have ${WEIGHT_SLOTS} weights each`)
    if ([slopes.words, slopes.trigrams].some(({ length }) => length !== NO_SLOPES.length))
      throw new RangeError(`words and trigrams must have ${NO_SLOPES.length} slopes each`)
    if (!Number.isInteger(this.clusters))
      throw new RangeError(`centroids must hold a multiple of ${EMBEDDING_DIMS} values`)
    this.#kernels = getKernels()
    const parts = [words, slopes.words, trigrams, slopes.trigrams, centroids]
    this.#bytes = parts.reduce((bytes, part) => bytes + part.byteLength, 0)
    const { arena, exports } = this.#kernels
    this.#workBytes = exports.routing_work_bytes()
    this.#fixedBytes = aligned(this.#workBytes + exports.routing_result_bytes(this.clusters), 16)
    this.#pointer = arena.take(this.#bytes)
    const values = arena.f32(this.#pointer, this.#bytes / 4)
    let offset = 0
    for (const part of parts) {
      values.set(part, offset)
      offset += part.length
    }
  }

  /**
   * Reads a text and a question, which may be a part of its bytes; one as long as the text is the text.
   *
   * @param text UTF-8        @param question UTF-8
   * @throws RangeError after close(); ArenaExhaustedError
   * Accuracy: counts exact; similarities within 1e-6; sums exact but for the order of additions in f64.
   */
  read(text: Uint8Array, question: Uint8Array): TextReading {
    const within = question.byteOffset - text.byteOffset
    const isPart =
      question.buffer === text.buffer && within >= 0 && within + question.length <= text.length
    const textBytes = aligned(text.length, BLOCK_BYTES)
    const ownBytes = this.#fixedBytes + textBytes + (isPart ? 0 : question.length)
    const { arena } = this.#kernels
    // Short texts, which most are, take no lease.
    if (ownBytes <= SCRATCH_BYTES)
      return this.#readAt(arena.scratch, text, question, isPart ? within : textBytes)
    const lease = arena.openLease()
    try {
      return this.#readAt(lease.allocate(ownBytes), text, question, isPart ? within : textBytes)
    } finally {
      lease.close()
    }
  }

  /** @param asked where the question is, in bytes behind the text's beginning */
  #readAt(work: number, text: Uint8Array, question: Uint8Array, asked: number): TextReading {
    const model = this.#pointer
    if (model === undefined) throw new RangeError('the model is closed')
    const { arena, exports } = this.#kernels
    const output = work + this.#workBytes
    const input = work + this.#fixedBytes
    arena.writeBytes(input, text)
    if (asked >= text.length) arena.writeBytes(input + asked, question)
    exports.routing_read(
      input,
      text.length,
      input + asked,
      question.length,
      model,
      this.clusters,
      work,
      output,
    )
    // A typed array has memory of its own, which takes longer to get than this is to fill.
    const similarities: number[] = []
    for (let i = 0; i < this.clusters; i++)
      similarities.push(arena.readF64(output, SIMILARITIES + i))
    const slopeSums: number[] = []
    for (let i = 0; i < SLOPES; i++)
      slopeSums.push(arena.readF64(output, SIMILARITIES + this.clusters + i))
    return {
      profile: profileAt(arena, output),
      tokens: tokensFrom(arena.readF64(output, TOKENS), arena.readF64(output, CJK)),
      similarities,
      slopeSums,
    }
  }

  /** Gives the memory back; read() throws from then on. */
  close(): void {
    if (this.#pointer === undefined) return
    this.#kernels.arena.release(this.#pointer, this.#bytes)
    this.#pointer = undefined
  }
}
