import { Counter, type Family } from '../observability/metrics.ts'
import type { BreakerState } from '../resilience/circuit-breaker.ts'
import type { UpstreamFault } from './faults.ts'
import type { ProviderHealth } from './provider-health.ts'

const STATES: readonly BreakerState[] = ['closed', 'half-open', 'open']

/** What this isolate counted of requests to providers. Labels come from the configuration: they are few. */
export class GatewayMetrics {
  readonly #attempts = new Counter(
    'gjallar_llm_attempts_total',
    'Requests to a provider that came to an end.',
    ['provider'],
  )
  readonly #faults = new Counter(
    'gjallar_llm_faults_total',
    'Requests to a provider that it did not serve, by reason.',
    ['provider', 'reason'],
  )
  readonly #byProvider = new Map<string, { attempts: number; faults: Map<string, number> }>()

  /** @param fault null where it served */
  counted(provider: string, fault: UpstreamFault | null): void {
    this.#attempts.add([provider])
    const known = this.#byProvider.get(provider) ?? { attempts: 0, faults: new Map() }
    this.#byProvider.set(provider, known)
    known.attempts++
    if (fault === null) return
    this.#faults.add([provider, fault.reason])
    known.faults.set(fault.reason, (known.faults.get(fault.reason) ?? 0) + 1)
  }

  /** Of one provider, since the isolate began. */
  of(provider: string): { attempts: number; faults: Readonly<Record<string, number>> } {
    const known = this.#byProvider.get(provider)
    return {
      attempts: known?.attempts ?? 0,
      faults: Object.fromEntries(known?.faults ?? []),
    }
  }

  families(health: ReadonlyMap<string, ProviderHealth>, nowMs: number): readonly Family[] {
    const gauge = (
      name: string,
      help: string,
      numberOf: (one: ProviderHealth) => number,
    ): Family => ({
      name,
      kind: 'gauge',
      help,
      labels: ['provider'],
      series: () => [...health].map(([id, one]) => [[id], numberOf(one)] as const),
    })
    return [
      this.#attempts,
      this.#faults,
      gauge('gjallar_llm_in_flight', 'Requests under way.', (one) => one.snapshot(nowMs).inFlight),
      gauge('gjallar_llm_limit', 'Requests at one time.', (one) => one.snapshot(nowMs).limit),
      gauge(
        'gjallar_llm_breaker_state',
        'Breaker of the address: 0 closed, 1 half-open, 2 open.',
        (one) => STATES.indexOf(one.snapshot(nowMs).state),
      ),
    ]
  }
}
