import { describe, expect, it } from 'vitest'
import { failureOf, QueryApi, QueryFailure } from '../../dashboard/src/explore/query-api.ts'
import {
  nextTableSort,
  sortedRows,
  tableDataOf,
  VALUE_COLUMN,
} from '../../dashboard/src/explore/table-rows.ts'

const vector = (...rows: [name: string, value: string][]) =>
  tableDataOf({
    resultType: 'vector',
    result: rows.map(([instance, value]) => ({
      metric: { instance, __name__: 'up', job: 'shop' },
      value: [12, value],
    })),
  })

describe('rows of a table', () => {
  it('have the metric first and then the labels by name', () => {
    expect(vector(['a', '1']).columns).toEqual(['__name__', 'instance', 'job'])
  })

  it('keep a value as it was written', () => {
    expect(vector(['a', '0.1000000000000000055']).rows[0]?.text).toBe('0.1000000000000000055')
  })

  it('say of a scalar, a text and a histogram what there is', () => {
    const scalar = tableDataOf({ resultType: 'scalar', result: [7, '42'] })
    expect(scalar.rows).toMatchObject([{ labels: {}, text: '42', value: 42, seconds: 7 }])
    expect(tableDataOf({ resultType: 'string', result: [7, 'x'] }).rows[0]?.text).toBe('x')
    const histogram = tableDataOf({
      resultType: 'vector',
      result: [{ metric: {}, histogram: [7, { count: '4', sum: '8' }] }],
    })
    expect(histogram.rows[0]).toMatchObject({ text: '4 values, sum 8', value: 4 })
  })

  it('count the raw samples of a range selector beside the newest', () => {
    const data = tableDataOf({
      resultType: 'matrix',
      result: [
        {
          metric: { a: 'b' },
          values: [
            [1, '5'],
            [2, '6'],
          ],
        },
      ],
    })
    expect(data.hasSamples).toBe(true)
    expect(data.rows[0]).toMatchObject({ samples: 2, text: '6', seconds: 2 })
  })
})

describe('the order of rows', () => {
  const { rows } = vector(['web-10', '9'], ['web-2', 'NaN'], ['web-1', '+Inf'], ['web-3', '-1e3'])
  const by = (column: string, isDescending: boolean) =>
    sortedRows(rows, { column, isDescending }).map(({ labels }) => labels.instance)

  it('is that of the answer until somebody sorts', () => {
    expect(sortedRows(rows, null)).toBe(rows)
  })

  it('by value has NaN last either way', () => {
    expect(by(VALUE_COLUMN, true)).toEqual(['web-1', 'web-10', 'web-3', 'web-2'])
    expect(by(VALUE_COLUMN, false)).toEqual(['web-3', 'web-10', 'web-1', 'web-2'])
  })

  it('by label is as people count', () => {
    expect(by('instance', false)).toEqual(['web-1', 'web-2', 'web-3', 'web-10'])
  })

  it('goes three ways by one column', () => {
    const first = nextTableSort(null, VALUE_COLUMN)
    const second = nextTableSort(first, VALUE_COLUMN)
    expect([first, second, nextTableSort(second, VALUE_COLUMN)]).toEqual([
      { column: VALUE_COLUMN, isDescending: true },
      { column: VALUE_COLUMN, isDescending: false },
      null,
    ])
    expect(nextTableSort(first, 'job')).toEqual({ column: 'job', isDescending: false })
  })
})

describe('answers of the query API', () => {
  const grid = { startMs: 1_000, endMs: 61_000, stepMs: 15_000 }
  const answering = (status: number, body: string) => {
    const sent: { path: string; init: RequestInit }[] = []
    const api = new QueryApi('gjl_key', async (path, init) => {
      sent.push({ path, init })
      return new Response(body, { status })
    })
    return { api, sent }
  }
  const never = new AbortController().signal

  it('are asked for in seconds, with the key', async () => {
    const body =
      '{"status":"success","data":{"resultType":"matrix","result":[]},"warnings":["results truncated due to limit"]}'
    const { api, sent } = answering(200, body)
    expect((await api.range('up', grid, never)).isTruncated).toBe(true)
    const [{ path, init }] = sent as [{ path: string; init: RequestInit }]
    expect(path).toBe('/api/v1/query_range')
    expect(String(init.body)).toMatch(/^query=up&start=1&end=61&step=15&limit=\d+$/)
    expect(init.headers).toMatchObject({ authorization: 'Bearer gjl_key' })
  })

  it('carry the place of a fault', async () => {
    const body =
      '{"status":"error","errorType":"bad_data","error":"1:3: parse error","position":{"start":2,"end":4}}'
    const failure = await answering(400, body)
      .api.instant('up)', 0, never)
      .catch((error) => error)
    expect(failure).toBeInstanceOf(QueryFailure)
    expect(failure).toMatchObject({
      status: 400,
      message: '1:3: parse error',
      position: { start: 2, end: 4 },
    })
  })

  it.each(['', '<html>', '[]', 'null', '{"status":"success'])(
    'are a failure where a proxy says %j',
    async (body) => {
      const failure = await answering(502, body)
        .api.instant('up', 0, never)
        .catch((error) => error)
      expect(failure).toMatchObject({ status: 502, position: null })
    },
  )

  it('have no place where none is told, or a strange one', () => {
    expect(failureOf(422, { error: 'no' }).position).toBeNull()
    expect(failureOf(422, { error: 'no', position: { start: '1' } }).position).toBeNull()
  })

  it('are no failure when they were cancelled', async () => {
    const controller = new AbortController()
    const api = new QueryApi('k', async () => {
      controller.abort()
      throw new TypeError('Failed to fetch')
    })
    const reason = await api.instant('up', 0, controller.signal).catch((error) => error)
    expect(reason).not.toBeInstanceOf(QueryFailure)
    expect(reason.name).toBe('AbortError')
  })
})
