import type { Label } from '../series/labels.ts'

/**
 * Names as Prometheus' classic character set has them.
 *
 * Source: OpenTelemetry specification, "Prometheus and OpenMetrics compatibility"; units and suffixes as
 * in prometheus/otlptranslator, strategy UnderscoreEscapingWithSuffixes.
 */
const UNITS: Readonly<Record<string, string>> = {
  d: 'days',
  h: 'hours',
  min: 'minutes',
  s: 'seconds',
  ms: 'milliseconds',
  us: 'microseconds',
  ns: 'nanoseconds',
  By: 'bytes',
  KiBy: 'kibibytes',
  MiBy: 'mebibytes',
  GiBy: 'gibibytes',
  TiBy: 'tibibytes',
  KBy: 'kilobytes',
  MBy: 'megabytes',
  GBy: 'gigabytes',
  TBy: 'terabytes',
  m: 'meters',
  V: 'volts',
  A: 'amperes',
  J: 'joules',
  W: 'watts',
  g: 'grams',
  Cel: 'celsius',
  Hz: 'hertz',
  '1': '',
  '%': 'percent',
}

const PER_UNITS: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  mo: 'month',
  y: 'year',
}

const unitOf = (table: Readonly<Record<string, string>>, unit: string): string => {
  const trimmed = unit.trim()
  // {requests} is an annotation, not a unit (UCUM).
  if (/[{}]/.test(trimmed)) return ''
  return (Object.hasOwn(table, trimmed) ? table[trimmed] : undefined) ?? trimmed
}

const tokensOf = (text: string): string[] => text.split(/[^a-zA-Z0-9:]+/).filter((t) => t !== '')

const without = (tokens: readonly string[], token: string): string[] =>
  tokens.filter((other) => other !== token)

export type NameKind = 'counter' | 'gauge' | 'other'

/**
 * The Prometheus name of an OpenTelemetry metric: words joined by `_`, then the unit and `per` unit where
 * they are not among the words, then `total` for a counter, `ratio` for a gauge of unit 1. '' where the name
 * has no word.
 */
export const metricNameOf = (name: string, unit: string, kind: NameKind): string => {
  let tokens = tokensOf(name)
  if (tokens.length === 0) return ''
  const slash = unit.indexOf('/')
  const main = tokensOf(unitOf(UNITS, slash === -1 ? unit : unit.slice(0, slash))).join('_')
  const per = slash === -1 ? '' : tokensOf(unitOf(PER_UNITS, unit.slice(slash + 1))).join('_')
  if (main !== '' && !tokens.includes(main)) tokens.push(main)
  if (per !== '' && !tokens.includes(per)) tokens.push('per', per)
  if (kind === 'counter') tokens = [...without(tokens, 'total'), 'total']
  if (kind === 'gauge' && unit === '1') tokens = [...without(tokens, 'ratio'), 'ratio']
  const joined = tokens.join('_')
  return /^\d/.test(joined) ? `_${joined}` : joined
}

/** The name with `_` for each run of other characters; '' where nothing is left. */
export const plainMetricName = (name: string): string => {
  const plain = name.replace(/[^a-zA-Z0-9:_]+/g, '_')
  if (/^_*$/.test(plain)) return ''
  return /^\d/.test(plain) ? `_${plain}` : plain
}

/**
 * A label's name: runs of other characters and of `_` become one `_`, a digit in front gets `key_`.
 * Names in `__` are Prometheus' own, so they lose one. '' where nothing is left.
 */
export const labelNameOf = (key: string): string => {
  const name = key.replace(/[^a-zA-Z0-9_]+/g, '_').replace(/_{2,}/g, '_')
  if (name === '_') return ''
  return /^\d/.test(name) ? `key_${name}` : name
}

/** Names of attributes come again with each data point. */
const LABEL_NAMES_MAX = 10_000
const labelNames = new Map<string, string>()

/** `labelNameOf`, remembered. */
export const knownLabelName = (key: string): string => {
  const known = labelNames.get(key)
  if (known !== undefined) return known
  const name = labelNameOf(key)
  if (labelNames.size >= LABEL_NAMES_MAX) labelNames.clear()
  labelNames.set(key, name)
  return name
}

/**
 * The labels of attributes. Where different keys give one name their values are joined by `;`, in the
 * order of the keys. A key without a name of its own keeps it, and labelFault refuses the series.
 */
export const labelsOf = (
  attributes: readonly (readonly [key: string, value: string])[],
): Map<string, string> => {
  const labels = new Map<string, string>()
  let collided = false
  for (const [key, value] of attributes) {
    if (value === '') continue
    const name = knownLabelName(key)
    collided ||= labels.has(name)
    labels.set(name, value)
  }
  if (!collided) return labels
  labels.clear()
  const byKey = [...attributes].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  for (const [key, value] of byKey) {
    if (value === '') continue
    const name = knownLabelName(key)
    const before = labels.get(name)
    labels.set(name, before === undefined ? value : `${before};${value}`)
  }
  return labels
}

/** A label's value for a bound or a quantile, without an exponent: `0.005`, `100000`, `+Inf`. */
export const boundText = (bound: number): string => {
  if (bound === Number.POSITIVE_INFINITY) return '+Inf'
  const text = String(bound)
  const exponential = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text)
  if (!exponential) return text
  const [, sign = '', lead = '', rest = '', power = '0'] = exponential
  const digits = lead + rest
  const point = 1 + Number(power)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits.padEnd(point, '0')}`
}

export const asLabels = (labels: ReadonlyMap<string, string>): Label[] => [...labels]
