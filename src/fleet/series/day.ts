export const DAY_MS = 86_400_000

/** Days since the epoch, UTC, of a time in ms. */
export const dayOf = (timestamp: number): number => Math.floor(timestamp / DAY_MS)

/** `yyyymmdd` of a day, as the names of day tables have it; a day before the epoch has no table. */
export const dayName = (day: number): string =>
  new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')

/** Bits by position, grown as needed: which series have samples in a day. */
export class BitSet {
  #bytes: Uint8Array<ArrayBuffer>

  constructor(bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0)) {
    this.#bytes = bytes
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes
  }

  add(position: number): void {
    const at = position >>> 3
    if (at >= this.#bytes.length) {
      const grown = new Uint8Array(Math.ceil((at + 1) * 1.25))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    this.#bytes[at] = (this.#bytes[at] as number) | (1 << (position & 7))
  }

  has(position: number): boolean {
    return ((this.#bytes[position >>> 3] ?? 0) & (1 << (position & 7))) !== 0
  }
}
