import { dollars, NOTHING } from '../format.ts'

/** Below it an amount is no longer written in digits. */
const USD_SMALLEST = 1e-6
const NANO_PER_USD = 1e9

/**
 * US dollars of requests, which are often fractions of a cent: two significant digits below a cent, three
 * below a dollar, then cents, then whole dollars: `$0.00018`, `$0.0432`, `$3.46`, `$12,916`.
 */
export const usd = (value: number | null | undefined): string => {
  if (typeof value !== 'number' || !Number.isFinite(value)) return NOTHING
  const size = Math.abs(value)
  const sign = value < 0 ? '−' : ''
  if (size === 0) return '$0'
  if (size < USD_SMALLEST) return sign === '' ? '<$0.000001' : '>−$0.000001'
  if (size < 0.01) return `${sign}$${size.toPrecision(2)}`
  if (size < 1) return `${sign}$${size.toPrecision(3)}`
  return sign + dollars(size)
}

/** @param nanoUsd whole billionths of a dollar */
export const nanoUsd = (nanoUsd: number): string => usd(nanoUsd / NANO_PER_USD)
