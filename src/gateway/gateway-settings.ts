import type { Deadlines } from './attempt.ts'

/** What the operator chooses about requests to providers. */
export interface GatewaySettings {
  /** From the request to its answer, or to the moment at which a stream is committed. */
  readonly totalMs: number
  readonly deadlines: Deadlines
  /** What an answer is taken to have at most where the request does not say, in tokens: reserved before it is sent. */
  readonly outputTokens: number
  /** Of requests that may be given to a second candidate beside a slow first one; 0 for none. */
  readonly hedgeShare: number
}
