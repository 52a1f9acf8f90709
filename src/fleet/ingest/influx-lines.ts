import type { SeriesRefusalReason, SeriesWrite } from '../series/series-write.ts'
import { type LineFields, readLine } from './influx-line.ts'
import { knownLabelName, plainMetricName } from './prometheus-names.ts'
import { type LabelsFault, named, SeriesWriteBuilder } from './series-builder.ts'

/** Nanoseconds of one unit of a timestamp. */
export const PRECISIONS = { ns: 1, us: 1_000, ms: 1_000_000, s: 1_000_000_000 } as const

export type Precision = keyof typeof PRECISIONS

export const isPrecision = (text: string): text is Precision => Object.hasOwn(PRECISIONS, text)

/** Decimal digits of a timestamp that a double holds exactly. */
const EXACT_DIGITS = 15
const INT64_MAX = 2n ** 63n - 1n
const TIME_MAX = 2n ** 53n

/** Whole ms since the epoch, rounded down; null beyond int64 nanoseconds' text or ±2^53 ms. */
export const millisecondsOf = (text: string, precision: Precision): number | null => {
  const unit = PRECISIONS[precision]
  if (text.length <= EXACT_DIGITS && unit <= 1_000_000)
    return Math.floor(Number(text) / (1e6 / unit))
  const value = BigInt(text)
  if (value > INT64_MAX || value < -INT64_MAX - 1n) return null
  const nanoseconds = value * BigInt(unit)
  const rest = nanoseconds % 1_000_000n
  const milliseconds = (nanoseconds - (rest < 0n ? rest + 1_000_000n : rest)) / 1_000_000n
  return milliseconds >= -TIME_MAX && milliseconds <= TIME_MAX ? Number(milliseconds) : null
}

/** The series' name of a field: Telegraf's and Prometheus' convention. */
const metricNameOf = (measurement: string, field: string): string =>
  plainMetricName(field === 'value' ? measurement : `${measurement}_${field}`)

const fault = (reason: SeriesRefusalReason, detail: string): LabelsFault => ({ reason, detail })

/** Adds the fields of one line; a fault where the line is refused. */
const addLine = (
  builder: SeriesWriteBuilder,
  line: LineFields,
  index: number,
  timestamp: number,
): void => {
  const labels = line.tags.map(([key, value]) => [knownLabelName(key), value] as const)
  for (const { key, value } of line.fields) {
    const name = metricNameOf(line.measurement, key)
    const series =
      name === ''
        ? fault('invalid-labels', `field ${JSON.stringify(key.slice(0, 100))} makes no metric name`)
        : builder.seriesOf(named(name, labels), index)
    if (typeof series === 'number') builder.sample(series, timestamp, value)
    else builder.refuse(index, series)
  }
}

/** Finds the ends of lines: a line break inside a string is part of the value. */
class Lines {
  readonly #text: string
  /** The next quote, and whether a string may still go over a line break. */
  #quote = -1
  #maySpan = true

  constructor(text: string) {
    this.#text = text
  }

  /** The end of the line that starts at `start`; to be asked from left to right. */
  endOf(start: number): number {
    const feed = this.#text.indexOf('\n', start)
    const end = feed === -1 ? this.#text.length : feed
    // Looked for once, not once a line: a long body without quotes would be read once a line.
    if (this.#quote < start) {
      const found = this.#text.indexOf('"', start)
      this.#quote = found === -1 ? Number.POSITIVE_INFINITY : found
    }
    if (this.#quote > end || !this.#maySpan) return end
    return this.#endBehindStrings(start) ?? end
  }

  /** null where a string has no end: it must not swallow the lines behind it, nor be looked for again. */
  #endBehindStrings(start: number): number | null {
    let inFields = false
    let quoted = false
    for (let i = start; i < this.#text.length; i++) {
      const unit = this.#text.charCodeAt(i)
      if (unit === 0x5c) i++
      else if (unit === 0x22) quoted = !quoted && inFields && this.#text.charCodeAt(i - 1) === 0x3d
      else if (unit === 0x20) inFields = true
      else if (unit === 0x0a && !quoted) return i
    }
    if (quoted) this.#maySpan = false
    return quoted ? null : this.#text.length
  }
}

const REPLACEMENT = '\ufffd'

export interface InfluxBounds {
  readonly precision: Precision
  /** Of a line without a timestamp, ms since the epoch. */
  readonly now: number
  /** Whether the text was not UTF-8, and its faults are U+FFFD now. */
  readonly isRepaired: boolean
}

/**
 * Reads Influx line protocol. A line that cannot be read is refused by its zero-based number, the others
 * are kept. Fields that are text have no place in a numeric series: they are left out, and nothing is said.
 *
 * @returns null where there are more samples than are stored at once
 * Source: InfluxDB 2 documentation, "Line protocol"; names as Telegraf's Prometheus output makes them.
 */
export const readInfluxLines = (text: string, bounds: InfluxBounds): SeriesWrite | null => {
  const builder = new SeriesWriteBuilder()
  const lines = new Lines(text)
  for (let start = 0, number = 0; start < text.length; number++) {
    const end = lines.endOf(start)
    const line = text.slice(start, end)
    const first = number
    for (let feed = line.indexOf('\n'); feed !== -1; feed = line.indexOf('\n', feed + 1)) number++
    start = end + 1
    const content = line.trim()
    if (content === '' || content.startsWith('#')) continue
    if (bounds.isRepaired && content.includes(REPLACEMENT)) {
      builder.refuse(first, fault('invalid-utf8', 'the line is not UTF-8'))
      continue
    }
    const read = readLine(content)
    if (!read.ok) {
      builder.refuse(first, fault(read.error.reason, read.error.detail))
      continue
    }
    const { time } = read.value
    const timestamp = time === null ? bounds.now : millisecondsOf(time, bounds.precision)
    if (timestamp === null)
      builder.refuse(
        first,
        fault('timestamp-out-of-range', 'the timestamp is beyond what a clock shows'),
        { samples: Math.max(1, read.value.fields.length) },
      )
    else addLine(builder, read.value, first, timestamp)
    if (builder.isFull) return null
  }
  return builder.build()
}
