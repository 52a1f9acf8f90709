import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AppEnv } from '../http/context.ts'
import { problemResponses } from '../http/validate.ts'

const BODY_DESCRIPTION =
  'A binary body holds little-endian f64, or f32 with `application/octet-stream;dtype=f32`, where a NaN is a missing value; what JSON says beside the values stands in the query. Results that are missing or not finite are null.'

const WHOLE_DESCRIPTION = 'At most 8 MiB and 2,097,152 numbers.'

const STREAMED_DESCRIPTION =
  'JSON: at most 8 MiB and 2,097,152 numbers. A binary body is streamed in constant memory, up to 8 GiB'

const binary = z.string().openapi({ format: 'binary' })

export interface Description {
  readonly path: string
  readonly summary: string
  readonly description?: string
  readonly request: z.ZodType
  readonly answer: z.ZodType
  readonly query?: z.ZodObject
  /** When a binary body is streamed: '' for always; absent for never. */
  readonly streamedWhen?: string
}

/** Describes a route from the schemas that parseWith() checks: bodies are read under a bound here. */
export const describe = (
  app: OpenAPIHono<AppEnv>,
  { path, summary, description = '', request, answer, query, streamedWhen }: Description,
): void =>
  app.openAPIRegistry.registerPath(
    createRoute({
      method: 'post',
      path,
      tags: ['compute'],
      summary,
      description: `${description} ${BODY_DESCRIPTION} ${
        streamedWhen === undefined ? WHOLE_DESCRIPTION : `${STREAMED_DESCRIPTION}${streamedWhen}.`
      }`.trim(),
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
