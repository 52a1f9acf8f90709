import { afterEach, describe, expect, it, vi } from 'vitest'
import { settingsOf } from '../../src/env.ts'
import { authenticate, forgetKeys, keyOf } from '../../src/http/auth.ts'
import type { AppContext } from '../../src/http/context.ts'

const carrier = (key: string) =>
  `gjallar.v1, gjallar.key.${Buffer.from(key, 'utf8').toString('base64url')}`

describe('the key of a request', () => {
  it.each([
    ['Bearer gjl_abc', 'gjl_abc'],
    ['bearer  gjl_abc ', 'gjl_abc'],
    ['Token gjl_abc', 'gjl_abc'],
    ['token gjl_abc', 'gjl_abc'],
    ['Tokens gjl_abc', null],
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

describe('a key that comes again', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.restoreAllMocks()
  })

  it('is hashed once, until keys are forgotten', async () => {
    const answer = { command: 'SELECT', rowCount: 0, fields: [], rows: [] }
    vi.stubGlobal('fetch', async () => Response.json(answer))
    const digest = vi.spyOn(crypto.subtle, 'digest')
    const settings = settingsOf({
      DATABASE_URL: 'postgresql://user:password@localhost/gjallar',
      NEON_PROXY: 'localhost:1',
    } as Parameters<typeof settingsOf>[0])
    const ask = (key: string) => {
      const headers = new Headers({ authorization: `Bearer ${key}` })
      const variables = new Map(Object.entries({ settings }))
      const get = (name: string) => variables.get(name)
      const context = { req: { raw: { headers } }, get } as unknown as AppContext
      return expect(authenticate(context, async () => {})).rejects.toThrow()
    }
    await ask('gjl_0123456789abcdef')
    await ask('gjl_0123456789abcdef')
    expect(digest).toHaveBeenCalledTimes(1)
    await ask('gjl_another-key-0123')
    expect(digest).toHaveBeenCalledTimes(2)
    forgetKeys()
    await ask('gjl_0123456789abcdef')
    expect(digest).toHaveBeenCalledTimes(3)
  })
})
