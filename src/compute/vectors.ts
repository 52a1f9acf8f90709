import { z } from '@hono/zod-openapi'
import type { AppContext } from '../http/context.ts'
import { ProblemError, problem } from '../http/problem.ts'
import { parseWith } from '../http/validate.ts'
import { packCandidates, type SimilarityError } from './answers.ts'
import { Rows } from './json.ts'
import { type Numbers, tooManyValues, VALUES_MAX } from './numbers.ts'
import { queryNumber } from './request.ts'
import { similarityRequest } from './schemas.ts'

export interface Vectors {
  readonly query: Numbers
  /** Candidates one after the other, each as long as the query. */
  readonly rows: Numbers
  readonly topK: number | undefined
}

const fault = (pointer: string, detail: string): ProblemError =>
  new ProblemError(
    problem(422, 'validation-failed', `body: ${detail}`, { errors: [{ pointer, detail }] }),
  )

export const similarityProblem = (error: SimilarityError): ProblemError => {
  switch (error.reason) {
    case 'query-without-direction':
      return fault('#/query', 'must be finite and have a value other than 0')
    case 'ragged':
      return fault(
        `#/candidates/${error.index}`,
        `has ${error.length} values, the query has ${error.dims}`,
      )
  }
}

const binaryQuery = z.object({
  dims: z.number().int().min(1),
  topK: similarityRequest.shape.topK,
})

const withoutCandidates = similarityRequest.omit({ candidates: true })

/** Candidates that the kernel read, beside the query. Throws ProblemError 422. */
const vectorsOfRows = (value: object, rows: Rows): Vectors => {
  const { query, topK } = parseWith(withoutCandidates, value)
  const dims = query.length
  const ragged =
    rows.count > 0 && rows.dims !== dims ? { index: 0, length: rows.dims } : rows.ragged
  if (ragged) throw similarityProblem({ reason: 'ragged', ...ragged, dims })
  return { query, rows: rows.values, topK }
}

/** Query and candidates of a JSON body. Throws ProblemError 413 or 422. */
export const vectorsOfJson = (value: unknown): Vectors => {
  if (typeof value === 'object' && value !== null && 'candidates' in value) {
    if (value.candidates instanceof Rows) return vectorsOfRows(value, value.candidates)
  }
  const { query, candidates, topK } = parseWith(similarityRequest, value)
  if (candidates.length * query.length > VALUES_MAX) throw tooManyValues()
  const rows = packCandidates(candidates, query.length)
  if (!rows.ok) throw similarityProblem(rows.error)
  return { query, rows: rows.value, topK }
}

/** Query and candidates of a binary body: `dims` numbers each. Throws ProblemError 400 or 422. */
export const vectorsOfBinary = (c: AppContext, values: Float64Array | Float32Array): Vectors => {
  const given = ['dims', 'topK'].flatMap((name) => {
    const text = c.req.query(name)
    return text === undefined ? [] : [[name, queryNumber(text, `#/${name}`)]]
  })
  const { dims, topK } = parseWith(binaryQuery, Object.fromEntries(given), 'query')
  if (values.length < dims) {
    throw fault('#/query', `has ${values.length} values where dims is ${dims}`)
  }
  const length = values.length % dims
  if (length > 0) {
    const index = Math.floor(values.length / dims) - 1
    throw similarityProblem({ reason: 'ragged', index, length, dims })
  }
  return { query: values.subarray(0, dims), rows: values.subarray(dims), topK }
}
