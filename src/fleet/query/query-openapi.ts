import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AppEnv } from '../../http/context.ts'

const time = (description: string) =>
  z
    .string()
    .optional()
    .openapi({ description: `Unix seconds or RFC 3339; ${description}` })
const query = z
  .string()
  .openapi({ description: 'PromQL', example: 'rate(node_cpu_seconds_total[5m])' })
const limit = z
  .string()
  .optional()
  .openapi({ description: 'Entries at most; 0 for no bound of your own' })
const timeout = z
  .string()
  .optional()
  .openapi({ description: 'Seconds, or a duration; read, but bounds end a query, not time' })
const matches = z.array(z.string()).optional().openapi({ description: 'Selectors of series' })

const success = z
  .object({
    status: z.literal('success'),
    data: z.unknown(),
    warnings: z.array(z.string()).optional(),
  })
  .openapi('PrometheusAnswer')

const failure = z
  .object({
    status: z.literal('error'),
    errorType: z.string(),
    error: z.string(),
    position: z
      .object({ start: z.number().int(), end: z.number().int() })
      .optional()
      .openapi({ description: 'The part of the expression that is meant, in UTF-16 units' }),
    expected: z.string().optional().openapi({ description: 'What could have stood there' }),
  })
  .openapi('PrometheusError')

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
})

const responses = {
  200: json('In the form of Prometheus’ API', success),
  400: json('A parameter or the expression cannot be read', failure),
  401: json('No valid key', failure),
  403: json('The key lacks the scope', failure),
  422: json('The expression is not answered here, or goes beyond a bound', failure),
  503: json('A shard does not answer, or too many queries run at the same time', failure),
}

interface Described {
  readonly path: string
  readonly summary: string
  readonly parameters: z.ZodObject
  readonly post: boolean
  readonly params?: z.ZodObject
}

const PATHS: readonly Described[] = [
  {
    path: '/api/v1/query',
    summary: 'A PromQL expression at one moment; of a range selector, the samples themselves',
    parameters: z.object({ query, time: time('now by default'), timeout, limit }),
    post: true,
  },
  {
    path: '/api/v1/query_range',
    summary: 'A PromQL expression at every step of a range',
    parameters: z.object({
      query,
      start: time('the first step'),
      end: time('no step beyond'),
      step: z.string().openapi({ description: 'Seconds, or a duration', example: '15s' }),
      timeout,
      limit,
    }),
    post: true,
  },
  {
    path: '/api/v1/query_exemplars',
    summary: 'Exemplars of the series that an expression selects',
    parameters: z.object({ query, start: time('the earliest'), end: time('the latest') }),
    post: true,
  },
  {
    path: '/api/v1/series',
    summary: 'Label sets of the series that match',
    parameters: z.object({ 'match[]': matches, start: time(''), end: time(''), limit }),
    post: true,
  },
  {
    path: '/api/v1/labels',
    summary: 'Names of labels',
    parameters: z.object({ 'match[]': matches, start: time(''), end: time(''), limit }),
    post: true,
  },
  {
    path: '/api/v1/label/{name}/values',
    summary: 'Values of a label',
    parameters: z.object({ 'match[]': matches, start: time(''), end: time(''), limit }),
    params: z.object({ name: z.string() }),
    post: false,
  },
  {
    path: '/api/v1/metadata',
    summary: 'Type, help and unit of metrics',
    parameters: z.object({ metric: z.string().optional(), limit }),
    post: false,
  },
  {
    path: '/api/v1/rules',
    summary: 'Groups of rules: none',
    parameters: z.object({}),
    post: false,
  },
  {
    path: '/api/v1/alerts',
    summary: 'Alerts: none',
    parameters: z.object({}),
    post: false,
  },
  {
    path: '/api/v1/status/buildinfo',
    summary: 'Which version of Prometheus’ API is spoken',
    parameters: z.object({}),
    post: false,
  },
]

/** Describes the routes of Prometheus' API: they read their parameters themselves, from address and form. */
export const describeQueries = (router: OpenAPIHono<AppEnv>): void => {
  for (const { path, summary, parameters, params, post } of PATHS) {
    const described = { path, tags: ['query'], summary, responses }
    const named = params ? { params } : {}
    router.openAPIRegistry.registerPath({
      ...described,
      method: 'get',
      request: { ...named, query: parameters },
    })
    if (!post) continue
    const content = { 'application/x-www-form-urlencoded': { schema: parameters } }
    router.openAPIRegistry.registerPath({
      ...described,
      method: 'post',
      request: { ...named, body: { required: true, content } },
    })
  }
}
