import { describe, expect, inject, it } from 'vitest'
import { type Api, createApi, createVm, type Vm } from '../support/api.ts'
import {
  literalBlock,
  nativeHistogram,
  type SentSeries,
  snappy,
  varint,
  writeRequest,
} from '../support/remote-write.ts'
import {
  dataOf,
  type FoundSeries,
  instant,
  makeOrganisation,
  postBlock,
  WRITE_TYPE,
  writeSeries,
  writtenOf,
} from '../support/series.ts'
import { until } from '../support/until.ts'

const platform = createApi(inject('baseUrl'), inject('developmentKey'))
const organisation = () => makeOrganisation(platform, 'write')
const now = Date.now()

const sample = (name: string, value: number | bigint, timestamp: number | bigint = now) =>
  ({ labels: [['__name__', name]], samples: [{ value, timestamp }] }) satisfies SentSeries

const rawOf = async (api: Api, name: string): Promise<FoundSeries['values']> =>
  (await instant(api, `{__name__="${name}"}[10m]`, now + 1_000))[0]?.values

describe.each([1, 2] as const)('POST /api/v1/write, version %i', (version) => {
  it('answers 204 without a body and counts what is stored, which can be asked for at once', async () => {
    const { api } = await organisation()
    const traced = {
      ...sample('requests_total', 41.5),
      labels: [
        ['__name__', 'requests_total'],
        ['path', '/ü"\\'],
      ] as const,
      exemplars: [{ labels: [['trace_id', 'a1']] as const, value: 0.25, timestamp: now }],
    }
    const native: SentSeries = {
      labels: [['__name__', 'latency']],
      histograms: [nativeHistogram(now)],
    }
    const response = await writeSeries(api, [traced, native], { version })
    expect(response.status).toBe(204)
    expect(await response.text()).toBe('')
    expect(writtenOf(response)).toEqual(['1', '1', '1'])
    expect(await instant(api, 'requests_total', now)).toEqual([
      { metric: { __name__: 'requests_total', path: '/ü"\\' }, value: [now / 1_000, '41.5'] },
    ])
  })

  it('stores what is good of a request, and answers 400 with every reason', async () => {
    const { api } = await organisation()
    const unsorted = {
      ...sample('bad', 1),
      labels: [
        ['z', '1'],
        ['__name__', 'bad'],
      ] as const,
    }
    const response = await writeSeries(
      api,
      [
        sample('good', 1),
        unsorted,
        sample('ahead', 1, now + 3_600_000),
        sample('old', 1, now - 90 * 86_400_000),
        sample('beyond', 1, 2n ** 63n - 1n),
        { ...sample('nameless', 1), labels: [['job', 'x']] },
        sample('good_too', 2),
      ],
      { version },
    )
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(writtenOf(response)).toEqual(['2', '0', '0'])
    const [head = '', ...lines] = (await response.text()).trimEnd().split('\n')
    expect(head).toMatch(/^refused: 5 samples, 0 histograms, 0 exemplars; /)
    expect(lines.map((line) => line.split(': ').slice(0, 2))).toEqual([
      ['series 1', 'invalid-labels'],
      ['series 2', 'timestamp-in-future'],
      ['series 3', 'timestamp-too-old'],
      ['series 4', 'timestamp-out-of-range'],
      ['series 5', 'invalid-labels'],
    ])
    const names = await dataOf<string[]>(api, '/api/v1/label/__name__/values')
    expect(names.filter((name) => !name.startsWith('vm_'))).toEqual(['good', 'good_too'])
  })

  it('counts duplicates as written and keeps one; another value of the moment is refused', async () => {
    const { api } = await organisation()
    for (const _ of [1, 2, 3]) {
      const response = await writeSeries(api, [sample('up', 1), sample('up', 1)], { version })
      expect([response.status, ...writtenOf(response)]).toEqual([204, '2', '0', '0'])
    }
    const conflict = await writeSeries(api, [sample('up', 2), sample('down', 2)], { version })
    expect([conflict.status, ...writtenOf(conflict)]).toEqual([400, '1', '0', '0'])
    expect(await conflict.text()).toContain('series 0: duplicate-timestamp: ')
    expect(await rawOf(api, 'up')).toEqual([[now / 1_000, '1']])
  })

  it('takes samples out of order into their places', async () => {
    const { api } = await organisation()
    const times = [5, 1, 3, 4, 2].map((second) => now - second * 1_000)
    for (const time of times)
      expect((await writeSeries(api, [sample('late', time, time)], { version })).status).toBe(204)
    const ascending = times.toSorted((a, b) => a - b)
    expect(await rawOf(api, 'late')).toEqual(ascending.map((time) => [time / 1_000, String(time)]))
  })
})

describe('POST /api/v1/write refuses', () => {
  const block = snappy(writeRequest([sample('up', 1)]))

  it.each([
    [{ 'content-type': 'application/json' }, 'accept', WRITE_TYPE[1]],
    [{ 'content-type': `${WRITE_TYPE[1]};proto=prometheus.Other` }, 'accept', WRITE_TYPE[1]],
    [{ 'content-encoding': 'zstd' }, 'accept-encoding', 'snappy'],
    [{ 'content-encoding': 'gzip' }, 'accept-encoding', 'snappy'],
    [{ 'content-encoding': '' }, 'accept-encoding', 'snappy'],
  ])('%o with 415, and says what it reads', async (headers, name, accepted) => {
    const response = await postBlock(platform, block, headers as Record<string, string>)
    expect(response.status).toBe(415)
    expect(response.headers.get(name)).toContain(accepted)
  })

  it('more than it reads with 413, by its length, its declared length and its content', async () => {
    const { api } = await organisation()
    const long = await postBlock(api, new Uint8Array(17 * 1024 * 1024))
    const inflating = await postBlock(api, snappy(new Uint8Array(17 * 1024 * 1024)))
    const many = Array.from({ length: 50_001 }, () => sample('up', 1))
    const crowded = await postBlock(api, snappy(writeRequest(many)))
    expect([long.status, inflating.status, crowded.status]).toEqual([413, 413, 413])
  })

  it('keys that are not known with 401, and those that may only read with 403', async () => {
    const { api, withScopes } = await organisation()
    const stranger = createApi(platform.url, 'gjl_nobody_has_this_key_0123456789')
    expect((await postBlock(stranger, block)).status).toBe(401)
    const anonymous = await fetch(`${platform.url}/api/v1/write`, { method: 'POST', body: 'x' })
    expect(anonymous.status).toBe(401)
    expect((await postBlock(await withScopes('read'), block)).status).toBe(403)
    const writer = await withScopes('write')
    expect((await postBlock(writer, block)).status).toBe(204)
    expect((await writer.request('/api/v1/query?query=up')).status).toBe(403)
    expect(await instant(api, 'up', now)).toHaveLength(1)
  })

  it('bodies that were cut, damaged or made to harm with 400 or 413, and goes on', async () => {
    const { api } = await organisation()
    const whole = writeRequest(Array.from({ length: 20 }, (_, n) => sample(`metric_${n}`, n)))
    const packed = snappy(whole)
    const nested = Uint8Array.from({ length: 20_000 }, () => 0x0b)
    const hostile: Uint8Array[] = [
      new Uint8Array(0),
      Uint8Array.of(255, 255, 255, 255, 15, 0, 65),
      Uint8Array.of(255, 6, 0, 0, 115, 78, 97, 80, 112, 89),
      // Copies from in front of the block, and of the byte behind.
      Uint8Array.of(8, 0, 65, 0x15, 200),
      Uint8Array.of(200, 1, 0, 65, 0xfe, 0, 0),
      snappy(nested),
      // A message that says it has 4 GB, and a varint without an end.
      literalBlock(Uint8Array.of(0x0a, ...varint(2n ** 32n - 1n), 1, 2, 3)),
      literalBlock(new Uint8Array(64).fill(0xff)),
      ...Array.from({ length: 24 }, (_, n) => packed.subarray(0, (n * packed.length) / 24)),
      ...Array.from({ length: 24 }, (_, n) =>
        literalBlock(whole.subarray(0, 1 + Math.floor((n * (whole.length - 1)) / 24))),
      ),
    ]
    for (const [n, body] of hostile.entries()) {
      const response = await postBlock(api, body)
      const isWhole = [204, 400, 413].includes(response.status)
      expect([n, isWhole, response.status], await response.text()).toEqual([n, true, expect.any(Number)]) // biome-ignore format: one line
    }
    const cut = await postBlock(api, packed.subarray(0, -1))
    expect([cut.status, ...writtenOf(cut)]).toEqual([400, '0', '0', '0'])
    expect((await fetch(`${platform.url}/readyz`)).status).toBe(200)
    expect((await postBlock(api, packed)).status).toBe(204)
    expect(await instant(api, 'metric_19', now)).toHaveLength(1)
  })

  it('text that is not UTF-8, by series', async () => {
    const { api } = await organisation()
    const bytes = writeRequest([sample('good', 1), sample('bad?', 1)])
    const at = Buffer.from(bytes).indexOf('bad?')
    const response = await postBlock(api, snappy(bytes.with(at + 3, 0xff)))
    expect([response.status, ...writtenOf(response)]).toEqual([400, '1', '0', '0'])
    expect(await response.text()).toContain('series 1: invalid-utf8: ')
  })
})

describe('series of node_exporter', () => {
  const HOST = [
    ['instance', 'web-7:9100'],
    ['job', 'node'],
  ] as const
  /** Two processors, half busy, at `second` of the machine's life. */
  const scrape = (at: number, second: number): SentSeries[] => {
    const of = (name: string, value: number, labels: readonly (readonly [string, string])[] = []) => ({
      labels: [['__name__', name] as const, ...labels, ...HOST].sort(([a], [b]) => (a < b ? -1 : 1)),
      samples: [{ value, timestamp: at }],
    }) // biome-ignore format: one series
    const modes = { idle: 0.5, iowait: 0.1, system: 0.15, user: 0.25 }
    const cpu = ['0', '1'].flatMap((cpu) =>
      Object.entries(modes).map(([mode, share]) =>
        of('node_cpu_seconds_total', 100 + second * share, [
          ['cpu', cpu],
          ['mode', mode],
        ]),
      ),
    )
    const root = [
      ['device', '/dev/vda'],
      ['fstype', 'ext4'],
      ['mountpoint', '/'],
    ] as const
    return [
      ...cpu,
      of('node_memory_MemTotal_bytes', 4 * 2 ** 30),
      of('node_memory_MemAvailable_bytes', 3 * 2 ** 30),
      of('node_filesystem_size_bytes', 100 * 2 ** 30, root),
      of('node_filesystem_free_bytes', 60 * 2 ** 30, root),
      of('node_filesystem_avail_bytes', 40 * 2 ** 30, root),
      of('node_network_receive_bytes_total', second * 1_000, [['device', 'eth0']]),
      of('node_network_receive_bytes_total', second * 5_000, [['device', 'lo']]),
      of('node_network_transmit_bytes_total', second * 2_000, [['device', 'eth0']]),
      of('node_disk_reads_completed_total', second * 3, [['device', 'vda']]),
      of('node_disk_writes_completed_total', second * 7, [['device', 'vda']]),
    ]
  }

  it('make their machine appear on the dashboard with its size and what it does', async () => {
    const { api } = await organisation()
    const begun = now - 120_000
    const series = [0, 15, 30].flatMap((second) => scrape(begun + second * 1_000, second))
    // As Prometheus sends: pieces of a scrape in several requests.
    for (let from = 0; from < series.length; from += 7)
      expect((await writeSeries(api, series.slice(from, from + 7))).status).toBe(204)
    type Row = Record<string, unknown> & { latest: Record<string, number | null> | null }
    const row = await until('the machine and its metrics', async () => {
      const { vms } = await api.json<{ vms: Row[] }>('/api/v1/dashboard')
      return vms[0]?.latest?.cpu_usage != null && vms[0]?.memory_mb === 4_096 && vms[0]
    })
    expect(row).toMatchObject({ name: 'web-7', status: 'running', memory_mb: 4_096, cpu_cores: 2 })
    expect(row.disk_gb).toBe(100)
    expect(row.latest).toEqual({
      timestamp: begun + 15_000,
      cpu_usage: 40,
      memory_usage: 25,
      disk_usage: 50,
      network_in_bytes: 1_000,
      network_out_bytes: 2_000,
      iops_read: 3,
      iops_write: 7,
    })
    expect(await instant(api, 'vm_cpu_usage', begun + 15_000)).toMatchObject([
      { metric: { vm: 'web-7' }, value: [(begun + 15_000) / 1_000, '40'] },
    ])
  })
})

describe('a machine', () => {
  it('is called by its label vm, though its scrape target names another VM', async () => {
    const { api } = await organisation()
    await createVm(api, 'localhost')
    const labels = [
      ['__name__', 'node_memory_MemTotal_bytes'],
      ['instance', 'localhost:9100'],
      ['vm', 'db-3'],
    ] as const
    expect((await writeSeries(api, [{ ...sample('', 2 ** 30), labels }])).status).toBe(204)
    const { vms } = await api.json<{ vms: Vm[] }>('/api/v1/vms')
    expect(vms.map(({ name }) => name)).toEqual(['db-3', 'localhost'])
  })
})

describe('tenants', () => {
  it("another organisation's key sees none of it", async () => {
    const [{ api: mine }, { api: theirs }] = await Promise.all([organisation(), organisation()])
    const secret: SentSeries = {
      ...sample('secret_total', 7),
      labels: [
        ['__name__', 'secret_total'],
        ['instance', 'vault:9100'],
      ],
      exemplars: [{ labels: [['trace_id', 'hidden']], value: 1, timestamp: now }],
    }
    const metadata = [{ type: 1, metric: 'secret_total', help: 'hidden', unit: '' }]
    expect((await writeSeries(mine, [secret], { metadata })).status).toBe(204)
    const span = { start: String((now - 60_000) / 1_000), end: String((now + 60_000) / 1_000) }
    const selected = { 'match[]': 'secret_total', ...span }
    const asked: readonly (readonly [string, Record<string, string>])[] = [
      ['/api/v1/query', { query: 'secret_total', time: String(now / 1_000) }],
      ['/api/v1/query_range', { query: 'secret_total', step: '15', ...span }],
      ['/api/v1/query_exemplars', { query: 'secret_total', ...span }],
      ['/api/v1/series', selected],
      ['/api/v1/labels', selected],
      ['/api/v1/label/instance/values', span],
      ['/api/v1/metadata', { metric: 'secret_total' }],
    ]
    for (const [path, parameters] of asked) {
      const seen = JSON.stringify(await dataOf(mine, path, parameters))
      expect([path, seen]).toEqual([path, expect.stringMatching(/secret_total|vault|instance/)])
      const unseen = JSON.stringify(await dataOf(theirs, path, parameters))
      expect([path, unseen]).toEqual([path, expect.not.stringMatching(/secret|vault|hidden|instance/)]) // biome-ignore format: one line
    }
    expect(await theirs.json('/api/v1/vms')).toMatchObject({ vms: [] })
  })
})
