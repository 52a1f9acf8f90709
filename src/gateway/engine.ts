import type { HedgePolicy } from '../resilience/hedge.ts'
import { err, ok, type Result } from '../result.ts'
import { type AttemptInput, type AttemptPorts, attempt, type Served } from './attempt.ts'
import { type Failure, failOver } from './failover.ts'
import type { UpstreamFault } from './faults.ts'
import { askHedged } from './gateway-hedge.ts'
import type { GatewayRequest, Target } from './gateway-request.ts'
import type { Admission, ProviderHealth, Refusal } from './provider-health.ts'
import type { Provider } from './provider-registry.ts'
import type { Credential, UpstreamRequest } from './providers/types.ts'

/** What the engine reaches the world and the isolate's memory by. */
export interface EnginePorts extends AttemptPorts {
  /** [0, 1). */
  readonly random: () => number
  readonly totalMs: number
  readonly healthOf: (provider: Provider) => Pick<ProviderHealth, 'admit'>
  /** Time to the first content, or to the whole answer. */
  readonly measured: (target: Target, ms: number, isStream: boolean) => void
  /** An attempt is over; null where it served. */
  readonly counted: (target: Target, fault: UpstreamFault | null) => void
  /** Null where nothing is hedged. */
  readonly hedgeOf: ((target: Target) => HedgePolicy) | null
}

/** How one target is asked. */
export interface Question<T> extends Pick<AttemptInput<T>, 'isStream' | 'signal'> {
  readonly credential: Credential | null
  readonly requestOf: (
    target: Target,
    credential: Credential,
  ) => Result<UpstreamRequest, UpstreamFault>
  readonly readAnswer: (
    target: Target,
    bytes: Uint8Array,
    nowMs: number,
  ) => Result<T, UpstreamFault>
}

/** A target's answer; a stream's admission lasts as long as the stream. */
export interface Asked<T> {
  readonly target: Target
  readonly served: Served<T>
  readonly admission: Admission
  readonly sentAtMs: number
}

export interface Delivery<T> extends Asked<T> {
  /** Requests that were sent, this one included. */
  readonly attempts: number
  readonly losers: readonly Target[]
}

/** Nobody served it. */
export interface Undelivered {
  /** Requests that were sent: none to a provider whose breaker or limit refused it. */
  readonly attempts: number
  /** At least one, in the order in which they happened. */
  readonly failures: readonly Failure<Target>[]
}

/** What kept a provider from being asked, as a fault. */
const refusalFault = ({ reason, retryAfterMs }: Refusal): UpstreamFault =>
  reason === 'keys-resting'
    ? { reason: 'rate-limited', status: 429, retryAfterMs }
    : {
        reason: 'unavailable',
        detail: reason,
        ...(reason === 'at-limit' ? {} : { retryAfterMs: retryAfterMs ?? 1_000 }),
      }

/** Asks one target once, under its provider's breaker, limit and keys. @param sent called when it is sent */
const ask = async <T>(
  target: Target,
  question: Question<T>,
  totalDueMs: number,
  ports: EnginePorts,
  sent: () => void,
): Promise<Result<Asked<T>, UpstreamFault>> => {
  const { provider, model } = target
  const { clock } = ports
  const sentAtMs = clock.now()
  const admitted = ports.healthOf(provider).admit(model, sentAtMs, question.credential)
  if (!admitted.ok) return err(refusalFault(admitted.error))
  const admission = admitted.value
  try {
    const request = question.requestOf(target, admission.credential)
    if (!request.ok) {
      admission.dropped()
      return request
    }
    const { protocol } = provider
    const { isStream, signal } = question
    sent()
    const result = await attempt<T>(
      {
        protocol,
        readAnswer: (bytes, nowMs) => question.readAnswer(target, bytes, nowMs),
        request: request.value,
        isStream,
        totalDueMs,
        signal,
      },
      ports,
    )
    const nowMs = clock.now()
    if (!result.ok) {
      admission.failed(nowMs, result.error)
      ports.counted(target, result.error)
      return result
    }
    const served = result.value
    if (served.kind === 'answer') {
      // Its time is that of the answer's length, not of the provider's load.
      admission.succeeded(nowMs, null)
      ports.measured(target, nowMs - sentAtMs, false)
      ports.counted(target, null)
    } else if (served.firstContentAtMs !== null) {
      ports.measured(target, served.firstContentAtMs - sentAtMs, true)
    }
    return ok({ target, served, admission, sentAtMs })
  } catch (error) {
    // A bug: the place at the provider is given back.
    admission.dropped()
    throw error
  }
}

/** Ends an answer that nobody wants. */
const drop = <T>({ served, admission }: Asked<T>): void => {
  admission.dropped()
  if (served.kind === 'stream') served.source.call.stop({ reason: 'cancelled' })
}

/**
 * Gets a request served by one of its targets.
 *
 * @returns the answer, or a stream that has begun, else the failures
 */
export const deliver = async <T>(
  { targets }: Pick<GatewayRequest<unknown>, 'targets'>,
  question: Question<T>,
  startedAtMs: number,
  ports: EnginePorts,
): Promise<Result<Delivery<T>, Undelivered>> => {
  const { clock, random, hedgeOf } = ports
  const totalDueMs = startedAtMs + ports.totalMs
  let attempts = 0
  const sent = (): void => {
    attempts++
  }
  let losers: readonly Target[] = []
  const askOne = (target: Target, signal: AbortSignal | null) =>
    ask(target, { ...question, signal }, totalDueMs, ports, sent)
  const delivered = await failOver<Target, Asked<T>>(
    targets,
    async (target, left) => {
      const hedge = hedgeOf?.(target) ?? null
      hedge?.began()
      const delayMs = left.length > 0 ? (hedge?.delayMs() ?? null) : null
      if (hedge === null || delayMs === null) return askOne(target, question.signal)
      const { signal } = question
      const take = () => hedge.take()
      const hedged = await askHedged(target, left, {
        clock,
        signal,
        delayMs,
        take,
        ask: askOne,
        drop,
      })
      losers = hedged.losers
      return hedged.result
    },
    { clock, random, totalDueMs, signal: question.signal },
  )
  return delivered.ok
    ? ok({ ...delivered.value.value, attempts, losers })
    : err({ attempts, failures: delivered.error })
}
