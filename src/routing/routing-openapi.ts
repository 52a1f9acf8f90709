import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AppEnv } from '../http/context.ts'
import { problemResponses } from '../http/validate.ts'
import { BUCKETS, routerConfigSchema } from './catalog.ts'

const share = z.number().min(0).max(1)

const requestSchema = z
  .looseObject({
    messages: z.array(z.looseObject({ role: z.string() })).min(1),
    model: z.string().optional().openapi({
      description: '`auto`, or absent, leaves the choice to the router',
      example: 'auto',
    }),
    alpha: share.optional().openapi({ description: 'Weight of quality against cost' }),
    conversation: z.string().optional().openapi({ description: 'A name of the conversation' }),
  })
  .openapi('RouteRequest')

const decisionSchema = z
  .object({
    decisionId: z.string(),
    decision: z.object({
      provider: z.string(),
      model: z.string(),
      params: z.object({ model: z.string() }),
      fallbacks: z.array(z.string()),
    }),
    bucket: z.enum(BUCKETS),
    bucketServed: z.enum(BUCKETS),
    bucketProbabilities: z.object({ cheap: share, mid: share, hard: share }),
    difficulty: share,
    cluster: z.number().int().nullable(),
    clusters: z.array(z.object({ cluster: z.number().int(), weight: share })),
    embedding: z.string().openapi({ description: '`lexical-hash-v1`, or a provider’s' }),
    alpha: share,
    inputTokens: z.number().int(),
    tokensSource: z.enum(['heuristic', 'o200k_base']),
    candidates: z.array(
      z.object({
        id: z.string(),
        isInBucket: z.boolean(),
        quality: share,
        priorQuality: share.nullable().openapi({ description: 'Of the artifact alone' }),
        trials: z.number().openapi({ description: 'Own requests with feedback' }),
        cost: share,
        costUsd: z.number(),
        qualityTerm: z.number(),
        costTerm: z.number(),
        latencyPenalty: z.number(),
        contextPenalty: z.number(),
        healthPenalty: z.number(),
        score: z.number(),
      }),
    ),
    excluded: z.array(z.object({ id: z.string(), reason: z.string() })),
    affinity: z
      .object({
        held: z.string(),
        gain: z.number(),
        loss: z.number(),
        isKept: z.boolean(),
        overruledBy: z.enum(['ruled-out', 'bucket']).nullable(),
      })
      .nullable(),
    cache: z.enum(['hit', 'miss']),
    artifactVersion: z.string(),
    isCanary: z.boolean(),
    spentMs: z.number(),
  })
  .openapi('RouteDecision')

const errorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .openapi('OpenAiError')

const configAnswer = z
  .object({ source: z.enum(['default', 'organisation']), config: routerConfigSchema })
  .openapi('RouterConfig')

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
})

const openAiErrors = (...statuses: number[]) =>
  Object.fromEntries(statuses.map((status) => [status, json('Error', errorSchema)]))

/** Describes the routes of routing; their bodies are read under bounds of their own. */
export const describeRouting = (app: OpenAPIHono<AppEnv>): void => {
  const registry = app.openAPIRegistry
  registry.registerPath({
    method: 'post',
    path: '/v1/route',
    tags: ['routing'],
    summary: 'The model that a request would be sent to, and why',
    description:
      'The body of an OpenAI chat completion, or of an Anthropic message where the header `anthropic-version` is sent; at most 16 MiB and 8 MiB of text.',
    request: {
      body: { required: true, content: { 'application/json': { schema: requestSchema } } },
    },
    responses: {
      200: json('The decision with its explanation', decisionSchema),
      ...openAiErrors(400, 401, 403, 404, 413, 415, 422, 503),
    },
  })
  registry.registerPath({
    method: 'get',
    path: '/api/v1/router/config',
    tags: ['routing'],
    summary: 'The organisation’s candidates, prices, allow-list and weights',
    responses: { 200: json('The configuration', configAnswer), ...problemResponses(401, 403, 503) },
  })
  registry.registerPath({
    method: 'put',
    path: '/api/v1/router/config',
    tags: ['routing'],
    summary: 'Replaces the configuration; other isolates follow within 30 s',
    request: {
      body: { required: true, content: { 'application/json': { schema: routerConfigSchema } } },
    },
    responses: {
      200: json('The configuration', configAnswer),
      ...problemResponses(400, 401, 403, 413, 415, 422, 503),
    },
  })
}
