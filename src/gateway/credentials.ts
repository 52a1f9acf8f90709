import type { MiddlewareHandler } from 'hono'
import { findOrganisation, type Scope } from '../database/access-queries.ts'
import { connect } from '../database/client.ts'
import { isUnavailable } from '../database/faults.ts'
import type { Settings } from '../env.ts'
import { unauthorized, verifyKey } from '../http/auth.ts'
import type { AppEnv, Principal } from '../http/context.ts'
import { type CredentialFault, readCredentials } from './pass-through.ts'

/** Stands in `Principal.keyId` for whoever came without a key of ours. */
export const NO_KEY_ID = ''

/** A principal's key as records have it. */
export const keyIdOf = ({ keyId }: Principal): string | null => (keyId === NO_KEY_ID ? null : keyId)

const describe = (fault: CredentialFault): string => {
  switch (fault.reason) {
    case 'absent':
      return 'send a key of this service as "Authorization: Bearer KEY" or "x-api-key: KEY"'
    case 'malformed':
      return `the credential in ${fault.header} must be printable ASCII without spaces`
    case 'ambiguous':
      return 'send one key of this service, and at most one credential of a provider'
    case 'not-passed-on':
      return 'credentials of this provider are not passed on; send a key of this service'
    case 'disabled':
      return `credentials of the kind "${fault.adapter}" are not passed on here; send a key of this service, or have the operator add it to PASS_THROUGH`
  }
}

/** The organisation of callers without a key is looked for again after this long. */
const ORGANISATION_FRESH_MS = 30_000
/** While the database is away, one that was found this recently still counts. */
const ORGANISATION_STALE_MS = 3_600_000

interface Found {
  readonly slug: string
  readonly principal: Principal | null
  readonly atMs: number
}

/** The setting names one organisation. */
let held: Found | null = null

const lookUp = async (settings: Settings, slug: string): Promise<Principal | null> => {
  const organisation = await findOrganisation(connect(settings), slug)
  return (
    organisation && {
      keyId: NO_KEY_ID,
      organisationId: organisation.id,
      organisation: organisation.slug,
      scopes: new Set<Scope>(['read', 'write']),
      platformAdmin: false,
      expiresAt: null,
      limits: null,
    }
  )
}

/** The organisation that callers without a key of ours belong to. */
const organisationPrincipal = async (settings: Settings, nowMs: number): Promise<Principal> => {
  const slug = settings.passThroughOrganisation
  if (slug === null)
    throw unauthorized(
      'beside a credential of a provider, send a key of this service as x-gjallar-key',
    )
  const ageMs = held?.slug === slug ? Math.abs(nowMs - held.atMs) : Number.POSITIVE_INFINITY
  if (ageMs >= ORGANISATION_FRESH_MS || held === null) {
    try {
      held = { slug, principal: await lookUp(settings, slug), atMs: nowMs }
    } catch (error) {
      if (held === null || ageMs >= ORGANISATION_STALE_MS || !isUnavailable(error)) throw error
    }
  }
  if (held.principal === null)
    throw unauthorized('the organisation of PASS_THROUGH_ORGANISATION does not exist')
  return held.principal
}

/** Forgets the organisation that was found, so that the next request looks again. */
export const forgetPassThroughOrganisation = (): void => {
  held = null
}

/**
 * Sets `principal` and `passThrough` of a request to the gateway, else answers 401 saying what to do; 503
 * when no verdict can be had. A caller with a credential of a provider and a key of ours belongs to the
 * key's organisation, without a key to that of the settings.
 */
export const authenticateGateway: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { settings } = c.var
  const read = readCredentials(c.req.raw.headers, settings.passThrough)
  if (!read.ok) throw unauthorized(describe(read.error))
  const { key, passThrough } = read.value
  const nowMs = Date.now()
  c.set(
    'principal',
    key === null
      ? await organisationPrincipal(settings, nowMs)
      : await verifyKey(key, settings, nowMs),
  )
  c.set('passThrough', passThrough)
  await next()
}
