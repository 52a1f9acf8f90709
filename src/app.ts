import { OpenAPIHono } from '@hono/zod-openapi'
import { access } from './access/routes.ts'
import { compute } from './compute/routes.ts'
import { settingsOf } from './env.ts'
import { dashboard } from './fleet/dashboard-routes.ts'
import { influx, influxErrors } from './fleet/ingest/influx-routes.ts'
import { otlp, otlpErrors } from './fleet/ingest/otlp-routes.ts'
import { remoteWrite } from './fleet/ingest/remote-write-routes.ts'
import { ingest } from './fleet/ingest-routes.ts'
import { vmMetrics } from './fleet/metrics-routes.ts'
import { catalogue } from './fleet/query/catalogue-routes.ts'
import { PROMETHEUS_PATHS, prometheusErrors, queries } from './fleet/query/query-routes.ts'
import { vms } from './fleet/vm-routes.ts'
import { authenticateGateway } from './gateway/credentials.ts'
import { models, modelsErrors } from './gateway/models-routes.ts'
import { GATEWAY_PATHS, gateway, gatewayErrors, isGatewayPath } from './gateway/routes.ts'
import { assets } from './http/assets.ts'
import { authenticate } from './http/auth.ts'
import { drainRefused } from './http/body.ts'
import type { AppEnv } from './http/context.ts'
import { notFoundOf, onError } from './http/errors.ts'
import { requestId, securityHeaders } from './http/headers.ts'
import { health } from './http/health.ts'
import { openApi } from './http/openapi.ts'
import { ledger } from './ledger/routes.ts'
import { routing, routingErrors } from './routing/routes.ts'
import { streams } from './streams/routes.ts'

export const app = new OpenAPIHono<AppEnv>()

app.use(requestId)
app.use(securityHeaders)
app.use(drainRefused)
app.use(async (c, next) => {
  c.set('settings', settingsOf(c.env))
  await next()
})

app.route('/', health)
app.route('/', assets)
for (const path of PROMETHEUS_PATHS) app.use(path, prometheusErrors)
app.use('/v1/metrics', otlpErrors)
app.use('/api/v2/write', influxErrors)
app.use('/v1/route', routingErrors)
for (const [path, dialect] of Object.entries(GATEWAY_PATHS)) app.use(path, gatewayErrors(dialect))
app.use('/v1/models/*', modelsErrors)
app.use('/api/*', authenticate)
app.use('/metrics', authenticate)
app.use('/v1/*', (c, next) =>
  isGatewayPath(c.req.path) ? authenticateGateway(c, next) : authenticate(c, next),
)

app.route('/', compute)
app.route('/', vms)
app.route('/', vmMetrics)
app.route('/', dashboard)
app.route('/', ingest)
app.route('/', remoteWrite)
app.route('/', otlp)
app.route('/', influx)
app.route('/', queries)
app.route('/', catalogue)
app.route('/', routing)
app.route('/', ledger)
app.route('/', gateway)
app.route('/', models)
app.route('/', streams)
app.route('/', access)
openApi(app)

app.onError(onError)
app.notFound(notFoundOf(app))
