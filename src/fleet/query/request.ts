import { err, ok, type Result } from '../../result.ts'
import type { Expression, ValueType } from './ast.ts'
import { rejectParameter } from './envelope.ts'
import type { Grid } from './grid.ts'
import { STEPS_MAX, TIME_MS_MAX } from './limits.ts'
import { durationMs } from './literals.ts'

/** Parameters of a request, by name: the first of each. */
export type Parameters = (name: string) => string | undefined

const invalid = (name: string, detail: string) => err(`invalid parameter "${name}": ${detail}`)

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** ms of a time in RFC 3339; NaN where it is none. */
const dateMs = (text: string): number => {
  const [, year, month, day] = RFC_3339.exec(text) ?? []
  // Date.parse moves 30 February into March.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  return Number(day) <= lastDay ? Date.parse(text) : Number.NaN
}

/** ms of a time in Unix seconds or RFC 3339; null where it is neither, or beyond the year 9999. */
export const timeMs = (text: string): number | null => {
  const ms = DECIMAL.test(text) ? Math.round(Number(text) * 1_000) : dateMs(text)
  return Math.abs(ms) <= TIME_MS_MAX ? ms : null
}

/** The time of a parameter; `fallbackMs` where it is absent and has one. */
export const timeParameter = (
  parameters: Parameters,
  name: string,
  fallbackMs: number | null,
): Result<number, string> => {
  const text = parameters(name)
  if ((text === undefined || text === '') && fallbackMs !== null) return ok(fallbackMs)
  const ms = timeMs(text ?? '')
  return ms === null
    ? invalid(
        name,
        `cannot parse ${JSON.stringify((text ?? '').slice(0, 100))} to a valid timestamp`,
      )
    : ok(ms)
}

/** ms of a parameter in seconds or as a duration. */
const durationParameter = (parameters: Parameters, name: string): Result<number, string> => {
  const text = parameters(name) ?? ''
  const ms = DECIMAL.test(text) ? Number(text) * 1_000 : durationMs(text)
  return ms === null || !(Math.abs(ms) <= TIME_MS_MAX)
    ? invalid(name, `cannot parse ${JSON.stringify(text.slice(0, 100))} to a valid duration`)
    : ok(Math.round(ms))
}

/** Why `timeout` is no duration; null where it is one or absent. Bounds end a query, not time. */
export const timeoutFault = (parameters: Parameters): string | null => {
  if ((parameters('timeout') ?? '') === '') return null
  const timeout = durationParameter(parameters, 'timeout')
  return timeout.ok ? null : timeout.error
}

/** The grid of a range query's `start`, `end` and `step`. */
export const gridParameters = (parameters: Parameters): Result<Grid, string> => {
  const start = timeParameter(parameters, 'start', null)
  if (!start.ok) return start
  const end = timeParameter(parameters, 'end', null)
  if (!end.ok) return end
  if (end.value < start.value) return invalid('end', 'end timestamp must not be before start time')
  const step = durationParameter(parameters, 'step')
  if (!step.ok) return step
  if (step.value <= 0)
    return invalid(
      'step',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    )
  const steps = Math.floor((end.value - start.value) / step.value)
  if (steps > STEPS_MAX)
    return err(
      `exceeded maximum resolution of ${STEPS_MAX.toLocaleString('en')} points per timeseries. Try decreasing the query resolution (?step=XX)`,
    )
  return ok({ startMs: start.value, stepMs: step.value, steps: steps + 1 })
}

/** `limit`: 0 or absent is none, a whole number else. */
export const limitParameter = (parameters: Parameters): Result<number, string> => {
  const text = parameters('limit')
  if (text === undefined || text === '') return ok(Number.POSITIVE_INFINITY)
  if (!/^\d{1,9}$/.test(text)) return invalid('limit', 'limit must be non-negative')
  return ok(Number(text) === 0 ? Number.POSITIVE_INFINITY : Number(text))
}

const RANGE_TYPES: Partial<Readonly<Record<ValueType, string>>> = {
  string: 'string',
  matrix: 'range vector',
}

/** Why an expression cannot be asked for over a range; null where it can. */
export const rangeTypeFault = (expression: Expression): string | null => {
  const type = RANGE_TYPES[expression.type]
  return type === undefined
    ? null
    : `invalid expression type "${type}" for range query, must be Scalar or instant Vector`
}

/** The value of a result. Throws ProblemError 400 with what it says else. */
export const accepted = <T>(result: Result<T, string>): T =>
  result.ok ? result.value : rejectParameter(result.error)
