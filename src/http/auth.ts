import type { MiddlewareHandler } from 'hono'
import { findKeyByHash, type Scope } from '../database/access-queries.ts'
import { connect } from '../database/client.ts'
import { isUnavailable } from '../database/faults.ts'
import type { Settings } from '../env.ts'
import type { AppEnv, Principal } from './context.ts'
import { KeyCache } from './key-cache.ts'
import { ProblemError, problem } from './problem.ts'

const KEY_LENGTH_MIN = 16
const KEY_LENGTH_MAX = 200
const KEY_PROTOCOL_PREFIX = 'gjallar.key.'

/** 401 that says what to do. */
export const unauthorized = (detail: string): ProblemError =>
  new ProblemError(
    problem(401, 'unauthorized', detail, {
      headers: { 'www-authenticate': 'Bearer realm="gjallar"' },
    }),
  )

/** base64url → UTF-8 text, or null where it is neither. */
const decodeBase64Url = (text: string): string | null => {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(
      Uint8Array.from(binary, (character) => character.charCodeAt(0)),
    )
  } catch {
    // atob refuses what is not base64, TextDecoder what is not UTF-8: both are just a wrong key.
    return null
  }
}

/**
 * The key a request carries: `Authorization: Bearer KEY`, `Authorization: Token KEY` as InfluxDB's clients
 * have it, or on a WebSocket upgrade, where a browser cannot set headers, the subprotocol
 * `gjallar.key.<base64url(KEY)>`. Keys in URLs are never read.
 */
export const keyOf = (headers: Headers): string | null => {
  const authorization = headers.get('authorization')
  if (authorization !== null) return /^(?:Bearer|Token) +(\S+) *$/i.exec(authorization)?.[1] ?? null
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') return null
  const offered = (headers.get('sec-websocket-protocol') ?? '').split(',').map((p) => p.trim())
  const carrier = offered.find((protocol) => protocol.startsWith(KEY_PROTOCOL_PREFIX))
  return carrier === undefined ? null : decodeBase64Url(carrier.slice(KEY_PROTOCOL_PREFIX.length))
}

/** SHA-256 of a key, 32 bytes. Keys are random and long, so a fast hash is enough. */
export const hashKey = async (key: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))

/** Keys whose hashes are remembered; an isolate sees fewer in use at a time. */
const HASHES_MAX = 1_000
const hashes = new Map<string, Uint8Array>()

/** `hashKey`, remembered: hashing again takes longer than everything else that a known key needs. */
const rememberedHash = async (key: string): Promise<Uint8Array> => {
  const known = hashes.get(key)
  if (known !== undefined) return known
  const hash = await hashKey(key)
  // Keys that nobody has must not grow it; whoever is in use comes back at the next request.
  if (hashes.size >= HASHES_MAX) hashes.clear()
  hashes.set(key, hash)
  return hash
}

const cache = new KeyCache()

/** Forgets what is cached of keys in this isolate; other isolates follow within the cache's lifetime. */
export const forgetKeys = (): void => {
  cache.clear()
  hashes.clear()
}

const lookUp =
  (settings: Settings) =>
  async (hash: Uint8Array): Promise<Principal | null> => {
    const identity = await findKeyByHash(connect(settings), hash)
    return (
      identity && {
        ...identity,
        scopes: new Set(identity.scopes),
        expiresAt: identity.expiresAt?.getTime() ?? null,
      }
    )
  }

/**
 * Whom a key speaks for, from what is cached or the database.
 *
 * @throws ProblemError 401 for a key that is not known; what the database throws when no verdict can be had
 */
export const verifyKey = async (
  key: string,
  settings: Settings,
  nowMs: number,
): Promise<Principal> => {
  if (key.length < KEY_LENGTH_MIN || key.length > KEY_LENGTH_MAX)
    throw unauthorized('this key is not known, has expired or was revoked')
  const hash = await rememberedHash(key)
  const verdict = await cache.find(hash, nowMs, lookUp(settings), isUnavailable)
  if (!verdict) throw unauthorized('this key is not known, has expired or was revoked')
  return verdict
}

/**
 * Verifies the key and sets `principal`, else answers 401; 503 when no verdict can be had. A request that
 * has its principal already, from a middleware of its own routes, passes.
 */
export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.get('principal') === undefined) {
    const key = keyOf(c.req.raw.headers)
    if (key === null) throw unauthorized('send an API key as "Authorization: Bearer KEY"')
    c.set('principal', await verifyKey(key, c.get('settings'), Date.now()))
  }
  await next()
}

/** Refuses a principal without the scope; `admin` includes the others, `write` does not include `read`. */
export const requireScope =
  (scope: Scope): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    const { scopes } = c.get('principal')
    if (!scopes.has(scope) && !scopes.has('admin'))
      throw new ProblemError(
        problem(403, 'forbidden', `this key lacks the scope "${scope}"`, {
          extensions: { requiredScope: scope },
        }),
      )
    await next()
  }
