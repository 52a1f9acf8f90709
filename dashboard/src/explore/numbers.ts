import { NOTHING } from '../format.ts'

const UNITS = [
  { from: 1e12, scale: 1e12, suffix: 'T' },
  { from: 1e9, scale: 1e9, suffix: 'G' },
  { from: 1e6, scale: 1e6, suffix: 'M' },
  // Four digits are read faster than 1.23k.
  { from: 1e4, scale: 1e3, suffix: 'k' },
] as const

const EXPONENT_FROM = 1e15
const EXPONENT_BELOW = 1e-4

/** Four significant digits: `0.1235`, `1235`, `12.35k`, `1.235e-7`. */
export const shortNumber = (value: number | null): string => {
  if (value === null) return NOTHING
  if (!Number.isFinite(value) || value === 0) return String(value)
  const size = Math.abs(value)
  if (size >= EXPONENT_FROM || size < EXPONENT_BELOW) return trimmed(value.toExponential(3))
  const unit = UNITS.find(({ from }) => size >= from)
  if (unit === undefined) return trimmed(value.toPrecision(4))
  return `${trimmed((value / unit.scale).toPrecision(4))}${unit.suffix}`
}

/**
 * Labels of an axis, all with as many digits as its steps need: `12.5k`, `13.0k`.
 *
 * @param increment > 0, between two splits
 */
export const axisNumbers = (splits: readonly number[], increment: number): string[] => {
  const size = Math.max(...splits.map(Math.abs))
  if (size >= EXPONENT_FROM || (size > 0 && increment < EXPONENT_BELOW / 10))
    return splits.map((value) => (value === 0 ? '0' : trimmed(value.toExponential(2))))
  const { scale, suffix } = UNITS.find(({ from }) => size >= from) ?? { scale: 1, suffix: '' }
  const decimals = decimalsOf(increment / scale)
  return splits.map((value) =>
    value === 0 ? '0' : `${(value / scale).toFixed(decimals)}${suffix}`,
  )
}

/** Digits after the point that tell multiples of an increment apart, at most 8. */
const decimalsOf = (increment: number): number => {
  for (let decimals = 0; decimals < 8; decimals++) {
    const scaled = increment * 10 ** decimals
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals
  }
  return 8
}

const trimmed = (text: string): string =>
  text.includes('.') ? text.replace(/\.?0+(?=e|$)/, '') : text

const DAY_SECONDS = 86_400

/**
 * Labels of a time axis in the browser's zone: the time of day, and the date where the day changes or
 * the axis counts in days.
 */
export const axisTimes = (splits: readonly number[], increment: number): string[] => {
  let previousDay = ''
  return splits.map((seconds, i) => {
    const time = new Date(seconds * 1_000)
    const day = time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
    const isNewDay = i > 0 && previousDay !== '' && day !== previousDay
    previousDay = day
    if (increment >= DAY_SECONDS || isNewDay) return day
    const clock = time.toLocaleTimeString('en-GB')
    return increment < 60 ? clock : clock.slice(0, 5)
  })
}

/** A moment as the table and the chart's readout say it. */
export const momentOf = (seconds: number): string => {
  const time = new Date(seconds * 1_000)
  const isToday = time.toDateString() === new Date().toDateString()
  const clock = time.toLocaleTimeString('en-GB')
  const date = time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
  return isToday ? clock : `${date}, ${clock}`
}
