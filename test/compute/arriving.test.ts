import { describe, expect, it } from 'vitest'
import { COMPUTE_BODY_BYTES_MAX } from '../../src/compute/request.ts'
import { random } from '../kernels/cases.ts'
import { kernels } from '../kernels/load.ts'
import { type Answer, send, sendText } from './client.ts'

const utf8 = new TextEncoder()

/** The text with its length, as a stream of bytes that gives `pieceBytes` at a time. */
const sendPieces = (path: string, text: string, pieceBytes: number): Promise<Answer> => {
  const bytes = utf8.encode(text)
  let at = 0
  const body = new ReadableStream({
    type: 'bytes',
    pull(controller) {
      controller.enqueue(bytes.slice(at, at + pieceBytes))
      at += pieceBytes
      if (at >= bytes.length) controller.close()
    },
  })
  const headers = { 'content-type': 'application/json', 'content-length': String(bytes.length) }
  return send(path, { body, duplex: 'half', headers } as RequestInit)
}

const uniform = random()
const values = Array.from({ length: 20_000 }, (_, i) => (i % 100 === 0 ? null : 1e6 + uniform()))

describe('a JSON body that is summed up while it arrives', () => {
  it.each([1_000_000, 100_000, 65_537, 4093])('in pieces of %i bytes: one answer', async (size) => {
    const binary = Float64Array.from(values, (x) => x ?? Number.NaN)
    const want = await send('summary', {
      body: binary,
      headers: { 'content-type': 'application/octet-stream' },
    })
    expect(want.body).toMatchObject({ count: 19_800, nanCount: 200 })
    for (const text of [
      JSON.stringify({ values }),
      ` { "values" :\n${JSON.stringify(values)} }\n`,
    ]) {
      expect(await sendPieces('summary', text, size)).toEqual(want)
    }
    expect(kernels.arena.liveBlocks).toBe(0)
  })

  it.each([
    { name: 'more members', text: '{"values":[1,2,3],"x":[4,{"values":[5]}]}', count: 3 },
    { name: 'the name twice', text: '{"values":[1,2,3],"values":[4]}', count: 1 },
    { name: 'the name second', text: '{"x":1,"values":[1,2]}', count: 2 },
    { name: 'a name that is escaped', text: '{"\\u0076alues":[1,2]}', count: 2 },
    { name: 'a byte order mark', text: '\ufeff{"values":[1,2]}', count: 2 },
    { name: 'no values', text: '{"values":[ ]}', count: 0 },
  ])('may have $name', async ({ text, count }) => {
    for (const size of [1, 7, 100]) {
      const { status, body } = await sendPieces('summary', text, size)
      expect({ status, count: body.count }).toEqual({ status: 200, count })
    }
  })

  it.each([
    { text: '{"values":[1,2,]}', status: 400, byteOffset: 15 },
    { text: '{"values":[1,2}', status: 400, byteOffset: 14 },
    { text: '{"values":[1,2]', status: 400, byteOffset: 15 },
    { text: '{"values":[1,2]}]', status: 400, byteOffset: 16 },
    { text: '{"values":[1,2],}', status: 400, byteOffset: 16 },
    { text: '{"values":[1,"2",3]}', status: 422, byteOffset: 13 },
    { text: '{"values":[1,1e999]}', status: 422, byteOffset: 13 },
    { text: '{"values":[1,01]}', status: 400, byteOffset: 14 },
    { text: '{"values"[1]}', status: 400, byteOffset: 9 },
    { text: '{"value":[1]}', status: 422, byteOffset: undefined },
  ])('is refused as a whole body is: $text', async ({ text, ...want }) => {
    for (const size of [1, 5, 100]) {
      const { status, body } = await sendPieces('summary', text, size)
      expect({ status, byteOffset: body.byteOffset }).toEqual(want)
    }
  })

  it('is bounded in bytes and in numbers', async () => {
    const many = `{"values":[${'1,'.repeat(2 ** 21)}1]}`
    expect((await sendPieces('summary', many, 500_000)).status).toBe(413)
    const long = ' '.repeat(COMPUTE_BODY_BYTES_MAX + 1)
    expect((await sendPieces('summary', long, 1_000_000)).status).toBe(413)
    expect((await sendText('summary', many)).status).toBe(413)
    expect(kernels.arena.liveBlocks).toBe(0)
  })

  it('is a 400 where the sender goes away', async () => {
    let pulls = 0
    const body = new ReadableStream({
      type: 'bytes',
      pull(controller) {
        if (pulls++ === 0) controller.enqueue(utf8.encode('{"values":[1,2,'))
        else controller.error(new Error('Network connection lost.'))
      },
    })
    const headers = { 'content-type': 'application/json', 'content-length': '100' }
    const { status } = await send('summary', { body, duplex: 'half', headers } as RequestInit)
    expect(status).toBe(400)
  })
})
