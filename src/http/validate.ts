import { OpenAPIHono, z } from '@hono/zod-openapi'
import type { AppEnv } from './context.ts'
import { type FieldFault, ProblemError, problem } from './problem.ts'

const FAULTS_MAX = 100

/** A JSON pointer in URI fragment form (RFC 6901 §6). */
export const pointerOf = (path: ReadonlyArray<PropertyKey>): string =>
  `#${path
    .map(
      (part) => `/${encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))}`,
    )
    .join('')}`

/** The faults of a failed schema check, at most `FAULTS_MAX`. */
export const faultsOf = (error: z.ZodError): FieldFault[] =>
  error.issues
    .slice(0, FAULTS_MAX)
    .map((issue) => ({ pointer: pointerOf(issue.path), detail: issue.message }))

/** Throws ProblemError 422 with one pointer a fault. */
export const rejectInvalid = (error: z.ZodError, where: string): never => {
  const errors = faultsOf(error)
  throw new ProblemError(
    problem(422, 'validation-failed', `${where}: ${errors[0]?.detail ?? 'invalid'}`, { errors }),
  )
}

/** Checks `value` against the schema. Throws ProblemError 422 with one pointer a fault. */
export const parseWith = <S extends z.ZodType>(
  schema: S,
  value: unknown,
  where = 'body',
): z.infer<S> => {
  const result = schema.safeParse(value)
  return result.success ? result.data : rejectInvalid(result.error, where)
}

/** A sub-app whose schema faults become problems like every other error. */
export const createRouter = (): OpenAPIHono<AppEnv> =>
  new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (!result.success) rejectInvalid(result.error, result.target)
    },
  })

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem', { description: 'RFC 9457 problem details' })

/** The `responses` entries of the named error statuses. */
export const problemResponses = (...statuses: number[]) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: 'Problem',
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    ]),
  )
