/** Finds where a JSON value that comes in pieces has ended, without looking at whether it is sound. */
export class JsonEnd {
  #depth = 0
  #isInString = false
  #isEscaped = false
  #hasBegun = false

  /** Whether the value has ended; false before it began. */
  get isWhole(): boolean {
    return this.#hasBegun && this.#depth === 0 && !this.#isInString
  }

  push(piece: string): void {
    for (const unit of piece) {
      if (this.#isEscaped) this.#isEscaped = false
      else if (this.#isInString) {
        if (unit === '\\') this.#isEscaped = true
        else if (unit === '"') this.#isInString = false
      } else if (unit === '"') this.#isInString = true
      else if (unit === '{' || unit === '[') this.#depth++
      else if (unit === '}' || unit === ']') this.#depth = Math.max(0, this.#depth - 1)
      this.#hasBegun ||= unit.trim() !== ''
    }
  }
}
