import { histogramFault } from '../../src/fleet/ingest/histogram-check.ts'
import { decodeOtlp, type OtlpEncoding } from '../../src/fleet/ingest/otlp-decode.ts'
import { OtlpTranslator } from '../../src/fleet/ingest/otlp-metrics.ts'
import { encodeOtlp } from '../../test/fleet/ingest/otlp-encode.ts'
import { checkWrite } from './remote-write.ts'
import { type FuzzTarget, kernels, must } from './target.ts'

const TIME = { startTimeUnixNano: '1772366400000000000', timeUnixNano: '1772366460000000000' }
const attribute = (key: string, value: object) => ({ key, value })
const attributes = [
  attribute('http.method', { stringValue: 'GET' }),
  attribute('größe', { intValue: -3 }),
  attribute('list', { arrayValue: { values: [{ doubleValue: 0.5 }, { boolValue: true }] } }),
  attribute('map', { kvlistValue: { values: [attribute('k', { bytesValue: 'AAH/' })] } }),
]
const exemplars = [
  {
    ...TIME,
    asDouble: 0.5,
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
  },
]
const sides = {
  positive: { offset: -2, bucketCounts: ['1', '0', '2'] },
  negative: { offset: 4, bucketCounts: ['3'] },
}

/** One data point of each kind. */
const METRICS = [
  { name: 'load', unit: '1', gauge: { dataPoints: [{ ...TIME, attributes, asDouble: 0.25 }] } },
  {
    name: 'requests',
    description: 'How many.',
    unit: '{request}',
    sum: {
      aggregationTemporality: 2,
      isMonotonic: true,
      dataPoints: [
        { ...TIME, asInt: '7', exemplars },
        { ...TIME, flags: 1 },
      ],
    },
  },
  {
    name: 'duration',
    unit: 's',
    histogram: {
      aggregationTemporality: 1,
      dataPoints: [
        { ...TIME, count: '3', sum: 2, bucketCounts: ['1', '2'], explicitBounds: [0.1], exemplars },
      ],
    },
  },
  {
    name: 'size',
    unit: 'By',
    exponentialHistogram: {
      aggregationTemporality: 2,
      dataPoints: [
        { ...TIME, count: '8', sum: 9, scale: 12, zeroCount: '2', zeroThreshold: 1e-9, ...sides },
      ],
    },
  },
  {
    name: 'rpc',
    summary: {
      dataPoints: [{ ...TIME, count: '2', sum: 3, quantileValues: [{ quantile: 0.5, value: 1 }] }],
    },
  },
]

const requestOf = (metrics: readonly object[]) => ({
  resourceMetrics: [
    {
      resource: {
        attributes: [
          attribute('service.name', { stringValue: 'shop' }),
          attribute('host.name', { stringValue: 'web-1' }),
        ],
      },
      scopeMetrics: [
        { scope: { name: 'lib', version: '1', attributes: [] }, schemaUrl: 'x', metrics },
      ],
    },
  ],
})

const REQUESTS = [METRICS, ...METRICS.map((metric) => [metric])].map(requestOf)
const utf8 = new TextEncoder()

const otlp = (encoding: OtlpEncoding, corpus: readonly Uint8Array[]) => (): FuzzTarget => {
  const { arena } = kernels()
  return {
    corpus,
    decode(input) {
      const translator = new OtlpTranslator()
      const decoded = decodeOtlp(encoding, input, translator)
      if (!decoded.ok) return false
      const { write, points } = translator.finish()
      checkWrite(write)
      for (const { bytes } of write.histograms) {
        const fault = histogramFault(bytes)
        must(fault === null, `a histogram is not whole: ${fault}`)
      }
      const refused = write.refused.reduce((sum, { samples }) => sum + samples, 0)
      must(refused <= points, 'more data points are refused than there are')
      must(arena.liveBlocks === 0, 'a block was not given back')
      return true
    },
  }
}

export const otlpProtobuf = otlp('protobuf', REQUESTS.map(encodeOtlp))

export const otlpJson = otlp(
  'json',
  REQUESTS.map((request) => utf8.encode(JSON.stringify(request))),
)
