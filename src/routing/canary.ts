import { identityOf } from '../kernels/series-identity.ts'
import type { ReadRequest } from './request.ts'

/** An artifact that is tried on a share of conversations, as far as a decision's key depends on it. */
export interface CanaryScope {
  /** A number of its own in this isolate, another for each artifact and quality. */
  readonly artifact: number
  /** Of conversations, [0, 1]. */
  readonly share: number
  /** u32, the same in every isolate. */
  readonly seed: number
}

/** Of an artifact's version, so that each one is tried on other conversations. */
export const canarySeed = (version: string): number =>
  Number.parseInt(version.slice(0, 8), 16) >>> 0 || 0

const utf8 = new TextEncoder()

/**
 * Whether a request's conversation is decided by the artifact that is tried: by a hash of the client's name for
 * it, else of the beginning that all its requests have, so that every isolate and every turn agree.
 */
export const isTried = (
  request: Pick<ReadRequest, 'conversationKey' | 'text' | 'prefixBytes'>,
  { share, seed }: CanaryScope,
): boolean => {
  const { conversationKey, text, prefixBytes } = request
  const known =
    conversationKey === null ? text.subarray(0, prefixBytes) : utf8.encode(conversationKey)
  return (identityOf(known, seed)[0] ?? 0) / 2 ** 32 < share
}
