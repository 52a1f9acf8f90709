import { type Hono, Hono as Router } from 'hono'
import { type Env, settingsOf } from '../../src/env.ts'
import type { AppEnv, Scope } from '../../src/http/context.ts'
import { onError } from '../../src/http/errors.ts'
import { routing, routingErrors } from '../../src/routing/routes.ts'

/** The routing routes for a principal of an organisation, without the key that would name it. */
export const routingApp = (
  organisationId: string,
  scopes: readonly Scope[],
  env: Readonly<Record<string, string>> = {},
): Hono<AppEnv> =>
  new Router<AppEnv>()
    .use(async (c, next) => {
      c.set('requestId', 'request-1')
      c.set('settings', settingsOf(env as unknown as Env))
      c.set('principal', {
        keyId: 'key-1',
        organisationId,
        organisation: 'acme',
        scopes: new Set(scopes),
        platformAdmin: false,
        expiresAt: null,
        limits: null,
      })
      await next()
    })
    .use('/v1/route', routingErrors)
    .route('/', routing)
    .onError(onError)
