import { identityOf } from '../kernels/series-identity.ts'
import { SecondChanceMap } from './second-chance.ts'

/** Numbers that are kept, four bytes each: 8 MB. */
const NUMBERS_MAX = 2 * 1024 * 1024
export const EMBEDDINGS_MAX = 4_096

/**
 * Embeddings by content, bounded. Keys are 128 bits of MurmurHash3 from a seed, apart for each organisation:
 * none learns from a hit what another one asked.
 */
export class EmbeddingCache {
  readonly #vectors: SecondChanceMap<Float32Array>
  readonly #seed: number

  /**
   * @param dimensions of a vector        @param seed u32, one an isolate
   * @param max vectors, where fewer than the memory's bound are to be kept
   */
  constructor(dimensions: number, seed: number, max = EMBEDDINGS_MAX) {
    this.#vectors = new SecondChanceMap(Math.min(max, Math.floor(NUMBERS_MAX / dimensions)))
    this.#seed = seed
  }

  get size(): number {
    return this.#vectors.size
  }

  keyOf(organisationId: string, content: Uint8Array): string {
    return `${organisationId}${String.fromCharCode(...new Uint16Array(identityOf(content, this.#seed).buffer))}`
  }

  find(key: string): Float32Array | undefined {
    return this.#vectors.find(key)
  }

  keep(key: string, vector: Float32Array): void {
    this.#vectors.keep(key, vector)
  }
}
