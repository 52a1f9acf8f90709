import { createRoute, z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import {
  createOrganisation,
  listOrganisations,
  type Organisation,
} from '../database/access-queries.ts'
import { connect } from '../database/client.ts'
import { requireScope } from '../http/auth.ts'
import type { AppEnv } from '../http/context.ts'
import { jsonBody } from '../http/json-body.ts'
import { ProblemError } from '../http/problem.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { accessProblem } from './keys.ts'
import { newOrganisationSchema, organisationSchema } from './schemas.ts'

const PATH = '/api/v1/organisations'

export const organisations = createRouter()

const requirePlatformAdmin: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (!c.var.principal.platformAdmin)
    throw new ProblemError(accessProblem({ reason: 'platform-admin-required' }))
  await next()
}

const represent = ({ slug, name, createdAt }: Organisation) => ({
  slug,
  name,
  created_at: createdAt.toISOString(),
})

organisations.openapi(
  createRoute({
    method: 'get',
    path: PATH,
    tags: ['access'],
    summary: 'All organisations, by slug, at most 1,000 (platform admins)',
    middleware: [requireScope('admin'), requirePlatformAdmin],
    responses: {
      200: {
        description: 'Organisations',
        content: {
          'application/json': { schema: z.object({ organisations: z.array(organisationSchema) }) },
        },
      },
      ...problemResponses(401, 403, 503),
    },
  }),
  async (c) => {
    const found = await listOrganisations(connect(c.var.settings))
    return c.json({ organisations: found.map(represent) }, 200)
  },
)

organisations.openapi(
  createRoute({
    method: 'post',
    path: PATH,
    tags: ['access'],
    summary: 'Makes an organisation (platform admins)',
    middleware: [requireScope('admin'), requirePlatformAdmin, ...jsonBody],
    request: {
      body: { required: true, content: { 'application/json': { schema: newOrganisationSchema } } },
    },
    responses: {
      201: {
        description: 'The organisation',
        content: { 'application/json': { schema: organisationSchema } },
      },
      ...problemResponses(400, 401, 403, 409, 413, 415, 422, 503),
    },
  }),
  async (c) => {
    const wanted = c.req.valid('json')
    const created = await createOrganisation(connect(c.var.settings), wanted)
    if (!created.ok)
      throw new ProblemError(accessProblem({ reason: created.error.reason, slug: wanted.slug }))
    return c.json(represent(created.value), 201)
  },
)
