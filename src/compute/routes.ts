import { z } from '@hono/zod-openapi'
import { requireScope } from '../http/auth.ts'
import type { AppContext } from '../http/context.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { createRouter, parseWith } from '../http/validate.ts'
import { ArenaExhaustedError } from '../kernels/memory.ts'
import * as answers from './answers.ts'
import { describe } from './description.ts'
import { type ComputeBody, queryNumber, readComputeBody } from './request.ts'
import * as schema from './schemas.ts'
import { similarityProblem, vectorsOf } from './vectors.ts'

/** Statistics of the numbers in the request itself: nothing is stored. */
export const compute = createRouter()

/** The kernels' memory is bounded; a request that finds it full may come again. */
const withKernels = <T>(work: () => T): T => {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof ArenaExhaustedError)) throw error
    throw new ProblemError(
      problem(503, 'dependency-unavailable', 'no memory is left for a request of this size', {
        retryAfterSeconds: 1,
      }),
    )
  }
}

const queryParts = (c: AppContext, name: string): number[] | undefined =>
  c.req.query(name)?.split(',').map(queryNumber)

/** The JSON object, or the same shape from the numbers and the query. */
const inputOf = (body: ComputeBody, fromQuery: Record<string, unknown>): unknown =>
  body.kind === 'json'
    ? body.value
    : {
        values: body.values,
        ...Object.fromEntries(Object.entries(fromQuery).filter(([, value]) => value !== undefined)),
      }

describe(compute, {
  path: '/api/v1/compute/summary',
  summary: 'Count, sum, min, max, mean and variance in one pass',
  request: schema.summaryRequest,
  answer: schema.summaryAnswer,
})
compute.post('/api/v1/compute/summary', requireScope('read'), async (c) => {
  const input = parseWith(schema.summaryRequest, inputOf(await readComputeBody(c), {}))
  return c.json(withKernels(() => answers.answerSummary(input)))
})

describe(compute, {
  path: '/api/v1/compute/percentiles',
  summary: 'Any percentiles of the values, exact or with a bound',
  request: schema.percentilesRequest,
  answer: schema.percentilesAnswer,
  query: z.object({
    percentiles: z.string().optional().openapi({ example: '50,95,99' }),
    method: z.enum(['exact', 'sketch']).optional(),
  }),
})
compute.post('/api/v1/compute/percentiles', requireScope('read'), async (c) => {
  const input = parseWith(
    schema.percentilesRequest,
    inputOf(await readComputeBody(c), {
      percentiles: queryParts(c, 'percentiles'),
      method: c.req.query('method'),
    }),
  )
  return c.json(withKernels(() => answers.answerPercentiles(input)))
})

describe(compute, {
  path: '/api/v1/compute/similarity',
  summary: 'Cosine of one vector against many, best first',
  description: 'A binary body holds the query and then the candidates, `dims` numbers each.',
  request: schema.similarityRequest,
  answer: schema.similarityAnswer,
  query: z.object({
    dims: z.coerce.number().int().min(1).optional(),
    topK: z.coerce.number().int().min(1).optional(),
  }),
})
compute.post('/api/v1/compute/similarity', requireScope('read'), async (c) => {
  const { query, rows, topK } = vectorsOf(c, await readComputeBody(c))
  const answer = withKernels(() => answers.answerSimilarity(query, rows, topK))
  if (!answer.ok) throw similarityProblem(answer.error)
  return c.json(answer.value)
})

/** The operations of a binary request: JSON in the query. Throws ProblemError 400. */
const operationsOf = (text: string | undefined): unknown => {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // SyntaxError: what was sent is no JSON.
    throw new ProblemError(
      problem(400, 'bad-request', 'operations in the query must be a JSON array', {
        errors: [{ pointer: '#/operations', detail: 'must be a JSON array' }],
      }),
    )
  }
}

const refuseExpression = (body: ComputeBody): void => {
  if (body.kind !== 'json' || typeof body.value !== 'object' || body.value === null) return
  if (!('expression' in body.value) && !('columns' in body.value)) return
  const pointer = 'expression' in body.value ? '#/expression' : '#/columns'
  const detail = 'expressions over columns are not supported; send values and operations'
  throw new ProblemError(
    problem(422, 'validation-failed', detail, { errors: [{ pointer, detail }] }),
  )
}

describe(compute, {
  path: '/api/v1/compute/pipeline',
  summary: 'A chain of operations over a series',
  request: schema.pipelineRequest,
  answer: schema.pipelineAnswer,
  query: z.object({
    operations: z.string().optional().openapi({ example: '[{"op":"rollingMean","window":5}]' }),
  }),
})
compute.post('/api/v1/compute/pipeline', requireScope('read'), async (c) => {
  const body = await readComputeBody(c)
  refuseExpression(body)
  const operations = body.kind === 'binary' ? operationsOf(c.req.query('operations')) : undefined
  const input = parseWith(schema.pipelineRequest, inputOf(body, { operations }))
  return c.json(withKernels(() => answers.answerPipeline(input)))
})
