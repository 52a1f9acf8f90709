import { expect } from 'vitest'

/** Collects errors over many inputs and holds their maximum against the accuracy table. */
export class ErrorStatistics {
  #max = 0
  #sum = 0
  #count = 0

  /** `scale` is the magnitude that the error is relative to; 0 asks for an exact result. */
  record(got: number, want: number, scale: number): void {
    const difference = Math.abs(got - want)
    const error = difference === 0 ? 0 : difference / scale
    this.#max = Math.max(this.#max, error)
    this.#sum += error
    this.#count++
    if (Number.isNaN(error)) throw new Error(`got ${got} for ${want}`)
  }

  expectBelow(name: string, bound: number): void {
    const line = `${name}: max ${this.#max.toExponential(2)}, mean ${(this.#sum / this.#count).toExponential(2)}, n = ${this.#count}`
    expect(this.#count).toBeGreaterThan(0)
    expect(this.#max, line).toBeLessThanOrEqual(bound)
    if (process.env.ACCURACY_LINES) console.info(line)
  }
}
