import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { PbfReader } from 'pbf'
import { describe, expect, it } from 'vitest'
import { decodeOtlp, type OtlpEncoding } from '../../../src/fleet/ingest/otlp-decode.ts'
import { OtlpTranslator } from '../../../src/fleet/ingest/otlp-metrics.ts'
import '../../kernels/load.ts'
import { encodeOtlp } from './otlp-encode.ts'
import { samplesOf, seriesText } from './series-read.ts'

const NANOS = '1772366400123999999'
const T = 1_772_366_400_123

const utf8 = new TextEncoder()

// biome-ignore lint/suspicious/noExplicitAny: a request in JSON
const translate = (request: any, encoding: OtlpEncoding) => {
  const bytes = encoding === 'json' ? utf8.encode(JSON.stringify(request)) : encodeOtlp(request)
  const translator = new OtlpTranslator()
  expect(decodeOtlp(encoding, bytes, translator)).toEqual({ ok: true, value: null })
  return translator.finish()
}

const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } })

const requestOf = (
  metrics: unknown[],
  attributes = [attribute('service.name', 'shop')],
  scope = {},
) => ({ resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ scope, metrics }] }] })

const point = (more: object) => ({ timeUnixNano: NANOS, ...more })

const gaugeOf = (name: string, value: number, more = {}) => ({
  name,
  gauge: { dataPoints: [point({ asDouble: value, ...more })] },
})

/** The fields of a message `Histogram`. */
const histogramFields = (bytes: Uint8Array) =>
  new PbfReader(bytes).readFields(
    (tag, found: Record<string, unknown>, r) => {
      const spans = (name: string) => {
        const span = r.readMessage(
          (inner, s: number[], p) => {
            s[inner - 1] = inner === 1 ? p.readSVarint() : p.readVarint()
          },
          [0, 0],
        )
        found[name] = [...((found[name] as unknown[]) ?? []), span]
      }
      if (tag === 1) found.count = r.readVarint()
      else if (tag === 3) {
        found.sumBits = r.dataView.getBigUint64(r.pos, true)
        found.sum = r.readDouble()
      } else if (tag === 4) found.schema = r.readSVarint()
      else if (tag === 5) found.zeroThreshold = r.readDouble()
      else if (tag === 6) found.zeroCount = r.readVarint()
      else if (tag === 8) spans('negativeSpans')
      else if (tag === 9) found.negativeDeltas = r.readPackedSVarint()
      else if (tag === 11) spans('positiveSpans')
      else if (tag === 12) found.positiveDeltas = r.readPackedSVarint()
      else if (tag === 14) found.resetHint = r.readVarint()
      else if (tag === 15) found.timestamp = r.readVarint()
    },
    {} as Record<string, unknown>,
  )

const example = path.join(
  import.meta.dirname,
  '../../../../shared/data/protocols/otlp/metrics.json',
)

describe('the official example', () => {
  it.skipIf(!existsSync(example)).each(['json', 'protobuf'] as const)(
    'is read from %s (skipped where ../shared/data is absent)',
    (encoding) => {
      const request = JSON.parse(readFileSync(example, 'utf8'))
      const { write, points } = translate(request, encoding)
      expect(points).toBe(4)
      expect(write.refused).toEqual([])
      const scope =
        'otel_scope_my_scope_attribute="some scope attribute",otel_scope_name="my.library",otel_scope_version="1.0.0"'
      const labels = (own: string, le = '') =>
        `{job="my.service",${le}my_${own}_attr="some value",${scope}}`
      const at = 1_544_712_660_300
      expect(samplesOf(write)).toEqual({
        [`my_counter${labels('counter')}`]: [[at, 5]],
        [`my_gauge_ratio${labels('gauge')}`]: [[at, 10]],
        [`my_histogram_count${labels('histogram')}`]: [[at, 2]],
        [`my_histogram_sum${labels('histogram')}`]: [[at, 2]],
        [`my_histogram_bucket${labels('histogram', 'le="1",')}`]: [[at, 1]],
        [`my_histogram_bucket${labels('histogram', 'le="+Inf",')}`]: [[at, 2]],
      })
      const [histogram] = write.histograms
      expect(seriesText(write, histogram?.series ?? 0)).toBe(
        `my_exponential_histogram${labels('exponential_histogram')}`,
      )
      // The bucket with index 2 holds (4, 8]: Prometheus calls it 3. Its lower neighbour is empty.
      expect(histogramFields(histogram?.bytes ?? new Uint8Array())).toMatchObject({
        count: 3,
        sum: 10,
        schema: 0,
        zeroCount: 1,
        positiveSpans: [[3, 1]],
        positiveDeltas: [2],
        resetHint: 3,
        timestamp: at,
      })
    },
  )
})

describe.each(['json', 'protobuf'] as const)('OTLP in %s', (encoding) => {
  const read = (request: object) => translate(request, encoding)
  const samples = (
    metrics: unknown[],
    attributes?: ReturnType<typeof attribute>[],
    scope?: object,
  ) => samplesOf(read(requestOf(metrics, attributes, scope)).write)

  it('names the target by the service, and keeps the host as a label', () => {
    const attributes = [
      attribute('service.name', 'shop'),
      attribute('service.namespace', 'eu'),
      attribute('service.instance.id', 'shop-1'),
      attribute('host.name', 'web-1'),
      attribute('os.type', 'linux'),
    ]
    expect(samples([gaugeOf('queue.length', 7)], attributes)).toEqual({
      'queue_length{host_name="web-1",instance="shop-1",job="eu/shop"}': [[T, 7]],
      'target_info{host_name="web-1",instance="shop-1",job="eu/shop",os_type="linux"}': [[T, 1]],
    })
  })

  it('does not let a data point take the name of its target', () => {
    const attributes = [
      attribute('job', 'other'),
      attribute('host_name', 'own'),
      attribute('otel.scope.name', 'x'),
    ]
    const resource = [attribute('service.name', 'shop'), attribute('host.name', 'web-1')]
    const found = samples([gaugeOf('a', 1, { attributes })], resource, { name: 'lib' })
    expect(Object.keys(found)).toContain('a{host_name="own",job="shop",otel_scope_name="lib"}')
  })

  it('tells cumulative sums, which only rise, from those that fall and from delta', () => {
    const sum = (name: string, aggregationTemporality: number, isMonotonic: boolean) => ({
      name,
      unit: 's',
      sum: {
        aggregationTemporality,
        isMonotonic,
        dataPoints: [point({ asInt: '9007199254740993' })],
      },
    })
    const { write } = read(
      requestOf([sum('a', 2, true), sum('b', 2, false), sum('c', 1, true), sum('d', 1, false)]),
    )
    // 2^53 + 1 is no double: the nearest is stored.
    const value = 2 ** 53
    expect(samplesOf(write)).toEqual({
      'a_seconds_total{job="shop"}': [[T, value]],
      'b_seconds{job="shop"}': [[T, value]],
      'c_seconds{job="shop"}': [[T, value]],
      'd_seconds{job="shop"}': [[T, value]],
    })
    expect(write.metadata.map(({ metric, type, unit }) => [metric, type, unit])).toEqual([
      ['a_seconds_total', 'counter', 's'],
      ['b_seconds', 'gauge', 's'],
      ['c_seconds', 'unknown', 's'],
      ['d_seconds', 'unknown', 's'],
    ])
  })

  it('keeps a counter that restarted as it is: queries find the reset', () => {
    const dataPoints = [9, 3].map((asDouble, i) => ({
      timeUnixNano: String(BigInt(NANOS) + BigInt(i) * 1_000_000_000n),
      startTimeUnixNano: NANOS,
      asDouble,
    }))
    const found = samples([
      { name: 'a', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } },
    ])
    expect(found).toEqual({ 'a_total{job="shop"}': [[T, 9], [T + 1_000, 3]] }) // biome-ignore format: pairs
  })

  it('makes cumulative buckets of a histogram, without the sum where there is none', () => {
    const dataPoints = [
      point({ count: '6', bucketCounts: ['1', '2', '3'], explicitBounds: [0.1, 2.5] }),
    ]
    const found = samples([{ name: 'd', unit: 's', histogram: { aggregationTemporality: 2, dataPoints } }]) // biome-ignore format: one line
    expect(found).toEqual({
      'd_seconds_bucket{job="shop",le="0.1"}': [[T, 1]],
      'd_seconds_bucket{job="shop",le="2.5"}': [[T, 3]],
      'd_seconds_bucket{job="shop",le="+Inf"}': [[T, 6]],
      'd_seconds_count{job="shop"}': [[T, 6]],
    })
  })

  it('takes a histogram without buckets', () => {
    const dataPoints = [point({ count: '6', sum: 3 })]
    const found = samples([{ name: 'd', histogram: { aggregationTemporality: 2, dataPoints } }])
    expect(found).toEqual({
      'd_bucket{job="shop",le="+Inf"}': [[T, 6]],
      'd_count{job="shop"}': [[T, 6]],
      'd_sum{job="shop"}': [[T, 3]],
    })
  })

  it.each([
    ['bounds that fall', { count: '2', bucketCounts: ['1', '1', '0'], explicitBounds: [2, 1] }],
    ['buckets that are missing', { count: '2', bucketCounts: ['2'], explicitBounds: [1] }],
    ['another count', { count: '3', bucketCounts: ['1', '1'], explicitBounds: [1] }],
  ])('refuses a histogram with %s, and stores its neighbour', (_, broken) => {
    const good = { count: '1', bucketCounts: ['1'], explicitBounds: [] }
    const dataPoints = [point(broken), point(good)]
    const { write, points } = read(
      requestOf([{ name: 'd', histogram: { aggregationTemporality: 2, dataPoints } }]),
    )
    expect(points).toBe(2)
    expect(write.refused).toMatchObject([{ index: 0, reason: 'invalid-line', samples: 1 }])
    expect(write.values).toHaveLength(2)
  })

  it('makes native histograms, both sides, the count of NaN kept', () => {
    const dataPoints = [
      point({
        count: '9',
        sum: -4.5,
        scale: 3,
        zeroCount: '2',
        zeroThreshold: 0.001,
        positive: { offset: -2, bucketCounts: ['1', '0', '0', '0', '2'] },
        negative: { offset: 4, bucketCounts: ['3'] },
      }),
    ]
    const { write } = read(
      requestOf([{ name: 'd', exponentialHistogram: { aggregationTemporality: 2, dataPoints } }]),
    )
    expect(write.refused).toEqual([])
    expect(histogramFields(write.histograms[0]?.bytes ?? new Uint8Array())).toEqual({
      count: 9,
      sum: -4.5,
      sumBits: expect.anything(),
      schema: 3,
      zeroCount: 2,
      zeroThreshold: 0.001,
      negativeSpans: [[5, 1]],
      negativeDeltas: [3],
      positiveSpans: [[-1, 1], [3, 1]], // biome-ignore format: pairs
      positiveDeltas: [1, 1],
      timestamp: T,
    })
  })

  it('brings a finer scale to 8 exactly, and refuses one below −4', () => {
    const exponential = (name: string, scale: number) => ({
      name,
      exponentialHistogram: {
        aggregationTemporality: 2,
        dataPoints: [point({ count: '4', sum: 4, scale, positive: { offset: -1, bucketCounts: ['1', '1', '2'] } })], // biome-ignore format: one point
      },
    })
    const { write } = read(requestOf([exponential('fine', 20), exponential('coarse', -5)]))
    expect(write.histograms).toHaveLength(1)
    expect(histogramFields(write.histograms[0]?.bytes ?? new Uint8Array())).toMatchObject({
      schema: 8,
      count: 4,
      positiveSpans: [[0, 2]],
      positiveDeltas: [1, 2],
    })
    expect(write.refused).toMatchObject([{ index: 1, reason: 'unsupported-histogram' }])
    expect(write.refused[0]?.detail).toContain('-5')
  })

  it('makes quantiles of a summary', () => {
    const dataPoints = [
      point({ count: '10', sum: 55, quantileValues: [{ quantile: 0.5, value: 5 }, { quantile: 0.99, value: 9 }] }), // biome-ignore format: one point
    ]
    expect(samples([{ name: 'rpc', unit: 's', summary: { dataPoints } }])).toEqual({
      'rpc_seconds{job="shop",quantile="0.5"}': [[T, 5]],
      'rpc_seconds{job="shop",quantile="0.99"}': [[T, 9]],
      'rpc_seconds_count{job="shop"}': [[T, 10]],
      'rpc_seconds_sum{job="shop"}': [[T, 55]],
    })
  })

  it('ends a series where no value was recorded', () => {
    const { write } = read(
      requestOf([
        { name: 'a', gauge: { dataPoints: [point({ flags: 1 })] } },
        { name: 'h', histogram: { aggregationTemporality: 2, dataPoints: [point({ flags: 1 })] } },
        { name: 'e', exponentialHistogram: { aggregationTemporality: 2, dataPoints: [point({ flags: 1 })] } }, // biome-ignore format: one metric
      ]),
    )
    expect(samplesOf(write)).toEqual({
      'a{job="shop"}': [[T, 'stale']],
      'h_bucket{job="shop",le="+Inf"}': [[T, 'stale']],
      'h_count{job="shop"}': [[T, 'stale']],
    })
    expect(histogramFields(write.histograms[0]?.bytes ?? new Uint8Array())).toMatchObject({
      sumBits: 0x7ff0000000000002n,
      timestamp: T,
    })
  })

  it('keeps exemplars with their trace, at the bucket they fall into', () => {
    const exemplar = (asDouble: number) => ({
      timeUnixNano: NANOS,
      asDouble,
      traceId: '0AF7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      filteredAttributes: [attribute('user', 'x'.repeat(90))],
    })
    const { write } = read(
      requestOf([
        { name: 'h', histogram: { aggregationTemporality: 2, dataPoints: [point({ count: '2', bucketCounts: ['1', '1'], explicitBounds: [1], exemplars: [exemplar(0.5), exemplar(7)] })] } }, // biome-ignore format: one metric
        { name: 'c', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point({ asInt: '3', exemplars: [exemplar(1)] })] } }, // biome-ignore format: one metric
      ]),
    )
    // With the attribute the labels would be longer than OpenMetrics has room for.
    const labels = [
      ['trace_id', '0af7651916cd43dd8448eb211c80319c'],
      ['span_id', 'b7ad6b7169203331'],
    ]
    expect(
      write.exemplars.map(({ series, ...rest }) => ({
        series: seriesText(write, series),
        ...rest,
      })),
    ).toEqual([
      { series: 'h_bucket{job="shop",le="1"}', timestamp: T, value: 0.5, labels },
      { series: 'h_bucket{job="shop",le="+Inf"}', timestamp: T, value: 7, labels },
      { series: 'c_total{job="shop"}', timestamp: T, value: 1, labels },
    ])
  })

  it('writes attributes that are no text as JSON does', () => {
    const attributes = [
      { key: 'b', value: { boolValue: true } },
      { key: 'i', value: { intValue: -7 } },
      { key: 'd', value: { doubleValue: 0.5 } },
      { key: 'l', value: { arrayValue: { values: [{ stringValue: 'x' }, { intValue: 1 }, {}] } } },
      { key: 'm', value: { kvlistValue: { values: [{ key: 'k', value: { boolValue: false } }] } } },
      { key: 'y', value: { bytesValue: 'AAH/' } },
      { key: 'none' },
    ]
    expect(Object.keys(samples([gaugeOf('a', 1, { attributes })]))).toEqual([
      'a{b="true",d="0.5",i="-7",job="shop",l="["x",1,null]",m="{"k":false}",y="AAH/"}',
    ])
  })

  it('refuses what has no time, no value, no name or no temporality, point by point', () => {
    const sum = { isMonotonic: true, dataPoints: [point({ asInt: '1' }), point({ asInt: '1' })] }
    const { write, points } = read(
      requestOf([
        { name: 'timeless', gauge: { dataPoints: [{ asDouble: 1 }] } },
        { name: 'valueless', gauge: { dataPoints: [point({})] } },
        gaugeOf('', 1),
        { name: 'unspecified', sum },
        gaugeOf('good', 1),
        { name: 'without data' },
      ]),
    )
    expect(points).toBe(6)
    expect(write.refused.map(({ index, reason }) => [index, reason])).toEqual([
      [0, 'timestamp-out-of-range'],
      [1, 'invalid-line'],
      [2, 'invalid-labels'],
      [3, 'invalid-line'],
      [4, 'invalid-line'],
    ])
    expect(samplesOf(write)).toEqual({ 'good{job="shop"}': [[T, 1]] })
  })

  it('takes the edges of time and of numbers', () => {
    const dataPoints = [
      { timeUnixNano: '18446744073709551615', asDouble: 5e-324 },
      { timeUnixNano: '999999', asInt: '-9223372036854775808' },
      { timeUnixNano: '1000000', asInt: '9223372036854775807' },
    ]
    const { write } = read(requestOf([{ name: 'a', gauge: { dataPoints } }]))
    expect(samplesOf(write)['a{job="shop"}']).toEqual([
      [18_446_744_073_709, 5e-324],
      [1, 2 ** 63],
    ])
    // Before the first millisecond there is no time that could be told from none.
    expect(write.refused.map(({ index }) => index)).toEqual([1])
  })

  it('is an empty write when nothing is in it', () => {
    expect(read({ resourceMetrics: [] }).points).toBe(0)
    expect(read({ resourceMetrics: [{}] }).write.seriesCount).toBe(0)
  })
})
