import { scanText } from '../kernels/text.ts'
import type { ChatEvent, Completion, Usage } from './chat.ts'

/** Text that is kept for counting, in UTF-16 units; a longer answer is counted in proportion. */
export const COUNTED_UNITS_MAX = 256 * 1024
/** What a call's name and frame are counted as, in tokens. */
const TOKENS_PER_CALL = 8

export interface MeasuredUsage {
  readonly usage: Usage
  readonly source: 'provider' | 'estimated'
}

/** Gathers what a provider says of an answer's tokens, and the answer itself for where it says nothing. */
export class UsageMeter {
  readonly #texts: string[] = []
  #keptUnits = 0
  #units = 0
  #reasoningUnits = 0
  #calls = 0
  #told: Usage | null = null

  observe(event: ChatEvent): void {
    switch (event.kind) {
      case 'usage':
        this.#told = event.usage
        return
      case 'reasoning':
        this.#reasoningUnits += event.text.length
        this.#add(event.text)
        return
      case 'text':
      case 'refusal':
        this.#add(event.text)
        return
      case 'tool-start':
        this.#calls++
        return
      case 'tool-arguments':
        this.#add(event.json)
    }
  }

  /** A whole answer at once. */
  observeCompletion({ choices, usage }: Completion): void {
    this.#told = usage
    if (usage !== null) return
    for (const { text, reasoning, refusal, toolCalls } of choices) {
      this.#reasoningUnits += reasoning?.length ?? 0
      for (const part of [text, reasoning, refusal]) this.#add(part ?? '')
      for (const call of toolCalls) this.#add(call.arguments)
      this.#calls += toolCalls.length
    }
  }

  /**
   * @param isWhole whether the provider got to its end: what it said before is of a part of the answer
   * @param inputTokens estimate, for where it told none
   */
  measured(isWhole: boolean, inputTokens: number): MeasuredUsage {
    if (this.#told !== null && isWhole) return { usage: this.#told, source: 'provider' }
    const told = this.#told
    const counted = this.#outputTokens()
    const outputTokens = Math.max(counted, told?.outputTokens ?? 0)
    const reasoningTokens =
      this.#units === 0 ? 0 : Math.round((outputTokens * this.#reasoningUnits) / this.#units)
    const usage = {
      inputTokens: told?.inputTokens || inputTokens,
      cachedInputTokens: told?.cachedInputTokens ?? 0,
      cacheWriteTokens: told?.cacheWriteTokens ?? 0,
      outputTokens,
      reasoningTokens,
    }
    return { usage, source: 'estimated' }
  }

  #add(text: string): void {
    this.#units += text.length
    if (this.#keptUnits >= COUNTED_UNITS_MAX || text === '') return
    this.#keptUnits += text.length
    this.#texts.push(text)
  }

  #outputTokens(): number {
    const calls = this.#calls * TOKENS_PER_CALL
    if (this.#keptUnits === 0) return calls
    const { tokens } = scanText(this.#texts.join(''))
    return calls + Math.ceil((tokens * this.#units) / this.#keptUnits)
  }
}
