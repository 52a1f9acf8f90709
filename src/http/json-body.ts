import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { requireMediaType } from './body.ts'
import type { AppEnv } from './context.ts'
import { ProblemError, problem } from './problem.ts'

export const JSON_BODY_BYTES_MAX = 1024 * 1024

const mediaType: MiddlewareHandler<AppEnv> = async (c, next) => {
  requireMediaType(c.req.raw, ['application/json'])
  await next()
}

/** Route middleware in front of a schema check: 415 unless JSON, 413 beyond 1 MiB. */
export const jsonBody: MiddlewareHandler<AppEnv>[] = [
  mediaType,
  bodyLimit({
    maxSize: JSON_BODY_BYTES_MAX,
    onError: () => {
      throw new ProblemError(
        problem(413, 'body-too-large', `at most ${JSON_BODY_BYTES_MAX} bytes are read here`, {
          extensions: { sizeBytesMax: JSON_BODY_BYTES_MAX },
        }),
      )
    },
  }),
]
