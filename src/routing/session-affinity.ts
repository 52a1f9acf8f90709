import { identityKey } from '../kernels/series-identity.ts'
import type { ReadRequest } from './request.ts'
import { SecondChanceMap } from './second-chance.ts'

export const CONVERSATIONS_MAX = 50_000
/**
 * A provider keeps the prefix of a prompt at least so long after its last use.
 * Source: Anthropic's documentation of prompt caching, default lifetime; OpenAI's says 5 to 10 minutes.
 */
export const PROMPT_CACHE_MS = 300_000

/** The model that a conversation has. */
export interface HeldModel {
  /** `provider/model`. */
  readonly id: string
  /** Tokens of its last request: what the provider's prompt cache has. */
  readonly cachedTokens: number
  readonly usedAtMs: number
}

/** Models by conversation, bounded. */
export class SessionAffinity {
  readonly #held: SecondChanceMap<HeldModel>

  constructor(max = CONVERSATIONS_MAX) {
    this.#held = new SecondChanceMap(max)
  }

  get size(): number {
    return this.#held.size
  }

  /** @returns null for a new conversation, or one whose prompt the provider has forgotten */
  find(conversation: string, nowMs: number): HeldModel | null {
    const held = this.#held.find(conversation)
    if (held === undefined) return null
    return Math.abs(nowMs - held.usedAtMs) < PROMPT_CACHE_MS ? held : null
  }

  keep(conversation: string, held: HeldModel): void {
    this.#held.keep(conversation, held)
  }
}

/**
 * What a request's conversation is known by: the client's name for it, else the beginning that all its
 * requests have, which is also what a provider's prompt cache goes by.
 *
 * @param organisation a number of its own, so that none meets another's conversations
 */
export const conversationOf = (
  request: ReadRequest,
  organisation: number,
  seed: number,
): string => {
  if (request.conversationKey !== null) return `${organisation}:${request.conversationKey}`
  // No number begins with this sign.
  return `#${identityKey([organisation], request.text.subarray(0, request.prefixBytes), seed)}`
}

/** Both sides of leaving a model, in units of the score. */
export interface AffinityTerms {
  /** `provider/model` that the conversation has. */
  readonly held: string
  /** Score of the best candidate above that of the held one. */
  readonly gain: number
  /** Discount on cached input that is lost, (1 − α) · share of the dearest candidate's cost. */
  readonly loss: number
  readonly isKept: boolean
  /** Why it is not kept although leaving costs more than it brings. */
  readonly overruledBy: 'ruled-out' | 'bucket' | null
}
