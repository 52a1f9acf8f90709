import { describe, expect, it } from 'vitest'
import { decodeText, parseJson, readBody, requireMediaType } from '../../src/http/body.ts'
import { ProblemError } from '../../src/http/problem.ts'

const statusOf = async (run: () => unknown): Promise<number> => {
  try {
    await run()
    return 200
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.status
    throw error
  }
}

const streamed = (chunks: number, sizeBytes: number) =>
  new Request('http://localhost/', {
    method: 'POST',
    duplex: 'half',
    body: new ReadableStream({
      start(controller) {
        for (let n = 0; n < chunks; n++) controller.enqueue(new Uint8Array(sizeBytes).fill(n))
        controller.close()
      },
    }),
  } as RequestInit)

describe('request bodies', () => {
  it('are read up to the bound whether or not a length was declared', async () => {
    expect(await readBody(streamed(3, 2), 6)).toEqual(new Uint8Array([0, 0, 1, 1, 2, 2]))
    expect(await statusOf(() => readBody(streamed(4, 2), 7))).toBe(413)
    const declared = new Request('http://localhost/', { method: 'POST', body: 'abc' })
    expect(await readBody(declared, 3)).toEqual(new TextEncoder().encode('abc'))
  })

  it('are refused by their declared length before a byte is read', async () => {
    const request = new Request('http://localhost/', {
      method: 'POST',
      body: 'abc',
      headers: { 'content-length': '9' },
    })
    expect(await statusOf(() => readBody(request, 8))).toBe(413)
  })

  it('that end before they are complete are a 400, with and without a declared length', async () => {
    const cut = (headers: Record<string, string>) => {
      const body = new ReadableStream({
        pull: (controller) => controller.error(new Error('Network connection lost.')),
      })
      const init = { method: 'POST', duplex: 'half', body, headers }
      return new Request('http://localhost/', init as RequestInit)
    }
    expect(await statusOf(() => readBody(cut({}), 8))).toBe(400)
    expect(await statusOf(() => readBody(cut({ 'content-length': '8' }), 8))).toBe(400)
  })

  it('must be UTF-8 and JSON, and the fault is a 400', async () => {
    expect(await statusOf(() => decodeText(new Uint8Array([0xff])))).toBe(400)
    expect(await statusOf(() => parseJson('{'))).toBe(400)
    expect(parseJson('{"a":1}')).toEqual({ a: 1 })
  })

  it.each([
    ['identity', 200],
    ['gzip', 415],
    ['deflate, br', 415],
  ])('content encoding "%s" gives %s', async (encoding, expected) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
    const request = new Request('http://localhost/', { headers })
    expect(await statusOf(() => requireMediaType(request, ['application/json']))).toBe(expected)
  })

  it.each([
    ['application/json', 200],
    ['Application/JSON; charset=utf-8', 200],
    ['text/plain', 415],
    ['', 415],
  ])('content type "%s" gives %s', async (type, expected) => {
    const request = new Request('http://localhost/', { headers: { 'content-type': type } })
    expect(await statusOf(() => requireMediaType(request, ['application/json']))).toBe(expected)
  })
})
