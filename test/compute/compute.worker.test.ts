import { OpenAPIHono } from '@hono/zod-openapi'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { COMPUTE_BODY_BYTES_MAX } from '../../src/compute/request.ts'
import { compute } from '../../src/compute/routes.ts'
import { drainRefused } from '../../src/http/body.ts'
import type { AppEnv } from '../../src/http/context.ts'
import { onError } from '../../src/http/errors.ts'
import { getKernels } from '../../src/kernels/worker-module.ts'

const app = new OpenAPIHono<AppEnv>()
app.use(drainRefused)
app.use(async (c, next) => {
  c.set('requestId', 'request-1')
  c.set('principal', {
    keyId: 'key-1',
    organisationId: '00000000-0000-0000-0000-000000000001',
    organisation: 'acme',
    scopes: new Set(['read'] as const),
    platformAdmin: false,
    expiresAt: null,
    limits: null,
  })
  await next()
})
app.route('/', compute)
app.onError(onError)

const JSON_TYPE = 'application/json'
const BINARY_TYPE = 'application/octet-stream'
const utf8 = new TextEncoder()

interface Sent {
  readonly path: string
  readonly type: string
  readonly body: Uint8Array | ReadableStream
  readonly headers?: Record<string, string>
}

const send = async ({ path, type, body, headers = {} }: Sent) => {
  const response = await app.fetch(
    new Request(`https://gjallar.test/api/v1/compute/${path}`, {
      method: 'POST',
      body,
      headers: { 'content-type': type, ...headers },
    }),
  )
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into answers of every shape.
  const answer: any = await response.json()
  return { status: response.status, headers: response.headers, body: answer }
}

/** A body of known length whose packets arrive one after the other. */
const arriving = (bytes: Uint8Array, pieceBytes: number) => {
  const { readable, writable } = new FixedLengthStream(bytes.length)
  const write = async () => {
    const writer = writable.getWriter()
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      await writer.write(bytes.subarray(at, at + pieceBytes))
    }
    await writer.close()
  }
  // A body that is refused is not read to its end.
  write().catch(() => {})
  return readable
}

const numbers = Float64Array.from({ length: 50_000 }, (_, i) => Math.sin(i) * 100)
const json = utf8.encode(JSON.stringify({ values: [...numbers] }))
const binary = new Uint8Array(numbers.buffer)

afterEach(() => {
  vi.restoreAllMocks()
  expect(getKernels().arena.liveBlocks).toBe(0)
})

describe('the compute API inside workerd', () => {
  it.each([1_000_000, 65_536, 9973])(
    'sums up what arrives in packets of %i bytes',
    async (size) => {
      const want = await send({ path: 'summary', type: BINARY_TYPE, body: binary })
      expect(want.status).toBe(200)
      expect(want.body.count).toBe(50_000)
      for (const [type, bytes] of [
        [JSON_TYPE, json],
        [BINARY_TYPE, binary],
      ] as const) {
        const headers = { 'content-length': String(bytes.length) }
        const found = await send({ path: 'summary', type, body: arriving(bytes, size), headers })
        expect({ status: found.status, body: found.body }).toEqual({ status: 200, body: want.body })
      }
    },
  )

  it('answers 413 to a body beyond the bound, said or not, and to too many numbers', async () => {
    const over = new Uint8Array(COMPUTE_BODY_BYTES_MAX + 8).fill(0x20)
    const many = utf8.encode(`{"values":[${'1,'.repeat(2 ** 21)}1]}`)
    for (const sent of [
      { path: 'summary', type: JSON_TYPE, body: over },
      { path: 'percentiles?percentiles=50', type: BINARY_TYPE, body: over },
      { path: 'similarity?dims=2', type: BINARY_TYPE, body: arriving(over, 100_000) },
      { path: 'summary', type: JSON_TYPE, body: many },
      { path: 'pipeline', type: JSON_TYPE, body: many },
    ]) {
      const { status, body } = await send(sent)
      expect({ status, type: body.type }).toEqual({ status: 413, type: '/problems/body-too-large' })
    }
  })

  it('answers 503 with Retry-After while the memory of the kernels is taken, then 200', async () => {
    // Each refusal is logged as a fault of the service.
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const { arena } = getKernels()
    const sent = [
      { path: 'summary', type: JSON_TYPE, body: json },
      { path: 'percentiles?percentiles=50,99', type: BINARY_TYPE, body: binary },
      { path: 'similarity?dims=10', type: BINARY_TYPE, body: binary },
      { path: 'pipeline?operations=[{"op":"abs"}]', type: BINARY_TYPE, body: binary },
    ]
    const lease = arena.openLease()
    try {
      for (let sizeBytes = arena.bytesMax; sizeBytes >= 256; ) {
        try {
          lease.allocate(sizeBytes)
        } catch {
          // ArenaExhaustedError: the next smaller class may still fit.
          sizeBytes /= 2
        }
      }
      for (const one of sent) {
        const { status, headers, body } = await send(one)
        expect({ path: one.path, status, type: body.type }).toEqual({
          path: one.path,
          status: 503,
          type: '/problems/dependency-unavailable',
        })
        expect(headers.get('retry-after')).toBe('1')
      }
    } finally {
      lease.close()
    }
    for (const one of sent) expect((await send(one)).status).toBe(200)
  })

  it.each([
    { path: 'summary', bytes: 21, status: 400, pointer: '#/values/2', byteOffset: 16 },
    {
      path: 'percentiles?percentiles=1',
      bytes: 9,
      status: 400,
      pointer: '#/values/1',
      byteOffset: 8,
    },
    {
      path: 'percentiles?percentiles=1&method=sketch',
      bytes: 7,
      status: 400,
      pointer: '#/values/0',
      byteOffset: 0,
    },
    {
      path: 'pipeline?operations=[]',
      bytes: 15,
      status: 400,
      pointer: '#/values/1',
      byteOffset: 8,
    },
    { path: 'similarity?dims=1', bytes: 12, status: 400, pointer: '#/values/1', byteOffset: 8 },
    { path: 'similarity?dims=2', bytes: 40, status: 422, pointer: '#/candidates/1' },
  ])('names the place where $path of $bytes bytes is faulty', async ({ path, bytes, ...want }) => {
    const body = new Uint8Array(bytes)
    const view = new DataView(body.buffer)
    for (let at = 0; at + 8 <= bytes; at += 8) view.setFloat64(at, 1, true)
    const found = await send({ path, type: BINARY_TYPE, body })
    expect({
      status: found.status,
      pointer: found.body.errors?.[0]?.pointer,
      byteOffset: found.body.byteOffset,
    }).toEqual({ byteOffset: undefined, ...want })
  })
})
