import { describe, expect, it } from 'vitest'
import { contentOf } from '../../../src/fleet/ingest/remote-write-content.ts'
import { refusalText, writeResponse } from '../../../src/fleet/ingest/write-answer.ts'
import type { SeriesRefusal } from '../../../src/fleet/series/series-write.ts'

const outcome = (refused: SeriesRefusal[]) => ({
  samplesWritten: 5,
  histogramsWritten: 2,
  exemplarsWritten: 1,
  duplicates: 4,
  refused,
})

const refusal = (index: number, more: Partial<SeriesRefusal> = {}): SeriesRefusal => ({
  index,
  reason: 'invalid-labels',
  detail: 'the series has no label __name__',
  samples: 2,
  histograms: 0,
  exemplars: 1,
  ...more,
})

describe('the answer to a remote write', () => {
  it('is 204 with what was written where nothing was refused', async () => {
    const response = writeResponse(outcome([]))
    expect(response.status).toBe(204)
    expect(await response.text()).toBe('')
    expect(response.headers.get('X-Prometheus-Remote-Write-Samples-Written')).toBe('5')
    expect(response.headers.get('X-Prometheus-Remote-Write-Histograms-Written')).toBe('2')
    expect(response.headers.get('X-Prometheus-Remote-Write-Exemplars-Written')).toBe('1')
  })

  it('is 400 with reasons, and with what was written all the same, where some was refused', async () => {
    const response = writeResponse(outcome([refusal(3), refusal(9, { reason: 'series-limit' })]))
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(response.headers.get('x-prometheus-remote-write-samples-written')).toBe('5')
    expect((await response.text()).split('\n')).toEqual([
      'refused: 4 samples, 0 histograms, 2 exemplars; invalid-labels (1), series-limit (1); first: series 3: the series has no label __name__',
      'series 3: invalid-labels: the series has no label __name__',
      'series 9: series-limit: the series has no label __name__',
      '',
    ])
  })

  it('is 429 with Retry-After where some may be sent again', () => {
    const response = writeResponse(outcome([refusal(1), refusal(2, { reason: 'rate-exceeded' })]))
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('lists some of many refusals', () => {
    const lines = refusalText(Array.from({ length: 5000 }, (_, i) => refusal(i))).split('\n')
    expect(lines[0]).toContain('invalid-labels (5000)')
    expect(lines).toHaveLength(23)
    expect(lines.at(-2)).toBe('and 4980 more')
  })
})

describe('the content of a remote write', () => {
  const content = (type: string | null, coding: string | null = 'snappy') => {
    const headers = new Headers()
    if (type !== null) headers.set('content-type', type)
    if (coding !== null) headers.set('content-encoding', coding)
    return contentOf(headers)
  }

  it.each([
    ['application/x-protobuf', 1],
    ['Application/X-Protobuf', 1],
    ['application/x-protobuf;proto=prometheus.WriteRequest', 1],
    ['application/x-protobuf; proto="prometheus.WriteRequest"', 1],
    ['application/x-protobuf;proto=io.prometheus.write.v2.Request', 2],
    ['application/x-protobuf ; charset=utf-8 ; Proto=io.prometheus.write.v2.Request ', 2],
  ])('%o is version %i', (type, version) => {
    expect(content(type)).toEqual({ ok: true, value: version })
    expect(content(type, ' Snappy ')).toEqual({ ok: true, value: version })
  })

  it.each([
    null,
    '',
    'application/json',
    'application/octet-stream',
    'application/x-protobufs',
    'application/x-protobuf;proto=',
    'application/x-protobuf;proto=io.prometheus.write.v3.Request',
    'application/x-protobuf;proto=constructor',
  ])('%o is not read', (type) => {
    expect(content(type)).toMatchObject({
      ok: false,
      error: { headers: { accept: expect.stringContaining('proto=') } },
    })
  })

  it.each([null, '', 'gzip', 'zstd', 'identity', 'snappy, gzip'])(
    'the encoding %o is not read',
    (coding) => {
      expect(content('application/x-protobuf', coding)).toMatchObject({
        ok: false,
        error: { headers: { 'accept-encoding': 'snappy' } },
      })
    },
  )
})
