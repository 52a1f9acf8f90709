/** The compute routes and their rival in one worker, behind the same middleware. */
import '../../src/kernels/worker-module.ts'
import { OpenAPIHono } from '@hono/zod-openapi'
import { compute } from '../../src/compute/routes.ts'
import type { AppEnv } from '../../src/http/context.ts'
import { onError } from '../../src/http/errors.ts'
import { summarizePlainly } from './rival.ts'

const app = new OpenAPIHono<AppEnv>()

app.use(async (c, next) => {
  c.set('requestId', 'bench')
  c.set('principal', {
    keyId: 'bench',
    organisationId: '00000000-0000-0000-0000-000000000001',
    organisation: 'bench',
    scopes: new Set(['read']),
    platformAdmin: false,
    expiresAt: null,
    limits: null,
  })
  await next()
})
app.get('/healthz', (c) => c.text('ok'))
// The request without its work: what the network and the reading of a body cost both sides.
app.post('/nothing', async (c) => c.json({ count: (await c.req.arrayBuffer()).byteLength }))
app.post('/rival/summary', async (c) => c.json(summarizePlainly(await c.req.text())))
app.route('/', compute)
app.onError(onError)

export default app
