import type { Spend, SpendRow, SpendStep } from './types.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

/** Names with a colour of their own; the others are one. */
export const NAMES_MAX = 7

const stepMsOf = (step: SpendStep): number => (step === 'hour' ? HOUR_MS : DAY_MS)

export interface SpendSums {
  readonly requests: number
  readonly errors: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly costUsd: number
}

const NO_SUMS: SpendSums = { requests: 0, errors: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 }

const plus = (sums: SpendSums, row: SpendSums): SpendSums => ({
  requests: sums.requests + row.requests,
  errors: sums.errors + row.errors,
  inputTokens: sums.inputTokens + row.inputTokens,
  outputTokens: sums.outputTokens + row.outputTokens,
  costUsd: sums.costUsd + row.costUsd,
})

export interface SpendGroup extends SpendSums {
  /** Null for what is left beside the largest. */
  readonly name: string | null
  /** US dollars a step. */
  readonly costs: readonly number[]
}

export interface SpendColumns {
  readonly stepMs: number
  /** Beginnings of the steps, seconds since the epoch, none left out. */
  readonly seconds: readonly number[]
  /** By cost, the largest first; the rest at the end. */
  readonly groups: readonly SpendGroup[]
  readonly total: SpendSums
}

/** Spend as columns of a chart: a value a step, also where nothing was asked. */
export const spendColumns = (spend: Spend): SpendColumns => {
  const stepMs = stepMsOf(spend.step)
  const firstMs = spend.fromMs - (spend.fromMs % stepMs)
  const steps = Math.max(1, Math.ceil((spend.toMs - firstMs) / stepMs))
  const seconds = Array.from({ length: steps }, (_, i) => (firstMs + i * stepMs) / 1_000)
  const rows = new Map<string, SpendRow[]>()
  for (const row of spend.rows) rows.set(row.name, [...(rows.get(row.name) ?? []), row])
  const named = [...rows].map(([name, own]) => ({ name, own, sums: own.reduce(plus, NO_SUMS) }))
  named.sort((a, b) => b.sums.costUsd - a.sums.costUsd || b.sums.requests - a.sums.requests)
  const groupOf = (name: string | null, own: readonly SpendRow[]): SpendGroup => {
    const costs = new Array<number>(steps).fill(0)
    for (const { atMs, costUsd } of own) {
      const step = Math.floor((atMs - firstMs) / stepMs)
      if (step >= 0 && step < steps) costs[step] = (costs[step] ?? 0) + costUsd
    }
    return { name, costs, ...own.reduce(plus, NO_SUMS) }
  }
  // One more than has a colour of its own is not yet a rest.
  const shown = named.length > NAMES_MAX + 1 ? named.slice(0, NAMES_MAX) : named
  const rest = named.slice(shown.length).flatMap(({ own }) => own)
  const groups = shown.map(({ name, own }) => groupOf(name, own))
  return {
    stepMs,
    seconds,
    groups: rest.length === 0 ? groups : [...groups, groupOf(null, rest)],
    total: spend.rows.reduce(plus, NO_SUMS),
  }
}

/** Tops of the parts of stacked bars, the lowest part first. */
export const stacked = (groups: readonly Pick<SpendGroup, 'costs'>[]): number[][] => {
  let below: readonly number[] = []
  return groups.map(({ costs }) => {
    const tops = costs.map((cost, i) => cost + (below[i] ?? 0))
    below = tops
    return tops
  })
}

/** What to ask for over so many hours up to now: by hour, beyond a month's end by day. */
export const spendRange = (hours: number, nowMs: number): { fromMs: number; step: SpendStep } => {
  const step = hours > 7 * 24 ? 'day' : 'hour'
  const stepMs = stepMsOf(step)
  return { fromMs: nowMs - (nowMs % stepMs) - (hours * HOUR_MS - stepMs), step }
}
