import { describe, expect, it } from 'vitest'
import { conditional, entityTag, matches } from '../../src/http/conditional.ts'
import '../kernels/load.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const request = (tag?: string) =>
  new Request('http://local/', { headers: tag === undefined ? {} : { 'if-none-match': tag } })

describe('conditional answers', () => {
  it('send the body with a tag first, and 304 without a body once the client names it', async () => {
    const first = conditional(request(), bytes('abc'), { 'content-type': 'text/plain' })
    expect(first.status).toBe(200)
    expect(await first.text()).toBe('abc')
    const again = conditional(request(first.headers.get('etag') ?? ''), bytes('abc'), {})
    expect(again.status).toBe(304)
    expect(await again.text()).toBe('')
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
    expect(conditional(request(first.headers.get('etag') ?? ''), bytes('abd'), {}).status).toBe(200)
  })

  it.each([
    ['W/"a"', true],
    ['"a"', true],
    ['"b", W/"a"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
    ['', false],
    [null, false],
  ])('compares If-None-Match %s weakly', (header, found) => {
    expect(matches(header, 'W/"a"')).toBe(found)
  })

  it('has the same tag for the same bytes, and another for others', () => {
    expect(entityTag(bytes('x'))).toBe(entityTag(bytes('x')))
    expect(entityTag(bytes('x'))).not.toBe(entityTag(bytes('y')))
  })
})
