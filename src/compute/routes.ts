import { z } from '@hono/zod-openapi'
import { requireScope } from '../http/auth.ts'
import type { AppContext } from '../http/context.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { createRouter, parseWith } from '../http/validate.ts'
import { Histogram } from '../kernels/histogram.ts'
import { ArenaExhaustedError } from '../kernels/memory.ts'
import { SummaryStream } from '../kernels/reduce.ts'
import * as answers from './answers.ts'
import { ArrivingValues, readArriving } from './arriving.ts'
import { describe } from './description.ts'
import { withJson } from './json.ts'
import {
  bodyKindOf,
  COMPUTE_BODY_BYTES_MAX,
  type ComputeBody,
  queryNumber,
  readComputeBody,
} from './request.ts'
import * as schema from './schemas.ts'
import { readBlocks } from './stream.ts'
import { similarityProblem, type Vectors, vectorsOfBinary, vectorsOfJson } from './vectors.ts'

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

/** The numbers of a list in the query. Throws ProblemError 400 where one is none. */
const queryParts = (c: AppContext, name: string): number[] | undefined =>
  c.req
    .query(name)
    ?.split(',')
    .map((text, i) => queryNumber(text, `#/${name}/${i}`))

/**
 * Runs `use` on a JSON body's value, its member `values` read by the kernel, or on the same shape made
 * of a binary body's numbers and the query. What `use` takes is valid until it returns.
 */
const withInput = <T>(
  body: ComputeBody,
  fromQuery: Record<string, unknown>,
  use: (input: unknown) => T,
): T =>
  withKernels(() => {
    if (body.kind === 'json') return withJson(body.bytes, { values: 'nullable' }, use)
    const given = Object.entries(fromQuery).filter(([, value]) => value !== undefined)
    return use({ values: body.values, ...Object.fromEntries(given) })
  })

describe(compute, {
  path: '/api/v1/compute/summary',
  summary: 'Count, sum, min, max, mean and variance in one pass',
  request: schema.summaryRequest,
  answer: schema.summaryAnswer,
  streamedWhen: '',
})
compute.post('/api/v1/compute/summary', requireScope('read'), async (c) => {
  const bodyKind = bodyKindOf(c)
  const stream = new SummaryStream()
  if (bodyKind.kind === 'binary') {
    await readBlocks(c.req.raw, bodyKind.dtype, (values) => stream.add(values))
    return c.json(answers.summaryAnswerOf(stream.summary))
  }
  const arriving = new ArrivingValues((values) => stream.add(values))
  const bytes = await readArriving(c.req.raw, COMPUTE_BODY_BYTES_MAX, (arrived) =>
    withKernels(() => arriving.read(arrived)),
  )
  if (withKernels(() => arriving.finish(bytes))) {
    return c.json(answers.summaryAnswerOf(stream.summary))
  }
  const answer = withInput({ kind: 'json', bytes }, {}, (input) =>
    answers.answerSummary(parseWith(schema.summaryRequest, input)),
  )
  return c.json(answer)
})

describe(compute, {
  path: '/api/v1/compute/percentiles',
  summary: 'Any percentiles of the values, exact or with a bound',
  request: schema.percentilesRequest,
  answer: schema.percentilesAnswer,
  streamedWhen: ' with `method=sketch`, else read whole',
  query: z.object({
    percentiles: z.string().optional().openapi({ example: '50,95,99' }),
    method: z.enum(['exact', 'sketch']).optional(),
  }),
})
compute.post('/api/v1/compute/percentiles', requireScope('read'), async (c) => {
  const bodyKind = bodyKindOf(c)
  const fromQuery: Record<string, unknown> =
    bodyKind.kind === 'json'
      ? {}
      : { percentiles: queryParts(c, 'percentiles'), method: c.req.query('method') }
  if (bodyKind.kind === 'binary' && bodyKind.isLong && fromQuery.method === 'sketch') {
    const { percentiles } = parseWith(
      schema.percentilesRequest.omit({ values: true }),
      fromQuery,
      'query',
    )
    const histogram = new Histogram()
    await readBlocks(c.req.raw, bodyKind.dtype, (values) => {
      withKernels(() => histogram.insert(answers.asF64(values)))
    })
    return c.json(answers.sketchAnswerOf(histogram, percentiles))
  }
  const body = await readComputeBody(c, bodyKind)
  const answer = withInput(body, fromQuery, (input) =>
    answers.answerPercentiles(parseWith(schema.percentilesRequest, input)),
  )
  return c.json(answer)
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
  const body = await readComputeBody(c)
  const answerOf = ({ query, rows, topK }: Vectors) => {
    const answer = answers.answerSimilarity(query, rows, topK)
    if (!answer.ok) throw similarityProblem(answer.error)
    return answer.value
  }
  const answer = withKernels(() =>
    body.kind === 'json'
      ? withJson(body.bytes, { query: 'numbers', candidates: 'rows' }, (value) =>
          answerOf(vectorsOfJson(value)),
        )
      : answerOf(vectorsOfBinary(c, body.values)),
  )
  return c.json(answer)
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

const refuseExpression = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return
  if (!('expression' in value) && !('columns' in value)) return
  const pointer = 'expression' in value ? '#/expression' : '#/columns'
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
  const operations = body.kind === 'binary' ? operationsOf(c.req.query('operations')) : undefined
  const answer = withInput(body, { operations }, (input) => {
    refuseExpression(input)
    return answers.answerPipeline(parseWith(schema.pipelineRequest, input))
  })
  return c.json(answer)
})
