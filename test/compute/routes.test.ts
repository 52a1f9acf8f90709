import { describe, expect, it } from 'vitest'
import { kernels } from '../kernels/load.ts'
import { appWith, sendJson, sendNumbers, sendText } from './client.ts'

const SAMPLE = [2, 4, 4, 4, 5, 5, 7, 9]
const SUMMARY = { count: 8, sum: 40, min: 2, max: 9, mean: 5, variance: 4, stddev: 2, nanCount: 0 }

describe('POST /api/v1/compute/summary', () => {
  it('answers JSON, f64 and f32 alike', async () => {
    const want = { status: 200, body: SUMMARY }
    expect(await sendJson('summary', { values: SAMPLE })).toEqual(want)
    expect(await sendNumbers('summary', Float64Array.from(SAMPLE))).toEqual(want)
    expect(await sendNumbers('summary', Float32Array.from(SAMPLE))).toEqual(want)
  })

  it('counts null and NaN and leaves them out', async () => {
    const { body } = await sendJson('summary', { values: [null, 2, null, 4] })
    expect(body).toMatchObject({ count: 2, nanCount: 2, mean: 3 })
    const binary = await sendNumbers('summary', Float64Array.of(Number.NaN, 2, Number.NaN, 4))
    expect(binary.body).toEqual(body)
  })

  it.each([{ values: [] }, { values: [null, null] }])(
    'answers nulls for $values',
    async (request) => {
      const { status, body } = await sendJson('summary', request)
      expect(status).toBe(200)
      expect(body).toEqual({
        count: 0,
        sum: 0,
        min: null,
        max: null,
        mean: null,
        variance: null,
        stddev: null,
        nanCount: request.values.length,
      })
    },
  )

  it('answers null where a result is not finite', async () => {
    const { body } = await sendNumbers('summary', Float64Array.of(1, Number.POSITIVE_INFINITY))
    expect(body).toMatchObject({ count: 2, min: 1, max: null, sum: null, mean: null })
  })
})

describe('POST /api/v1/compute/percentiles', () => {
  const values = Array.from({ length: 101 }, (_, i) => i)

  it('is exact by default, named as asked', async () => {
    expect(await sendJson('percentiles', { values, percentiles: [99.9, 50, 0, 100] })).toEqual({
      status: 200,
      body: {
        percentiles: { '0': 0, '50': 50, '99.9': 99.9, '100': 100 },
        method: 'exact',
        relativeErrorMax: 0,
      },
    })
  })

  it('takes percentiles and method of a binary body from the query', async () => {
    const path = 'percentiles?percentiles=50,95&method=sketch'
    const { status, body } = await sendNumbers(path, Float32Array.from(values))
    expect(status).toBe(200)
    expect(body.method).toBe('sketch')
    expect(body.relativeErrorMax).toBeCloseTo(0.0108, 4)
    expect(Math.abs(body.percentiles['95'] / 95 - 1)).toBeLessThanOrEqual(body.relativeErrorMax)
  })

  it.each(['exact', 'sketch'])('answers null without values: %s', async (method) => {
    const { status, body } = await sendJson('percentiles', {
      values: [null],
      percentiles: [50],
      method,
    })
    expect(status).toBe(200)
    expect(body.percentiles).toEqual({ '50': null })
  })
})

describe('POST /api/v1/compute/similarity', () => {
  const query = [1, 0, 1]
  const candidates = [
    [0, 1, 0],
    [0, 0, 0],
    [2, 0, 2],
    [-1, 0, -1],
  ]

  it('gives the best first and a candidate without direction last, as null', async () => {
    const { status, body } = await sendJson('similarity', { query, candidates })
    expect(status).toBe(200)
    expect(body.matches.map(({ index }: { index: number }) => index)).toEqual([2, 0, 3, 1])
    expect(body.matches[0].score).toBeCloseTo(1, 14)
    expect(body.matches[3]).toEqual({ index: 1, score: null })
  })

  it('answers at most topK, and none for no candidates', async () => {
    const { body } = await sendJson('similarity', { query, candidates, topK: 1 })
    expect(body.matches).toHaveLength(1)
    expect((await sendJson('similarity', { query, candidates: [] })).body).toEqual({ matches: [] })
  })

  it('reads query and candidates from a binary body', async () => {
    const numbers = Float32Array.from([query, ...candidates].flat())
    const { status, body } = await sendNumbers('similarity?dims=3&topK=2', numbers)
    expect(status).toBe(200)
    expect(body.matches.map(({ index }: { index: number }) => index)).toEqual([2, 0])
  })
})

describe('JSON bodies', () => {
  it('may have white space, a byte order mark, more members, and a name twice', async () => {
    const text =
      '\ufeff { "note" : {"values":"]"} , "values":[9e99], "\\u0076alues" : [ 2,4,4,4,\n5,5,7,9 ] } '
    expect(await sendText('summary', text)).toEqual({ status: 200, body: SUMMARY })
    expect((await sendText('summary', '{"values":"x","values":[1]}')).status).toBe(200)
    expect((await sendText('summary', '{"values":[1e999],"values":[1]}')).status).toBe(200)
    expect((await sendText('summary', '{"values":[1],"values":[1e999]}')).status).toBe(422)
  })

  it('are computed without losing a bit', async () => {
    const values = Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10 ** (i % 20))
    const fromJson = await sendJson('summary', { values })
    expect(fromJson).toEqual(await sendNumbers('summary', Float64Array.from(values)))
    const { body } = await sendJson('pipeline', { values, operations: [] })
    expect(body.values).toEqual(values)
  })

  it('may hold as many numbers as a request may', async () => {
    const text = `{"percentiles":[0,50,100],"values":[${'1,'.repeat(2 ** 21 - 1)}3]}`
    for (const method of ['exact', 'sketch']) {
      const { status, body } = await sendText(
        'percentiles',
        text.replace('{', `{"method":"${method}",`),
      )
      expect(status).toBe(200)
      expect(body.percentiles['0']).toBeCloseTo(1, 1)
      expect(body.percentiles['100']).toBeGreaterThan(2.9)
    }
    expect((await sendText('summary', text)).body.count).toBe(2 ** 21)
    expect(kernels.arena.liveBlocks).toBe(0)
  })

  it('may name the candidates before the query', async () => {
    const text = '{"topK":1,"candidates":[ [1,0], [0,2] ],"query":[0,1]}'
    const { body } = await sendText('similarity', text)
    expect(body.matches).toEqual([{ index: 1, score: 1 }])
  })
})

describe('POST /api/v1/compute/pipeline', () => {
  const operations = [
    { op: 'rollingMean', window: 2 },
    { op: 'scale', factor: 10 },
  ]

  it('runs the operations in order and says what ran', async () => {
    const want = { status: 200, body: { values: [10, 15, 30], tier: 'kernel' } }
    expect(await sendJson('pipeline', { values: [1, 2, 4], operations })).toEqual(want)
    const path = `pipeline?operations=${encodeURIComponent(JSON.stringify(operations))}`
    expect(await sendNumbers(path, Float64Array.of(1, 2, 4))).toEqual(want)
  })

  it('keeps a missing value missing and answers an empty series', async () => {
    const abs = [{ op: 'abs' }]
    const { body } = await sendJson('pipeline', { values: [-1, null], operations: abs })
    expect(body.values).toEqual([1, null])
    const empty = await sendJson('pipeline', { values: [], operations: [{ op: 'diff' }] })
    expect(empty.body.values).toEqual([])
  })
})

describe('the compute API', () => {
  it('needs the scope read', async () => {
    const init = {
      method: 'POST',
      body: '{"values":[]}',
      headers: { 'content-type': 'application/json' },
    }
    const path = '/api/v1/compute/summary'
    expect((await appWith(['write']).request(path, init)).status).toBe(403)
    expect((await appWith(['admin']).request(path, init)).status).toBe(200)
  })

  it('is described with both kinds of body', async () => {
    const response = await appWith([]).request('/openapi.json')
    const document = JSON.parse(await response.text())
    for (const name of ['summary', 'percentiles', 'similarity', 'pipeline']) {
      const { requestBody, responses } = document.paths[`/api/v1/compute/${name}`].post
      expect(Object.keys(requestBody.content)).toEqual([
        'application/json',
        'application/octet-stream',
      ])
      expect(Object.keys(responses)).toContain('413')
    }
    expect(document.components.schemas.SummaryRequest.properties.values).toMatchObject({
      type: 'array',
      items: { type: ['number', 'null'] },
    })
  })
})
