import { createRoute, z } from '@hono/zod-openapi'
import { requireScope } from '../http/auth.ts'
import type { AppContext } from '../http/context.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { errorsAs } from '../http/protocol-errors.ts'
import { createRouter } from '../http/validate.ts'
import { isAllowed } from '../routing/catalog.ts'
import { paramOf } from '../routing/faults.ts'
import { withRouter } from '../routing/with-router.ts'
import { DIALECTS } from './gateway-dialects.ts'
import { gatewayError } from './gateway-errors.ts'
import { backgroundOf } from './gateway-ports.ts'
import { modelCatalog } from './model-catalog.ts'
import {
  anthropicList,
  anthropicModel,
  findModel,
  type ListedModel,
  listModels,
  openAiList,
  openAiModel,
} from './models-list.ts'
import { providersFor } from './provider-registry.ts'

/** As Anthropic bounds its pages. */
const PAGE_MODELS = 20
const PAGE_MODELS_MAX = 1_000

/** The models that a request may name, in the lists of OpenAI and Anthropic. */
export const models = createRouter()

/** Clients of Anthropic say which version of its API they speak. */
const isAnthropic = (headers: Headers): boolean => headers.has('anthropic-version')

/** Every error of the routes in the words of the client's dialect. */
export const modelsErrors = errorsAs(({ status, message, pointer }, request) => {
  const dialect = isAnthropic(request.headers) ? 'anthropic' : 'openai'
  const param = pointer === undefined ? null : paramOf(pointer)
  const error = gatewayError(dialect, status, message, { param })
  return { contentType: 'application/json', body: JSON.stringify(DIALECTS[dialect].error(error)) }
})

/** What is listed is that of the organisation, and of the caller's own credential where it has one. */
const modelsOf = (c: AppContext): Promise<readonly ListedModel[]> =>
  withRouter(c, ({ router }) => {
    const { candidates, allowedModels } = router.config
    return listModels(
      candidates,
      providersFor(c.env, c.var.passThrough ?? null),
      modelCatalog(c.var.settings, Date.now(), backgroundOf(c)),
      (model) => isAllowed(allowedModels, model),
    )
  })

const HEADERS = { 'cache-control': 'private, no-cache', vary: 'anthropic-version' }

const limitOf = (text: string | undefined): number => {
  const limit = text === undefined ? PAGE_MODELS : Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= PAGE_MODELS_MAX) return limit
  const detail = `must be a whole number from 1 to ${PAGE_MODELS_MAX}`
  throw new ProblemError(
    problem(400, 'bad-request', `limit ${detail}`, { errors: [{ pointer: '#/limit', detail }] }),
  )
}

const modelSchema = z
  .looseObject({
    id: z.string(),
    object: z.literal('model'),
    created: z.number().int().openapi({ description: 'Always 0: nobody tells it' }),
    owned_by: z.string(),
  })
  .openapi('Model', {
    description:
      'Of a model that is known also kind, context_tokens, output_tokens_max, usd_per_million_tokens and capabilities; mock: true where answers are made up',
  })
const error = (description: string) => ({
  description,
  content: { 'application/json': { schema: z.object({ error: z.looseObject({}) }) } },
})
const answers = {
  401: error('No key, or one that is not known, in the dialect of the client'),
  403: error('The key lacks the scope "read"'),
}

// Documented by hand: with `anthropic-version` the answers have another shape.
models.openAPIRegistry.registerPath(
  createRoute({
    method: 'get',
    path: '/v1/models',
    tags: ['gateway'],
    summary: 'Models that a request may name',
    description:
      'The names of the router, the candidates of the organisation and the models of the catalogue whose providers are there. With the header `anthropic-version` the list is that of Anthropic: `data` of `type: model`, `first_id`, `last_id`, `has_more`, by `limit`, `after_id` and `before_id`.',
    request: {
      query: z.object({
        limit: z.string().optional(),
        after_id: z.string().optional(),
        before_id: z.string().optional(),
      }),
    },
    responses: {
      200: {
        description: 'The list',
        content: {
          'application/json': {
            schema: z.object({ object: z.literal('list'), data: z.array(modelSchema) }),
          },
        },
      },
      ...answers,
    },
  }),
)
models.openAPIRegistry.registerPath(
  createRoute({
    method: 'get',
    path: '/v1/models/{id}',
    tags: ['gateway'],
    summary: 'One model',
    description: 'By `provider/model`, or a model by its name. The id may hold slashes.',
    request: { params: z.object({ id: z.string() }) },
    responses: {
      200: { description: 'The model', content: { 'application/json': { schema: modelSchema } } },
      ...answers,
      404: error('There is no such model'),
    },
  }),
)

models.get('/v1/models', requireScope('read'), async (c) => {
  const all = await modelsOf(c)
  if (!isAnthropic(c.req.raw.headers)) return c.json(openAiList(all), 200, HEADERS)
  const { limit, after_id: afterId = null, before_id: beforeId = null } = c.req.query()
  return c.json(anthropicList(all, { limit: limitOf(limit), afterId, beforeId }), 200, HEADERS)
})

models.get('/v1/models/:id{.+}', requireScope('read'), async (c) => {
  const model = findModel(await modelsOf(c), c.req.param('id'))
  if (model === null) throw new ProblemError(problem(404, 'not-found', 'there is no such model'))
  const shape = isAnthropic(c.req.raw.headers) ? anthropicModel : openAiModel
  return c.json(shape(model), 200, HEADERS)
})
