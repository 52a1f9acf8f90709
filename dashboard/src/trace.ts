/** How far back a sparkline reaches. */
export const TRACE_WINDOW_MS = 120_000

/** Samples kept per VM: one a second over the window, and a few for clocks that jitter. */
export const TRACE_CAPACITY = 128

/**
 * The recent past of one metric of one VM: a ring of (time, value), oldest overwritten first.
 * 10,000 VMs take 10,000 · 128 · 12 B = 15 MB at most, and only those that report take any.
 */
export class Trace {
  readonly #timestamps = new Float64Array(TRACE_CAPACITY)
  readonly #values = new Float32Array(TRACE_CAPACITY)
  #next = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Appends a sample; one that is not newer than the last is dropped. */
  push(timestampMs: number, value: number): void {
    if (this.#length > 0 && timestampMs <= this.timestampAt(this.#length - 1)) return
    this.#timestamps[this.#next] = timestampMs
    this.#values[this.#next] = value
    this.#next = (this.#next + 1) % TRACE_CAPACITY
    this.#length = Math.min(TRACE_CAPACITY, this.#length + 1)
  }

  /** Puts stored samples, oldest first, before those that arrived live. */
  prepend(timestampsMs: readonly number[], values: ReadonlyArray<number | null>): void {
    const live: [number, number][] = []
    for (let i = 0; i < this.#length; i += 1) live.push([this.timestampAt(i), this.valueAt(i)])
    const firstLiveMs = live[0]?.[0] ?? Number.POSITIVE_INFINITY
    this.#next = 0
    this.#length = 0
    timestampsMs.forEach((timestampMs, i) => {
      const value = values[i]
      if (value != null && timestampMs < firstLiveMs) this.push(timestampMs, value)
    })
    for (const [timestampMs, value] of live) this.push(timestampMs, value)
  }

  /** @param index 0 is the oldest */
  timestampAt(index: number): number {
    return this.#timestamps[this.#slot(index)] ?? 0
  }

  valueAt(index: number): number {
    return this.#values[this.#slot(index)] ?? 0
  }

  #slot(index: number): number {
    return (this.#next - this.#length + index + TRACE_CAPACITY) % TRACE_CAPACITY
  }
}
