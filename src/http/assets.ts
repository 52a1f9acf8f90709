import { Hono } from 'hono'
import type { AppContext, AppEnv } from './context.ts'
import { problem, problemResponse } from './problem.ts'

/** The static page, the API browser and their files, from the platform's asset store. */
export const assets = new Hono<AppEnv>()

const serve = async (c: AppContext) => {
  const answer = await c.env.ASSETS.fetch(c.req.raw)
  if (answer.status === 404)
    return problemResponse(problem(404, 'not-found', 'no such file'), c.var.requestId)
  // The store's headers are immutable; the security headers are set on a copy.
  return new Response(answer.body, answer)
}

for (const path of ['/', '/docs', '/docs/*', '/assets/*', '/favicon.svg', '/favicon.ico'])
  assets.get(path, serve)

const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/

/**
 * Hands the development key to the page on the local stack. Only a loopback Host (a rebound name is
 * refused) and only a same-origin fetch (another site's page is refused); 404 everywhere else.
 */
assets.get('/local/session', (c) => {
  const key = c.env.LOCAL_DEVELOPMENT_KEY
  const host = c.req.header('host') ?? ''
  const site = c.req.header('sec-fetch-site') ?? 'same-origin'
  if (!key || !LOOPBACK_HOST.test(host) || site !== 'same-origin')
    return problemResponse(problem(404, 'not-found', 'no such address'), c.var.requestId)
  return c.json({ key }, 200, { 'cache-control': 'no-store' })
})
