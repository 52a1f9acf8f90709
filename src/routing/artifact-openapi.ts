import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { AppEnv } from '../http/context.ts'
import { problemResponses } from '../http/validate.ts'

const share = z.number().min(0).max(1)
const count = z.number().min(0)
const instant = z.iso.datetime()

const countsSchema = z.object({
  decisions: z
    .object({ cheap: count, mid: count, hard: count })
    .openapi({ description: 'Of the last 7 days' }),
  errors: count.openapi({ description: 'Of these, requests that failed or broke off' }),
  costNanoUsd: count.openapi({ description: 'Billionths of a US dollar, of the last 7 days' }),
  trials: count.openapi({ description: 'Feedback on success, since the beginning' }),
  successRate: share.nullable(),
  latencyCount: count,
  latencyMeanMs: count.nullable(),
})

export const shareBody = z.strictObject({
  share: share.openapi({ description: 'Of conversations' }),
})

const artifactAnswer = z
  .object({
    version: z.string(),
    source: z.enum(['shipped', 'url', 'organisation']),
    updatedAt: instant.nullable().openapi({
      description:
        'When the organisation put it, or this isolate loaded it; null for the shipped one',
    }),
    features: z.array(z.string()),
    thresholds: z.object({ cheap: share, hard: share }),
    alpha: share,
    clusters: z.number().int(),
    models: z.array(z.string()),
    report: z.unknown(),
    counts: countsSchema,
    address: z
      .object({
        etag: z.string().nullable(),
        loadedAt: instant.nullable(),
        checkedAt: instant.nullable(),
        lastFailure: z.object({ at: instant, reason: z.string() }).nullable(),
      })
      .nullable()
      .openapi({ description: 'What this isolate knows of ROUTER_ARTIFACT_URL' }),
    canary: z
      .object({
        version: z.string(),
        share,
        updatedAt: instant,
        isUsed: z.boolean().openapi({ description: 'false: refused here, for a logged reason' }),
        counts: countsSchema,
      })
      .nullable(),
  })
  .openapi('RouterArtifact')

const json = (description: string, schema: z.ZodType) => ({
  description,
  content: { 'application/json': { schema } },
})

const binary = { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } }

/** Describes the routes of artifacts; their bodies are read under bounds of their own. */
export const describeArtifacts = (app: OpenAPIHono<AppEnv>): void => {
  const registry = app.openAPIRegistry
  const path = '/api/v1/router/artifact'
  const tags = ['routing']
  const answer = json('The artifact', artifactAnswer)
  registry.registerPath({
    method: 'get',
    path,
    tags,
    summary:
      'The artifact that decides: what it is and did, or with Accept: application/octet-stream its file',
    responses: {
      200: {
        description: 'The artifact',
        content: { 'application/json': { schema: artifactAnswer }, ...binary },
      },
      304: { description: 'If-None-Match names this version, of the file' },
      ...problemResponses(401, 403, 503),
    },
  })
  registry.registerPath({
    method: 'put',
    path,
    tags,
    summary: 'Replaces the organisation’s artifact once it is checked; at most 2 MiB',
    request: {
      query: z.object({
        canary: share.optional().openapi({
          description: 'Tries it on this share of conversations, beside the artifact that decides',
        }),
      }),
      body: { required: true, content: binary },
    },
    responses: { 200: answer, ...problemResponses(400, 401, 403, 413, 415, 422, 503) },
  })
  registry.registerPath({
    method: 'delete',
    path,
    tags,
    summary: 'Goes back to the deployment’s artifact; what is tried stays',
    responses: { 200: answer, ...problemResponses(401, 403, 503) },
  })
  registry.registerPath({
    method: 'patch',
    path: `${path}/canary`,
    tags,
    summary: 'Changes the share of conversations that the artifact is tried on',
    request: { body: { required: true, content: { 'application/json': { schema: shareBody } } } },
    responses: { 200: answer, ...problemResponses(400, 401, 403, 404, 413, 415, 422, 503) },
  })
  for (const [name, summary] of [
    ['promote', 'The artifact that is tried becomes the organisation’s'],
    ['discard', 'The artifact that is tried is forgotten'],
  ] as const)
    registry.registerPath({
      method: 'post',
      path: `${path}/${name}`,
      tags,
      summary,
      responses: { 200: answer, ...problemResponses(401, 403, 404, 503) },
    })
}
