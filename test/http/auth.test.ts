import { describe, expect, it } from 'vitest'
import { keyOf } from '../../src/http/auth.ts'

const carrier = (key: string) =>
  `gjallar.v1, gjallar.key.${Buffer.from(key, 'utf8').toString('base64url')}`

describe('the key of a request', () => {
  it.each([
    ['Bearer gjl_abc', 'gjl_abc'],
    ['bearer  gjl_abc ', 'gjl_abc'],
    ['Basic gjl_abc', null],
    ['gjl_abc', null],
    ['Bearer ', null],
    ['Bearer a b', null],
  ])('Authorization "%s" gives %s', (authorization, expected) => {
    expect(keyOf(new Headers({ authorization }))).toBe(expected)
  })

  it('comes from the subprotocol on an upgrade', () => {
    const headers = { upgrade: 'websocket', 'sec-websocket-protocol': carrier('gjl_ключ') }
    expect(keyOf(new Headers(headers))).toBe('gjl_ключ')
  })

  it('does not come from the subprotocol without an upgrade, nor from broken base64', () => {
    expect(keyOf(new Headers({ 'sec-websocket-protocol': carrier('gjl_abc') }))).toBeNull()
    const broken = { upgrade: 'websocket', 'sec-websocket-protocol': 'gjallar.key.%%%' }
    expect(keyOf(new Headers(broken))).toBeNull()
  })
})
