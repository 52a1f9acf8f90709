import { fullJitterMs } from '../resilience/retry.ts'
import { err, ok, type Result } from '../result.ts'
import { REFUSED_DETAIL } from './attempt.ts'
import type { UpstreamFault } from './faults.ts'
import { type Clock, sleep } from './gateway-clock.ts'

/** Who may serve a request. */
export interface Server {
  /** `provider/model`. */
  readonly id: string
  readonly providerId: string
}

/** One attempt that did not serve. */
export interface Failure<S extends Server> {
  readonly server: S
  readonly fault: UpstreamFault
}

export interface FailoverOptions {
  readonly clock: Clock
  /** [0, 1). */
  readonly random: () => number
  /** When the answer must be committed. */
  readonly totalDueMs: number
  readonly signal: AbortSignal | null
}

export interface FailoverSuccess<S extends Server, T> {
  readonly server: S
  readonly value: T
  readonly failures: readonly Failure<S>[]
}

/** Repetitions of a request at candidates that were asked before, all together. */
export const REPETITIONS_MAX = 3
const BACKOFF = { baseDelayMs: 250, delayMsMax: 8_000 }

/**
 * Whether the fault proves that the provider did not accept the request, so that it may be given it again:
 * no connection was made, its limit or ours refused it, or it said that it does not take requests now. A
 * request that may have been accepted is never given twice to the same candidate: it would be paid twice.
 */
export const wasNotAccepted = (fault: UpstreamFault): boolean => {
  switch (fault.reason) {
    case 'connection':
      return fault.detail === REFUSED_DETAIL
    case 'server':
      return fault.status === 503 || fault.status === 529
    case 'rate-limited':
      return true
    case 'unavailable':
      // A breaker is there so that nobody waits for what fails.
      return fault.retryAfterMs === undefined
    default:
      return false
  }
}

/** Whether no other candidate would do better, as what is wrong is the request, or nobody waits. */
const isFinal = (fault: UpstreamFault): boolean =>
  fault.reason === 'request' ? fault.isUnsayable !== true : fault.reason === 'cancelled'

/** Whether the fault is the provider's, whatever model is asked for. */
const isProviders = ({ reason }: UpstreamFault): boolean =>
  reason === 'connection' || reason === 'credential' || reason === 'unavailable'

const askedWaitMs = (fault: UpstreamFault): number | null =>
  fault.reason === 'rate-limited' || fault.reason === 'server' ? fault.retryAfterMs : null

interface Repetition<S extends Server> {
  readonly server: S
  readonly readyAtMs: number
}

/**
 * Gives a request to one candidate after another until one serves it. Providers that are at fault themselves
 * come last. Only when all were asked, one that surely did not accept it is asked again: after the time that
 * it named, else after full jitter, and only if that is inside the budget.
 *
 * @param tryServer one attempt; may take further candidates from `left`
 * @returns at least one failure where nobody serves it; they are in the order in which they happened
 */
export const failOver = async <S extends Server, T>(
  servers: readonly S[],
  tryServer: (server: S, left: S[]) => Promise<Result<T, UpstreamFault>>,
  { clock, random, totalDueMs, signal }: FailoverOptions,
): Promise<Result<FailoverSuccess<S, T>, readonly Failure<S>[]>> => {
  const left = [...servers]
  const repetitions: Repetition<S>[] = []
  const failures: Failure<S>[] = []
  const ailing = new Set<string>()
  let repeated = 0
  for (;;) {
    let server: S
    if (left.length > 0) {
      const sound = left.findIndex(({ providerId }) => !ailing.has(providerId))
      const [next] = left.splice(Math.max(0, sound), 1)
      if (next === undefined) return err(failures)
      server = next
    } else {
      const next = earliest(repetitions)
      if (next === null || repeated++ >= REPETITIONS_MAX || next.readyAtMs >= totalDueMs)
        return err(failures)
      await sleep(clock, next.readyAtMs - clock.now(), signal)
      server = next.server
    }
    const result = await tryServer(server, left)
    if (result.ok) return ok({ server, value: result.value, failures })
    const fault = result.error
    failures.push({ server, fault })
    if (isFinal(fault) || signal?.aborted || clock.now() >= totalDueMs) return err(failures)
    if (isProviders(fault)) ailing.add(server.providerId)
    if (wasNotAccepted(fault)) {
      const waitMs = askedWaitMs(fault) ?? fullJitterMs(repeated, BACKOFF, random())
      repetitions.push({ server, readyAtMs: clock.now() + waitMs })
    }
  }
}

/** Takes the candidate that is ready first. */
const earliest = <S extends Server>(repetitions: Repetition<S>[]): Repetition<S> | null => {
  let best = 0
  repetitions.forEach(({ readyAtMs }, i) => {
    if (readyAtMs < (repetitions[best]?.readyAtMs ?? Number.POSITIVE_INFINITY)) best = i
  })
  return repetitions.splice(best, 1)[0] ?? null
}
