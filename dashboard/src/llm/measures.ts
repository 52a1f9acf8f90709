import { count, NOTHING } from '../format.ts'

/** Three significant digits and the unit: `4.5 ms`, `320 ms`, `1.25 s`, `95.0 s`. */
export const milliseconds = (ms: number | null | undefined): string => {
  if (typeof ms !== 'number' || !Number.isFinite(ms)) return NOTHING
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${ms.toFixed(0)} ms`
  return ms < 9_995 ? `${(ms / 1_000).toFixed(2)} s` : `${(ms / 1_000).toFixed(1)} s`
}

/** Whole below ten thousand, then `12.3k`, `4.56M`. */
export const tokens = (value: number): string => {
  if (value < 10_000) return count(value)
  if (value < 999_500) return `${(value / 1_000).toPrecision(3)}k`
  return `${(value / 1e6).toPrecision(3)}M`
}

/** A ratio in percent with one decimal, `42.5 %`; what is not nothing is not shown as nothing. */
export const share = (ratio: number | null | undefined): string => {
  if (typeof ratio !== 'number' || !Number.isFinite(ratio)) return NOTHING
  const percent = ratio * 100
  if (percent === 0) return '0 %'
  if (percent > 0 && percent < 0.05) return '<0.1 %'
  return `${percent.toFixed(1).replace('-', '−')} %`
}

/** A term of a score: three decimals, a real minus, and no `-0.000`. */
export const term = (value: number): string => {
  const text = Math.abs(value).toFixed(3)
  return value < 0 && text !== '0.000' ? `−${text}` : text
}

const HASH_LENGTH = 10

/** The beginning of an artifact's version, which is a hash. */
export const shortHash = (version: string): string => version.slice(0, HASH_LENGTH)
