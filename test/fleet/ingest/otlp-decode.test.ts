import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeOtlp, type OtlpEncoding } from '../../../src/fleet/ingest/otlp-decode.ts'
import { OtlpTranslator } from '../../../src/fleet/ingest/otlp-metrics.ts'
import { WRITE_SAMPLES_MAX } from '../../../src/fleet/ingest/series-builder.ts'
import '../../kernels/load.ts'
import { encodeOtlp } from './otlp-encode.ts'
import { samplesOf } from './series-read.ts'

const utf8 = new TextEncoder()

const decode = (encoding: OtlpEncoding, bytes: Uint8Array) => {
  const translator = new OtlpTranslator()
  return { result: decodeOtlp(encoding, bytes, translator), translator }
}

const reasonOf = (encoding: OtlpEncoding, bytes: Uint8Array) => {
  const { result } = decode(encoding, bytes)
  return result.ok ? 'ok' : result.error.reason
}

const request = (attributes: object[] = [], name = 'a') => ({
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeMetrics: [
        {
          metrics: [
            { name, gauge: { dataPoints: [{ timeUnixNano: '1772366400000000000', asDouble: 1, attributes }] } }, // biome-ignore format: one metric
            { name: 'good', gauge: { dataPoints: [{ timeUnixNano: '1772366400000000000', asDouble: 2 }] } }, // biome-ignore format: one metric
          ],
        },
      ],
    },
  ],
})

const bytesOf = (...parts: (number | Uint8Array)[]): Uint8Array =>
  new Uint8Array(parts.flatMap((part) => (typeof part === 'number' ? [part] : [...part])))

describe('protobuf that is hostile', () => {
  it.each<[string, Uint8Array]>([
    ['a length of 4 GB', bytesOf(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
    ['a length of 2^63', bytesOf(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)],
    ['a number without end', new Uint8Array(40).fill(0xff)],
    ['a tag of field 0', bytesOf(0x02, 0x00)],
    ['only zeros', new Uint8Array(16)],
    ['a group', bytesOf(0x0b, 0x0c)],
    ['an unknown wire type', bytesOf(0x0f)],
    ['an unknown field that ends behind the message', bytesOf(0x7a, 0x05, 0x01)],
    ['a nested field that ends behind its message', bytesOf(0x0a, 0x02, 0x0a, 0x05, 1, 2, 3, 4, 5)],
    ['eight bytes of which three came', bytesOf(0x79, 1, 2, 3)],
    ['text', utf8.encode('{"resourceMetrics":[]}')],
  ])('is malformed: %s', (_, bytes) => {
    expect(reasonOf('protobuf', bytes)).toBe('malformed')
  })

  it('is malformed wherever it is cut', () => {
    const whole = encodeOtlp(request([{ key: 'k', value: { stringValue: 'v' } }]))
    expect(reasonOf('protobuf', whole)).toBe('ok')
    for (let length = 1; length < whole.length; length++)
      expect(reasonOf('protobuf', whole.subarray(0, length))).toBe('malformed')
  })

  it('reads fields of another wire type and unknown fields as if they were not there', () => {
    const whole = encodeOtlp(request())
    // Field 1 as a number, field 15 in all wire types.
    const strange = bytesOf(0x08, 0x05, 0x78, 1, 0x7d, 1, 2, 3, 4, 0x7a, 1, 1, 0x79, 1, 2, 3, 4, 5, 6, 7, 8) // biome-ignore format: bytes
    const { result, translator } = decode('protobuf', bytesOf(strange, whole, strange))
    expect(result.ok).toBe(true)
    expect(Object.keys(samplesOf(translator.finish().write))).toEqual([
      'a{job="shop"}',
      'good{job="shop"}',
    ])
  })

  it('refuses only the series whose label is not UTF-8', () => {
    const whole = encodeOtlp(request([{ key: 'k', value: { stringValue: 'ABCDEFG' } }]))
    const at = Buffer.from(whole).indexOf('ABCDEFG')
    whole.set([0xc3, 0x28], at)
    const { result, translator } = decode('protobuf', whole)
    expect(result.ok).toBe(true)
    const { write } = translator.finish()
    expect(write.refused).toMatchObject([{ index: 0, reason: 'invalid-utf8' }])
    expect(Object.keys(samplesOf(write))).toEqual(['good{job="shop"}'])
  })

  it('does not follow attributes that nest without end', () => {
    const nested = (depth: number): object =>
      depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nested(depth - 1)] } }
    const of = (depth: number) => encodeOtlp(request([{ key: 'k', value: nested(depth) }]))
    expect(reasonOf('protobuf', of(32))).toBe('ok')
    expect(reasonOf('protobuf', of(33))).toBe('malformed')
    expect(reasonOf('protobuf', of(400))).toBe('malformed')
  })

  it('is too large with more samples than are stored at once', () => {
    const point = bytesOf(0x19, 0, 0, 0, 0, 0, 1, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 0)
    const count = WRITE_SAMPLES_MAX + 10
    const points = new Uint8Array(count * (point.length + 2))
    for (let i = 0; i < count; i++)
      points.set([0x0a, point.length, ...point], i * (point.length + 2))
    const length = (n: number) =>
      [0, 7, 14, 21].map((shift) => ((n >>> shift) & 0x7f) | (shift < 21 ? 0x80 : 0))
    let body = points
    for (const tag of [0x2a, -1, 0x12, 0x12, 0x0a]) {
      const named = tag === -1 ? bytesOf(0x0a, 1, 0x61) : new Uint8Array(0)
      const inner = Buffer.concat([named, body])
      body =
        tag === -1 ? inner : Buffer.concat([Uint8Array.of(tag, ...length(inner.length)), inner])
    }
    expect(reasonOf('protobuf', new Uint8Array(body))).toBe('too-large')
  })
})

describe('JSON that is hostile', () => {
  const metric = (data: object) =>
    JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'a', ...data }] }] }] })
  const gauge = (point: object) => metric({ gauge: { dataPoints: [point] } })

  it.each<[string, string]>([
    ['no JSON', '{'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a list that is none', '{"resourceMetrics":{}}'],
    ['a resource that is text', '{"resourceMetrics":["x"]}'],
    ['a time with a fraction', gauge({ timeUnixNano: '1.5' })],
    ['a time beyond 64 bits', gauge({ timeUnixNano: '18446744073709551616' })],
    ['a negative time', gauge({ timeUnixNano: '-1' })],
    ['a time that is no number', gauge({ timeUnixNano: 'now' })],
    ['an integer beyond 64 bits', gauge({ asInt: '9223372036854775808' })],
    ['an integer with a fraction', gauge({ asInt: 1.5 })],
    ['a value that is no number', gauge({ asDouble: '0x10' })],
    ['an id that is no hex', gauge({ exemplars: [{ traceId: 'xyz' }] })],
    ['bytes that are no base64', gauge({ attributes: [{ key: 'a', value: { bytesValue: '*' } }] })],
    ['a boolean that is text', metric({ sum: { isMonotonic: 'yes' } })],
    ['an unknown temporality', metric({ sum: { aggregationTemporality: 'SOMETIMES' } })],
    ['a count beyond 32 bits', gauge({ flags: 4_294_967_296 })],
  ])('is malformed: %s', (_, text) => {
    expect(reasonOf('json', utf8.encode(text))).toBe('malformed')
  })

  it('is malformed where it is not UTF-8', () => {
    expect(reasonOf('json', bytesOf(0x7b, 0xff, 0x7d))).toBe('malformed')
  })

  it('refuses only the series whose label is no Unicode', () => {
    const text = JSON.stringify(request([{ key: 'k', value: { stringValue: '\ud800' } }]))
    const { translator } = decode('json', utf8.encode(text))
    const { write } = translator.finish()
    expect(write.refused).toMatchObject([{ index: 0, reason: 'invalid-utf8' }])
    expect(Object.keys(samplesOf(write))).toEqual(['good{job="shop"}'])
  })

  it('does not follow attributes that nest without end', () => {
    const nested = (depth: number) =>
      `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`
    const of = (depth: number) =>
      utf8.encode(`{"resourceMetrics":[{"resource":{"attributes":[{"key":"k","value":${nested(depth)}}]}}]}`) // biome-ignore format: one line
    expect(reasonOf('json', of(32))).toBe('ok')
    expect(reasonOf('json', of(100_000))).toBe('malformed')
  })

  it('is too large with more members than any sender needs', () => {
    expect(reasonOf('json', utf8.encode(`[${'{},'.repeat(2_100_000)}{}]`))).toBe('too-large')
  })

  it('reads what proto3 allows: text for numbers, names of enumerations, snake_case, null', () => {
    const text = JSON.stringify({
      resource_metrics: [
        {
          resource: null,
          scope_metrics: [
            {
              unknown: { deep: [1] },
              metrics: [
                {
                  name: 'a',
                  sum: {
                    aggregation_temporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
                    is_monotonic: true,
                    data_points: [
                      { time_unix_nano: 1.7723664e18, as_double: 'Infinity' },
                      { time_unix_nano: '1772366401000000000', as_double: '1.5e3' },
                      { time_unix_nano: '1772366402000000000', as_int: '-7', flags: null },
                    ],
                  },
                },
              ],
            },
          ],
        },
      ],
    })
    const { result, translator } = decode('json', utf8.encode(text))
    expect(result).toEqual({ ok: true, value: null })
    expect(samplesOf(translator.finish().write)).toEqual({
      a_total: [
        [1_772_366_400_000, Number.POSITIVE_INFINITY],
        [1_772_366_401_000, 1_500],
        [1_772_366_402_000, -7],
      ],
    })
  })
})

describe('any bytes', () => {
  const seed = encodeOtlp(request([{ key: 'k', value: { arrayValue: { values: [{}] } } }]))

  it('give a write or a fault, never anything else', () => {
    const mutations = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { maxLength: 6 })
    fc.assert(
      fc.property(mutations, fc.uint8Array({ maxLength: 40 }), (changes, tail) => {
        const bytes = bytesOf(seed, tail)
        for (const [at, byte] of changes) bytes[at] = byte
        const { result, translator } = decode('protobuf', bytes)
        if (result.ok) translator.finish()
        expect(['ok', 'malformed', 'too-large']).toContain(result.ok ? 'ok' : result.error.reason)
      }),
      { seed: 42, numRuns: 3_000 },
    )
  })
})
