import { Hono as Router } from 'hono'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { type Env, settingsOf } from '../../src/env.ts'
import {
  authenticateGateway,
  forgetPassThroughOrganisation,
  keyIdOf,
} from '../../src/gateway/credentials.ts'
import { authenticate, forgetKeys } from '../../src/http/auth.ts'
import type { AppEnv } from '../../src/http/context.ts'
import { onError } from '../../src/http/errors.ts'

const KEY = 'gjl_0123456789abcdef0123456789abcdef'
const database = vi.hoisted(() => ({ asked: 0, isAway: false }))

vi.mock('../../src/database/client.ts', () => ({ connect: () => ({}) }))
vi.mock('../../src/database/faults.ts', () => ({ isUnavailable: () => database.isAway }))
vi.mock('../../src/database/access-queries.ts', async () => {
  const { createHash } = await import('node:crypto')
  const known = createHash('sha256').update('gjl_0123456789abcdef0123456789abcdef').digest('hex')
  return {
    SCOPES: ['read', 'write', 'admin'],
    findKeyByHash: async (_: unknown, hash: Uint8Array) =>
      Buffer.from(hash).toString('hex') === known
        ? {
            keyId: 'key-1',
            organisationId: 'organisation-1',
            organisation: 'acme',
            scopes: ['write'],
            platformAdmin: false,
            expiresAt: null,
            limits: null,
          }
        : null,
    findOrganisation: async (_: unknown, slug: string) => {
      database.asked++
      if (database.isAway) throw new Error('away')
      return slug === 'guests' ? { id: 'organisation-2', slug, name: 'Guests' } : null
    },
  }
})

interface Told {
  readonly organisationId: string
  readonly keyId: string | null
  readonly provider: string | null
}

const ask = async (headers: Record<string, string>, texts: Record<string, string> = {}) => {
  const app = new Router<AppEnv>()
  app.use(async (c, next) => {
    c.set('requestId', 'request-1')
    c.set('settings', settingsOf(texts as unknown as Env))
    await next()
  })
  app.use(authenticateGateway)
  // As on every other route: it lets through what is known by now.
  app.use(authenticate)
  app.get('/', (c) =>
    c.json({
      organisationId: c.var.principal.organisationId,
      keyId: keyIdOf(c.var.principal),
      provider: c.var.passThrough?.providerId ?? null,
    } satisfies Told),
  )
  app.onError(onError)
  const response = await app.request('/', { headers })
  return { status: response.status, body: (await response.json()) as Told & { detail: string } }
}

const OPEN = { PASS_THROUGH: 'openai-key,gemini-key' }

describe('authentication at the gateway', () => {
  beforeEach(() => {
    forgetKeys()
    forgetPassThroughOrganisation()
    database.asked = 0
    database.isAway = false
    vi.spyOn(console, 'error').mockReturnValue()
  })

  it.each([{ authorization: `Bearer ${KEY}` }, { 'x-api-key': KEY }, { 'x-gjallar-key': KEY }])(
    'takes a key of ours in %j',
    async (headers) => {
      expect(await ask(headers as Record<string, string>)).toEqual({
        status: 200,
        body: { organisationId: 'organisation-1', keyId: 'key-1', provider: null },
      })
    },
  )

  it('takes a credential of a provider for the organisation of the key beside it', async () => {
    const headers = { 'x-gjallar-key': KEY, authorization: 'Bearer sk-caller-0123' }
    expect(await ask(headers, OPEN)).toMatchObject({
      status: 200,
      body: { organisationId: 'organisation-1', keyId: 'key-1', provider: 'openai' },
    })
    const unknown = { 'x-gjallar-key': `${KEY}0`, authorization: 'Bearer sk-caller-0123' }
    expect((await ask(unknown, OPEN)).status).toBe(401)
  })

  it('takes one without a key for the organisation of the settings, and looks for that rarely', async () => {
    const settings = { ...OPEN, PASS_THROUGH_ORGANISATION: 'guests' }
    for (let i = 0; i < 3; i++)
      expect(await ask({ 'x-goog-api-key': 'AIza-caller' }, settings)).toEqual({
        status: 200,
        body: { organisationId: 'organisation-2', keyId: null, provider: 'google' },
      })
    expect(database.asked).toBe(1)
    const nobody = { ...OPEN, PASS_THROUGH_ORGANISATION: 'nobody' }
    expect((await ask({ 'x-goog-api-key': 'AIza-caller' }, nobody)).status).toBe(401)
  })

  it.each([
    [{}, {}, /Authorization: Bearer KEY/],
    [{ authorization: 'Bearer sk-caller-0123' }, {}, /"openai-key" are not passed on here/],
    [{ authorization: 'Bearer sk-caller-0123' }, OPEN, /x-gjallar-key/],
    [{ authorization: 'Bearer sk-or-caller' }, OPEN, /not passed on/],
    [{ authorization: `Bearer ${KEY}`, 'x-api-key': `${KEY}x` }, {}, /one key/],
    [{ 'x-api-key': 'gjl_unknown-0123456789' }, {}, /not known/],
  ])('refuses %j with what to do, and does not repeat it', async (headers, settings, detail) => {
    const { status, body } = await ask(
      headers as Record<string, string>,
      settings as Record<string, string>,
    )
    expect(status).toBe(401)
    expect(body.detail).toMatch(detail)
    expect(JSON.stringify(body)).not.toMatch(/caller|gjl_/)
  })

  it('gives no verdict where the database is away and nothing was found before', async () => {
    database.isAway = true
    const settings = { ...OPEN, PASS_THROUGH_ORGANISATION: 'guests' }
    expect((await ask({ 'x-goog-api-key': 'AIza-caller' }, settings)).status).toBe(503)
  })
})
