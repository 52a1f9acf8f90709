/** Words of a series' identity, see kernels/series-identity.ts. */
export const IDENTITY_WORDS = 4

const CAPACITY_MIN = 64

/**
 * Identities of series with the order in which they were added: open addressing with linear probing,
 * at most half full. An identity is a hash already, so its first word is the place to look.
 */
export class IdentityTable {
  /** Per place: index + 1 of the identity there, 0 where the place is free. */
  #places: Int32Array
  #words: Uint32Array
  #count = 0

  constructor(capacity = CAPACITY_MIN) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(CAPACITY_MIN, capacity)))
    this.#words = new Uint32Array(size * IDENTITY_WORDS)
    this.#places = new Int32Array(size * 2)
  }

  get count(): number {
    return this.#count
  }

  #isAt(index: number, source: Uint32Array, at: number): boolean {
    const words = this.#words
    const own = index * IDENTITY_WORDS
    return (
      words[own] === source[at] &&
      words[own + 1] === source[at + 1] &&
      words[own + 2] === source[at + 2] &&
      words[own + 3] === source[at + 3]
    )
  }

  /** Index of the identity at `source[at … at + 3]`; −1 where it is not in the table. */
  find(source: Uint32Array, at: number): number {
    const places = this.#places
    const mask = places.length - 1
    for (let place = (source[at] as number) & mask; ; place = (place + 1) & mask) {
      const index = (places[place] as number) - 1
      if (index < 0 || this.#isAt(index, source, at)) return index
    }
  }

  /** Adds an identity that is not in the table. @returns its index: the count before */
  add(source: Uint32Array, at: number): number {
    if (this.#count * IDENTITY_WORDS === this.#words.length) this.#grow()
    const index = this.#count++
    for (let word = 0; word < IDENTITY_WORDS; word++)
      this.#words[index * IDENTITY_WORDS + word] = source[at + word] as number
    this.#place(index)
    return index
  }

  /** The words of the identity at an index: a view, valid until the next add. */
  words(index: number): Uint32Array {
    return this.#words.subarray(index * IDENTITY_WORDS, (index + 1) * IDENTITY_WORDS)
  }

  #place(index: number): void {
    const mask = this.#places.length - 1
    let place = (this.#words[index * IDENTITY_WORDS] as number) & mask
    while (this.#places[place] !== 0) place = (place + 1) & mask
    this.#places[place] = index + 1
  }

  #grow(): void {
    const words = new Uint32Array(this.#words.length * 2)
    words.set(this.#words)
    this.#words = words
    this.#places = new Int32Array(this.#places.length * 2)
    for (let index = 0; index < this.#count; index++) this.#place(index)
  }
}
