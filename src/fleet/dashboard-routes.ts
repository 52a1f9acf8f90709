import { createRoute, z } from '@hono/zod-openapi'
import type { TypedResponse } from 'hono'
import { connect } from '../database/client.ts'
import { DASHBOARD_SORTS, readDashboard } from '../database/fleet-queries.ts'
import { requireScope } from '../http/auth.ts'
import { conditional } from '../http/conditional.ts'
import { createRouter, problemResponses } from '../http/validate.ts'
import { USAGE_STATUSES } from './health.ts'
import { fleetProblem } from './vm-problems.ts'
import { cursorSchema, metricsSchema, vmSchema, vmStatusSchema } from './vm-schema.ts'

/** VMs in one page; the page of the web dashboard asks for more pages beyond it. */
export const DASHBOARD_LIMIT_MAX = 10_000

const COMMA = 0x2c

export const dashboard = createRouter()

const percent = z.number().nullable()
const usageStatusSchema = z.enum(USAGE_STATUSES)

const rowSchema = vmSchema
  .omit({ updated_at: true })
  .extend({
    latest: z.object({ timestamp: z.number().int(), ...metricsSchema }).nullable(),
    window_24h: z.object({
      cpu_avg: percent,
      cpu_max: percent,
      cpu_p95: percent,
      memory_avg: percent,
      memory_max: percent,
      memory_p95: percent,
      sample_count: z.number().int(),
    }),
    cpu_status: usageStatusSchema,
    memory_status: usageStatusSchema,
    disk_status: usageStatusSchema,
    health_score: z.number().int(),
    cpu_efficiency: z.number().nullable(),
    memory_efficiency: z.number().nullable(),
    estimated_hourly_cost: z.number().openapi({ description: 'US dollars' }),
  })
  .openapi('DashboardVm')

export const dashboardSchema = z
  .object({
    vms: z.array(rowSchema),
    summary: z.object({
      total: z.number().int(),
      by_status: z.object({
        running: z.number().int(),
        starting: z.number().int(),
        stopping: z.number().int(),
        stopped: z.number().int(),
      }),
      cpu_avg: percent,
      memory_avg: percent,
      health_avg: z.number().nullable(),
      total_hourly_cost: z.number(),
    }),
    next_cursor: z.string().nullable(),
    generated_at: z.number().int(),
  })
  .openapi('Dashboard')

dashboard.openapi(
  createRoute({
    method: 'get',
    path: '/api/v1/dashboard',
    tags: ['fleet'],
    summary: 'The fleet with newest samples, 24 h statistics, health and cost',
    description:
      'One page of VMs and a summary over the whole filter. The default order is running, starting, stopping, stopped; then health ascending; then name. p95 carries the relative error of the sketch, 1.09 % at most.',
    middleware: [requireScope('read')],
    request: {
      query: z.object({
        status: vmStatusSchema.optional(),
        minHealthScore: z.coerce.number().min(0).max(100).optional(),
        sort: z.enum(DASHBOARD_SORTS).default('status'),
        limit: z.coerce.number().int().min(1).max(DASHBOARD_LIMIT_MAX).default(50),
        cursor: cursorSchema,
      }),
    },
    responses: {
      200: {
        description: 'One page and the summary',
        content: { 'application/json': { schema: dashboardSchema } },
      },
      304: { description: 'Nothing changed since the entity tag in If-None-Match' },
      ...problemResponses(400, 401, 403, 422, 503),
    },
  }),
  async (c) => {
    const { settings, principal } = c.var
    const page = await readDashboard(
      connect(settings),
      principal.organisationId,
      c.req.valid('query'),
      settings.costRates,
    )
    if (!page.ok) throw fleetProblem(page.error)
    const { vmsJson, summaryJson, nextCursor } = page.value
    const content = `{"vms":${vmsJson},"summary":${summaryJson},"next_cursor":${JSON.stringify(nextCursor)}`
    const body = new TextEncoder().encode(`${content},"generated_at":${Date.now()}}`)
    const headers = { 'content-type': 'application/json', 'cache-control': 'private, no-cache' }
    // When it was made says nothing of whether it changed.
    const validated = body.subarray(0, body.lastIndexOf(COMMA))
    return conditional(c.req.raw, body, headers, validated) as TypedResponse<
      z.infer<typeof dashboardSchema>,
      200,
      'json'
    > &
      Response
  },
)
