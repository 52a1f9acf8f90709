import type { ErrorHandler, Hono, NotFoundHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { isUnavailable } from '../database/faults.ts'
import { logEvent } from '../observability/log.ts'
import type { AppEnv } from './context.ts'
import { type Problem, ProblemError, problem, problemResponse } from './problem.ts'

const problemOf = (error: unknown): Problem => {
  if (error instanceof ProblemError) return error.problem
  if (error instanceof HTTPException)
    return error.status === 400
      ? problem(400, 'bad-request', error.message.slice(0, 200))
      : problem(error.status, 'about:blank', error.message.slice(0, 200))
  if (isUnavailable(error))
    return problem(503, 'dependency-unavailable', 'the database does not answer; try again soon', {
      retryAfterSeconds: 2,
    })
  return problem(500, 'internal-error', 'the fault was logged under the instance given here')
}

/** Every error leaves the worker as a problem; what nobody foresaw is logged under the request id. */
export const onError: ErrorHandler<AppEnv> = (error, c) => {
  const value = problemOf(error)
  if (value.status >= 500)
    logEvent('http', 'error', `${c.req.method} ${c.req.path} failed`, error, {
      requestId: c.var.requestId,
      status: value.status,
    })
  return problemResponse(value, c.var.requestId)
}

/** A path of the router (`/a/:id`, `/a/{id}`) as an anchored expression. */
const patternOf = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replace(/[.*+?^$()|[\]\\]/g, '\\$&')
      .replace(/:[A-Za-z_]+(\\?\{[^}]*\})?|\{[A-Za-z_]+\}/g, '[^/]+')}$`,
  )

/** 405 with Allow where the path exists under another method (RFC 9110 §15.5.6), else 404. */
export const notFoundOf = (app: Hono<AppEnv>): NotFoundHandler<AppEnv> => {
  let patterns: { method: string; pattern: RegExp }[] | undefined
  return (c) => {
    patterns ??= app.routes
      .filter((route) => route.method !== 'ALL')
      .map((route) => ({ method: route.method, pattern: patternOf(route.path) }))
    const path = c.req.path
    const allowed = [
      ...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)),
    ].filter((method) => method !== c.req.method)
    if (allowed.includes('GET')) allowed.push('HEAD')
    const value =
      allowed.length > 0
        ? problem(405, 'method-not-allowed', `${path.slice(0, 200)} takes ${allowed.join(', ')}`, {
            headers: { allow: allowed.join(', ') },
          })
        : problem(404, 'not-found', 'no such address; /openapi.json lists what there is')
    return problemResponse(value, c.var.requestId)
  }
}
