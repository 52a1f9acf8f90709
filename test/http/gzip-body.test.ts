import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { gunzip, readGzipBody } from '../../src/http/gzip-body.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const gzip = (body: string | Uint8Array) => new Uint8Array(gzipSync(body))

/** The status of the problem that reading ends with. */
const statusOf = (read: Promise<Uint8Array>) =>
  read.then(
    () => 'read',
    (error) => error.problem?.status ?? error,
  )

describe('a body in gzip', () => {
  it.each([0, 1, 1_000, 300_000])('is inflated: %s bytes', async (length) => {
    const body = Buffer.from(Array.from({ length }, (_, i) => (i * i * 31) & 0xff))
    expect(Buffer.compare(await gunzip(gzip(body), 300_000), body)).toBe(0)
  })

  it('is read up to the bound and not beyond', async () => {
    const body = gzip(new Uint8Array(1_000_000))
    expect((await gunzip(body, 1_000_000)).length).toBe(1_000_000)
    expect(await statusOf(gunzip(body, 999_999))).toBe(413)
  })

  it('is malformed where its last bytes tell another size, and where something follows', async () => {
    const lying = gzip('hello')
    new DataView(lying.buffer).setUint32(lying.length - 4, 0xffff_ffff, true)
    expect(await statusOf(gunzip(lying, 1_000_000))).toBe(400)
    const members = Buffer.concat([gzip('a'.repeat(50_000)), gzip('b')])
    expect(await statusOf(gunzip(new Uint8Array(members), 1_000_000))).toBe(400)
  })

  it.each([
    ['is cut', gzip('hello').subarray(0, -3)],
    ['is something else', Uint8Array.of(1, 2, 3, 4, 5)],
    ['is empty', new Uint8Array(0)],
  ])('is malformed where it %s', async (_, body) => {
    expect(await statusOf(gunzip(body, 100))).toBe(400)
  })
})

describe('the coding of a body', () => {
  const request = (body: BodyInit, coding?: string) =>
    new Request('http://localhost/', {
      method: 'POST',
      body,
      headers: coding === undefined ? {} : { 'content-encoding': coding },
    })

  it.each(['gzip', 'GZIP', 'x-gzip'])('%s is read', async (coding) => {
    expect(text(await readGzipBody(request(gzip('hello'), coding), 100))).toBe('hello')
  })

  it.each([undefined, 'identity', ''])('%s leaves the body as it is', async (coding) => {
    expect(text(await readGzipBody(request('hello', coding), 100))).toBe('hello')
  })

  it.each(['br', 'zstd', 'gzip, gzip'])('%s is not read', async (coding) => {
    expect(await statusOf(readGzipBody(request('hello', coding), 100))).toBe(415)
  })

  it('does not lift the bound on what is sent', async () => {
    expect(await statusOf(readGzipBody(request('hello'), 4))).toBe(413)
    expect(await statusOf(readGzipBody(request(gzip('hello'), 'gzip'), 4))).toBe(413)
  })
})
