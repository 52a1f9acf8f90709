import { describe, expect, it } from 'vitest'
import { COMPUTE_BODY_BYTES_MAX } from '../../src/compute/request.ts'
import { send, sendJson, sendNumbers, sendText } from './client.ts'

const pointers = (body: { errors?: { pointer: string }[] }) => body.errors?.map((e) => e.pointer)

describe('faults of a JSON body', () => {
  it.each([
    { path: 'summary', request: {}, at: ['#/values'] },
    { path: 'summary', request: [1, 2], at: ['#'] },
    { path: 'summary', request: { values: 'abc' }, at: ['#/values'] },
    { path: 'summary', request: { values: [1, '2', 3, true] }, at: ['#/values/1', '#/values/3'] },
    { path: 'percentiles', request: { values: [1] }, at: ['#/percentiles'] },
    { path: 'percentiles', request: { values: [1], percentiles: [] }, at: ['#/percentiles'] },
    {
      path: 'percentiles',
      request: { values: [1], percentiles: [50, 101, -1] },
      at: ['#/percentiles/1', '#/percentiles/2'],
    },
    {
      path: 'percentiles',
      request: { values: [1], percentiles: [50], method: 'guess' },
      at: ['#/method'],
    },
    { path: 'similarity', request: { query: [], candidates: [] }, at: ['#/query'] },
    { path: 'similarity', request: { query: [0, 0], candidates: [[1, 2]] }, at: ['#/query'] },
    { path: 'similarity', request: { query: [1, null], candidates: [] }, at: ['#/query/1'] },
    {
      path: 'similarity',
      request: { query: [1, 2], candidates: [[1, 2], [1]] },
      at: ['#/candidates/1'],
    },
    {
      path: 'similarity',
      request: {
        query: [1, 2],
        candidates: [
          [1, 2],
          [1, 'x'],
        ],
      },
      at: ['#/candidates/1/1'],
    },
    { path: 'similarity', request: { query: [1], candidates: [[1]], topK: 0 }, at: ['#/topK'] },
    { path: 'pipeline', request: { values: [1] }, at: ['#/operations'] },
    {
      path: 'pipeline',
      request: { values: [1], operations: [{ op: 'abs' }, { op: 'fly' }] },
      at: ['#/operations/1/op'],
    },
    {
      path: 'pipeline',
      request: { values: [1], operations: [{ op: 'ewma', weight: 2 }] },
      at: ['#/operations/0/weight'],
    },
    {
      path: 'pipeline',
      request: { values: [1], operations: [{ op: 'clamp', min: 2, max: 1 }] },
      at: ['#/operations/0/min'],
    },
    {
      path: 'pipeline',
      request: { columns: { a: [1] }, expression: 'a * 2' },
      at: ['#/expression'],
    },
  ])('$path $request names $at', async ({ path, request, at }) => {
    const { status, body } = await sendJson(path, request)
    expect(status).toBe(422)
    expect(body.type).toBe('/problems/validation-failed')
    expect(pointers(body)).toEqual(at)
  })

  it('refuses a number beyond the range of a double', async () => {
    const { status, body } = await sendText('summary', '{"values":[1,1e999]}')
    expect(status).toBe(422)
    expect(body.errors).toEqual([{ pointer: '#/values/1', detail: 'must be finite' }])
    expect(body.byteOffset).toBe(13)
  })

  it.each([
    { path: 'summary', text: '{"values":[1,"2",true]}', status: 422, byteOffset: 13 },
    { path: 'summary', text: '{"values":[1,2,]}', status: 400, byteOffset: 15 },
    { path: 'summary', text: '{"values":[1,2', status: 400, byteOffset: 14 },
    { path: 'summary', text: '{"values":[1],"x":tru}', status: 400, byteOffset: 18 },
    { path: 'summary', text: '{"values":[1]} {}', status: 400, byteOffset: 15 },
    { path: 'summary', text: '{"values":5}', status: 422, byteOffset: 10 },
    {
      path: 'similarity',
      text: '{"query":[1, null],"candidates":[]}',
      status: 422,
      byteOffset: 13,
    },
    {
      path: 'similarity',
      text: '{"query":[1],"candidates":[[1],[]]}',
      status: 422,
      byteOffset: 31,
    },
    { path: 'similarity', text: '{"query":[1],"candidates":[[1] 2]}', status: 400, byteOffset: 31 },
    { path: 'pipeline', text: '{"operations":[],"values":[+1]}', status: 400, byteOffset: 27 },
  ])('names the byte where the kernel stopped: $text', async ({ path, text, ...want }) => {
    const { status, body } = await sendText(path, text)
    expect({ status, byteOffset: body.byteOffset }).toEqual(want)
  })

  it.each([
    { name: 'in a string', before: '{"values":[1],"x":"', byte: 0xff, after: '"}' },
    { name: 'in a name', before: '{"', byte: 0xc3, after: '":1,"values":[1]}' },
    { name: 'cut off', before: '{"values":[1],"x":"', byte: 0xe2, after: '' },
    {
      name: 'half of a pair',
      before: '{"x":"',
      byte: [0xed, 0xa0, 0x80],
      after: '","values":[1]}',
    },
    { name: 'among the numbers', before: '{"values":[1,', byte: 0x80, after: ']}' },
  ])('refuses bytes that are no UTF-8, $name', async ({ before, byte, after }) => {
    const utf8 = new TextEncoder()
    const body = Uint8Array.of(...utf8.encode(before), ...[byte].flat(), ...utf8.encode(after))
    for (const path of ['summary', 'percentiles']) {
      const found = await send(path, { body, headers: { 'content-type': 'application/json' } })
      expect(found.status).toBe(400)
      expect(found.body.byteOffset).toBeGreaterThanOrEqual(0)
      expect(found.body.byteOffset).toBeLessThanOrEqual(body.length)
    }
  })

  it('takes half of a surrogate pair where JSON escapes it', async () => {
    const text = '{"\\ud800":"\\udc00\\ud800","values":[1]}'
    expect((await sendText('summary', text)).status).toBe(200)
  })

  it('has no byte for a fault that JSON alone does not show', async () => {
    const { status, body } = await sendText('percentiles', '{"values":[1]}')
    expect(status).toBe(422)
    expect(body.byteOffset).toBeUndefined()
  })

  it('lists at most 100 faults', async () => {
    const { body } = await sendJson('summary', { values: Array(5000).fill('x') })
    expect(body.errors).toHaveLength(100)
  })

  it.each(['', '{"values":[1,]}', '{"values":[NaN]}', 'values'])('refuses %o', async (text) => {
    expect((await sendText('summary', text)).status).toBe(400)
  })
})

describe('faults of a binary body', () => {
  it.each([
    { bytes: 13, dtype: 'f64', byteOffset: 8, pointer: '#/values/1' },
    { bytes: 7, dtype: 'f32', byteOffset: 4, pointer: '#/values/1' },
    { bytes: 3, dtype: 'f64', byteOffset: 0, pointer: '#/values/0' },
  ])(
    '$bytes bytes of $dtype end within a number',
    async ({ bytes, dtype, byteOffset, pointer }) => {
      const type = `application/octet-stream; dtype=${dtype}`
      const { status, body } = await sendNumbers('summary', new Uint8Array(bytes), type)
      expect(status).toBe(400)
      expect(body.byteOffset).toBe(byteOffset)
      expect(pointers(body)).toEqual([pointer])
    },
  )

  it.each([
    { path: 'percentiles', at: ['#/percentiles'] },
    { path: 'percentiles?percentiles=50,101,-1', at: ['#/percentiles/1', '#/percentiles/2'] },
    { path: 'percentiles?percentiles=50&method=guess', at: ['#/method'] },
    { path: 'similarity', at: ['#/dims'] },
    { path: 'similarity?dims=0', at: ['#/dims'] },
    { path: 'similarity?dims=5', at: ['#/query'] },
    { path: 'similarity?dims=3', at: ['#/candidates/0'] },
    { path: 'similarity?dims=1.5', at: ['#/dims'] },
    { path: 'similarity?dims=2&topK=0', at: ['#/topK'] },
    { path: 'pipeline', at: ['#/operations'] },
  ])('$path names $at', async ({ path, at }) => {
    const { status, body } = await sendNumbers(path, Float64Array.of(1, 2, 3, 4))
    expect(status).toBe(422)
    expect(pointers(body)).toEqual(at)
  })

  it.each([
    ...['0x10', '0b1', '1_0', '+5', '05', '5.', '.5', '1e', 'Infinity', '-Infinity', '1e999'],
    ...['NaN', 'x', '', '%20', '%205', '5%20', '5%0A', '%D9%A5', '5;6', '5n', 'null', '[5]'],
  ])('names a number of the query that is no decimal: %o', async (text) => {
    for (const method of ['exact', 'sketch']) {
      const path = `percentiles?method=${method}&percentiles=50,${text}`
      const { status, body } = await sendNumbers(path, Float64Array.of(1, 2, 3, 4))
      expect({ status, type: body.type }).toEqual({ status: 400, type: '/problems/bad-request' })
      expect(pointers(body)).toEqual(['#/percentiles/1'])
    }
    const dims = await sendNumbers(`similarity?dims=${text}`, Float64Array.of(1, 2, 3, 4))
    expect([dims.status, pointers(dims.body)]).toEqual([400, ['#/dims']])
    const topK = await sendNumbers(`similarity?dims=2&topK=${text}`, Float64Array.of(1, 2, 3, 4))
    expect([topK.status, pointers(topK.body)]).toEqual([400, ['#/topK']])
  })

  it.each(['0', '-0', '99.9', '1e1', '5E-1', '100.000', '0.1e+2'])(
    'takes the decimal %s',
    async (text) => {
      const path = `percentiles?percentiles=${encodeURIComponent(text)}`
      const { status, body } = await sendNumbers(path, Float64Array.of(1, 2, 3, 4))
      expect(status).toBe(200)
      expect(Object.keys(body.percentiles)).toEqual([String(Number(text))])
    },
  )

  it('does not look at the query of a JSON body', async () => {
    const request = { values: [1, 3], percentiles: [50] }
    const { status, body } = await sendJson('percentiles?percentiles=x&method=guess', request)
    expect(status).toBe(200)
    expect(body.percentiles).toEqual({ '50': 2 })
  })

  it('refuses operations that are no JSON', async () => {
    const { status } = await sendNumbers('pipeline?operations=abs', Float64Array.of(1))
    expect(status).toBe(400)
  })
})

describe('bounds', () => {
  it.each(['text/plain', 'application/octet-stream;dtype=i8', 'application/x-ndjson'])(
    'answers 415 to %s',
    async (type) => {
      const { status, body } = await sendNumbers('summary', new Uint8Array(8), type)
      expect(status).toBe(415)
      expect(body.type).toBe('/problems/media-type-unsupported')
    },
  )

  it('takes a body of 8 MiB and refuses one byte more', async () => {
    const most = new Float64Array(COMPUTE_BODY_BYTES_MAX / 8).fill(1)
    const { status, body } = await sendNumbers('percentiles?percentiles=50', most)
    expect(status).toBe(200)
    expect(body.percentiles).toEqual({ '50': 1 })
    const over = new Uint8Array(COMPUTE_BODY_BYTES_MAX + 1)
    expect((await sendNumbers('percentiles?percentiles=50', over)).status).toBe(413)
    expect((await sendText('summary', ' '.repeat(COMPUTE_BODY_BYTES_MAX + 1))).status).toBe(413)
  })

  it('stops reading a stream of unknown length at the bound', async () => {
    let chunks = 0
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        chunks++
        controller.enqueue(new Uint8Array(1024 * 1024))
        if (chunks > 100) controller.close()
      },
    })
    const init = {
      body: stream,
      duplex: 'half',
      headers: { 'content-type': 'application/octet-stream' },
    }
    expect((await send('pipeline?operations=[]', init)).status).toBe(413)
    expect(chunks).toBeLessThan(15)
  })

  it('refuses more numbers than the kernels take at a time', async () => {
    const { status, body } = await sendText('summary', `{"values":[${'1,'.repeat(2 ** 21)}1]}`)
    expect(status).toBe(413)
    expect(body.valuesMax).toBe(2 ** 21)
  })

  it('selects percentiles of as many f32 as fit the bound', async () => {
    const most = new Float32Array(COMPUTE_BODY_BYTES_MAX / 4).map((_, i) => i)
    const { status, body } = await sendNumbers('percentiles?percentiles=0,50,100', most)
    expect(status).toBe(200)
    expect(body.percentiles).toEqual({ '0': 0, '50': (2 ** 21 - 1) / 2, '100': 2 ** 21 - 1 })
  })
})
