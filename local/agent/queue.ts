/**
 * A bounded first-in first-out queue that never blocks the producer: when it is full the oldest
 * entry goes, and is counted.
 */
export class BoundedQueue<T> {
  readonly max: number
  #entries: T[] = []
  #dropped = 0

  /** @param max entries held at most, ≥ 1 */
  constructor(max: number) {
    if (!Number.isInteger(max) || max < 1)
      throw new RangeError(`queue bound must be ≥ 1, not ${max}`)
    this.max = max
  }

  get length(): number {
    return this.#entries.length
  }

  /** Entries lost to the bound since the start. */
  get dropped(): number {
    return this.#dropped
  }

  push(entry: T): void {
    this.#entries.push(entry)
    if (this.#entries.length > this.max) {
      this.#entries.shift()
      this.#dropped++
    }
  }

  /** Takes up to `count` of the oldest entries out. */
  take(count: number): T[] {
    return this.#entries.splice(0, count)
  }

  /** Puts entries that could not be delivered back in front, within the bound. */
  putBack(entries: readonly T[]): void {
    const room = Math.max(0, this.max - this.#entries.length)
    const kept = room === 0 ? [] : entries.slice(-room)
    this.#dropped += entries.length - kept.length
    this.#entries = [...kept, ...this.#entries]
  }
}
