import { findOrganisation } from '../database/access-queries.ts'
import type { Database } from '../database/client.ts'
import { forgetKeys, hashKey } from '../http/auth.ts'
import type { AppContext, Principal } from '../http/context.ts'
import { ProblemError } from '../http/problem.ts'
import type { Result } from '../result.ts'
import { hubOf } from '../streams/hub-client.ts'
import {
  type AccessError,
  accessProblem,
  formatKey,
  KEY_RANDOM_BYTES,
  type KeyText,
} from './keys.ts'

/** The value, or the problem thrown. */
export const accept = <T>(result: Result<T, AccessError>): T => {
  if (!result.ok) throw new ProblemError(accessProblem(result.error))
  return result.value
}

/** The organisation that is acted on. Whoever is no platform admin learns nothing of others. */
export const organisationOf = async (
  db: Database,
  principal: Principal,
  slug: string | undefined,
): Promise<{ id: string; slug: string }> => {
  if (slug === undefined || slug === principal.organisation)
    return { id: principal.organisationId, slug: principal.organisation }
  const found = principal.platformAdmin ? await findOrganisation(db, slug) : null
  if (!found) throw new ProblemError(accessProblem({ reason: 'organisation-unknown' }))
  return found
}

/** A new key and its SHA-256; 32 random bytes need no slow hash. */
export const createSecret = async (): Promise<KeyText & { readonly hash: Uint8Array }> => {
  const text = formatKey(crypto.getRandomValues(new Uint8Array(KEY_RANDOM_BYTES)))
  return { ...text, hash: await hashKey(text.key) }
}

/**
 * Ends what still lives on the old secret: this isolate's cache and the key's connections. The change
 * itself is durable by then, so a hub that does not answer is logged and does not undo it.
 */
export const endUses = async (
  c: AppContext,
  organisationId: string,
  keyId: string,
): Promise<void> => {
  forgetKeys()
  try {
    await hubOf(c.env, organisationId).closeKey(keyId)
  } catch (error) {
    console.error(
      JSON.stringify({
        level: 'error',
        requestId: c.var.requestId,
        message: 'the connections of an ended key could not be closed',
        keyId,
        error: String(error).slice(0, 1_000),
      }),
    )
  }
}
