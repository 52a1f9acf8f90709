import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/http/context.ts'
import { KeyCache } from '../../src/http/key-cache.ts'

const principal: Principal = {
  keyId: 'key',
  organisationId: 'organisation',
  organisation: 'local',
  scopes: new Set(['read']),
  platformAdmin: false,
  expiresAt: null,
  limits: null,
}
const hash = (byte: number) => new Uint8Array(32).fill(byte)
const dead = new Error('database is away')
const isUnavailable = (error: unknown) => error === dead

/** A look-up that counts its calls. */
const lookUpOf = (answer: () => Principal | null) => {
  const state = {
    calls: 0,
    lookUp: async () => {
      state.calls++
      return answer()
    },
  }
  return state
}

describe('key cache', () => {
  it('asks once for a key while it is fresh, and again after 30 s', async () => {
    const cache = new KeyCache()
    const state = lookUpOf(() => principal)
    for (const now of [0, 1, 29_999]) await cache.find(hash(1), now, state.lookUp, isUnavailable)
    expect(state.calls).toBe(1)
    await cache.find(hash(1), 30_000, state.lookUp, isUnavailable)
    expect(state.calls).toBe(2)
  })

  it('asks again when the clock was set back', async () => {
    const cache = new KeyCache()
    const state = lookUpOf(() => principal)
    await cache.find(hash(1), 3_600_000, state.lookUp, isUnavailable)
    await cache.find(hash(1), 0, state.lookUp, isUnavailable)
    await cache.find(hash(1), 1, state.lookUp, isUnavailable)
    expect(state.calls).toBe(2)
  })

  it('does not mix up keys', async () => {
    const cache = new KeyCache()
    await cache.find(hash(1), 0, async () => principal, isUnavailable)
    expect(await cache.find(hash(2), 0, async () => null, isUnavailable)).toBeNull()
  })

  it('notices a new key within 5 s of having refused it', async () => {
    const cache = new KeyCache()
    await cache.find(hash(1), 0, async () => null, isUnavailable)
    expect(await cache.find(hash(1), 4_999, async () => principal, isUnavailable)).toBeNull()
    expect(await cache.find(hash(1), 5_000, async () => principal, isUnavailable)).toBe(principal)
  })

  it('keeps a verified key for an hour while the database is away, and an unknown one not at all', async () => {
    const cache = new KeyCache()
    const away = async () => {
      throw dead
    }
    await cache.find(hash(1), 0, async () => principal, isUnavailable)
    expect(await cache.find(hash(1), 3_599_999, away, isUnavailable)).toBe(principal)
    await expect(cache.find(hash(1), 3_600_000, away, isUnavailable)).rejects.toBe(dead)
    await expect(cache.find(hash(2), 0, away, isUnavailable)).rejects.toBe(dead)
  })

  it('lets one request ask a database that did not answer, and the others go on meanwhile', async () => {
    const cache = new KeyCache()
    await cache.find(hash(1), 0, async () => principal, isUnavailable)
    let calls = 0
    const hanging = async (): Promise<Principal> => {
      calls++
      throw dead
    }
    const find = (now: number) => cache.find(hash(1), now, hanging, isUnavailable)
    await find(30_000)
    for (const now of [30_001, 40_000, 49_999]) expect(await find(now)).toBe(principal)
    expect(calls).toBe(1)
    await Promise.all([find(50_000), find(50_001), find(50_002)])
    expect(calls).toBe(2)
    const found = { ...principal, keyId: 'back' }
    expect(await cache.find(hash(1), 70_000, async () => found, isUnavailable)).toBe(found)
    await find(100_000)
    expect(calls).toBe(3)
  })

  it('does not hide a bug behind an old verdict', async () => {
    const cache = new KeyCache()
    await cache.find(hash(1), 0, async () => principal, isUnavailable)
    const bug = async () => {
      throw new TypeError('bug')
    }
    await expect(cache.find(hash(1), 60_000, bug, isUnavailable)).rejects.toThrow('bug')
  })

  it('refuses a key from the moment it expires, however fresh the verdict', async () => {
    const cache = new KeyCache()
    const expiring = async () => ({ ...principal, expiresAt: 1_000 })
    expect(await cache.find(hash(1), 999, expiring, isUnavailable)).not.toBeNull()
    expect(await cache.find(hash(1), 1_000, expiring, isUnavailable)).toBeNull()
  })

  it('does not keep a verdict that was asked for before a key ended', async () => {
    const cache = new KeyCache()
    const slow = async () => {
      cache.clear()
      return principal
    }
    await cache.find(hash(1), 0, slow, isUnavailable)
    expect(await cache.find(hash(1), 1, async () => null, isUnavailable)).toBeNull()
  })

  it('holds at most 10,000 keys and drops the least recently used', async () => {
    const cache = new KeyCache()
    const state = lookUpOf(() => principal)
    const numbered = (n: number) => new Uint8Array(new Uint32Array([n]).buffer)
    for (let n = 0; n <= 10_000; n++) await cache.find(numbered(n), 0, state.lookUp, isUnavailable)
    state.calls = 0
    await cache.find(numbered(10_000), 1, state.lookUp, isUnavailable)
    expect(state.calls).toBe(0)
    await cache.find(numbered(0), 1, state.lookUp, isUnavailable)
    expect(state.calls).toBe(1)
  })
})
