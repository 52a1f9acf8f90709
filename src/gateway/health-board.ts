import { DurableObject } from 'cloudflare:workers'
import type { Env } from '../env.ts'

/** A breaker that is open, of a provider's model or, where `model` is null, of its address. */
export interface HealthReport {
  readonly provider: string
  readonly model: string | null
  /** ms since the epoch. */
  readonly untilMs: number
}

/** Reports that are kept; beyond them those that end first are forgotten. */
export const REPORTS_MAX = 4_096
/** No breaker is open longer, whoever says so. */
const OPEN_MS_MAX = 60_000

/**
 * Where isolates tell each other which breakers are open, so that a provider that fails is found out once and
 * not by each isolate for itself. It is memory only: what is lost with it is learnt again within a few requests.
 */
export class HealthBoard extends DurableObject<Env> {
  readonly #untilMs = new Map<string, HealthReport>()

  /** Takes what one isolate knows and gives what all do. */
  exchange(opened: readonly HealthReport[]): readonly HealthReport[] {
    const nowMs = Date.now()
    for (const report of opened.slice(0, REPORTS_MAX)) {
      const key = JSON.stringify([report.provider, report.model])
      const untilMs = Math.min(report.untilMs, nowMs + OPEN_MS_MAX)
      if (untilMs > (this.#untilMs.get(key)?.untilMs ?? nowMs))
        this.#untilMs.set(key, { ...report, untilMs })
    }
    for (const [key, { untilMs }] of this.#untilMs) if (untilMs <= nowMs) this.#untilMs.delete(key)
    const surplus = this.#untilMs.size - REPORTS_MAX
    if (surplus > 0) {
      const ending = [...this.#untilMs].sort(([, a], [, b]) => a.untilMs - b.untilMs)
      for (const [key] of ending.slice(0, surplus)) this.#untilMs.delete(key)
    }
    return [...this.#untilMs.values()]
  }
}
