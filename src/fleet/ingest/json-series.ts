import type { Label } from '../series/labels.ts'
import { type LabelsFault, named, type SeriesWriteBuilder } from './series-builder.ts'

/** JSON has no numbers for these; Prometheus' HTTP API writes them so. */
const NOT_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Inf: Number.POSITIVE_INFINITY,
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
}

const invalid = (detail: string): LabelsFault => ({ reason: 'invalid-line', detail })

const labelsOf = (value: unknown): Label[] | LabelsFault => {
  if (value === undefined || value === null) return []
  if (typeof value !== 'object' || Array.isArray(value)) return invalid('labels must be an object')
  const labels: Label[] = []
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string')
      return invalid(`label ${JSON.stringify(name.slice(0, 100))} must be a string`)
    labels.push([name, text])
  }
  return labels
}

const numberOf = (value: unknown): number | LabelsFault => {
  if (typeof value === 'string' && Object.hasOwn(NOT_FINITE, value))
    return NOT_FINITE[value] ?? Number.NaN
  if (typeof value !== 'number') return invalid('value must be a number, "NaN", "+Inf" or "-Inf"')
  // JSON.parse makes Infinity of 1e999.
  return Number.isFinite(value)
    ? value
    : { reason: 'not-finite', detail: 'value is beyond the range of a double' }
}

/**
 * Adds a sample `{name, labels, timestamp, value}`.
 *
 * @param timestamp ms since the epoch, read before; NaN where it is none
 * @param index the sample's position in the request
 * @returns why the sample is refused, or null
 */
export const addJsonSample = (
  builder: SeriesWriteBuilder,
  { name, labels, value }: Readonly<Record<string, unknown>>,
  timestamp: number,
  index: number,
): LabelsFault | null => {
  if (typeof name !== 'string') return invalid('name must be a string')
  if (Number.isNaN(timestamp)) return invalid('timestamp must be whole milliseconds or RFC 3339')
  const pairs = labelsOf(labels)
  if ('reason' in pairs) return pairs
  const number = numberOf(value)
  if (typeof number !== 'number') return number
  const series = builder.seriesOf(named(name, pairs), index)
  if (typeof series !== 'number') return series
  builder.sample(series, timestamp, number)
  return null
}
