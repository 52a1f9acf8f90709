/** What a query is asked over: a time up to now, or between two moments. */
export type TimeRange =
  | { readonly kind: 'last'; readonly durationMs: number }
  | { readonly kind: 'between'; readonly fromMs: number; readonly toMs: number }

export const RANGES: readonly { label: string; title: string; ms: number }[] = [
  { label: '15m', title: 'Last 15 minutes', ms: 15 * 60_000 },
  { label: '1h', title: 'Last hour', ms: 3_600_000 },
  { label: '6h', title: 'Last 6 hours', ms: 6 * 3_600_000 },
  { label: '24h', title: 'Last 24 hours', ms: 24 * 3_600_000 },
  { label: '7d', title: 'Last 7 days', ms: 7 * 24 * 3_600_000 },
]

export const DEFAULT_RANGE: TimeRange = { kind: 'last', durationMs: 3_600_000 }

/** Points of one series in one answer, as the service bounds them. */
export const STEPS_MAX = 11_000
/** Below this a step shows what an agent's interval does not have. */
const STEP_MS_MIN = 1_000
/** A point every two pixels is all that an eye can tell apart in a line. */
const PIXELS_PER_POINT = 2
const RANGE_MS_MAX = 5 * 366 * 86_400_000

/** Steps people count in, in seconds, up to a day; beyond it whole days. */
const STEPS_SECONDS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
]

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}

/** ms of a duration in one unit, as `90s`, `15m`, `7d`; null for anything else and beyond five years. */
export const parseDuration = (text: string): number | null => {
  const match = /^(\d{1,9})([smhdw])$/.exec(text)
  const ms = Number(match?.[1]) * (UNITS_MS[match?.[2] ?? ''] ?? Number.NaN)
  return ms >= 1_000 && ms <= RANGE_MS_MAX ? ms : null
}

/** The shortest way to write whole seconds in one unit: `24h` and not `1d`, as the choices have it. */
export const formatDuration = (ms: number): string => {
  const choice = RANGES.find((range) => range.ms === ms)
  if (choice !== undefined) return choice.label
  const unit = ['d', 'h', 'm'].find((name) => ms % (UNITS_MS[name] ?? 1) === 0) ?? 's'
  return `${Math.round(ms / (UNITS_MS[unit] ?? 1_000))}${unit}`
}

/** The moments that a range means at `nowMs`. */
export const boundsOf = (range: TimeRange, nowMs: number): { fromMs: number; toMs: number } =>
  range.kind === 'last'
    ? { fromMs: nowMs - range.durationMs, toMs: nowMs }
    : { fromMs: range.fromMs, toMs: range.toMs }

/**
 * The step of a chart: the smallest familiar one with no more than a point every two pixels.
 *
 * @param durationMs > 0  @param widthPx of the plot
 * @returns ms, ≥ 1,000; durationMs / step ≤ 11,000
 */
export const stepFor = (durationMs: number, widthPx: number): number => {
  const points = Math.min(STEPS_MAX, Math.max(100, Math.floor(widthPx / PIXELS_PER_POINT)))
  const leastMs = Math.max(STEP_MS_MIN, durationMs / points)
  const familiar = STEPS_SECONDS.find((seconds) => seconds * 1_000 >= leastMs)
  return familiar === undefined ? Math.ceil(leastMs / 86_400_000) * 86_400_000 : familiar * 1_000
}

/** The times of a chart, both ends included. */
export interface StepGrid {
  readonly startMs: number
  readonly endMs: number
  readonly stepMs: number
}

/**
 * The multiples of the step inside the range. Charts asked again a moment later then have the same
 * times and do not flicker; what is newer than the last of them is less than two pixels.
 */
export const gridFor = (range: TimeRange, nowMs: number, widthPx: number): StepGrid => {
  const { fromMs, toMs } = boundsOf(range, nowMs)
  const stepMs = stepFor(Math.max(1, toMs - fromMs), widthPx)
  const endMs = Math.floor(toMs / stepMs) * stepMs
  return { startMs: Math.min(endMs, Math.ceil(fromMs / stepMs) * stepMs), endMs, stepMs }
}

const two = (n: number): string => String(n).padStart(2, '0')

/** The value of a `datetime-local` field, in the browser's own zone, to the second. */
export const toLocalInput = (ms: number): string => {
  const time = new Date(ms)
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${date}T${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
}

/** @returns null while the field is empty or half filled in */
export const fromLocalInput = (text: string): number | null => {
  const ms = text === '' ? Number.NaN : new Date(text).getTime()
  return Number.isNaN(ms) ? null : ms
}

/** Why two moments are no range, in words for the page; null where they are. */
export const rangeFault = (fromMs: number | null, toMs: number | null): string | null => {
  if (fromMs === null || toMs === null) return 'Fill in both times.'
  if (toMs <= fromMs) return 'The end must be after the start.'
  return toMs - fromMs > RANGE_MS_MAX ? 'A range is at most five years.' : null
}
