import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AppEnv } from '../http/context.ts'
import { problemResponses } from '../http/validate.ts'

const BINARY_DESCRIPTION =
  'A binary body holds little-endian f64, or f32 with `application/octet-stream;dtype=f32`, where a NaN is a missing value; what JSON says beside the values stands in the query. At most 8 MiB and 2,097,152 numbers. Results that are missing or not finite are null.'

const binary = z.string().openapi({ format: 'binary' })

export interface Description {
  readonly path: string
  readonly summary: string
  readonly description?: string
  readonly request: z.ZodType
  readonly answer: z.ZodType
  readonly query?: z.ZodObject
}

/** Describes a route from the schemas that parseWith() checks: bodies are read under a bound here. */
export const describe = (
  app: OpenAPIHono<AppEnv>,
  { path, summary, description = '', request, answer, query }: Description,
): void =>
  app.openAPIRegistry.registerPath(
    createRoute({
      method: 'post',
      path,
      tags: ['compute'],
      summary,
      description: `${description} ${BINARY_DESCRIPTION}`.trim(),
      request: {
        ...(query ? { query } : {}),
        body: {
          required: true,
          content: {
            'application/json': { schema: request },
            'application/octet-stream': { schema: binary },
          },
        },
      },
      responses: {
        200: { description: 'The result', content: { 'application/json': { schema: answer } } },
        ...problemResponses(400, 401, 403, 413, 415, 422, 503),
      },
    }),
  )
