import {
  DEFAULT_RANGE,
  formatDuration,
  parseDuration,
  rangeFault,
  type TimeRange,
} from './time-range.ts'

export const VIEWS = ['chart', 'table'] as const
export type View = (typeof VIEWS)[number]

/** Seconds between two runs; 0 is none. */
export const REFRESHES = [0, 5, 30] as const
export type RefreshSeconds = (typeof REFRESHES)[number]

/** All that the explore page shows, so that its address can be shared. */
export interface Exploration {
  readonly query: string
  readonly range: TimeRange
  readonly view: View
  readonly refreshSeconds: RefreshSeconds
}

/** Reads `query=…&range=6h&view=table&refresh=5s`, or `from` and `to` in RFC 3339; faults are defaults. */
export const parseExploration = (search: string): Exploration => {
  const parameters = new URLSearchParams(search)
  const view = VIEWS.find((name) => name === parameters.get('view')) ?? 'chart'
  const range = rangeOf(parameters)
  const refresh = parameters.get('refresh')
  return {
    query: parameters.get('query') ?? '',
    range,
    view,
    refreshSeconds:
      range.kind === 'between' ? 0 : (REFRESHES.find((n) => `${n}s` === refresh) ?? 0),
  }
}

/** What `parseExploration` reads; defaults are left out, except the range, which the default may outlive. */
export const formatExploration = (exploration: Exploration): string => {
  const { query, range, view, refreshSeconds } = exploration
  const parameters = new URLSearchParams()
  if (query !== '') parameters.set('query', query)
  if (range.kind === 'last') parameters.set('range', formatDuration(range.durationMs))
  else {
    parameters.set('from', new Date(range.fromMs).toISOString())
    parameters.set('to', new Date(range.toMs).toISOString())
  }
  if (view !== 'chart') parameters.set('view', view)
  if (refreshSeconds > 0 && range.kind === 'last') parameters.set('refresh', `${refreshSeconds}s`)
  return parameters.toString()
}

const rangeOf = (parameters: URLSearchParams): TimeRange => {
  const fromMs = Date.parse(parameters.get('from') ?? '')
  const toMs = Date.parse(parameters.get('to') ?? '')
  if (Number.isFinite(fromMs) && Number.isFinite(toMs) && rangeFault(fromMs, toMs) === null)
    return { kind: 'between', fromMs, toMs }
  const durationMs = parseDuration(parameters.get('range') ?? '')
  return durationMs === null ? DEFAULT_RANGE : { kind: 'last', durationMs }
}
