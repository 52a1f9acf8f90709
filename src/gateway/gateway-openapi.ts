import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AppEnv } from '../http/context.ts'
import { problemResponses } from '../http/validate.ts'

const chatSchema = z
  .looseObject({
    model: z.string().openapi({
      description:
        '`auto` leaves the choice to the router, `gjallar/cheap`, `gjallar/mid` and `gjallar/hard` that within a bucket; else `provider/model`, or a model by its name',
      example: 'auto',
    }),
    messages: z.array(z.looseObject({ role: z.string() })).min(1),
    stream: z.boolean().optional(),
    max_completion_tokens: z.number().int().min(1).optional(),
  })
  .openapi('ChatCompletionRequest')

const messagesSchema = z
  .looseObject({
    model: z.string(),
    max_tokens: z.number().int().min(1),
    messages: z.array(z.looseObject({ role: z.string() })).min(1),
    stream: z.boolean().optional(),
  })
  .openapi('MessagesRequest')

const embeddingsSchema = z
  .looseObject({
    model: z.string(),
    input: z.union([z.string(), z.array(z.unknown())]),
    encoding_format: z.enum(['float', 'base64']).optional(),
    dimensions: z.number().int().min(1).optional(),
  })
  .openapi('EmbeddingsRequest')

const openAiError = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})

const anthropicError = z
  .object({
    type: z.literal('error'),
    error: z.object({ type: z.string(), message: z.string() }),
  })
  .openapi('AnthropicError')

const state = z.enum(['closed', 'half-open', 'open'])
const providersSchema = z
  .object({
    providers: z.array(
      z.object({
        id: z.string(),
        kind: z.enum(['openai', 'anthropic', 'gemini', 'workers-ai']),
        mock: z.boolean(),
        keys: z.number().int(),
        state,
        inFlight: z.number().int(),
        limit: z.number().int().nullable(),
        keysResting: z.number().int(),
        refused: z.number().int(),
        attempts: z.number().int(),
        faults: z.record(z.string(), z.number().int()),
        models: z.array(
          z.object({
            model: z.string(),
            state,
            errorRatio: z.number(),
            latencyMeanMs: z.number().nullable(),
            latencyDeviationMs: z.number().nullable(),
            measurements: z.number().int(),
            firstTokenMeanMs: z.number().nullable(),
            firstTokenDeviationMs: z.number().nullable(),
            firstTokenMeasurements: z.number().int(),
          }),
        ),
      }),
    ),
  })
  .openapi('LlmProviders')

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
})

const STATUSES = [400, 401, 403, 404, 413, 415, 422, 429, 502, 503, 504]
const errors = (schema: z.ZodType) =>
  Object.fromEntries(STATUSES.map((status) => [status, json('Error', schema)]))

const served = (description: string) => ({
  description,
  content: {
    'application/json': { schema: z.looseObject({}) },
    'text/event-stream': { schema: z.string() },
  },
})

const body = (schema: z.ZodType) => ({
  body: { required: true, content: { 'application/json': { schema } } },
})

/** Describes the routes of the gateway; their bodies are checked by the dialects themselves. */
export const describeGateway = (app: OpenAPIHono<AppEnv>): void => {
  const registry = app.openAPIRegistry
  registry.registerPath({
    method: 'post',
    path: '/v1/chat/completions',
    tags: ['gateway'],
    summary: 'An OpenAI chat completion, whole or streamed, by whichever provider serves it',
    request: body(chatSchema),
    responses: { 200: served('The completion, or its events'), ...errors(openAiError) },
  })
  registry.registerPath({
    method: 'post',
    path: '/v1/messages',
    tags: ['gateway'],
    summary: 'An Anthropic message, whole or streamed, by whichever provider serves it',
    request: body(messagesSchema),
    responses: { 200: served('The message, or its events'), ...errors(anthropicError) },
  })
  registry.registerPath({
    method: 'post',
    path: '/v1/embeddings',
    tags: ['gateway'],
    summary: 'Embeddings, by providers of the very model that is named',
    request: body(embeddingsSchema),
    responses: { 200: json('The vectors', z.looseObject({})), ...errors(openAiError) },
  })
  registry.registerPath({
    method: 'get',
    path: '/api/v1/llm/providers',
    tags: ['gateway'],
    summary: 'Providers and their health, as the isolate that answers knows them',
    responses: { 200: json('The providers', providersSchema), ...problemResponses(401, 403, 503) },
  })
  registry.registerPath({
    method: 'get',
    path: '/metrics',
    tags: ['operations'],
    summary: 'Counters of the isolate that answers',
    responses: {
      200: {
        description: 'OpenMetrics text',
        content: { 'application/openmetrics-text': { schema: z.string() } },
      },
      ...problemResponses(401, 403, 503),
    },
  })
}
