import type { DashboardPage, MetricsAnswer, Problem, SessionInfo, Vm } from './types.ts'

/** An answer that is not the one asked for; `problem` is what the service said about it. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly problem: Problem
  /** From Retry-After; null where the service named no time. */
  readonly retryAfterMs: number | null

  constructor(problem: Problem, retryAfterMs: number | null = null) {
    super(problem.detail ?? problem.title)
    this.problem = problem
    this.retryAfterMs = retryAfterMs
  }

  get isUnauthorized(): boolean {
    return this.problem.status === 401
  }

  /** No answer came at all. */
  get isUnreachable(): boolean {
    return this.problem.status === 0
  }
}

export type LifecycleAction = 'start' | 'stop' | 'restart'

/** The public API as the page uses it. Every method throws `ApiError` and nothing else. */
export class Api {
  readonly #key: string

  constructor(key: string) {
    this.#key = key
  }

  session(): Promise<SessionInfo> {
    return this.#json('GET', '/api/v1/session')
  }

  /** @param limit 1..10000 */
  dashboard(limit: number, cursor: string | null): Promise<DashboardPage> {
    const query = new URLSearchParams({ limit: String(limit) })
    if (cursor !== null) query.set('cursor', cursor)
    return this.#json('GET', `/api/v1/dashboard?${query}`)
  }

  vm(id: string): Promise<Vm> {
    return this.#json('GET', `/api/v1/vms/${encodeURIComponent(id)}`)
  }

  metrics(id: string, fromMs: number, resolution: 'auto' | 'raw' = 'auto'): Promise<MetricsAnswer> {
    const query = new URLSearchParams({ from: String(Math.round(fromMs)), resolution })
    return this.#json('GET', `/api/v1/vms/${encodeURIComponent(id)}/metrics?${query}`)
  }

  changeState(id: string, action: LifecycleAction): Promise<Vm> {
    return this.#json('POST', `/api/v1/vms/${encodeURIComponent(id)}/${action}`)
  }

  async #json<T>(method: string, path: string): Promise<T> {
    const response = await request(path, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, accept: 'application/json' },
    })
    return (await readJson(response)) as T
  }
}

/**
 * The key that the local stack hands to the page of its own machine.
 *
 * @returns null on every other deployment
 */
export const readLocalKey = async (): Promise<string | null> => {
  try {
    const body = (await readJson(await request('/local/session', { method: 'GET' }))) as {
      key?: unknown
    }
    return typeof body.key === 'string' ? body.key : null
  } catch (error) {
    if (error instanceof ApiError && error.isUnreachable) throw error
    return null
  }
}

export const request = async (path: string, init: RequestInit): Promise<Response> => {
  let response: Response
  try {
    response = await fetch(path, { ...init, cache: 'no-store' })
  } catch {
    // fetch rejects for every failure below HTTP and does not tell which.
    throw new ApiError({ title: 'No answer', status: 0, detail: 'The service cannot be reached.' })
  }
  if (!response.ok) throw await errorOf(response)
  return response
}

export const readJson = async (response: Response): Promise<unknown> => {
  try {
    return await response.json()
  } catch {
    throw new ApiError({
      title: 'Unreadable answer',
      status: response.status,
      detail: 'The answer broke off or was not JSON.',
    })
  }
}

const errorOf = async (response: Response): Promise<ApiError> => {
  const retryAfterSeconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  const retryAfterMs = Number.isFinite(retryAfterSeconds) ? retryAfterSeconds * 1000 : null
  let body: Partial<Problem> = {}
  try {
    body = ((await response.json()) ?? {}) as Partial<Problem>
  } catch {
    // A proxy in between answers in HTML or with nothing; the status says enough.
  }
  const title = typeof body.title === 'string' ? body.title : `HTTP ${response.status}`
  return new ApiError({ ...body, title, status: response.status }, retryAfterMs)
}
