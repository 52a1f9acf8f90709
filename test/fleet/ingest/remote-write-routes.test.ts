import { afterEach, describe, expect, it, vi } from 'vitest'
import type { SeriesOutcome, SeriesWrite } from '../../../src/fleet/series/series-write.ts'
import { ProblemError, problem } from '../../../src/http/problem.ts'
import { kernels } from '../../kernels/load.ts'
import {
  nativeHistogram,
  type SentSeries,
  snappy,
  writeRequest,
  writeRequest2,
} from '../../support/remote-write.ts'
import { protocolApp } from './protocol-app.ts'
import { samplesOf } from './series-read.ts'

const store = vi.hoisted(() => ({ distribute: vi.fn() }))
vi.mock('../../../src/fleet/ingest/distribute-series.ts', () => ({
  distributeSeries: (...given: unknown[]) => store.distribute(given[3]),
}))

const writes: SeriesWrite[] = []
store.distribute.mockImplementation((write: SeriesWrite): SeriesOutcome => {
  writes.push(write)
  return {
    samplesWritten: write.values.length,
    histogramsWritten: write.histograms.length,
    exemplarsWritten: write.exemplars.length,
    duplicates: 0,
    refused: write.refused,
  }
})

afterEach(() => {
  writes.length = 0
})

const PROTO_2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request'

const send = (
  body: Uint8Array,
  { type = 'application/x-protobuf', encoding = 'snappy', key = 'write-key' } = {},
) =>
  protocolApp().request(
    '/api/v1/write',
    {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': type,
        'content-encoding': encoding,
      },
      body: new Uint8Array(body),
    },
    {},
  )

const up = (labels: SentSeries['labels'] = []): SentSeries => ({
  labels: [['__name__', 'up'], ...labels],
  samples: [{ value: 1, timestamp: 1000 }],
})

const written = (response: Response) =>
  ['samples', 'histograms', 'exemplars'].map((kind) =>
    response.headers.get(`x-prometheus-remote-write-${kind}-written`),
  )

describe.each([
  {
    name: '1.0',
    type: 'application/x-protobuf',
    write: writeRequest,
    other:
      'the content type says prometheus.WriteRequest, but the body is io.prometheus.write.v2.Request: ',
  },
  {
    name: '2.0',
    type: PROTO_2,
    write: writeRequest2,
    other:
      'the content type says io.prometheus.write.v2.Request, but the body is prometheus.WriteRequest: ',
  },
])('POST /api/v1/write, version $name', ({ type, write, other }) => {
  const post = (series: readonly SentSeries[]) => send(snappy(write(series)), { type })

  it('answers 204 and counts what is stored when all is', async () => {
    const histograms = [nativeHistogram(5)]
    const exemplars = [{ labels: [['trace_id', 'a']] as const, value: 1, timestamp: 5 }]
    const response = await post([up(), { ...up([['a', 'b']]), histograms, exemplars }])
    expect(response.status).toBe(204)
    expect(await response.text()).toBe('')
    expect(written(response)).toEqual(['2', '1', '1'])
    expect(samplesOf(writes[0] as SeriesWrite)).toEqual({
      up: [[1000, 1]],
      'up{a="b"}': [[1000, 1]],
    })
  })

  it('stores what is good, and answers 400 with the reasons for the rest', async () => {
    const response = await post([
      up([
        ['b', '1'],
        ['a', '1'],
      ]),
      up(),
      up([
        ['c', '1'],
        ['c', '2'],
      ]),
    ])
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(written(response)).toEqual(['1', '0', '0'])
    const text = await response.text()
    expect(text).toMatch(/^refused: 2 samples, 0 histograms, 0 exemplars; invalid-labels \(2\)/)
    expect(text).toMatch(/\nseries 2: invalid-labels: labels\[2\] has the name of the label/)
    expect(writes[0]?.seriesCount).toBe(1)
  })

  it('answers 400 to the body of the other version, naming both, and stores nothing', async () => {
    const body = (write === writeRequest ? writeRequest2 : writeRequest)([up()])
    const response = await send(snappy(body), { type })
    expect(response.status).toBe(400)
    expect(written(response)).toEqual(['0', '0', '0'])
    const problem = (await response.json()) as { type: string; detail: string }
    expect(problem.type).toBe('/problems/bad-request')
    expect(problem.detail).toBe(`${other}a field of that message stands at byte 0`)
    expect(writes).toEqual([])
  })

  it('takes a request without anything', async () => {
    const response = await post([])
    expect(response.status).toBe(204)
    expect(written(response)).toEqual(['0', '0', '0'])
  })
})

describe('POST /api/v1/write', () => {
  const block = snappy(writeRequest([up()]))

  it.each([
    { type: 'application/json' },
    { type: 'text/plain' },
    { type: 'application/x-protobuf;proto=io.prometheus.write.v3.Request' },
    { encoding: 'gzip' },
    { encoding: 'zstd' },
    { encoding: 'identity' },
  ])('answers 415 to $type $encoding', async (content) => {
    const response = await send(block, content)
    expect(response.status).toBe(415)
    expect(await response.json()).toMatchObject({ type: '/problems/media-type-unsupported' })
    expect(writes).toEqual([])
  })

  it.each([
    { name: 'nothing', body: new Uint8Array(0) },
    { name: 'no block', body: new TextEncoder().encode('not snappy at all') },
    { name: '4 GB declared', body: Uint8Array.of(255, 255, 255, 255, 15, 0, 65) },
    { name: 'the framing format', body: Uint8Array.of(255, 6, 0, 0, 115, 78, 97, 80, 112, 89) },
    { name: 'a block cut off', body: block.subarray(0, -3) },
    { name: 'no protobuf', body: snappy(new TextEncoder().encode('{"samples":[]}')) },
    { name: 'a group', body: snappy(Uint8Array.of(0x0b, 0x0c)) },
  ])('answers 400 to $name', async ({ body }) => {
    const response = await send(body)
    expect(response.status).toBe(400)
    expect(written(response)).toEqual(['0', '0', '0'])
    expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/at byte \d+$/) })
    expect(kernels.arena.liveBlocks).toBe(0)
  })

  it('answers 413 to more than it reads, compressed or not', async () => {
    const many = Array.from({ length: 50_001 }, () => up())
    expect((await send(snappy(writeRequest(many)))).status).toBe(413)
    expect((await send(snappy(new Uint8Array(16 * 1024 * 1024)))).status).toBe(413)
    expect((await send(new Uint8Array(16 * 1024 * 1024))).status).toBe(413)
  })

  it('needs the scope write', async () => {
    expect((await send(block, { key: 'read-key' })).status).toBe(403)
    expect((await send(block, { key: 'nobody' })).status).toBe(401)
  })

  it('answers 503 with Retry-After while the kernels have no memory left', async () => {
    const { arena } = kernels
    const lease = arena.openLease()
    try {
      for (const size of [32, 16, 8, 4, 2, 1, 1]) lease.allocate(size * 1024 * 1024)
    } catch {
      // ArenaExhaustedError: nothing of this size is left.
    }
    const response = await send(snappy(writeRequest(Array.from({ length: 20_000 }, () => up()))))
    lease.close()
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect((await send(block)).status).toBe(204)
  })

  it('passes the shards’ pressure on', async () => {
    store.distribute.mockImplementationOnce(() => {
      throw new ProblemError(problem(503, 'journal-full', 'full', { retryAfterSeconds: 7 }))
    })
    const response = await send(block)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('7')
  })
})
