import type { RequestRecord } from '../ledger/types.ts'
import type { Usage } from './chat.ts'
import type { UpstreamFault } from './faults.ts'
import type { GatewayRequest, Target } from './gateway-request.ts'

/** How a request ended. */
export interface Ending {
  readonly outcome: RequestRecord['outcome']
  readonly fault: UpstreamFault | null
  /** Who served it, or was asked last; null where nobody was. */
  readonly target: Target | null
  readonly attempts: number
  readonly usage: Usage | null
  readonly usageSource: RequestRecord['usageSource']
  readonly cache?: RequestRecord['cache']
  readonly timeToFirstTokenMs: number | null
  /** Spent on calls that lost against faster ones; whole billionths of a US dollar. */
  readonly wastedNanoUsd?: number
}

export const NO_USAGE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
}

/** Of a request that nobody was asked for, or nobody served. */
export const NOBODY = {
  target: null,
  attempts: 0,
  usage: null,
  usageSource: 'none',
  timeToFirstTokenMs: null,
} as const

/** Ends a request at the ledger, once, however it ends. */
export class Settlement {
  readonly #request: Pick<GatewayRequest<unknown>, 'base' | 'strongCostNanoUsd' | 'reservation'>
  #record: RequestRecord | null = null

  constructor(
    request: Pick<GatewayRequest<unknown>, 'base' | 'strongCostNanoUsd' | 'reservation'>,
  ) {
    this.#request = request
  }

  get isSettled(): boolean {
    return this.#record !== null
  }

  /** Ends what a bug left open: what was reserved is given back. */
  abandon(nowMs: number): void {
    const fault = { reason: 'malformed', detail: 'the gateway failed' } as const
    this.settle({ ...NOBODY, outcome: 'error', fault }, nowMs)
  }

  /** @returns what was kept, which is the first ending */
  settle(ending: Ending, nowMs: number): RequestRecord {
    if (this.#record !== null) return this.#record
    const { base, strongCostNanoUsd, reservation } = this.#request
    const { target, usage, cache = 'none' } = ending
    const tokens = usage ?? NO_USAGE
    // What was kept here costs nothing.
    const isPaid = usage !== null && target !== null && cache === 'none'
    const record: RequestRecord = {
      ...base,
      ...tokens,
      outcome: ending.outcome,
      fault: ending.fault?.reason ?? null,
      provider: target?.providerId ?? '',
      model: target?.model ?? '',
      attempts: ending.attempts,
      cache,
      usageSource: ending.usageSource,
      costNanoUsd: (isPaid ? target.costNanoUsd(usage) : 0) + (ending.wastedNanoUsd ?? 0),
      strongCostNanoUsd: usage === null ? 0 : strongCostNanoUsd(usage),
      latencyMs: Math.max(0, nowMs - base.atMs),
      timeToFirstTokenMs: ending.timeToFirstTokenMs,
    }
    this.#record = record
    reservation.settle(record)
    return record
  }
}

/** US dollars of billionths, exactly. */
export const usdText = (nanoUsd: number): string => {
  const digits = String(nanoUsd).padStart(10, '0')
  return `${digits.slice(0, -9)}.${digits.slice(-9)}`
}
