import { createRoute, z } from '@hono/zod-openapi'
import {
  createOrganisation,
  listOrganisations,
  type Organisation,
} from '../database/access-queries.ts'
import { connect } from '../database/client.ts'
import { requireScope } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { accessProblem } from './keys.ts'
import { readJson } from './read-json.ts'
import { newOrganisationSchema, organisationSchema } from './schemas.ts'

const PATH = '/api/v1/organisations'

export const organisations = createRouter()

organisations.use(PATH, requireScope('admin'), async (c, next) => {
  if (!c.var.principal.platformAdmin)
    throw new ProblemError(accessProblem({ reason: 'platform-admin-required' }))
  await next()
})

organisations.openAPIRegistry.registerPath(
  createRoute({
    method: 'get',
    path: PATH,
    tags: ['access'],
    summary: 'All organisations, by slug, at most 1,000 (platform admins)',
    responses: {
      200: {
        description: 'Organisations',
        content: {
          'application/json': {
            schema: z.object({ organisations: z.array(organisationSchema) }),
          },
        },
      },
      ...problemResponses(401, 403, 503),
    },
  }),
)

organisations.get(PATH, async (c) => {
  const found = await listOrganisations(connect(c.var.settings))
  return c.json({ organisations: found.map(represent) })
})

organisations.openAPIRegistry.registerPath(
  createRoute({
    method: 'post',
    path: PATH,
    tags: ['access'],
    summary: 'Makes an organisation (platform admins)',
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
)

organisations.post(PATH, async (c) => {
  const wanted = await readJson(c.req.raw, newOrganisationSchema)
  const created = await createOrganisation(connect(c.var.settings), wanted)
  if (!created.ok)
    throw new ProblemError(accessProblem({ reason: created.error.reason, slug: wanted.slug }))
  return c.json(represent(created.value), 201)
})

const represent = ({ slug, name, createdAt }: Organisation) => ({
  slug,
  name,
  created_at: createdAt.toISOString(),
})
