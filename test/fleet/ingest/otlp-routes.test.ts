import { gzipSync } from 'node:zlib'
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPMetricExporter as ProtoExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { PbfReader } from 'pbf'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { OTLP_BODY_BYTES_MAX } from '../../../src/fleet/ingest/otlp-routes.ts'
import type { SeriesOutcome, SeriesWrite } from '../../../src/fleet/series/series-write.ts'
import { ProblemError, problem } from '../../../src/http/problem.ts'
import '../../kernels/load.ts'
import { encodeOtlp } from './otlp-encode.ts'
import { protocolApp, serve } from './protocol-app.ts'
import { samplesOf, seriesText } from './series-read.ts'

const store = vi.hoisted(() => ({ distribute: vi.fn() }))
vi.mock('../../../src/fleet/ingest/distribute-series.ts', () => ({
  distributeSeries: (...given: unknown[]) => store.distribute(given[3]),
}))

const writes: SeriesWrite[] = []

const storeAll = (write: SeriesWrite): SeriesOutcome => {
  writes.push(write)
  return {
    samplesWritten: write.values.length,
    histogramsWritten: write.histograms.length,
    exemplarsWritten: write.exemplars.length,
    duplicates: 0,
    refused: write.refused,
  }
}
store.distribute.mockImplementation(storeAll)

afterEach(() => {
  writes.length = 0
  store.distribute.mockClear()
})

const request = {
  resourceMetrics: [
    {
      scopeMetrics: [
        {
          metrics: [
            { name: 'a', gauge: { dataPoints: [{ timeUnixNano: '1772366400000000000', asDouble: 1 }, { asDouble: 2 }] } }, // biome-ignore format: one metric
          ],
        },
      ],
    },
  ],
}
const protobuf = encodeOtlp(request)
const json = JSON.stringify(request)

const send = (
  body: BodyInit | null,
  headers: Record<string, string> = { 'content-type': 'application/x-protobuf' },
  key = 'write-key',
) =>
  protocolApp().request(
    '/v1/metrics',
    { method: 'POST', headers: { authorization: `Bearer ${key}`, ...headers }, body },
    {},
  )

/** Fields 1 (a number) and 2 (text) of a message. */
const fields = async (response: Response) => {
  const read = (reader: PbfReader, end?: number) =>
    reader.readFields(
      (tag, found: { number?: number; text?: string; inner?: object }, r) => {
        if (r.type === 0) found.number = r.readVarint()
        else if (tag === 2) found.text = r.readString()
        else found.inner = read(r, r.readVarint() + r.pos)
      },
      {},
      end,
    )
  return read(new PbfReader(new Uint8Array(await response.arrayBuffer())))
}

const gzipped = (body: Uint8Array | string) => new Uint8Array(gzipSync(body))

describe('POST /v1/metrics', () => {
  it('refuses the request when nothing of it is good', async () => {
    const bad = encodeOtlp({ resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'a', gauge: { dataPoints: [{ asDouble: 1 }] } }] }] }] }) // biome-ignore format: one request
    const response = await send(bad)
    expect(response.status).toBe(400)
    expect(await fields(response)).toEqual({
      number: 3,
      text: expect.stringContaining('all 1 data points'),
    })
  })

  it('says in the encoding of the request which data points it refused', async () => {
    const inProtobuf = await send(protobuf)
    expect(inProtobuf.status).toBe(200)
    expect(inProtobuf.headers.get('content-type')).toBe('application/x-protobuf')
    expect(await fields(inProtobuf)).toEqual({
      inner: { number: 1, text: expect.stringContaining('timeUnixNano') },
    })
    const inJson = await send(json, { 'content-type': 'application/json; charset=utf-8' })
    expect(inJson.headers.get('content-type')).toBe('application/json')
    expect(await inJson.json()).toEqual({
      partialSuccess: {
        rejectedDataPoints: '1',
        errorMessage: expect.stringContaining('timestamp-out-of-range (1)'),
      },
    })
    expect(samplesOf(writes[0] as SeriesWrite)).toEqual({ a: [[1_772_366_400_000, 1]] })
  })

  it('answers an empty message when all is stored', async () => {
    const empty = await send(new Uint8Array(0))
    expect([empty.status, (await empty.arrayBuffer()).byteLength]).toEqual([200, 0])
    const inJson = await send('{}', { 'content-type': 'application/json' })
    expect(await inJson.json()).toEqual({})
  })

  it.each([
    ['application/x-protobuf', gzipped(protobuf)],
    ['application/json', gzipped(json)],
  ])('reads gzip of %s', async (type, body) => {
    const response = await send(body, { 'content-type': type, 'content-encoding': 'gzip' })
    expect(response.status).toBe(200)
    expect(writes[0]?.values).toHaveLength(1)
  })

  it('counts the data points of a histogram once, however many of its series were refused', async () => {
    const dataPoints = ['1772366400000000000', '1772366401000000000', '1772366402000000000'].map(
      (timeUnixNano) => ({ timeUnixNano, count: '2', sum: 1, bucketCounts: ['1', '1'], explicitBounds: [1], asDouble: 1 }), // biome-ignore format: one point
    )
    const histogram = { resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'h', histogram: { aggregationTemporality: 2, dataPoints } }, { name: 'g', gauge: { dataPoints } }] }] }] } // biome-ignore format: one request
    store.distribute.mockImplementationOnce((write: SeriesWrite) => ({
      ...storeAll(write),
      // Two of the four series at position 0, one of them whole.
      refused: [
        ...write.refused,
        {
          index: 0,
          reason: 'series-limit',
          detail: 'full',
          samples: 3,
          histograms: 0,
          exemplars: 1,
        },
        {
          index: 0,
          reason: 'series-limit',
          detail: 'full',
          samples: 1,
          histograms: 0,
          exemplars: 0,
        },
      ],
    }))
    const response = await send(JSON.stringify(histogram), { 'content-type': 'application/json' })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({
      partialSuccess: { rejectedDataPoints: '3', errorMessage: 'series-limit (1): full' },
    })
  })

  it.each<[string, number, number, () => Response | Promise<Response>]>([
    ['no key', 401, 16, () => send(protobuf, { 'content-type': 'application/x-protobuf' }, 'x')],
    ['a key that may not write', 403, 7, () => send(protobuf, { 'content-type': 'application/x-protobuf' }, 'read-key')], // biome-ignore format: one row
    ['broken protobuf', 400, 3, () => send(protobuf.subarray(0, 20))],
    ['bytes that are not gzip', 400, 3, () => send(protobuf, { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' })], // biome-ignore format: one row
    ['gzip that was cut', 400, 3, () => send(gzipped(protobuf).subarray(0, -9), { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' })], // biome-ignore format: one row
    ['another content coding', 415, 3, () => send(protobuf, { 'content-type': 'application/x-protobuf', 'content-encoding': 'zstd' })], // biome-ignore format: one row
    ['more than 64 MiB decompressed', 413, 8, () => send(gzipped(new Uint8Array(OTLP_BODY_BYTES_MAX + 1)), { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' })], // biome-ignore format: one row
    ['more than 64 MiB', 413, 8, () => send('', { 'content-type': 'application/x-protobuf', 'content-length': String(OTLP_BODY_BYTES_MAX + 1) })], // biome-ignore format: one row
  ])('answers %s by %s, as google.rpc.Status %s in protobuf', async (_, status, code, ask) => {
    const response = await ask()
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/x-protobuf')
    expect(await fields(response)).toEqual({ number: code, text: expect.stringMatching(/./) })
    expect(writes).toEqual([])
  })

  it('answers as JSON where JSON was sent, and where the type is not known', async () => {
    const broken = await send('{', { 'content-type': 'application/json' })
    expect(broken.status).toBe(400)
    expect(await broken.json()).toEqual({ code: 3, message: expect.stringContaining('JSON') })
    const text = await send('a 1', { 'content-type': 'text/plain' })
    expect(text.status).toBe(415)
    expect(text.headers.get('accept')).toContain('application/x-protobuf')
    expect(await text.json()).toMatchObject({ code: 3 })
    const get = await protocolApp().request('/v1/metrics', { headers: { authorization: 'Bearer write-key' } }, {}) // biome-ignore format: one line
    expect([get.status, await get.json()]).toMatchObject([405, { code: 12 }])
    expect(get.headers.get('allow')).toBe('POST')
  })

  it('says when to come again while a shard cannot store, or for now will not', async () => {
    store.distribute.mockImplementationOnce(() => {
      throw new ProblemError(problem(503, 'journal-full', 'full', { retryAfterSeconds: 7 }))
    })
    const full = await send(protobuf)
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '7'])
    expect(await fields(full)).toEqual({ number: 14, text: 'full' })
    const refused = { index: 0, reason: 'rate-exceeded', detail: '', samples: 1, histograms: 0, exemplars: 0 } // biome-ignore format: one line
    store.distribute.mockImplementationOnce((write) => ({ ...storeAll(write), refused: [refused] }))
    const limited = await send(protobuf)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '2'])
    expect(await fields(limited)).toMatchObject({ number: 8 })
  })
})

describe.each([
  ['protobuf', ProtoExporter],
  ['JSON', JsonExporter],
])('the OpenTelemetry SDK, in %s', (_, Exporter) => {
  it.each(['none', 'gzip'] as const)(
    'sends what is stored (compression: %s)',
    async (compression) => {
      const { url, server } = await serve(protocolApp())
      const exporter = new Exporter({
        url: `${url}/v1/metrics`,
        headers: { authorization: 'Bearer write-key' },
        compression: compression as never,
        temporalityPreference: AggregationTemporality.CUMULATIVE as never,
      })
      const provider = new MeterProvider({
        resource: resourceFromAttributes({ 'service.name': 'shop', 'host.name': 'web-1' }),
        readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })],
        views: [
          { instrumentName: 'size', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
        ],
      })
      try {
        const meter = provider.getMeter('test', '1.2.3')
        meter.createCounter('orders', { unit: '{order}' }).add(3, { region: 'eu' })
        meter
          .createObservableGauge('load', { unit: '1' })
          .addCallback((result) => result.observe(0.5))
        meter.createUpDownCounter('open').add(-2)
        const duration = meter.createHistogram('duration', {
          unit: 's',
          advice: { explicitBucketBoundaries: [0.1, 1] },
        })
        for (const value of [0.05, 0.5, 5]) duration.record(value)
        for (const value of [1, 2, 1_000])
          meter.createHistogram('size', { unit: 'By' }).record(value)
        await provider.forceFlush()
        const [write] = writes
        if (!write) throw new Error('nothing was sent')
        expect(write.refused).toEqual([])
        const labels =
          'host_name="web-1",job="shop",otel_scope_name="test",otel_scope_version="1.2.3"'
        const values = Object.fromEntries(
          Object.entries(samplesOf(write)).map(([series, [sample]]) => [series, sample?.[1]]),
        )
        expect(values).toMatchObject({
          [`orders_total{${labels},region="eu"}`]: 3,
          [`load_ratio{${labels}}`]: 0.5,
          [`open{${labels}}`]: -2,
          'duration_seconds_bucket{host_name="web-1",job="shop",le="0.1",otel_scope_name="test",otel_scope_version="1.2.3"}': 1,
          'duration_seconds_bucket{host_name="web-1",job="shop",le="+Inf",otel_scope_name="test",otel_scope_version="1.2.3"}': 3,
          [`duration_seconds_sum{${labels}}`]: 5.55,
          [`duration_seconds_count{${labels}}`]: 3,
        })
        expect(write.histograms.map(({ series }) => seriesText(write, series))).toEqual([
          `size_bytes{${labels}}`,
        ])
      } finally {
        await provider.shutdown()
        server.close()
      }
    },
  )
})
