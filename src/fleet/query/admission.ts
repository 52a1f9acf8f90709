import type { AppContext } from '../../http/context.ts'
import { ProblemError, problem } from '../../http/problem.ts'
import { type Pieces, piecesResponse } from './envelope.ts'
import { type Place, QueryGate } from './query-gate.ts'
import type { SeriesSource } from './source.ts'

const RETRY_AFTER_SECONDS = 1

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The queries of this isolate. */
export const queryGate = new QueryGate({
  now: () => Date.now(),
  wait,
  every: (ms, work) => {
    const timer = setInterval(work, ms)
    return () => clearInterval(timer)
  },
})

const unavailable = (detail: string): ProblemError =>
  new ProblemError(
    problem(503, 'dependency-unavailable', detail, { retryAfterSeconds: RETRY_AFTER_SECONDS }),
  )

/**
 * Answers once there is a place for the query, which it has until its answer is sent, cancelled or failed.
 * Throws ProblemError 503 where there is none in time.
 */
export const admitted =
  (answer: (c: AppContext, place: Place) => Promise<Response | Pieces>) =>
  async (c: AppContext): Promise<Response> => {
    const place = await queryGate.enter(c.var.principal.organisationId)
    if (!place) throw unavailable('too many queries run or wait at the same time; try again soon')
    let isSending = false
    try {
      const answered = await answer(c, place)
      if (answered instanceof Response) return answered
      const response = piecesResponse(answered, place.end)
      // Of an answer to HEAD nobody reads the body.
      isSending = c.req.raw.method !== 'HEAD'
      return response
    } finally {
      if (!isSending) place.end()
    }
  }

/**
 * A source that counts what it answers, and lets other requests go on after each read. What finds no room beside
 * other queries is dropped, and read again once there is some. Throws ProblemError 503 where there is none in time.
 *
 * @param sourceOf makes a source; their bounds are those of one query
 * @param steps of the query's grid
 */
export const countedSource = (
  sourceOf: () => SeriesSource,
  place: Place,
  steps: number,
): SeriesSource => {
  const source = sourceOf()
  return {
    select: async (...selection) => {
      let series = await source.select(...selection)
      const points = series.length * steps
      if (!place.take(points)) {
        series = []
        if (!(await place.takeLater(points)))
          throw unavailable('queries that run at the same time take all memory; try again soon')
        series = await sourceOf().select(...selection)
      }
      await wait(0)
      return series
    },
  }
}
