import {
  type Attribute,
  attributeText,
  malformed,
  type OtlpBuckets,
  type OtlpExemplar,
  type OtlpKind,
  type OtlpMetric,
  type OtlpValue,
  type OtlpVisitor,
  tooLarge,
  VALUE_DEPTH_MAX,
} from './otlp-model.ts'

/**
 * OTLP in JSON: proto3's mapping, except that trace and span ids are hex and enumerations numbers
 * (OTLP specification 1.x, "JSON Protobuf Encoding"). Names of enumerations and the fields' own
 * snake_case names are read too, as every proto3 parser does; unknown members are left out.
 */
type Members = Readonly<Record<string, unknown>>

/** By camelCase name; as many as there are names below. */
const snakeNames = new Map<string, string>()

const snake = (name: string): string => {
  const known = snakeNames.get(name)
  if (known !== undefined) return known
  const made = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  snakeNames.set(name, made)
  return made
}

/** The member, null where it is absent: JSON null is the default value (proto3). */
const member = (of: Members, name: string): unknown => of[name] ?? of[snake(name)] ?? null

const membersOf = (value: unknown, what: string): Members => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(`${what} must be an object`)
  return value as Members
}

const listOf = (of: Members, name: string): readonly unknown[] => {
  const value = member(of, name)
  if (value === null) return []
  if (!Array.isArray(value)) throw malformed(`${name} must be an array`)
  return value
}

const textOf = (of: Members, name: string): string => {
  const value = member(of, name)
  if (value === null) return ''
  if (typeof value !== 'string') throw malformed(`${name} must be a string`)
  return value
}

const doubleOf = (value: unknown, name: string): number => {
  if (typeof value === 'number') return value
  if (value === 'NaN') return Number.NaN
  if (value === 'Infinity') return Number.POSITIVE_INFINITY
  if (value === '-Infinity') return Number.NEGATIVE_INFINITY
  if (typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value))
    return Number(value)
  throw malformed(`${name} must be a number`)
}

const INT64_MIN = -(2n ** 63n)
const UINT64_MAX = 2n ** 64n - 1n
const INT64_MAX = 2n ** 63n - 1n

/** A 64-bit integer: a string of digits, or a number that is an integer. */
const integerOf = (value: unknown, name: string, min: bigint, max: bigint): bigint => {
  const isText = typeof value === 'string' && /^-?\d{1,20}$/.test(value)
  const number = typeof value === 'string' ? doubleOf(value, name) : value
  if (!isText && !Number.isInteger(number)) throw malformed(`${name} must be a 64-bit integer`)
  const integer = BigInt(isText ? (value as string) : (number as number))
  if (integer < min || integer > max) throw malformed(`${name} is beyond 64 bits`)
  return integer
}

const uint64 = (of: Members, name: string): number => {
  const value = member(of, name)
  return value === null ? 0 : Number(integerOf(value, name, 0n, UINT64_MAX))
}

/** fixed64 nanoseconds as whole milliseconds, rounded down. */
const millisecondsOf = (of: Members, name: string): number => {
  const value = member(of, name)
  return value === null ? 0 : Number(integerOf(value, name, 0n, UINT64_MAX) / 1_000_000n)
}

const int32 = (of: Members, name: string): number => {
  const value = member(of, name)
  if (value === null) return 0
  const integer = Number(integerOf(value, name, INT64_MIN, INT64_MAX))
  if (integer !== (integer | 0)) throw malformed(`${name} is beyond 32 bits`)
  return integer
}

const optionalDouble = (of: Members, name: string): number | null => {
  const value = member(of, name)
  return value === null ? null : doubleOf(value, name)
}

const hexOf = (of: Members, name: string): string => {
  const text = textOf(of, name)
  if (!/^([0-9a-fA-F]{2}){0,64}$/.test(text)) throw malformed(`${name} must be hex`)
  return text.toLowerCase()
}

const TEMPORALITIES: Readonly<Record<string, number>> = {
  AGGREGATION_TEMPORALITY_UNSPECIFIED: 0,
  AGGREGATION_TEMPORALITY_DELTA: 1,
  AGGREGATION_TEMPORALITY_CUMULATIVE: 2,
}

const temporalityOf = (of: Members): number => {
  const value = member(of, 'aggregationTemporality')
  if (typeof value !== 'string') return int32(of, 'aggregationTemporality')
  const known = Object.hasOwn(TEMPORALITIES, value) ? TEMPORALITIES[value] : undefined
  return known ?? int32(of, 'aggregationTemporality')
}

const booleanOf = (of: Members, name: string): boolean => {
  const value = member(of, name)
  if (value !== null && typeof value !== 'boolean') throw malformed(`${name} must be true or false`)
  return value === true
}

const bytesOf = (text: string): Uint8Array => {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  } catch {
    // InvalidCharacterError: not base64.
    throw malformed('bytesValue must be base64')
  }
}

const valueAt = (value: unknown, depth: number): OtlpValue => {
  if (depth > VALUE_DEPTH_MAX) throw malformed(`an attribute is nested deeper than ${depth - 1}`)
  if (value === null || value === undefined) return null
  const of = membersOf(value, 'value')
  const text = member(of, 'stringValue')
  if (text !== null) return textOf(of, 'stringValue')
  if (member(of, 'boolValue') !== null) return booleanOf(of, 'boolValue')
  const integer = member(of, 'intValue')
  if (integer !== null) return integerOf(integer, 'intValue', INT64_MIN, INT64_MAX)
  const double = optionalDouble(of, 'doubleValue')
  if (double !== null) return double
  const list = member(of, 'arrayValue')
  if (list !== null)
    return listOf(membersOf(list, 'arrayValue'), 'values').map((item) => valueAt(item, depth + 1))
  const pairs = member(of, 'kvlistValue')
  if (pairs !== null)
    return new Map(
      listOf(membersOf(pairs, 'kvlistValue'), 'values').map((item) => keyValue(item, depth + 1)),
    )
  return member(of, 'bytesValue') === null ? null : bytesOf(textOf(of, 'bytesValue'))
}

const keyValue = (item: unknown, depth: number): [string, OtlpValue] => {
  const of = membersOf(item, 'an attribute')
  return [textOf(of, 'key'), valueAt(member(of, 'value'), depth)]
}

const attributesOf = (of: Members, name = 'attributes'): Attribute[] =>
  listOf(of, name).map((item): Attribute => {
    const [key, value] = keyValue(item, 0)
    return [key, attributeText(value)]
  })

/** `asInt` before `asDouble`: a sender gives one of them. */
const numberOf = (of: Members): number | null => {
  const integer = member(of, 'asInt')
  if (integer !== null) return Number(integerOf(integer, 'asInt', INT64_MIN, INT64_MAX))
  return optionalDouble(of, 'asDouble')
}

const exemplarsOf = (of: Members): OtlpExemplar[] =>
  listOf(of, 'exemplars').map((item) => {
    const exemplar = membersOf(item, 'an exemplar')
    return {
      timestamp: millisecondsOf(exemplar, 'timeUnixNano'),
      value: numberOf(exemplar) ?? 0,
      traceId: hexOf(exemplar, 'traceId'),
      spanId: hexOf(exemplar, 'spanId'),
      filteredAttributes: attributesOf(exemplar, 'filteredAttributes'),
    }
  })

const countsOf = (of: Members): number[] =>
  listOf(of, 'bucketCounts').map((count) =>
    Number(integerOf(count, 'bucketCounts', 0n, UINT64_MAX)),
  )

const bucketsOf = (of: Members, name: string): OtlpBuckets => {
  const value = member(of, name)
  if (value === null) return { offset: 0, bucketCounts: [] }
  const buckets = membersOf(value, name)
  return { offset: int32(buckets, 'offset'), bucketCounts: countsOf(buckets) }
}

const pointOf = (of: Members) => ({
  attributes: attributesOf(of),
  timestamp: millisecondsOf(of, 'timeUnixNano'),
  flags: int32(of, 'flags'),
})

/** Reads a point and shows it to the visitor. */
const POINTS: Readonly<Record<OtlpKind, (of: Members, visitor: OtlpVisitor) => boolean>> = {
  gauge: (of, visitor) =>
    visitor.number({ ...pointOf(of), value: numberOf(of), exemplars: exemplarsOf(of) }),
  sum: (of, visitor) =>
    visitor.number({ ...pointOf(of), value: numberOf(of), exemplars: exemplarsOf(of) }),
  histogram: (of, visitor) =>
    visitor.histogram({
      ...pointOf(of),
      count: uint64(of, 'count'),
      sum: optionalDouble(of, 'sum'),
      bucketCounts: countsOf(of),
      explicitBounds: listOf(of, 'explicitBounds').map((b) => doubleOf(b, 'explicitBounds')),
      exemplars: exemplarsOf(of),
    }),
  exponentialHistogram: (of, visitor) =>
    visitor.exponentialHistogram({
      ...pointOf(of),
      count: uint64(of, 'count'),
      sum: optionalDouble(of, 'sum'),
      scale: int32(of, 'scale'),
      zeroCount: uint64(of, 'zeroCount'),
      zeroThreshold: optionalDouble(of, 'zeroThreshold') ?? 0,
      positive: bucketsOf(of, 'positive'),
      negative: bucketsOf(of, 'negative'),
      exemplars: exemplarsOf(of),
    }),
  summary: (of, visitor) =>
    visitor.summary({
      ...pointOf(of),
      count: uint64(of, 'count'),
      sum: optionalDouble(of, 'sum') ?? 0,
      quantiles: listOf(of, 'quantileValues').map((item) => {
        const at = membersOf(item, 'quantileValues')
        return {
          quantile: optionalDouble(at, 'quantile') ?? 0,
          value: optionalDouble(at, 'value') ?? 0,
        }
      }),
    }),
}

const KINDS = Object.keys(POINTS) as OtlpKind[]

const readMetric = (value: unknown, visitor: OtlpVisitor): void => {
  const of = membersOf(value, 'a metric')
  const kind = KINDS.find((name) => member(of, name) !== null)
  if (kind === undefined) return
  const data = membersOf(member(of, kind), kind)
  const metric: OtlpMetric = {
    name: textOf(of, 'name'),
    description: textOf(of, 'description'),
    unit: textOf(of, 'unit'),
    kind,
    temporality: temporalityOf(data),
    isMonotonic: booleanOf(data, 'isMonotonic'),
  }
  visitor.metric(metric)
  for (const point of listOf(data, 'dataPoints'))
    if (!POINTS[kind](membersOf(point, 'a data point'), visitor)) throw tooLarge()
}

/** Shows an ExportMetricsServiceRequest in JSON, parsed, to the visitor. Throws OtlpFaultError. */
export const readOtlpJson = (request: unknown, visitor: OtlpVisitor): void => {
  for (const item of listOf(membersOf(request, 'the request'), 'resourceMetrics')) {
    const resourceMetrics = membersOf(item, 'resourceMetrics')
    const resource = member(resourceMetrics, 'resource')
    visitor.resource({
      attributes: resource === null ? [] : attributesOf(membersOf(resource, 'resource')),
    })
    for (const inner of listOf(resourceMetrics, 'scopeMetrics')) {
      const scopeMetrics = membersOf(inner, 'scopeMetrics')
      const scope = membersOf(member(scopeMetrics, 'scope') ?? {}, 'scope')
      visitor.scope({
        name: textOf(scope, 'name'),
        version: textOf(scope, 'version'),
        schemaUrl: textOf(scopeMetrics, 'schemaUrl'),
        attributes: attributesOf(scope),
      })
      for (const metric of listOf(scopeMetrics, 'metrics')) readMetric(metric, visitor)
    }
  }
}
