import type { Result } from '../result.ts'
import type { UpstreamFault } from './faults.ts'
import type { Clock } from './gateway-clock.ts'

export interface HedgeOptions<S, T> {
  readonly clock: Clock
  /** Of the client. */
  readonly signal: AbortSignal | null
  /** How long the first one is waited for alone. */
  readonly delayMs: number
  /** Takes a second call out of the budget. */
  readonly take: () => boolean
  readonly ask: (server: S, signal: AbortSignal | null) => Promise<Result<T, UpstreamFault>>
  /** Ends an answer that came although another was first. */
  readonly drop: (value: T) => void
}

export interface HedgeResult<S, T> {
  readonly result: Result<T, UpstreamFault>
  /** Those that were asked and stopped, as another was first. */
  readonly losers: readonly S[]
}

/** A signal of one's own that the client's stops, too. */
const follow = (signal: AbortSignal | null): AbortController => {
  const controller = new AbortController()
  if (signal?.aborted) controller.abort()
  else signal?.addEventListener('abort', () => controller.abort(), { once: true })
  return controller
}

/**
 * Asks a second candidate when the first takes longer than most; the first answer wins, the other call is
 * ended. Where both fail it is the first one's fault.
 *
 * @param left candidates behind the first one; the second is taken from its head
 */
export const askHedged = async <S, T>(
  first: S,
  left: S[],
  { clock, signal, delayMs, take, ask, drop }: HedgeOptions<S, T>,
): Promise<HedgeResult<S, T>> => {
  const controllers = [follow(signal), follow(signal)] as const
  const asked = ask(first, controllers[0].signal)
  let cancel: () => void = () => undefined
  const late = new Promise<null>((resolve) => {
    cancel = clock.after(delayMs, () => resolve(null))
  })
  const early = await Promise.race([asked, late])
  cancel()
  if (early !== null) return { result: early, losers: [] }
  const second = left.length > 0 && take() ? left.shift() : undefined
  if (second === undefined) return { result: await asked, losers: [] }
  const calls = [asked, ask(second, controllers[1].signal)] as const
  const winner = await Promise.race(calls.map(async (call, i) => ({ result: await call, i })))
  if (!winner.result.ok) {
    const other = await calls[1 - winner.i]
    const isServed = other?.ok === true
    return { result: isServed ? other : await asked, losers: [] }
  }
  controllers[1 - winner.i]?.abort()
  calls[1 - winner.i]?.then((loser) => {
    if (loser.ok) drop(loser.value)
  })
  return { result: winner.result, losers: [winner.i === 0 ? second : first] }
}
