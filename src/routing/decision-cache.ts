import { identityOf } from '../kernels/series-identity.ts'
import type { Analysis } from './analysis.ts'
import type { ReadRequest } from './request.ts'

export const DECISIONS_MAX = 50_000
export const DECISION_TTL_MS = 600_000

/** What beside the request its analysis depends on. */
export interface CacheScope {
  /** Of the organisation: none learns from a hit what another one asked. */
  readonly organisation: number
  /** Of the artifact, another for each. */
  readonly artifact: number
}

const FORMATS: Readonly<Record<ReadRequest['responseFormat'], number>> = {
  text: 0,
  json: 1,
  'json-schema': 2,
}
/** Numbers in front of the text that is hashed. */
const HEAD_NUMBERS = 11
const HEAD_BYTES = HEAD_NUMBERS * 8
/** Longer texts are hashed in memory of their own, which does not stay. */
const SHORT_TEXT_BYTES = 64 * 1024

/**
 * Analyses by everything that they depend on, least recently used out first. What depends on more than
 * the request (prices, breakers, latencies, the model that a conversation has) is added to an analysis
 * with each decision, so that none of it is ever ten minutes old.
 *
 * Keys are 128 bits of MurmurHash3 from a seed: two requests of one organisation have the same with
 * probability 2^−97 at 50,000 entries.
 */
export class DecisionCache {
  readonly #entries = new Map<string, { readonly analysis: Analysis; readonly madeAtMs: number }>()
  readonly #seed: number
  readonly #short = new Float64Array(HEAD_NUMBERS + SHORT_TEXT_BYTES / 8)
  readonly #max: number

  /** @param seed u32, one an isolate, so that collisions cannot be made in advance */
  constructor(seed: number, max = DECISIONS_MAX) {
    this.#seed = seed
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  keyOf(request: ReadRequest, scope: CacheScope): string {
    const { text } = request
    const head =
      text.length <= SHORT_TEXT_BYTES
        ? this.#short
        : new Float64Array(HEAD_NUMBERS + Math.ceil(text.length / 8))
    const bytes = new Uint8Array(head.buffer, 0, HEAD_BYTES + text.length)
    head[0] = scope.organisation
    head[1] = scope.artifact
    head[2] = request.systemBytes
    head[3] = request.lastUserText.length
    head[4] = request.turns
    head[5] = request.messages
    head[6] = request.tools
    head[7] = request.images
    head[8] = FORMATS[request.responseFormat]
    head[9] = request.maxOutputTokens ?? 0
    head[10] = request.lastUserStart
    bytes.set(text, HEAD_BYTES)
    const words = identityOf(bytes, this.#seed)
    let key = ''
    for (const word of words) key += String.fromCharCode(word & 0xffff, word >>> 16)
    return key
  }

  /** @returns null where there is none that is fresh */
  find(key: string, nowMs: number): Analysis | null {
    const entry = this.#entries.get(key)
    if (entry === undefined) return null
    this.#entries.delete(key)
    // What was made by a clock that was set back since is as old as it was ahead.
    if (Math.abs(nowMs - entry.madeAtMs) >= DECISION_TTL_MS) return null
    this.#entries.set(key, entry)
    return entry.analysis
  }

  keep(key: string, analysis: Analysis, nowMs: number): void {
    this.#entries.delete(key)
    this.#entries.set(key, { analysis, madeAtMs: nowMs })
    if (this.#entries.size <= this.#max) return
    const oldest = this.#entries.keys().next()
    if (!oldest.done) this.#entries.delete(oldest.value)
  }
}
