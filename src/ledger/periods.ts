import type { KeyLimits } from './types.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000

/** A stretch of UTC time that a budget is for, ms since the epoch; `endMs` is not in it, null without an end. */
export interface Period {
  readonly startMs: number
  readonly endMs: number | null
}

const ALWAYS: Period = { startMs: 0, endMs: null }

/** @param nowMs ms since the epoch */
export const periodOf = (kind: KeyLimits['budgetPeriod'], nowMs: number): Period => {
  switch (kind) {
    case 'total':
      return ALWAYS
    case 'day': {
      const startMs = nowMs - (nowMs % DAY_MS)
      return { startMs, endMs: startMs + DAY_MS }
    }
    case 'month': {
      const at = new Date(nowMs)
      const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()]
      return { startMs: Date.UTC(year, month), endMs: Date.UTC(year, month + 1) }
    }
  }
}

export const isWithin = ({ startMs, endMs }: Period, ms: number): boolean =>
  ms >= startMs && (endMs === null || ms < endMs)

export const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS)
