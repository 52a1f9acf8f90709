import type { Call } from './ast.ts'
import { type Column, mapFloats, united, withoutName } from './column.ts'

const RADIANS_PER_DEGREE = Math.PI / 180

const sign = (value: number): number => (value < 0 ? -1 : value > 0 ? 1 : value)

/** Half to even is JavaScript's business nowhere: `round` of PromQL rounds half up, at multiples of `nearest`. */
const roundTo = (value: number, nearest: number): number => {
  const inverse = 1 / nearest
  return Math.floor(value * inverse + 0.5) / inverse
}

const UNARY: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: Math.exp,
  sqrt: Math.sqrt,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sgn: sign,
  deg: (value) => value / RADIANS_PER_DEGREE,
  rad: (value) => value * RADIANS_PER_DEGREE,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
}

const DAY_SECONDS = 86_400

const dateOf = (seconds: number): Date => new Date(Math.trunc(seconds) * 1_000)
const daysIn = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
const dayOfYear = (date: Date): number =>
  Math.floor(date.getTime() / 1_000 / DAY_SECONDS) -
  Math.floor(Date.UTC(date.getUTCFullYear(), 0, 1) / 1_000 / DAY_SECONDS) +
  1

/** Parts of a moment in UTC, given in seconds; NaN where it is no moment that a Date holds. */
const DATE_PARTS: Readonly<Record<string, (seconds: number) => number>> = {
  minute: (seconds) => dateOf(seconds).getUTCMinutes(),
  hour: (seconds) => dateOf(seconds).getUTCHours(),
  day_of_week: (seconds) => dateOf(seconds).getUTCDay(),
  day_of_month: (seconds) => dateOf(seconds).getUTCDate(),
  day_of_year: (seconds) => dayOfYear(dateOf(seconds)),
  days_in_month: (seconds) => daysIn(dateOf(seconds)),
  month: (seconds) => dateOf(seconds).getUTCMonth() + 1,
  year: (seconds) => dateOf(seconds).getUTCFullYear(),
}

/** The function of each value, with the scalars of the call by step; null where `name` is no such function. */
const applyOf = (
  name: string,
  [first, second]: readonly Float64Array[],
): ((value: number, step: number) => number) | null => {
  const unary = UNARY[name] ?? DATE_PARTS[name]
  if (unary) return unary
  const at = (scalar: Float64Array | undefined, step: number) => scalar?.[step] ?? Number.NaN
  switch (name) {
    case 'round':
      return (value, step) => roundTo(value, first ? at(first, step) : 1)
    case 'clamp':
      return (value, step) => Math.max(at(first, step), Math.min(at(second, step), value))
    case 'clamp_min':
      return (value, step) => Math.max(at(first, step), value)
    case 'clamp_max':
      return (value, step) => Math.min(at(first, step), value)
    default:
      return null
  }
}

/** A call of a function of single values; null where it is another kind of function. */
export const mathCall = (
  call: Call,
  columns: readonly Column[],
  scalars: readonly Float64Array[],
): Column[] | null => {
  const apply = applyOf(call.name, scalars)
  if (!apply) return null
  const [low, high] = scalars
  const mapped = columns.map((column) => {
    const result = mapFloats(column, withoutName(column.labels), apply)
    if (call.name !== 'clamp' || !low || !high) return result
    // Bounds the wrong way round leave nothing.
    const present = result.present.map((kind, step) =>
      (low[step] as number) > (high[step] as number) ? 0 : kind,
    )
    return { ...result, present }
  })
  return united(mapped, call)
}
