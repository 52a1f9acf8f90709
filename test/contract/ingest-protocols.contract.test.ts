import { InfluxDB, Point } from '@influxdata/influxdb-client'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { describe, expect, inject, it } from 'vitest'
import { createApi, createVm } from '../support/api.ts'
import { until } from '../support/until.ts'

const platform = createApi(inject('baseUrl'), inject('developmentKey'))

/** An organisation of its own. */
const tenant = async () => {
  const slug = `ingest-${crypto.randomUUID().slice(0, 8)}`
  await platform.post('/api/v1/organisations', { slug, name: slug })
  const { key } = await platform.post<{ key: string }>('/api/v1/keys', {
    name: 'ingest',
    scopes: ['admin'],
    organisation: slug,
  })
  return createApi(platform.url, key)
}

interface Vector {
  data: { result: { metric: Record<string, string>; value: [number, string] }[] }
}

const query = (api: typeof platform, expression: string) =>
  api.json<Vector>(`/api/v1/query?query=${encodeURIComponent(expression)}`)

describe('what agents send by their own protocols', () => {
  it('an OpenTelemetry SDK needs another URL and a key, and its values can be asked for', async () => {
    const api = await tenant()
    const exporter = new OTLPMetricExporter({
      url: `${api.url}/v1/metrics`,
      headers: { authorization: `Bearer ${api.key}` },
    })
    const provider = new MeterProvider({
      resource: resourceFromAttributes({ 'service.name': 'shop' }),
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })],
    })
    provider.getMeter('test').createCounter('orders').add(3, { region: 'eu' })
    await provider.forceFlush()
    await provider.shutdown()
    const { data } = await query(api, 'orders_total')
    expect(data.result).toMatchObject([
      { metric: { __name__: 'orders_total', job: 'shop', region: 'eu' }, value: [expect.anything(), '3'] }, // biome-ignore format: one series
    ])
  })

  it("Telegraf's lines become series, and the metrics of their VM", async () => {
    const api = await tenant()
    const vm = await createVm(api, 'web-1')
    const writer = new InfluxDB({ url: api.url, token: api.key }).getWriteApi('acme', 'fleet', 'ms', { maxRetries: 0 }) // biome-ignore format: one line
    const begun = Date.now() - 120_000
    for (const [i, idle] of [70, 60].entries()) {
      const point = new Point('cpu').tag('host', 'web-1').tag('cpu', 'cpu-total')
      writer.writePoint(point.floatField('usage_idle', idle).timestamp(begun + i * 10_000))
    }
    await writer.close()
    const { data } = await query(api, 'last_over_time(cpu_usage_idle{host="web-1"}[5m])')
    expect(data.result.map(({ value }) => value[1])).toEqual(['60'])
    const cpu = await until('the host metrics of web-1', async () => {
      const { columns } = await api.json<{ columns: { cpu_usage: (number | null)[] } }>(
        `/api/v1/vms/${vm.id}/metrics?resolution=raw&from=${begun - 1_000}&to=${Date.now()}`,
      )
      return columns.cpu_usage.length > 0 && columns.cpu_usage
    })
    expect(cpu[0]).toBe(30)
  })

  it('errors are those of the protocol, also before any route', async () => {
    const otlp = await fetch(`${platform.url}/v1/metrics`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } }) // biome-ignore format: one line
    expect([otlp.status, await otlp.json()]).toMatchObject([401, { code: 16 }])
    const influx = await fetch(`${platform.url}/api/v2/write`, {
      method: 'POST',
      body: 'a value=1',
    })
    expect([influx.status, await influx.json()]).toMatchObject([401, { code: 'unauthorized' }])
  })
})
