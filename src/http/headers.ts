import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './context.ts'

const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/

/** Takes the caller's `x-request-id` where it is well formed, else makes one; it is answered back. */
export const requestId: MiddlewareHandler<AppEnv> = async (c, next) => {
  const given = c.req.header('x-request-id')
  const id = given !== undefined && REQUEST_ID.test(given) ? given : crypto.randomUUID()
  c.set('requestId', id)
  await next()
  if (c.res.status !== 101) c.res.headers.set('x-request-id', id)
}

const PAGE_POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
// Swagger UI styles its elements inline; it runs on no other page than this one.
const DOCS_POLICY = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")

/** Headers that make a browser refuse what no page of ours needs. */
export const securityHeaders: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  if (c.res.status === 101) return
  const headers = c.res.headers
  headers.set('x-content-type-options', 'nosniff')
  headers.set('referrer-policy', 'no-referrer')
  headers.set('cross-origin-opener-policy', 'same-origin')
  headers.set('cross-origin-resource-policy', 'same-origin')
  headers.set('x-frame-options', 'DENY')
  headers.set(
    'content-security-policy',
    c.req.path === '/docs' || c.req.path.startsWith('/docs/') ? DOCS_POLICY : PAGE_POLICY,
  )
}
