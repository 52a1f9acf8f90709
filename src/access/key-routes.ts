import { createRoute, z } from '@hono/zod-openapi'
import {
  type ApiKey,
  createKey,
  findKey,
  findOrganisation,
  listKeys,
  revokeKey,
  rotateKey,
} from '../database/access-queries.ts'
import { connect, type Database } from '../database/client.ts'
import { forgetKeys, requireScope } from '../http/auth.ts'
import type { AppContext, Principal } from '../http/context.ts'
import { ProblemError } from '../http/problem.ts'
import { createRouter, parseWith, problemResponses } from '../http/validate.ts'
import type { Result } from '../result.ts'
import { hubOf } from '../streams/hub-client.ts'
import {
  type AccessError,
  accessProblem,
  checkGrant,
  checkRevocation,
  checkRotation,
  formatKey,
  KEY_RANDOM_BYTES,
} from './keys.ts'
import { readJson } from './read-json.ts'
import { keySchema, keyWithSecretSchema, newKeySchema, organisationQuerySchema } from './schemas.ts'

const PATH = '/api/v1/keys'

export const keys = createRouter()

keys.use(PATH, requireScope('admin'))
keys.use(`${PATH}/*`, requireScope('admin'))

keys.openAPIRegistry.registerPath(
  createRoute({
    method: 'get',
    path: PATH,
    tags: ['access'],
    summary: 'The organisation’s keys that are not revoked, oldest first, at most 1,000',
    request: { query: organisationQuerySchema },
    responses: {
      200: {
        description: 'Keys, without their secrets',
        content: { 'application/json': { schema: z.object({ keys: z.array(keySchema) }) } },
      },
      ...problemResponses(401, 403, 404, 422, 503),
    },
  }),
)

keys.get(PATH, async (c) => {
  const db = connect(c.var.settings)
  const of = await organisationOf(db, c.var.principal, queryOrganisation(c))
  const found = await listKeys(db, of.id)
  return c.json({ keys: found.map((key) => represent(key, of.slug)) })
})

keys.openAPIRegistry.registerPath(
  createRoute({
    method: 'post',
    path: PATH,
    tags: ['access'],
    summary: 'Makes a key; its secret is in this answer only',
    request: {
      body: { required: true, content: { 'application/json': { schema: newKeySchema } } },
    },
    responses: {
      201: {
        description: 'The key with its secret',
        content: { 'application/json': { schema: keyWithSecretSchema } },
      },
      ...problemResponses(400, 401, 403, 404, 413, 415, 422, 503),
    },
  }),
)

keys.post(PATH, async (c) => {
  const { principal } = c.var
  const wanted = await readJson(c.req.raw, newKeySchema)
  const expiresAtMs = wanted.expires_at ? Date.parse(wanted.expires_at) : null
  const grant = accept(checkGrant(principal, { scopes: wanted.scopes, expiresAtMs }, Date.now()))
  const db = connect(c.var.settings)
  const of = await organisationOf(db, principal, wanted.organisation)
  const secret = await createSecret()
  const created = await createKey(db, of.id, {
    name: wanted.name,
    hash: secret.hash,
    prefix: secret.prefix,
    scopes: grant.scopes,
    expiresAt: grant.expiresAtMs === null ? null : new Date(grant.expiresAtMs),
  })
  c.header('cache-control', 'no-store')
  return c.json({ ...represent(created, of.slug), key: secret.key }, 201)
})

const keyRequest = {
  params: z.object({ id: z.uuid() }),
  query: organisationQuerySchema,
}

keys.openAPIRegistry.registerPath(
  createRoute({
    method: 'post',
    path: `${PATH}/{id}/rotate`,
    tags: ['access'],
    summary: 'Puts a new secret behind a key; the old one ends, with the connections made by it',
    request: keyRequest,
    responses: {
      200: {
        description: 'The key with its new secret',
        content: { 'application/json': { schema: keyWithSecretSchema } },
      },
      ...problemResponses(401, 403, 404, 422, 503),
    },
  }),
)

keys.post(`${PATH}/:id/rotate`, async (c) => {
  const db = connect(c.var.settings)
  const id = c.req.param('id')
  const of = await organisationOf(db, c.var.principal, queryOrganisation(c))
  accept(checkRotation(c.var.principal, await findKey(db, of.id, id)))
  const secret = await createSecret()
  const rotated = await rotateKey(db, of.id, id, secret)
  if (!rotated) throw new ProblemError(accessProblem({ reason: 'key-unknown' }))
  await endUses(c, of.id, id)
  c.header('cache-control', 'no-store')
  return c.json({ ...represent(rotated, of.slug), key: secret.key })
})

keys.openAPIRegistry.registerPath(
  createRoute({
    method: 'delete',
    path: `${PATH}/{id}`,
    tags: ['access'],
    summary: 'Revokes a key and closes the connections made by it',
    request: keyRequest,
    responses: {
      204: { description: 'The key is revoked' },
      ...problemResponses(401, 403, 404, 422, 503),
    },
  }),
)

keys.delete(`${PATH}/:id`, async (c) => {
  const db = connect(c.var.settings)
  const id = c.req.param('id')
  const of = await organisationOf(db, c.var.principal, queryOrganisation(c))
  accept(checkRevocation(c.var.principal, await findKey(db, of.id, id)))
  if (!(await revokeKey(db, of.id, id)))
    throw new ProblemError(accessProblem({ reason: 'key-unknown' }))
  await endUses(c, of.id, id)
  return c.body(null, 204)
})

/** The value, or the problem thrown. */
const accept = <T>(result: Result<T, AccessError>): T => {
  if (!result.ok) throw new ProblemError(accessProblem(result.error))
  return result.value
}

const queryOrganisation = (c: AppContext): string | undefined =>
  parseWith(organisationQuerySchema, c.req.query(), 'query').organisation

/** The organisation that is acted on. Whoever is no platform admin learns nothing of others. */
const organisationOf = async (
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

const createSecret = async () => {
  const text = formatKey(crypto.getRandomValues(new Uint8Array(KEY_RANDOM_BYTES)))
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text.key))
  return { ...text, hash: new Uint8Array(digest) }
}

/**
 * Ends what still lives on the old secret: this isolate's cache and the key's connections. The change
 * itself is durable by then, so a hub that does not answer is logged and does not undo it.
 */
const endUses = async (c: AppContext, organisationId: string, keyId: string): Promise<void> => {
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

const represent = (key: ApiKey, organisation: string) => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  organisation,
  scopes: key.scopes,
  platform_admin: key.platformAdmin,
  created_at: key.createdAt.toISOString(),
  expires_at: key.expiresAt?.toISOString() ?? null,
})
