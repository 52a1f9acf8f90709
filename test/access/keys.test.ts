import { describe, expect, it } from 'vitest'
import {
  type AccessError,
  accessProblem,
  checkGrant,
  checkRevocation,
  checkRotation,
  formatKey,
} from '../../src/access/keys.ts'
import type { Scope } from '../../src/http/context.ts'

const NOW_MS = 1_790_000_000_000
const HOUR_MS = 3_600_000

const grantor = (scopes: Scope[], more: { platformAdmin?: boolean; expiresAt?: number } = {}) => ({
  scopes: new Set(scopes),
  platformAdmin: more.platformAdmin ?? false,
  expiresAt: more.expiresAt ?? null,
})

const reasonOf = (result: { ok: boolean; error?: AccessError }) => result.error?.reason ?? null

describe('keys', () => {
  it('are gjl_ and 43 characters that need no escaping anywhere', () => {
    for (const fill of [0, 0xff, 0xfb, 0x3e]) {
      const { key, prefix } = formatKey(new Uint8Array(32).fill(fill))
      expect(key).toMatch(/^gjl_[A-Za-z0-9_-]{43}$/)
      expect(prefix).toBe(key.slice(0, 12))
    }
  })

  it('carry all of their random bytes', () => {
    const random = Uint8Array.from({ length: 32 }, (_, i) => i * 7)
    const { key } = formatKey(random)
    expect(new Uint8Array(Buffer.from(key.slice(4), 'base64url'))).toEqual(random)
  })

  it('are not made of too little randomness', () => {
    expect(() => formatKey(new Uint8Array(16))).toThrow(RangeError)
  })
})

describe('granting', () => {
  it.each<{ held: Scope[]; wanted: Scope[]; reason: string | null }>([
    { held: ['admin'], wanted: ['read', 'write', 'admin'], reason: null },
    { held: ['read', 'admin'], wanted: ['write'], reason: null },
    { held: ['read', 'write'], wanted: ['read'], reason: null },
    { held: ['read', 'write'], wanted: ['read', 'admin'], reason: 'scope-not-held' },
    { held: ['write'], wanted: ['read'], reason: 'scope-not-held' },
  ])('$wanted by a holder of $held: $reason', ({ held, wanted, reason }) => {
    const result = checkGrant(grantor(held), { scopes: wanted, expiresAtMs: null }, NOW_MS)
    expect(reasonOf(result)).toBe(reason)
  })

  it.each([
    { own: null, wanted: null, reason: null },
    { own: null, wanted: HOUR_MS, reason: null },
    { own: null, wanted: 0, reason: 'expiry-past' },
    { own: null, wanted: -1, reason: 'expiry-past' },
    { own: HOUR_MS, wanted: HOUR_MS, reason: null },
    { own: HOUR_MS, wanted: HOUR_MS + 1, reason: 'expiry-beyond-own' },
    { own: HOUR_MS, wanted: null, reason: 'expiry-beyond-own' },
  ])('a life of $wanted ms by a key with $own ms left: $reason', ({ own, wanted, reason }) => {
    const actor = grantor(['admin'], own === null ? {} : { expiresAt: NOW_MS + own })
    const expiresAtMs = wanted === null ? null : NOW_MS + wanted
    expect(reasonOf(checkGrant(actor, { scopes: ['read'], expiresAtMs }, NOW_MS))).toBe(reason)
  })
})

describe('custody of keys', () => {
  const eternal = { platformAdmin: false, expiresAt: null }
  const platform = { platformAdmin: true, expiresAt: null }

  it('finds no key where the organisation has none', () => {
    expect(reasonOf(checkRevocation(grantor(['admin']), null))).toBe('key-unknown')
    expect(reasonOf(checkRotation(grantor(['admin']), null))).toBe('key-unknown')
  })

  it('leaves a platform admin’s key to platform admins', () => {
    const platformAdmin = grantor(['admin'], { platformAdmin: true })
    for (const check of [checkRevocation, checkRotation]) {
      expect(reasonOf(check(grantor(['admin']), platform))).toBe('platform-admin-required')
      expect(check(platformAdmin, platform).ok).toBe(true)
      expect(check(grantor(['admin']), eternal).ok).toBe(true)
    }
  })

  it('lets a key revoke, but not rotate, one that outlives it', () => {
    const actor = grantor(['admin'], { expiresAt: NOW_MS })
    const same = { platformAdmin: false, expiresAt: new Date(NOW_MS) }
    expect(checkRevocation(actor, eternal).ok).toBe(true)
    expect(reasonOf(checkRotation(actor, eternal))).toBe('key-outlives-own')
    expect(checkRotation(actor, same).ok).toBe(true)
  })
})

describe('access problems', () => {
  it.each<{ error: AccessError; status: number }>([
    { error: { reason: 'platform-admin-required' }, status: 403 },
    { error: { reason: 'scope-not-held', scope: 'admin' }, status: 403 },
    { error: { reason: 'expiry-past' }, status: 422 },
    { error: { reason: 'expiry-beyond-own' }, status: 403 },
    { error: { reason: 'key-outlives-own' }, status: 403 },
    { error: { reason: 'organisation-unknown' }, status: 404 },
    { error: { reason: 'organisation-slug-taken', slug: 'acme' }, status: 409 },
    { error: { reason: 'key-unknown' }, status: 404 },
  ])('$error.reason answers $status', ({ error, status }) => {
    expect(accessProblem(error).status).toBe(status)
  })
})
