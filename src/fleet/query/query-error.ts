/** A part of the expression: UTF-16 offsets, `end` is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Why a query has no answer. */
export type QueryError = {
  readonly message: string
  /** Where in the expression; null where the whole query is meant. */
  readonly span: Span | null
} & (
  | {
      /** Not PromQL: the syntax or the types are wrong. */
      readonly reason: 'parse'
      /** What could have stood there; null where the message says it. */
      readonly expected: string | null
    }
  /** PromQL that is not answered here. */
  | { readonly reason: 'unsupported' }
  /** The data do not allow it, as in a many-to-many match. */
  | { readonly reason: 'execution' }
  /** A bound of this service. */
  | { readonly reason: 'limit' }
)

/** Carries a QueryError out of nested expressions to `parseQuery` or `evaluateQuery`, which return it. */
export class QueryFault extends Error {
  readonly error: QueryError
  constructor(error: QueryError) {
    super(error.message)
    this.error = error
  }
}

const spanOf = (at: Span | null): Span | null => at && { start: at.start, end: at.end }

export const parseFault = (message: string, at: Span, expected: string | null = null) =>
  new QueryFault({ reason: 'parse', message, span: spanOf(at), expected })

export const unsupported = (message: string, at: Span) =>
  new QueryFault({ reason: 'unsupported', message, span: spanOf(at) })

export const executionFault = (message: string, at: Span | null) =>
  new QueryFault({ reason: 'execution', message, span: spanOf(at) })

export const limitFault = (message: string, at: Span | null) =>
  new QueryFault({ reason: 'limit', message, span: spanOf(at) })
