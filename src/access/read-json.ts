import type { z } from '@hono/zod-openapi'
import { decodeText, parseJson, readBody, requireMediaType } from '../http/body.ts'
import { parseWith } from '../http/validate.ts'

/** The greatest body of these routes is a name and a few words. */
const BODY_SIZE_MAX_BYTES = 16 * 1024

/** A JSON body that fits the schema. Throws ProblemError 400, 413, 415 or 422. */
export const readJson = async <S extends z.ZodType>(
  request: Request,
  schema: S,
): Promise<z.infer<S>> => {
  requireMediaType(request, ['application/json'])
  return parseWith(schema, parseJson(decodeText(await readBody(request, BODY_SIZE_MAX_BYTES))))
}
