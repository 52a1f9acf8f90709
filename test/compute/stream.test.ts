import { describe, expect, it } from 'vitest'
import { STREAM_BODY_BYTES_MAX } from '../../src/compute/stream.ts'
import { random } from '../kernels/cases.ts'
import { kernels } from '../kernels/load.ts'
import { type Answer, send, sendNumbers } from './client.ts'

const BINARY = { 'content-type': 'application/octet-stream' }

/** The bytes as a stream in pieces of the given lengths, the last of them again and again. */
const streamOf = (bytes: Uint8Array, lengths: readonly number[], type?: 'bytes') => {
  let at = 0
  let index = 0
  const source = {
    pull(controller: { enqueue(chunk: Uint8Array): void; close(): void }) {
      const length = lengths[Math.min(index++, lengths.length - 1)] ?? 1
      // A stream of bytes takes the buffer of what it is given.
      if (at < bytes.length) controller.enqueue(bytes.slice(at, at + length))
      at += length
      if (at >= bytes.length) controller.close()
    },
  }
  return new ReadableStream<Uint8Array>((type ? { ...source, type } : source) as UnderlyingSource)
}

const sendStream = (
  path: string,
  body: ReadableStream,
  headers: object = BINARY,
): Promise<Answer> => send(path, { body, duplex: 'half', headers } as RequestInit)

const bytesOf = (values: Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer>) =>
  new Uint8Array(values.buffer)

const uniform = random()
const values = Float64Array.from({ length: 100_003 }, (_, i) =>
  i % 1000 === 7 ? Number.NaN : 1e6 + uniform(),
)

describe('a binary body of unknown length', () => {
  it.each([
    { lengths: [1_000_000] },
    { lengths: [1, 2, 4, 8, 4093] },
    { lengths: [7] },
    { lengths: [262_143, 262_144, 262_145] },
    { lengths: [13, 65_536] },
  ])('gives the same summary in pieces of $lengths bytes', async ({ lengths }) => {
    const length = { 'content-length': String(values.byteLength) }
    const whole = await send('summary', {
      body: bytesOf(values),
      headers: { ...BINARY, ...length },
    })
    expect(whole.body).toMatchObject({ count: 99_903, nanCount: 100 })
    for (const type of [undefined, 'bytes'] as const) {
      const { status, body } = await sendStream('summary', streamOf(bytesOf(values), lengths, type))
      expect({ status, body }).toEqual(whole)
    }
  })

  it('may hold f32 and more than is read whole', async () => {
    const many = new Float32Array(5_000_000).fill(2)
    const stream = streamOf(bytesOf(many), [100_001])
    const type = { 'content-type': 'application/octet-stream;dtype=f32' }
    const { status, body } = await sendStream('summary', stream, type)
    expect(status).toBe(200)
    expect(body).toMatchObject({ count: 5_000_000, mean: 2, variance: 0, sum: 1e7 })
    expect(kernels.arena.liveBlocks).toBe(0)
  })

  it('gives percentiles as a sketch', async () => {
    const path = 'percentiles?percentiles=0,50,99&method=sketch'
    const whole = await send(path, {
      body: bytesOf(values),
      headers: { ...BINARY, 'content-length': String(values.byteLength) },
    })
    expect(await sendStream(path, streamOf(bytesOf(values), [9999]))).toEqual(whole)
    expect(whole.body.percentiles['50']).toBeGreaterThan(0.98e6)
  })

  it('is a 400 where the sender goes away', async () => {
    const body = new ReadableStream({
      pull: (controller) => controller.error(new Error('Network connection lost.')),
    })
    const answer = await sendStream('summary', body)
    expect(answer.status).toBe(400)
  })

  it('may be empty', async () => {
    const { body } = await sendStream('summary', streamOf(new Uint8Array(0), [1]))
    expect(body).toMatchObject({ count: 0, sum: 0, mean: null })
    const found = await sendStream(
      'percentiles?percentiles=5&method=sketch',
      streamOf(new Uint8Array(0), [1]),
    )
    expect(found.body.percentiles).toEqual({ '5': null })
  })

  it.each([
    { path: 'summary', extraBytes: 3, byteOffset: 800_024 },
    { path: 'percentiles?percentiles=1&method=sketch', extraBytes: 7, byteOffset: 800_024 },
  ])('is refused where a number is cut off: $path', async ({ path, extraBytes, byteOffset }) => {
    const bytes = new Uint8Array(values.byteLength + extraBytes)
    bytes.set(bytesOf(values))
    const { status, body } = await sendStream(path, streamOf(bytes, [5000]))
    expect(status).toBe(400)
    expect(body.byteOffset).toBe(byteOffset)
    expect(body.errors[0].pointer).toBe('#/values/100003')
  })

  it('is refused unread where it says that it is too long, or the query is faulty', async () => {
    let pulls = 0
    const endless = () =>
      new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            pulls++
            controller.enqueue(new Uint8Array(8))
          },
        },
        { highWaterMark: 0 },
      )
    const length = { 'content-length': String(STREAM_BODY_BYTES_MAX + 1) }
    const tooLong = await sendStream('summary', endless(), { ...BINARY, ...length })
    expect(tooLong.status).toBe(413)
    expect(tooLong.body.sizeBytesMax).toBe(STREAM_BODY_BYTES_MAX)
    const faulty = await sendStream('percentiles?percentiles=101&method=sketch', endless())
    expect(faulty.status).toBe(422)
    expect(faulty.body.errors[0].pointer).toBe('#/percentiles/0')
    expect(pulls).toBe(0)
  })

  it('is read whole, under that bound, where the answer needs all the values', async () => {
    const { status } = await sendNumbers(
      'percentiles?percentiles=50',
      new Float64Array(2 ** 20 + 1),
    )
    expect(status).toBe(413)
  })
})
