import type { StepGrid } from './time-range.ts'

/** Series asked for in a chart; each is an answer of some hundred points. */
export const CHART_SERIES_MAX = 300
/** Rows asked for in a table. */
export const TABLE_ROWS_MAX = 1_000

export type Labels = Readonly<Record<string, string>>
/** A time in seconds and a value as text, as `"0.5"`, `"NaN"`, `"+Inf"`. */
export type Point = readonly [seconds: number, value: string]
export interface HistogramValue {
  readonly count: string
  readonly sum: string
}

export interface MatrixSeries {
  readonly metric: Labels
  readonly values?: readonly Point[]
  readonly histograms?: readonly (readonly [number, HistogramValue])[]
}
export interface VectorSample {
  readonly metric: Labels
  readonly value?: Point
  readonly histogram?: readonly [number, HistogramValue]
}

export type QueryData =
  | { readonly resultType: 'matrix'; readonly result: readonly MatrixSeries[] }
  | { readonly resultType: 'vector'; readonly result: readonly VectorSample[] }
  | { readonly resultType: 'scalar' | 'string'; readonly result: Point }

export interface QueryAnswer {
  readonly data: QueryData
  /** Some series were left out of the answer. */
  readonly isTruncated: boolean
}

/** A part of the expression in UTF-16 units, `end` exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Why a query has no answer. */
export class QueryFailure extends Error {
  override readonly name = 'QueryFailure'
  /** 0 where no answer came at all. */
  readonly status: number
  readonly position: Span | null

  constructor(status: number, message: string, position: Span | null = null) {
    super(message)
    this.status = status
    this.position = position
  }
}

type Fetch = (path: string, init: RequestInit) => Promise<Response>

/**
 * The service's Prometheus API as the page uses it. Methods throw `QueryFailure`, or the signal's own
 * reason when they were cancelled.
 */
export class QueryApi {
  readonly #headers: Readonly<Record<string, string>>
  readonly #fetch: Fetch

  constructor(key: string, fetchFn: Fetch = (path, init) => fetch(path, init)) {
    this.#headers = { authorization: `Bearer ${key}`, accept: 'application/json' }
    this.#fetch = fetchFn
  }

  range(query: string, grid: StepGrid, signal: AbortSignal): Promise<QueryAnswer> {
    return this.#query('/api/v1/query_range', signal, {
      query,
      start: String(grid.startMs / 1_000),
      end: String(grid.endMs / 1_000),
      step: String(grid.stepMs / 1_000),
      limit: String(CHART_SERIES_MAX),
    })
  }

  instant(query: string, timeMs: number, signal: AbortSignal): Promise<QueryAnswer> {
    const time = String(timeMs / 1_000)
    return this.#query('/api/v1/query', signal, { query, time, limit: String(TABLE_ROWS_MAX) })
  }

  /** `data` of an address that is read, as `/api/v1/labels?limit=1`. */
  async read<T>(path: string, signal?: AbortSignal): Promise<T> {
    const init = { headers: this.#headers, ...(signal === undefined ? {} : { signal }) }
    return (await this.#send<{ data: T }>(path, init)).data
  }

  async #query(
    path: string,
    signal: AbortSignal,
    fields: Record<string, string>,
  ): Promise<QueryAnswer> {
    // A form, because an expression may be longer than an address.
    const body = new URLSearchParams(fields)
    const init = { method: 'POST', headers: this.#headers, body, signal }
    const answer = await this.#send<{ data: QueryData; warnings?: string[] }>(path, init)
    const isTruncated = (answer.warnings ?? []).some((text) => text.includes('truncated'))
    return { data: answer.data, isTruncated }
  }

  async #send<T>(path: string, init: RequestInit): Promise<T> {
    let response: Response
    let body: unknown
    try {
      response = await this.#fetch(path, { ...init, cache: 'no-store' })
      body = await response.json().catch(() => {
        init.signal?.throwIfAborted()
        return null
      })
    } catch {
      init.signal?.throwIfAborted()
      throw new QueryFailure(0, 'The service cannot be reached.')
    }
    if (response.ok && isRecord(body) && body.status === 'success') return body as T
    throw failureOf(response.status, body)
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** From an answer in Prometheus' form, or from a proxy's that is not. */
export const failureOf = (status: number, body: unknown): QueryFailure => {
  const fields = isRecord(body) ? body : {}
  const message = typeof fields.error === 'string' ? fields.error : `The answer was HTTP ${status}.`
  const { position } = fields
  const hasPosition =
    isRecord(position) && typeof position.start === 'number' && typeof position.end === 'number'
  return new QueryFailure(
    status,
    message,
    hasPosition ? { start: Number(position.start), end: Number(position.end) } : null,
  )
}
