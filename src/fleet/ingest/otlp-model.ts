/**
 * OTLP metrics as both encodings give them, one data point at a time, so that a request is never held as
 * a tree of objects.
 *
 * Source: opentelemetry-proto 1.x, metrics/v1/metrics.proto; names are its.
 */

/** Values that are no text are written as text: see `attributeText`. */
export type Attribute = readonly [key: string, value: string]

export interface OtlpResource {
  readonly attributes: readonly Attribute[]
}

export interface OtlpScope {
  readonly name: string
  readonly version: string
  readonly schemaUrl: string
  readonly attributes: readonly Attribute[]
}

export const TEMPORALITY = { unspecified: 0, delta: 1, cumulative: 2 } as const

export type OtlpKind = 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary'

export interface OtlpMetric {
  readonly name: string
  readonly description: string
  readonly unit: string
  readonly kind: OtlpKind
  /** One of TEMPORALITY, or a number that nobody knows. */
  readonly temporality: number
  readonly isMonotonic: boolean
}

/** DataPointFlags: the series has no value at this time. */
export const NO_RECORDED_VALUE = 1

export interface OtlpExemplar {
  /** ms since the epoch; 0 where it is not told. */
  readonly timestamp: number
  readonly value: number
  /** Lower-case hex; '' where absent. */
  readonly traceId: string
  readonly spanId: string
  readonly filteredAttributes: readonly Attribute[]
}

interface OtlpPoint {
  readonly attributes: readonly Attribute[]
  /** ms since the epoch, rounded down; 0 where it is not told. */
  readonly timestamp: number
  readonly flags: number
}

export interface OtlpNumber extends OtlpPoint {
  /** null where neither `as_double` nor `as_int` is there. */
  readonly value: number | null
  readonly exemplars: readonly OtlpExemplar[]
}

export interface OtlpHistogram extends OtlpPoint {
  readonly count: number
  readonly sum: number | null
  readonly bucketCounts: readonly number[]
  readonly explicitBounds: readonly number[]
  readonly exemplars: readonly OtlpExemplar[]
}

export interface OtlpBuckets {
  readonly offset: number
  readonly bucketCounts: readonly number[]
}

export interface OtlpExponentialHistogram extends OtlpPoint {
  readonly count: number
  readonly sum: number | null
  readonly scale: number
  readonly zeroCount: number
  readonly zeroThreshold: number
  readonly positive: OtlpBuckets
  readonly negative: OtlpBuckets
  readonly exemplars: readonly OtlpExemplar[]
}

export interface OtlpSummary extends OtlpPoint {
  readonly count: number
  readonly sum: number
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[]
}

/** Is told what a request holds, outer before inner. Points answer whether they may go on. */
export interface OtlpVisitor {
  resource(resource: OtlpResource): void
  scope(scope: OtlpScope): void
  metric(metric: OtlpMetric): void
  number(point: OtlpNumber): boolean
  histogram(point: OtlpHistogram): boolean
  exponentialHistogram(point: OtlpExponentialHistogram): boolean
  summary(point: OtlpSummary): boolean
}

export type OtlpFault =
  /** The bytes are not the message; nothing of them is stored. */
  | { readonly reason: 'malformed'; readonly detail: string }
  | { readonly reason: 'too-large'; readonly detail: string }

/** Carries a fault out of a nested decoder. */
export class OtlpFaultError extends Error {
  readonly fault: OtlpFault
  constructor(reason: OtlpFault['reason'], detail: string) {
    super(detail)
    this.fault = { reason, detail }
  }
}

export const malformed = (detail: string): OtlpFaultError => new OtlpFaultError('malformed', detail)

/** When a point answered that no more may come. */
export const tooLarge = (): OtlpFaultError =>
  new OtlpFaultError('too-large', 'the request has more samples than are stored at once')

/** AnyValue may hold itself; deeper than this no attribute means anything. */
export const VALUE_DEPTH_MAX = 32

/** AnyValue, decoded: int64 as bigint, bytes as Uint8Array, key-value lists as maps. */
export type OtlpValue =
  | null
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | readonly OtlpValue[]
  | ReadonlyMap<string, OtlpValue>

const base64 = (bytes: Uint8Array): string => {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

const jsonText = (value: OtlpValue): string => {
  if (value instanceof Uint8Array) return JSON.stringify(base64(value))
  if (value instanceof Map)
    return `{${[...value].map(([key, item]) => `${JSON.stringify(key)}:${jsonText(item)}`).join(',')}}`
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(numberText(value))
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}

const numberText = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN'
  return Object.is(value, -0) ? '-0' : String(value)
}

/**
 * An attribute's value as text: what is no string as JSON has it, bytes in base64 (OpenTelemetry common
 * specification, "AnyValue representation for non-OTLP protocols").
 */
export const attributeText = (value: OtlpValue): string => {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number') return numberText(value)
  return value instanceof Uint8Array ? base64(value) : jsonText(value)
}
