import { describe, expect, inject, it } from 'vitest'
import { type Api, createApi, createVm, samplesOf } from '../support/api.ts'
import { ingest } from '../support/delivery.ts'
import { nativeHistogram, type SentMetadata, type SentSeries } from '../support/remote-write.ts'
import { dataOf, type FoundSeries, instant, makeOrganisation, writeSeries } from '../support/series.ts' // biome-ignore format: one line

const platform = createApi(inject('baseUrl'), inject('developmentKey'))
const organisation = async (): Promise<Api> => (await makeOrganisation(platform, 'query')).api

/** Ten minutes ago, on a whole minute. */
const BEGUN = Math.floor(Date.now() / 60_000) * 60_000 - 600_000
const STEP_MS = 15_000
const SAMPLES = 21
const END = BEGUN + (SAMPLES - 1) * STEP_MS
const STALE = 0x7ff0000000000002n

const seriesOf = (
  labels: SentSeries['labels'],
  valueAt: (n: number) => number | bigint,
): SentSeries => ({
  labels,
  samples: Array.from({ length: SAMPLES }, (_, n) => ({
    value: valueAt(n),
    timestamp: BEGUN + n * STEP_MS,
  })),
})

const requests = (path: string, slope: number) =>
  seriesOf(
    [
      ['__name__', 'requests_total'],
      ['job', 'shop'],
      ['path', path],
    ],
    (n) => n * slope,
  )

const stored = async (series: readonly SentSeries[], metadata: readonly SentMetadata[] = []) => {
  // biome-ignore format: one line
  const api = await organisation()
  expect((await writeSeries(api, series, { metadata })).status).toBe(204)
  return api
}

/** `value`s by the label named. */
const valuesBy = (label: string, found: readonly FoundSeries[]) =>
  Object.fromEntries(found.map(({ metric, value }) => [metric[label] ?? '', Number(value?.[1])]))

describe('PromQL of what remote write brought', () => {
  it('rates, sums and matches, at a moment and over a range', async () => {
    const api = await stored([requests('/', 30), requests('/buy', 15)])
    expect(valuesBy('path', await instant(api, 'rate(requests_total[5m])', END))).toEqual({
      '/': 2,
      '/buy': 1,
    })
    const share = 'rate(requests_total[1m]) / on(job) group_left sum by (job) (rate(requests_total[1m]))' // biome-ignore format: one line
    expect(valuesBy('path', await instant(api, share, END))).toEqual({
      '/': expect.closeTo(2 / 3, 12),
      '/buy': expect.closeTo(1 / 3, 12),
    })
    const { result } = await dataOf<{ result: FoundSeries[] }>(api, '/api/v1/query_range', {
      query: 'sum(requests_total)',
      start: String(BEGUN / 1_000),
      end: String((BEGUN + 60_000) / 1_000),
      step: '30s',
    })
    expect(result).toEqual([
      {
        metric: {},
        values: [0, 90, 180].map((sum, n) => [(BEGUN + n * 30_000) / 1_000, String(sum)]),
      },
    ])
  })

  it('answers a range selector with the samples themselves, whatever their values', async () => {
    const values = [0, -0, 0.1, 5e-324, 1.7976931348623157e308, Infinity, -Infinity, Number.NaN]
    const api = await stored([seriesOf([['__name__', 'odd']], (n) => values[n % values.length] ?? 0)]) // biome-ignore format: one line
    const [found] = await instant(api, 'odd[1h]', END)
    expect(found?.values).toHaveLength(SAMPLES)
    expect(found?.values?.slice(0, values.length).map(([, value]) => value)).toEqual([
      '0',
      '-0',
      '0.1',
      '5e-324',
      '1.7976931348623157e+308',
      '+Inf',
      '-Inf',
      'NaN',
    ])
  })

  it('ends a series at its stale marker, and begins it again with the next sample', async () => {
    const api = await stored([
      seriesOf([['__name__', 'up']], (n) => (n === 10 ? STALE : n)),
      seriesOf([['__name__', 'steady']], () => 1),
    ])
    const at = (n: number) => instant(api, '{__name__=~"up|steady"}', BEGUN + n * STEP_MS)
    expect(await at(9)).toHaveLength(2)
    expect((await at(10)).map(({ metric }) => metric.__name__)).toEqual(['steady'])
    expect(await instant(api, 'up', BEGUN + 11 * STEP_MS - 1)).toEqual([])
    expect(await at(11)).toHaveLength(2)
    const [raw] = await instant(api, 'up[10m]', END)
    expect(raw?.values).toHaveLength(SAMPLES - 1)
    const count = await instant(api, 'count_over_time(up[10m])', END)
    expect(count[0]?.value?.[1]).toBe(String(SAMPLES - 1))
  })

  it('tells quantiles of histograms, classic and native', async () => {
    const bucket = (le: string, slope: number) =>
      seriesOf(
        [
          ['__name__', 'latency_bucket'],
          ['le', le],
        ],
        (n) => n * slope,
      )
    const native: SentSeries = {
      labels: [['__name__', 'latency']],
      histograms: [nativeHistogram(END)],
    }
    const api = await stored([bucket('0.1', 5), bucket('0.5', 9), bucket('+Inf', 10), native])
    const classic = await instant(api, 'histogram_quantile(0.7, rate(latency_bucket[2m]))', END)
    expect(Number(classic[0]?.value?.[1])).toBeCloseTo(0.3, 12)
    // One observation in each of the three buckets behind 2^(1/8), in a count of 6.
    const [median] = await instant(api, 'histogram_quantile(0.25, latency)', END)
    const value = Number(median?.value?.[1])
    expect(value).toBeGreaterThan(2 ** (1 / 8))
    expect(value).toBeLessThan(2 ** (4 / 8))
    const [count] = await instant(api, 'histogram_count(latency)', END)
    expect(count?.value?.[1]).toBe('6')
    const data = await dataOf(api, '/api/v1/query', { query: 'latency', time: String(END / 1_000) })
    expect(data).toMatchObject({ result: [{ histogram: [END / 1_000, { count: '6', sum: '12.5' }] }] }) // biome-ignore format: one line
  })

  it('has the metrics of VMs as series too', async () => {
    const api = await organisation()
    await createVm(api, 'web-1')
    await ingest(api, samplesOf('web-1', 3, END))
    const [found] = await instant(api, 'vm_cpu_usage{vm="web-1"}[1m]', END)
    expect(found?.metric).toMatchObject({ __name__: 'vm_cpu_usage', vm: 'web-1' })
    expect(found?.values?.map(([, value]) => value)).toEqual(['0', '1', '2'])
  })
})

describe('exemplars and metadata', () => {
  const span = { start: String(BEGUN / 1_000), end: String(END / 1_000) }
  const traced: SentSeries = {
    ...requests('/', 1),
    exemplars: [{ labels: [['trace_id', 'abc']], value: 0.5, timestamp: BEGUN + 1_000 }],
  }

  it('are found again: exemplars by the expression that selects their series', async () => {
    const api = await stored([traced])
    const query = 'sum by (path) (rate(requests_total{path="/"}[5m]))'
    expect(await dataOf(api, '/api/v1/query_exemplars', { query, ...span })).toEqual([
      {
        seriesLabels: { __name__: 'requests_total', job: 'shop', path: '/' },
        exemplars: [{ labels: { trace_id: 'abc' }, value: '0.5', timestamp: BEGUN / 1_000 + 1 }],
      },
    ])
    expect(await dataOf(api, '/api/v1/query_exemplars', { query })).toHaveLength(1)
    const other = { query: 'requests_total{path="/no"}', ...span }
    expect(await dataOf(api, '/api/v1/query_exemplars', other)).toEqual([])
  })

  it('metadata by metric, of 1.0 and of 2.0, the newest', async () => {
    const metadata = [
      { type: 1, metric: 'requests_total', help: 'Requests', unit: '' },
      { type: 2, metric: 'a_temperature', help: 'Air', unit: 'celsius' },
    ]
    const api = await stored([], metadata)
    const changed = { type: 1, help: 'All requests', unit: '' }
    await writeSeries(api, [{ ...traced, metadata: changed }], { version: 2 })
    const all = await dataOf<Record<string, unknown>>(api, '/api/v1/metadata')
    expect(Object.entries(all)).toEqual([
      ['a_temperature', [{ type: 'gauge', help: 'Air', unit: 'celsius' }]],
      ['requests_total', [{ type: 'counter', help: 'All requests', unit: '' }]],
    ])
    const one = await dataOf<object>(api, '/api/v1/metadata', { limit: '1' })
    expect(Object.keys(one)).toEqual(['a_temperature'])
  })
})

describe('what Grafana asks', () => {
  const series = [requests('/', 1), requests('/buy', 1), seriesOf([['__name__', 'up'], ['job', 'x']], () => 1)] // biome-ignore format: one line
  const form = (fields: readonly (readonly [string, string])[]): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields.map(([name, value]) => [name, value])).toString(),
  })
  const span = [
    ['start', String(BEGUN / 1_000)],
    ['end', String(END / 1_000)],
  ] as const

  it('is answered over POST and GET alike', async () => {
    const api = await stored(series)
    const fields = [['query', 'sum by (path) (requests_total)'], ['step', '15'], ...span] as const
    const posted = await api.json('/api/v1/query_range', form(fields))
    const query = new URLSearchParams(fields.map(([name, value]) => [name, value]))
    expect(await api.json(`/api/v1/query_range?${query}`)).toEqual(posted)
    expect(posted).toMatchObject({
      status: 'success',
      data: { resultType: 'matrix', result: [{ metric: { path: '/' } }, { metric: { path: '/buy' } }] }, // biome-ignore format: one line
    })
    const selected = [['match[]', 'requests_total'], ['match[]', 'up{job="x"}'], ...span] as const
    const found = await api.json<{ data: object[] }>('/api/v1/series', form(selected))
    expect(found.data).toHaveLength(3)
    expect(await api.json('/api/v1/labels', form(selected.slice(0, 1)))).toEqual({
      status: 'success',
      data: ['__name__', 'job', 'path'],
    })
  })

  it('lists names and values of labels, by selector and time', async () => {
    const api = await stored(series)
    const range = Object.fromEntries(span)
    const values = (label: string, more: Record<string, string> = {}) =>
      dataOf<string[]>(api, `/api/v1/label/${label}/values`, { ...range, ...more })
    expect(await values('__name__')).toEqual(['requests_total', 'up'])
    expect(await values('path', { 'match[]': '{__name__=~"requests.*"}' })).toEqual(['/', '/buy'])
    expect(await values('path', { 'match[]': 'up' })).toEqual([])
  })

  it('learns the version, that there are no rules and alerts, and that the service is well', async () => {
    const api = await organisation()
    expect(await dataOf(api, '/api/v1/status/buildinfo')).toMatchObject({ version: '2.42.0' })
    expect(await dataOf(api, '/api/v1/rules')).toEqual({ groups: [] })
    expect(await dataOf(api, '/api/v1/alerts')).toEqual({ alerts: [] })
    for (const method of ['GET', 'HEAD'])
      expect((await fetch(`${api.url}/healthz`, { method })).status).toBe(200)
  })

  it('is told what is wrong as Prometheus tells it, with the place', async () => {
    const api = await organisation()
    const asked = async (path: string, as = api) => {
      const response = await as.request(path)
      return [response.status, await response.json()]
    }
    const query = (text: string) => asked(`/api/v1/query?query=${encodeURIComponent(text)}`)
    expect(await query('sum(rate(up[5m])')).toEqual([
      400,
      expect.objectContaining({ status: 'error', errorType: 'bad_data', position: expect.anything() }), // biome-ignore format: one line
    ])
    expect(await query('holt_winters(up[5m], 0.5, 0.5)')).toEqual([
      422,
      expect.objectContaining({ errorType: 'execution', position: { start: 0, end: 12 } }),
    ])
    expect(await asked('/api/v1/query_range?query=up&start=1&end=0&step=1')).toMatchObject([400, { errorType: 'bad_data' }]) // biome-ignore format: one line
    expect(await asked('/api/v1/series')).toMatchObject([400, { errorType: 'bad_data' }])
    const stranger = createApi(api.url, 'gjl_nobody_has_this_key_0123456789')
    expect(await asked('/api/v1/rules', stranger)).toMatchObject([401, { errorType: 'unauthorized' }]) // biome-ignore format: one line
  })
})
