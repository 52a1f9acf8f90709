import { ProblemError, problem } from '../../http/problem.ts'
import type { ProtocolBody, ProtocolError } from '../../http/protocol-errors.ts'
import { ANSWER_MS_MAX } from './limits.ts'
import type { QueryError } from './query-error.ts'

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'private, no-cache' }

/** `errorType` of Prometheus' API for a status. */
const errorTypeOf = (status: number): string => {
  if (status === 401) return 'unauthorized'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not_found'
  if (status === 422) return 'execution'
  if (status === 503) return 'unavailable'
  return status >= 500 ? 'internal' : 'bad_data'
}

const errorBody = (status: number, error: string, more: Record<string, unknown> = {}): string =>
  JSON.stringify({ status: 'error', errorType: errorTypeOf(status), error, ...more })

/** Every problem of the query routes as Prometheus says errors. */
export const renderError = ({ status, message }: ProtocolError): ProtocolBody => ({
  contentType: 'application/json',
  body: errorBody(status, message),
})

const errorResponse = (status: number, error: string, more: Record<string, unknown> = {}) =>
  new Response(errorBody(status, error, more), { status, headers: HEADERS })

/** Throws the 400 of a faulty parameter. */
export const rejectParameter = (detail: string): never => {
  throw new ProblemError(problem(400, 'bad-request', detail))
}

const lineAndColumn = (text: string, position: number): string => {
  const before = text.slice(0, position).split('\n')
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

/** What is wrong with an expression, with its place in the text and as `position`: 400 or 422. */
export const queryErrorResponse = (
  parameter: string,
  text: string,
  error: QueryError,
): Response => {
  const { span, message } = error
  const place = span ? `${lineAndColumn(text, span.start)}: ` : ''
  const position = span ? { position: { start: span.start, end: span.end } } : {}
  if (error.reason !== 'parse') return errorResponse(422, `${place}${message}`, position)
  const { expected } = error
  const wanted = expected === null ? '' : `, expected ${expected}`
  const more = expected === null ? position : { ...position, expected }
  return errorResponse(
    400,
    `invalid parameter "${parameter}": ${place}parse error: ${message}${wanted}`,
    more,
  )
}

/** A whole answer. */
export const dataResponse = (data: unknown, warnings: readonly string[] = []): Response =>
  new Response(
    JSON.stringify({ status: 'success', data, ...(warnings.length > 0 ? { warnings } : {}) }),
    { headers: HEADERS },
  )

/** An answer in pieces of UTF-8. */
export type Pieces = Iterable<Uint8Array<ArrayBuffer>>

/** Pieces in a row before other requests go on. */
const PIECES_A_TURN = 32

const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

/** Pieces as a stream. @param onEnd called once, however it ends */
const streamOf = (pieces: Iterator<Uint8Array<ArrayBuffer>>, onEnd: () => void) => {
  let taken = 0
  let hasEnded = false
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = () => {
    if (hasEnded) return
    hasEnded = true
    clearTimeout(timer)
    pieces.return?.()
    onEnd()
  }
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      timer = setTimeout(() => {
        controller.error(new Error(`the answer was not read within ${ANSWER_MS_MAX} ms`))
        end()
      }, ANSWER_MS_MAX)
    },
    pull: async (controller) => {
      if (++taken % PIECES_A_TURN === 0) await nextTurn()
      if (hasEnded) return
      try {
        const next = pieces.next()
        if (!next.done) return controller.enqueue(next.value)
        controller.close()
      } catch (error) {
        controller.error(error)
      }
      end()
    },
    cancel: end,
  })
}

/**
 * An answer in pieces: streamed where there are several, so that it is never whole in memory.
 *
 * @param onEnd called once nothing of it is needed any more: sent, cancelled, failed or not read in time
 */
export const piecesResponse = (pieces: Pieces, onEnd: () => void = () => {}): Response => {
  const iterator = pieces[Symbol.iterator]()
  const first = iterator.next()
  const second = iterator.next()
  if (second.done) {
    onEnd()
    return new Response(first.value, { headers: HEADERS })
  }
  const waiting = [first.value, second.value]
  const all: Iterator<Uint8Array<ArrayBuffer>> = {
    next: () => {
      const value = waiting.shift()
      return value ? { done: false, value } : iterator.next()
    },
    return: () => {
      waiting.length = 0
      return iterator.return?.() ?? { done: true, value: undefined }
    },
  }
  return new Response(streamOf(all, onEnd), { headers: HEADERS })
}
