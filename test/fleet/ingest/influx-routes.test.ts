import { gzipSync } from 'node:zlib'
import { InfluxDB, Point } from '@influxdata/influxdb-client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { INFLUX_BODY_BYTES_MAX } from '../../../src/fleet/ingest/influx-routes.ts'
import type { SeriesOutcome, SeriesWrite } from '../../../src/fleet/series/series-write.ts'
import '../../kernels/load.ts'
import { protocolApp, serve } from './protocol-app.ts'
import { samplesOf } from './series-read.ts'

const store = vi.hoisted(() => ({ distribute: vi.fn() }))
vi.mock('../../../src/fleet/ingest/distribute-series.ts', () => ({
  distributeSeries: (...given: unknown[]) => store.distribute(given[3]),
}))

const writes: SeriesWrite[] = []

const storeAll = (write: SeriesWrite): SeriesOutcome => {
  writes.push(write)
  return {
    samplesWritten: write.values.length,
    histogramsWritten: 0,
    exemplarsWritten: 0,
    duplicates: 0,
    refused: write.refused,
  }
}
store.distribute.mockImplementation(storeAll)

afterEach(() => {
  writes.length = 0
})

const send = (
  body: BodyInit,
  { query = '', headers = {}, authorization = 'Token write-key' } = {},
) =>
  protocolApp().request(
    `/api/v2/write${query}`,
    { method: 'POST', headers: { authorization, ...headers }, body },
    {},
  )

describe('POST /api/v2/write', () => {
  it('answers 204 when every line is stored', async () => {
    const response = await send('cpu,host=a usage_idle=1 1772366400\n', {
      query: '?org=acme&bucket=fleet&precision=s',
    })
    expect(response.status).toBe(204)
    expect(samplesOf(writes[0] as SeriesWrite)).toEqual({
      'cpu_usage_idle{host="a"}': [[1_772_366_400_000, 1]],
    })
  })

  it('reads gzip, and a key in either form', async () => {
    const body = new Uint8Array(gzipSync('a value=1'))
    const headers = { 'content-encoding': 'gzip' }
    expect((await send(body, { headers })).status).toBe(204)
    expect((await send('a value=1', { authorization: 'Bearer write-key' })).status).toBe(204)
  })

  it('stores the good lines and says which were refused, from 1', async () => {
    const response = await send('a value=1\n\nbad\na value=x\n')
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({
      code: 'invalid',
      message: expect.stringContaining('line 3'),
      line: 3,
      errors: [
        { line: 3, reason: 'invalid-line', message: expect.any(String) },
        { line: 4, reason: 'invalid-line', message: expect.any(String) },
      ],
    })
    expect(writes[0]?.values).toHaveLength(1)
  })

  it('refuses only the lines whose bytes are no text', async () => {
    const response = await send(Buffer.from('a value=1\nb,t=\xff value=1\n', 'latin1'))
    expect(await response.json()).toMatchObject({ line: 2, errors: [{ reason: 'invalid-utf8' }] })
    expect(Object.keys(samplesOf(writes[0] as SeriesWrite))).toEqual(['a'])
  })

  it.each([
    ['a precision that is none', 400, 'invalid', { query: '?precision=m' }],
    ['no key', 401, 'unauthorized', { authorization: 'Token nobody' }],
    ['a key that may not write', 403, 'forbidden', { authorization: 'Token read-key' }],
    ['another content coding', 415, 'invalid', { headers: { 'content-encoding': 'br' } }],
    ['a body that is too large', 413, 'request too large', { headers: { 'content-length': String(INFLUX_BODY_BYTES_MAX + 1) } }], // biome-ignore format: one row
  ])('answers %s by %s, as InfluxDB does', async (_, status, code, options) => {
    const response = await send('a value=1', options)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(await response.json()).toEqual({ code, message: expect.stringMatching(/./) })
    expect(writes).toEqual([])
  })

  it('says when to come again', async () => {
    const refused = { index: 0, reason: 'rate-exceeded', detail: '', samples: 1, histograms: 0, exemplars: 0 } // biome-ignore format: one line
    store.distribute.mockImplementationOnce((write) => ({ ...storeAll(write), refused: [refused] }))
    const response = await send('a value=1')
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '2'])
    expect(await response.json()).toMatchObject({ code: 'too many requests' })
  })
})

describe("InfluxDB's own client", () => {
  it.each([0, 1])('sends what is stored (gzip beyond %s bytes)', async (gzipThreshold) => {
    const { url, server } = await serve(protocolApp())
    try {
      const api = new InfluxDB({ url, token: 'write-key' }).getWriteApi('acme', 'fleet', 'ms', {
        gzipThreshold: gzipThreshold === 0 ? 1_000_000 : 1,
        maxRetries: 0,
      })
      api.useDefaultTags({ host: 'web 1' })
      api.writePoint(
        new Point('disk io')
          .tag('path', '/a,b=c')
          .floatField('used', 12.5)
          .intField('reads', 7)
          .uintField('writes', 9)
          .booleanField('ok', true)
          .stringField('note', 'a "quoted"\nnote')
          .timestamp(1_772_366_400_123),
      )
      await api.close()
      const labels = '{host="web 1",path="/a,b=c"}'
      const at = 1_772_366_400_123
      expect(samplesOf(writes[0] as SeriesWrite)).toEqual({
        [`disk_io_used${labels}`]: [[at, 12.5]],
        [`disk_io_reads${labels}`]: [[at, 7]],
        [`disk_io_writes${labels}`]: [[at, 9]],
        [`disk_io_ok${labels}`]: [[at, 1]],
      })
    } finally {
      server.close()
    }
  })

  it('is told why a line was refused', async () => {
    const { url, server } = await serve(protocolApp())
    try {
      const failed = vi.fn()
      const api = new InfluxDB({ url, token: 'write-key' }).getWriteApi('acme', 'fleet', 'ms', {
        maxRetries: 0,
        writeFailed: failed,
      })
      api.writeRecord('a value=x')
      await api.close().catch(() => {})
      expect(failed.mock.calls[0]?.[0]).toMatchObject({
        statusCode: 400,
        message: expect.stringContaining('line 1'),
      })
    } finally {
      server.close()
    }
  })
})
