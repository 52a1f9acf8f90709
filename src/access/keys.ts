import { SCOPES, type Scope } from '../http/context.ts'
import { type Problem, problem } from '../http/problem.ts'
import { err, ok, type Result } from '../result.ts'

/** 32 random bytes as base64url make the 43 characters after `gjl_`. */
export const KEY_RANDOM_BYTES = 32
const KEY_MARK = 'gjl_'
/** The mark and 8 characters: enough to tell keys apart, 208 bits stay unknown. */
const KEY_PREFIX_LENGTH = KEY_MARK.length + 8

export type AccessError =
  | { readonly reason: 'platform-admin-required' }
  | { readonly reason: 'scope-not-held'; readonly scope: Scope }
  | { readonly reason: 'expiry-past' }
  | { readonly reason: 'expiry-beyond-own' }
  | { readonly reason: 'key-outlives-own' }
  | { readonly reason: 'organisation-unknown' }
  | { readonly reason: 'organisation-slug-taken'; readonly slug: string }
  | { readonly reason: 'key-unknown' }

/** What the 404s say is the same for what does not exist and for what belongs to somebody else. */
export const accessProblem = (error: AccessError): Problem => {
  switch (error.reason) {
    case 'platform-admin-required':
      return problem(403, 'forbidden', 'only a platform admin may do this')
    case 'scope-not-held':
      return problem(403, 'forbidden', 'a key cannot grant a scope that it does not hold', {
        errors: [{ pointer: '#/scopes', detail: `this key does not hold "${error.scope}"` }],
      })
    case 'expiry-past':
      return problem(422, 'validation-failed', 'a key must expire in the future', {
        errors: [{ pointer: '#/expires_at', detail: 'must be in the future' }],
      })
    case 'expiry-beyond-own':
      return problem(403, 'forbidden', 'a key cannot make one that outlives it', {
        errors: [{ pointer: '#/expires_at', detail: 'must not be after the expiry of this key' }],
      })
    case 'key-outlives-own':
      return problem(403, 'forbidden', 'a key cannot rotate one that outlives it')
    case 'organisation-unknown':
      return problem(404, 'not-found', 'there is no such organisation')
    case 'organisation-slug-taken':
      return problem(409, 'name-taken', `the slug ${error.slug} is taken`, {
        errors: [{ pointer: '#/slug', detail: 'is taken' }],
      })
    case 'key-unknown':
      return problem(404, 'not-found', 'there is no such key')
  }
}

export interface KeyText {
  /** The whole key, shown once. */
  readonly key: string
  /** What stays readable of it. */
  readonly prefix: string
}

/** @param random u8[KEY_RANDOM_BYTES] from a cryptographic source   @throws RangeError on another length */
export const formatKey = (random: Uint8Array): KeyText => {
  if (random.byteLength !== KEY_RANDOM_BYTES)
    throw new RangeError(`a key is made of ${KEY_RANDOM_BYTES} random bytes`)
  const base64 = btoa(String.fromCharCode(...random))
  const key = `${KEY_MARK}${base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`
  return { key, prefix: key.slice(0, KEY_PREFIX_LENGTH) }
}

interface Grantor {
  readonly scopes: ReadonlySet<Scope>
  readonly platformAdmin: boolean
  readonly expiresAt: number | null
}

export interface Grant {
  readonly scopes: readonly Scope[]
  /** Milliseconds since the epoch; null for a key that does not expire. */
  readonly expiresAtMs: number | null
}

/**
 * Whether a key may make another one: no scope beyond its own, and no life beyond its own, else a key
 * made for an hour could make itself eternal. A platform admin is held to the scopes and dates alike.
 *
 * @param nowMs milliseconds since the epoch
 */
export const checkGrant = (
  grantor: Grantor,
  grant: Grant,
  nowMs: number,
): Result<Grant, AccessError> => {
  const held: ReadonlySet<Scope> = grantor.scopes.has('admin') ? new Set(SCOPES) : grantor.scopes
  const foreign = grant.scopes.find((scope) => !held.has(scope))
  if (foreign !== undefined) return err({ reason: 'scope-not-held', scope: foreign })
  if (grant.expiresAtMs !== null && grant.expiresAtMs <= nowMs)
    return err({ reason: 'expiry-past' })
  const ownEnd = grantor.expiresAt ?? Number.POSITIVE_INFINITY
  if ((grant.expiresAtMs ?? Number.POSITIVE_INFINITY) > ownEnd)
    return err({ reason: 'expiry-beyond-own' })
  return ok(grant)
}

type Target = { readonly platformAdmin: boolean; readonly expiresAt: Date | null } | null

/**
 * Whether a key may be revoked or limited: a platform admin's key only by a platform admin.
 *
 * @param key null where the organisation has no such key
 */
export const checkRevocation = (
  actor: Pick<Grantor, 'platformAdmin'>,
  key: Target,
): Result<void, AccessError> => {
  if (key === null) return err({ reason: 'key-unknown' })
  if (key.platformAdmin && !actor.platformAdmin) return err({ reason: 'platform-admin-required' })
  return ok(undefined)
}

/**
 * Whether a key may be rotated. Whoever rotates a key holds it afterwards, so beside what revoking
 * asks for it must not outlive the one that rotates it.
 */
export const checkRotation = (actor: Grantor, key: Target): Result<void, AccessError> => {
  const custody = checkRevocation(actor, key)
  if (!custody.ok) return custody
  const ownEnd = actor.expiresAt ?? Number.POSITIVE_INFINITY
  if ((key?.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) > ownEnd)
    return err({ reason: 'key-outlives-own' })
  return custody
}
