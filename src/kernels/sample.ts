/**
 * A sample of a stream, drawn with replacement: each of its places holds one value, every value so
 * far with the same probability, independently of the other places. So the bound of Dvoretzky,
 * Kiefer and Wolfowitz, which is for independent draws, holds for it as it stands.
 *
 * A place that took the value at position t is next taken at a position beyond s with probability
 * t / s: positions are drawn from that, so most values are never looked at.
 */
export class StreamSample {
  /** How many values came. */
  count = 0
  readonly #random: () => number
  readonly #values: Float64Array
  /** For each place the position, from 1, of the next value that it takes. */
  readonly #next: Float64Array

  /**
   * @param size places
   * @param random uniform in [0, 1)
   * @throws RangeError when size is not a positive integer
   */
  constructor(size: number, random: () => number) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError(`sample size ${size} is no size`)
    this.#random = random
    this.#values = new Float64Array(size)
    this.#next = new Float64Array(size).fill(1)
  }

  add(values: Float64Array | Float32Array): void {
    const last = this.count + values.length
    for (let place = 0; place < this.#values.length; place++) {
      let next = this.#next[place] ?? 1
      while (next <= last) {
        this.#values[place] = values[next - this.count - 1] ?? 0
        // 1 − u is in (0, 1], so the next position is at least the one after this.
        next = Math.floor(next / (1 - this.#random())) + 1
      }
      this.#next[place] = next
    }
    this.count = last
  }

  /** The drawn values; none before the first one came. */
  get values(): Float64Array {
    return this.count === 0 ? new Float64Array(0) : this.#values.slice()
  }
}

/**
 * ε with P(sup |F_m − F| > ε) ≤ 1 − confidence, for m independent draws from F.
 * Source: Massart 1990, "The tight constant in the Dvoretzky–Kiefer–Wolfowitz inequality".
 */
export const dkwEpsilon = (draws: number, confidence: number): number =>
  Math.sqrt(Math.log(2 / (1 - confidence)) / (2 * draws))
