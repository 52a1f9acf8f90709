import type { OpenAPIHono } from '@hono/zod-openapi'
import type { AppEnv } from './context.ts'

/** Serves the description of every route that was declared with a schema. */
export const openApi = (app: OpenAPIHono<AppEnv>): void => {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key with an organisation and the scopes read, write, admin',
  })
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Gjallar',
      version: '0.1.0',
      license: { name: 'MIT' },
      description:
        'Fleet telemetry at the edge, computed by WebAssembly SIMD. Errors are RFC 9457 problem details.',
    },
    security: [{ key: [] }],
  })
}
