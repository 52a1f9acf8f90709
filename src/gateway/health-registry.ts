import type { HealthReport } from './health-board.ts'
import { ProviderHealth } from './provider-health.ts'
import type { Credential } from './providers/types.ts'

/** Breakers that were opened are told, and those of other isolates asked for, at most so often. */
export const EXCHANGE_MS = 2_000

export interface HealthBoardStub {
  exchange(opened: readonly HealthReport[]): Promise<readonly HealthReport[]>
}

/** The health of every provider, as one isolate knows it. */
export class HealthRegistry {
  readonly #providers = new Map<string, ProviderHealth>()
  #exchangedAtMs = Number.NEGATIVE_INFINITY

  /** @param keys of the provider's configuration; read when it is first asked for */
  of(
    providerId: string,
    keys: () => readonly { readonly credential: Credential; readonly weight: number }[],
  ): ProviderHealth {
    const known = this.#providers.get(providerId)
    if (known !== undefined) return known
    const health = new ProviderHealth(keys())
    this.#providers.set(providerId, health)
    return health
  }

  all(): ReadonlyMap<string, ProviderHealth> {
    return this.#providers
  }

  /** Whether it is time for `exchange`; it is then taken as begun. */
  isExchangeDue(nowMs: number): boolean {
    if (Math.abs(nowMs - this.#exchangedAtMs) < EXCHANGE_MS) return false
    this.#exchangedAtMs = nowMs
    return true
  }

  /** Tells which breakers are open here and opens those that are elsewhere. @throws what the board throws */
  async exchange(board: HealthBoardStub, now: () => number): Promise<void> {
    const opened = [...this.#providers].flatMap(([provider, health]) =>
      health.open(now()).map((one) => ({ provider, ...one })),
    )
    for (const { provider, model, untilMs } of await board.exchange(opened))
      this.#providers.get(provider)?.openUntil(model, untilMs, now())
  }
}
