import { HedgePolicy } from '../resilience/hedge.ts'
import { routingState, watchBreakers } from '../routing/isolate.ts'
import type { BreakerState } from '../routing/triage.ts'
import type { Target } from './gateway-request.ts'
import { HealthRegistry } from './health-registry.ts'
import { GatewayMetrics } from './metrics.ts'
import type { ProviderHealth } from './provider-health.ts'
import type { Provider } from './provider-registry.ts'
import { ResponseCache } from './response-cache.ts'

/** Models whose times are kept for hedging; the one used longest ago is forgotten. */
const HEDGES_MAX = 256

const health = new HealthRegistry()
const hedges = new Map<string, HedgePolicy>()

/** Answers of this isolate that may be given again. */
export const responseCache = new ResponseCache()

let seed: number | undefined

/** What keys of answers are hashed from; made within a request, as randomness is not to be had before. */
export const cacheSeed = (): number => {
  seed ??= crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
  return seed
}

/** Counters of this isolate. */
export const gatewayMetrics = new GatewayMetrics()

export const healthRegistry = (): HealthRegistry => health

export const healthOf = ({ id, keys }: Provider): ProviderHealth => health.of(id, () => keys)

/** The breakers of candidates as they are at the moment at which the router asks. */
class LiveBreakers extends Map<string, BreakerState> {
  override get(id: string): BreakerState {
    const slash = id.indexOf('/')
    const known = health.all().get(id.slice(0, slash))
    return known?.stateOf(id.slice(slash + 1), Date.now()) ?? 'closed'
  }
}

watchBreakers(new LiveBreakers())

/** When a second candidate is asked beside a slow one. @param share of requests, [0, 1] */
export const hedgeOf =
  (share: number) =>
  ({ id }: Target): HedgePolicy => {
    const known = hedges.get(id)
    if (known !== undefined) return known
    const made = new HedgePolicy(share)
    hedges.set(id, made)
    const oldest = hedges.keys().next()
    if (hedges.size > HEDGES_MAX && !oldest.done) hedges.delete(oldest.value)
    return made
  }

/** A target took so long to the first content of a stream, or to a whole answer. */
export const measured = ({ id }: Target, ms: number, isStream: boolean): void => {
  const { latencies, firstTokens } = routingState()
  const times = isStream ? firstTokens : latencies
  times.measured(id, ms, Date.now())
  hedges.get(id)?.measured(ms)
}
