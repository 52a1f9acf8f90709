import { createRoute, z } from '@hono/zod-openapi'
import {
  type ApiKey,
  createKey,
  findKey,
  limitKey,
  listKeys,
  revokeKey,
  rotateKey,
} from '../database/access-queries.ts'
import { connect } from '../database/client.ts'
import { forgetKeys, requireScope } from '../http/auth.ts'
import { jsonBody } from '../http/json-body.ts'
import { ProblemError } from '../http/problem.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { accept, createSecret, endUses, organisationOf } from './key-custody.ts'
import { accessProblem, checkGrant, checkRevocation, checkRotation } from './keys.ts'
import { limitsOf, newLimitsSchema, representLimits, spentByKey } from './limits.ts'
import { keySchema, keyWithSecretSchema, newKeySchema, organisationQuerySchema } from './schemas.ts'

const PATH = '/api/v1/keys'

export const keys = createRouter()

const secretContent = { 'application/json': { schema: keyWithSecretSchema } }

/** Any text: an id that is no UUID names no key, and is answered like every other unknown one. */
const keyRequest = {
  params: z.object({ id: z.string().openapi({ format: 'uuid' }) }),
  query: organisationQuerySchema,
}

const represent = (key: ApiKey, organisation: string, spentNanoUsd: number) => ({
  id: key.id,
  name: key.name,
  prefix: key.prefix,
  organisation,
  scopes: [...key.scopes],
  platform_admin: key.platformAdmin,
  created_at: key.createdAt.toISOString(),
  expires_at: key.expiresAt?.toISOString() ?? null,
  limits: representLimits(key.limits, spentNanoUsd),
})

keys.openapi(
  createRoute({
    method: 'get',
    path: PATH,
    tags: ['access'],
    summary: 'The organisation’s keys that are not revoked, oldest first, at most 1,000',
    middleware: [requireScope('admin')],
    request: { query: organisationQuerySchema },
    responses: {
      200: {
        description: 'Keys, without their secrets',
        content: { 'application/json': { schema: z.object({ keys: z.array(keySchema) }) } },
      },
      ...problemResponses(401, 403, 404, 422, 503),
    },
  }),
  async (c) => {
    const db = connect(c.var.settings)
    const of = await organisationOf(db, c.var.principal, c.req.valid('query').organisation)
    const found = await listKeys(db, of.id)
    const spent = await spentByKey(c.env, of.id, found)
    const keys = found.map((key) => represent(key, of.slug, spent.get(key.id) ?? 0))
    return c.json({ keys }, 200)
  },
)

keys.openapi(
  createRoute({
    method: 'post',
    path: PATH,
    tags: ['access'],
    summary: 'Makes a key; its secret is in this answer only',
    middleware: [requireScope('admin'), ...jsonBody],
    request: {
      body: { required: true, content: { 'application/json': { schema: newKeySchema } } },
    },
    responses: {
      201: { description: 'The key with its secret', content: secretContent },
      ...problemResponses(400, 401, 403, 404, 413, 415, 422, 503),
    },
  }),
  async (c) => {
    const { principal } = c.var
    const wanted = c.req.valid('json')
    const expiresAtMs = wanted.expires_at ? Date.parse(wanted.expires_at) : null
    const { scopes } = accept(
      checkGrant(principal, { scopes: wanted.scopes, expiresAtMs }, Date.now()),
    )
    const db = connect(c.var.settings)
    const of = await organisationOf(db, principal, wanted.organisation)
    const { key, hash, prefix } = await createSecret()
    const expiresAt = expiresAtMs === null ? null : new Date(expiresAtMs)
    const created = await createKey(db, of.id, {
      name: wanted.name,
      hash,
      prefix,
      scopes,
      expiresAt,
      limits: limitsOf(wanted),
    })
    c.header('cache-control', 'no-store')
    return c.json({ ...represent(created, of.slug, 0), key }, 201)
  },
)

keys.openapi(
  createRoute({
    method: 'post',
    path: `${PATH}/{id}/rotate`,
    tags: ['access'],
    summary: 'Puts a new secret behind a key; the old one ends, with the connections made by it',
    middleware: [requireScope('admin')],
    request: keyRequest,
    responses: {
      200: { description: 'The key with its new secret', content: secretContent },
      ...problemResponses(401, 403, 404, 422, 503),
    },
  }),
  async (c) => {
    const db = connect(c.var.settings)
    const { id } = c.req.valid('param')
    const of = await organisationOf(db, c.var.principal, c.req.valid('query').organisation)
    accept(checkRotation(c.var.principal, await findKey(db, of.id, id)))
    const { key, hash, prefix } = await createSecret()
    const rotated = await rotateKey(db, of.id, id, { hash, prefix })
    if (!rotated) throw new ProblemError(accessProblem({ reason: 'key-unknown' }))
    await endUses(c, of.id, id)
    // The new secret is told whatever the ledger says: there is no other answer that holds it.
    const spent = await spentByKey(c.env, of.id, [rotated]).catch(() => new Map<string, number>())
    c.header('cache-control', 'no-store')
    return c.json({ ...represent(rotated, of.slug, spent.get(id) ?? 0), key }, 200)
  },
)

keys.openapi(
  createRoute({
    method: 'put',
    path: `${PATH}/{id}/limits`,
    tags: ['access'],
    summary: 'Changes what a key may spend; what is not named is not limited',
    description: 'Isolates follow within 30 s, with the key itself.',
    middleware: [requireScope('admin'), ...jsonBody],
    request: {
      ...keyRequest,
      body: { required: true, content: { 'application/json': { schema: newLimitsSchema } } },
    },
    responses: {
      200: {
        description: 'The key',
        content: { 'application/json': { schema: keySchema } },
      },
      ...problemResponses(400, 401, 403, 404, 413, 415, 422, 503),
    },
  }),
  async (c) => {
    const db = connect(c.var.settings)
    const { id } = c.req.valid('param')
    const of = await organisationOf(db, c.var.principal, c.req.valid('query').organisation)
    accept(checkRevocation(c.var.principal, await findKey(db, of.id, id)))
    const limited = await limitKey(db, of.id, id, limitsOf(c.req.valid('json')))
    if (!limited) throw new ProblemError(accessProblem({ reason: 'key-unknown' }))
    forgetKeys()
    const spent = await spentByKey(c.env, of.id, [limited])
    return c.json(represent(limited, of.slug, spent.get(id) ?? 0), 200)
  },
)

keys.openapi(
  createRoute({
    method: 'delete',
    path: `${PATH}/{id}`,
    tags: ['access'],
    summary: 'Revokes a key and closes the connections made by it',
    middleware: [requireScope('admin')],
    request: keyRequest,
    responses: {
      204: { description: 'The key is revoked' },
      ...problemResponses(401, 403, 404, 422, 503),
    },
  }),
  async (c) => {
    const db = connect(c.var.settings)
    const { id } = c.req.valid('param')
    const of = await organisationOf(db, c.var.principal, c.req.valid('query').organisation)
    accept(checkRevocation(c.var.principal, await findKey(db, of.id, id)))
    if (!(await revokeKey(db, of.id, id)))
      throw new ProblemError(accessProblem({ reason: 'key-unknown' }))
    await endUses(c, of.id, id)
    return c.body(null, 204)
  },
)
