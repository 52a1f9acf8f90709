import { createRoute, z } from '@hono/zod-openapi'
import { connect, ping } from '../database/client.ts'
import { summary } from '../kernels/reduce.ts'
import { createRouter } from './validate.ts'

const CHECK_TIMEOUT_MS = 2_000

const checkSchema = z.object({ status: z.enum(['ok', 'failed']), detail: z.string().optional() })
const readySchema = z
  .object({
    status: z.enum(['ok', 'failed']),
    checks: z.object({ database: checkSchema, kernels: checkSchema }),
  })
  .openapi('Readiness')

type Check = z.infer<typeof checkSchema>

const passed: Check = { status: 'ok' }
const failed = (detail: string): Check => ({ status: 'failed', detail })

const timeout = (ms: number) =>
  new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })

const checkDatabase = async (settings: Parameters<typeof connect>[0]): Promise<Check> => {
  try {
    await Promise.race([ping(connect(settings)), timeout(CHECK_TIMEOUT_MS)])
    return passed
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    // A driver's message may quote the connection string.
    return failed(`PostgreSQL cannot be used: ${reason.replace(/\w+:\/\/\S+/g, '…').slice(0, 200)}`)
  }
}

const checkKernels = (): Check => {
  const { count, sum } = summary(new Float64Array([1, 2, 3]))
  return count === 3 && sum === 6 ? passed : failed('the numeric kernels answer wrongly')
}

export const health = createRouter()

health.openapi(
  createRoute({
    method: 'get',
    path: '/healthz',
    tags: ['operations'],
    summary: 'Whether the process is alive',
    responses: {
      200: {
        description: 'Alive',
        content: { 'application/json': { schema: z.object({ status: z.literal('ok') }) } },
      },
    },
  }),
  (c) => c.json({ status: 'ok' as const }, 200, { 'cache-control': 'no-store' }),
)

const readiness = { 'application/json': { schema: readySchema } }

health.openapi(
  createRoute({
    method: 'get',
    path: '/readyz',
    tags: ['operations'],
    summary: 'Whether every dependency answers',
    responses: {
      200: { description: 'Ready', content: readiness },
      503: { description: 'A dependency is missing; the body names it', content: readiness },
    },
  }),
  async (c) => {
    const checks = { database: await checkDatabase(c.var.settings), kernels: checkKernels() }
    const ready = Object.values(checks).every((check) => check.status === 'ok')
    c.header('cache-control', 'no-store')
    if (ready) return c.json({ status: 'ok' as const, checks }, 200)
    c.header('retry-after', '2')
    return c.json({ status: 'failed' as const, checks }, 503)
  },
)
