import { BytePairEncodingCore } from 'gpt-tokenizer/BytePairEncodingCore'
import { O200KBase } from 'gpt-tokenizer/encodingParams/o200k_base'

/** The vocabulary of OpenAI's models since GPT-4o; for other models its count is an estimate, too. */
export const VOCABULARY = 'o200k_base'

/** Of longer texts the beginning is counted: splitting a megabyte takes half a second. */
export const COUNTED_BYTES_MAX = 16 * 1024
/**
 * Letters, digits, white space or signs in a row beyond which a run is cut: merging n bytes takes n² steps.
 * Words of this length are none; a cut makes one token more at most.
 */
export const RUN_LENGTH_MAX = 128
/** Merged pieces that are remembered. */
const MERGES_MAX = 10_000
/** Ranks that are read before others have their turn: about a millisecond. */
const SLICE_LINES = 4_000

/** Letters and whatever is beyond ASCII, digits, white space, signs. */
const classOf = (unit: number): number => {
  if (unit >= 0x80 || (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a)) return 0
  if (unit >= 0x30 && unit <= 0x39) return 1
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) ? 2 : 3
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff

/** A text cut so that no run of one class is longer than RUN_LENGTH_MAX, or a unit more at a surrogate pair. */
export const cutRuns = (text: string): readonly string[] => {
  const pieces: string[] = []
  let start = 0
  let runStart = 0
  let runClass = -1
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const unitClass = classOf(unit)
    if (unitClass !== runClass) {
      runClass = unitClass
      runStart = i
    } else if (i - runStart >= RUN_LENGTH_MAX && !isLowSurrogate(unit)) {
      pieces.push(text.slice(start, i))
      start = i
      runStart = i
    }
  }
  if (start < text.length) pieces.push(text.slice(start))
  return pieces
}

/** Counts the tokens of a text. */
export interface TokenCounter {
  count(text: string): number
}

type Rank = string | number[]
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A token's bytes, as a text where they are one. */
const rankOf = (base64: string): Rank => {
  const binary = atob(base64)
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  try {
    return utf8.decode(bytes)
  } catch {
    // TypeError: part of a character.
    return Array.from(bytes)
  }
}

/**
 * The vocabulary's tokenizer from tiktoken's file: lines of a token's bytes in base64 and its rank, ascending.
 *
 * @param pause lets others have their turn
 * @throws SyntaxError where a line is none
 */
export const tokenizerOf = async (
  file: Uint8Array,
  pause: () => Promise<void>,
): Promise<TokenCounter> => {
  const ranks: Rank[] = []
  const text = new TextDecoder()
  let start = 0
  for (let line = 1; start < file.length; line++) {
    const end = file.indexOf(0x0a, start)
    const [base64 = '', rank] = text
      .decode(file.subarray(start, end < 0 ? file.length : end))
      .split(' ')
    if (Number(rank) !== ranks.length) throw new SyntaxError(`line ${line} has no rank in order`)
    ranks.push(rankOf(base64))
    start = end < 0 ? file.length : end + 1
    if (line % SLICE_LINES === 0) await pause()
  }
  const core = new BytePairEncodingCore({ ...O200KBase(ranks), mergeCacheSize: MERGES_MAX })
  return { count: (piece) => core.countNative(piece) }
}

/** What a count is by. */
export type TokensSource = 'heuristic' | typeof VOCABULARY

/** Counts by the vocabulary, once it is there; it is loaded with the first request that asks for it. */
export class ExactTokens {
  readonly #load: () => Promise<TokenCounter>
  #counter: TokenCounter | null = null
  #isLoading = false

  constructor(load: () => Promise<TokenCounter>) {
    this.#load = load
  }

  /** @returns work that no request has to wait for; null where there is nothing to do */
  prepare(): Promise<void> | null {
    if (this.#counter !== null || this.#isLoading) return null
    this.#isLoading = true
    return this.#load()
      .then((counter) => {
        this.#counter = counter
      })
      .finally(() => {
        this.#isLoading = false
      })
  }

  /**
   * Tokens of a text: those of its first COUNTED_BYTES_MAX bytes, and the rest by the estimate.
   *
   * @param text UTF-8        @param estimate tokens of the whole text by the heuristic
   * @returns null until the vocabulary is loaded
   */
  count(text: Uint8Array, estimate: number): number | null {
    const counter = this.#counter
    if (counter === null) return null
    const counted = text.subarray(0, COUNTED_BYTES_MAX)
    // Of a character that is cut off, nothing is decoded.
    const isWhole = counted.length === text.length
    const decoded = new TextDecoder().decode(counted, { stream: !isWhole })
    let tokens = 0
    for (const piece of cutRuns(decoded)) tokens += counter.count(piece)
    if (isWhole) return tokens
    return tokens + Math.ceil(estimate * (1 - counted.length / text.length))
  }
}
