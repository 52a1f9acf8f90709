import { addJsonSample } from './ingest/json-series.ts'
import { SeriesWriteBuilder } from './ingest/series-builder.ts'
import type { SeriesRefusalReason, SeriesWrite } from './series/series-write.ts'
import { METRICS } from './types.ts'

/** Limits of one ingest request. */
export const INGEST_BODY_BYTES_MAX = 16 * 1024 * 1024
export const INGEST_SAMPLES_MAX = 50_000
/**
 * Commas and opening brackets in a body, 20 a sample: parsed, 16 MiB of `{},` would take 300 MB. Strings that
 * hold them count too, which no name of a VM does often enough to matter.
 */
export const INGEST_MEMBERS_MAX = 20 * INGEST_SAMPLES_MAX
export const VM_REFERENCE_LENGTH_MAX = 253
/** A sample's clock may run ahead of the service's by this much. */
export const FUTURE_MS_MAX = 5 * 60_000
/** Beyond the largest link and the largest counter error anyone has: a rate above is a broken agent. */
export const RATE_MAX = 1e15

const PERCENT_METRICS = 3
const COLUMNS = METRICS.length

export type RefusalReason =
  | 'unknown-vm'
  | 'timestamp-in-future'
  | 'timestamp-too-old'
  | 'not-finite'
  | 'out-of-range'
  | 'name-too-long'
  | 'duplicate-timestamp'
  | 'rate-exceeded'
  | 'invalid-sample'
  /** Of a sample with a name and labels. */
  | SeriesRefusalReason

/** Why the sample at `index` (its position in `samples`, or its line in NDJSON) was not stored. */
export interface Refusal {
  readonly index: number
  readonly reason: RefusalReason
  readonly detail: string
}

/** The well-formed samples of a request, columnar, beside the refused ones. */
export interface ParsedSamples {
  /** Distinct VM references (ids or names) in order of appearance. */
  readonly references: readonly string[]
  /** Per sample: position in `references`. */
  readonly reference: readonly number[]
  /** Per sample: position in the request. */
  readonly index: readonly number[]
  /** Per sample: milliseconds since the epoch. */
  readonly timestamp: readonly number[]
  /** Per sample: a row of `METRICS`, NaN where missing. */
  readonly values: readonly number[]
  readonly refused: readonly Refusal[]
  /** The samples with a name and labels, `{name, labels, timestamp, value}`. */
  readonly series: SeriesWrite
}

export interface IngestBounds {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly ageMsMax: number
}

type Fault = Omit<Refusal, 'index'>

const fault = (reason: RefusalReason, detail: string): Fault => ({ reason, detail })

// RFC 3339 §5.6; Date.parse alone also takes dates without a zone, 24:00 and implementation-defined forms.
const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ]([01]\d|2[0-3]):\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/

/** Whole milliseconds since the epoch from ms or RFC 3339; NaN where it is neither. */
export const parseTimestamp = (value: unknown): number => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : Number.NaN
  const date = typeof value === 'string' ? RFC_3339.exec(value) : null
  if (!date) return Number.NaN
  // Date.parse moves 30 February into March.
  const lastDay = new Date(Date.UTC(Number(date[1]), Number(date[2]), 0)).getUTCDate()
  return Number(date[3]) > lastDay
    ? Number.NaN
    : Date.parse(date[0].replace(' ', 'T').toUpperCase())
}

const NOT_FINITE_TEXT = /^[+-]?(nan|inf(inity)?)$/i

/** The metric's value, NaN where it is missing, or a fault. */
const readMetric = (metric: number, value: unknown): number | Fault => {
  if (value === undefined || value === null) return Number.NaN
  const name = METRICS[metric]
  if (typeof value === 'string' && NOT_FINITE_TEXT.test(value))
    return fault('not-finite', `${name} must be a finite number`)
  if (typeof value !== 'number') return fault('invalid-sample', `${name} must be a number`)
  if (!Number.isFinite(value)) return fault('not-finite', `${name} must be a finite number`)
  const max = metric < PERCENT_METRICS ? 100 : RATE_MAX
  if (value < 0 || value > max) return fault('out-of-range', `${name} must be from 0 to ${max}`)
  return value
}

const readReference = (value: unknown): string | Fault => {
  if (typeof value !== 'string' || value === '')
    return fault('invalid-sample', 'vm must be the id or the name of a VM')
  return value.length > VM_REFERENCE_LENGTH_MAX
    ? fault('name-too-long', `vm has at most ${VM_REFERENCE_LENGTH_MAX} characters`)
    : value
}

const readTimestamp = (value: unknown, { now, ageMsMax }: IngestBounds): number | Fault => {
  const timestamp = parseTimestamp(value)
  if (Number.isNaN(timestamp))
    return fault('invalid-sample', 'timestamp must be whole milliseconds or RFC 3339')
  if (timestamp > now + FUTURE_MS_MAX)
    return fault(
      'timestamp-in-future',
      `timestamp is ${timestamp - now} ms ahead, at most ${FUTURE_MS_MAX} are taken; check the sender's clock`,
    )
  if (timestamp < now - ageMsMax)
    return fault('timestamp-too-old', `timestamp is older than the ${ageMsMax / 3_600_000} h kept`)
  return timestamp
}

/**
 * Reads samples one by one, of VMs and of label series in any mixture; a faulty one is refused by its
 * index and does not touch the others. The times of label series are checked where they are stored.
 *
 * @param samples parsed JSON values, or the Fault that kept a line from being parsed
 * @param indexOf position of `samples[i]` in the request
 */
export const parseSamples = (
  samples: readonly unknown[],
  bounds: IngestBounds,
  indexOf: (position: number) => number = (position) => position,
): ParsedSamples => {
  const references: string[] = []
  const known = new Map<string, number>()
  const reference: number[] = []
  const index: number[] = []
  const timestamps: number[] = []
  const values: number[] = []
  const refused: Refusal[] = []
  const series = new SeriesWriteBuilder()

  /** A fault, or the kind of sample that was taken. */
  const read = (sample: unknown, at: number): Fault | 'vm' | 'series' => {
    if (sample instanceof MalformedLine) return sample.fault
    if (typeof sample !== 'object' || sample === null || Array.isArray(sample))
      return fault('invalid-sample', 'a sample must be an object')
    const fields = sample as Record<string, unknown>
    if ('name' in fields && !('vm' in fields))
      return addJsonSample(series, fields, parseTimestamp(fields.timestamp), at) ?? 'series'
    const vm = readReference(fields.vm)
    if (typeof vm !== 'string') return vm
    const timestamp = readTimestamp(fields.timestamp, bounds)
    if (typeof timestamp !== 'number') return timestamp
    const start = values.length
    let present = 0
    for (let metric = 0; metric < COLUMNS; metric++) {
      const value = readMetric(metric, fields[METRICS[metric] as string])
      if (typeof value !== 'number') {
        values.length = start
        return value
      }
      if (!Number.isNaN(value)) present++
      values.push(value)
    }
    if (present === 0) {
      values.length = start
      return fault('invalid-sample', `a sample carries at least one of ${METRICS.join(', ')}`)
    }
    let position = known.get(vm)
    if (position === undefined) {
      position = references.push(vm) - 1
      known.set(vm, position)
    }
    reference.push(position)
    timestamps.push(timestamp)
    return 'vm'
  }

  samples.forEach((sample, position) => {
    const at = indexOf(position)
    const found = read(sample, at)
    if (found === 'vm') index.push(at)
    else if (found !== 'series') refused.push({ index: at, ...found })
  })
  return {
    references,
    reference,
    index,
    timestamp: timestamps,
    values,
    refused,
    series: series.build(),
  }
}

const COMMA = 0x2c
const BRACKET = 0x5b
const BRACE = 0x7b

/** Whether a body, u8[n] of UTF-8, has more members than `membersMax`; told without parsing it. */
export const hasTooManyMembers = (body: Uint8Array, membersMax: number): boolean => {
  if (body.byteLength <= membersMax) return false
  let members = 0
  for (let index = 0; index < body.byteLength; index++) {
    const byte = body[index]
    if (byte === COMMA || byte === BRACKET || byte === BRACE) members++
  }
  return members > membersMax
}

/** A line of NDJSON that is not JSON; stands in the sample's place so that it is refused by its index. */
class MalformedLine {
  readonly fault: Fault
  constructor(detail: string) {
    this.fault = fault('invalid-sample', detail)
  }
}

/**
 * The lines of an NDJSON body, blank ones left out; `line[i]` is the zero-based line of `samples[i]`.
 * Stops behind the first sample beyond `samplesMax`: a body of short lines would take a hundred times its size.
 */
export const splitLines = (
  text: string,
  samplesMax: number,
): { samples: unknown[]; line: number[] } => {
  const samples: unknown[] = []
  const line: number[] = []
  let start = 0
  for (let number = 0; start <= text.length && samples.length <= samplesMax; number++) {
    const feed = text.indexOf('\n', start)
    const end = feed === -1 ? text.length : feed
    const content = text.slice(start, end).trim()
    start = end + 1
    if (content === '') continue
    line.push(number)
    try {
      samples.push(JSON.parse(content))
    } catch {
      samples.push(new MalformedLine('the line is not JSON'))
    }
  }
  return { samples, line }
}
