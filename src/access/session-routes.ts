import { createRoute } from '@hono/zod-openapi'
import { SCOPES } from '../http/context.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { sessionSchema } from './schemas.ts'

export const session = createRouter()

session.openapi(
  createRoute({
    method: 'get',
    path: '/api/v1/session',
    tags: ['access'],
    summary: 'Whom the key speaks for',
    responses: {
      200: {
        description: 'The key’s organisation and scopes',
        content: { 'application/json': { schema: sessionSchema } },
      },
      ...problemResponses(401, 503),
    },
  }),
  (c) => {
    const { organisation, scopes, platformAdmin, expiresAt } = c.var.principal
    c.header('cache-control', 'no-store')
    return c.json(
      {
        organisation,
        scopes: SCOPES.filter((scope) => scopes.has(scope)),
        platform_admin: platformAdmin,
        expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
      },
      200,
    )
  },
)
