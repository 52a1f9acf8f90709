import { ApiError, readJson, request } from '../api.ts'
import type { RequestFilter } from './address.ts'
import type {
  Artifact,
  Key,
  Provider,
  RequestPage,
  RouteDecision,
  RouterStatistics,
  Spend,
  SpendDimension,
  SpendStep,
} from './types.ts'

/** Requests read at once. */
export const REQUESTS_PAGE = 50

/** The public API of gateway and router as the page uses it. Methods throw `ApiError` and nothing else. */
export class LlmApi {
  readonly #headers: Readonly<Record<string, string>>

  constructor(key: string) {
    this.#headers = { authorization: `Bearer ${key}`, accept: 'application/json' }
  }

  requests(
    filter: RequestFilter,
    cursor: string | null,
    signal?: AbortSignal,
  ): Promise<RequestPage> {
    const query = new URLSearchParams({ limit: String(REQUESTS_PAGE) })
    const { model, key, outcome } = filter
    for (const [name, value] of Object.entries({ model, key, outcome, cursor }))
      if (value !== null) query.set(name, value)
    return this.#read(`/api/v1/llm/requests?${query}`, signal)
  }

  spend(fromMs: number, step: SpendStep, by: SpendDimension, signal?: AbortSignal): Promise<Spend> {
    const query = new URLSearchParams({ from: String(fromMs), step, by })
    return this.#read(`/api/v1/llm/spend?${query}`, signal)
  }

  async providers(signal?: AbortSignal): Promise<readonly Provider[]> {
    const answer = await this.#read<{ providers: Provider[] }>('/api/v1/llm/providers', signal)
    return answer.providers
  }

  /** Names and budgets; only a key with the admin scope may read them. */
  async keys(signal?: AbortSignal): Promise<readonly Key[]> {
    return (await this.#read<{ keys: Key[] }>('/api/v1/keys', signal)).keys
  }

  statistics(hours: number, signal?: AbortSignal): Promise<RouterStatistics> {
    return this.#read(`/api/v1/router/statistics?hours=${hours}`, signal)
  }

  artifact(signal?: AbortSignal): Promise<Artifact> {
    return this.#read('/api/v1/router/artifact', signal)
  }

  /** Ends the trial of an artifact, one way or the other. */
  endTrial(how: 'promote' | 'discard'): Promise<Artifact> {
    return this.#send('POST', `/api/v1/router/artifact/${how}`)
  }

  route(body: Readonly<Record<string, unknown>>): Promise<RouteDecision> {
    return this.#send('POST', '/v1/route', body)
  }

  async #read<T>(path: string, signal?: AbortSignal): Promise<T> {
    const init = { headers: this.#headers, ...(signal === undefined ? {} : { signal }) }
    return (await readJson(await request(path, init))) as T
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers = { ...this.#headers, 'content-type': 'application/json' }
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    try {
      return (await readJson(await request(path, { method, headers, ...text }))) as T
    } catch (error) {
      throw error instanceof ApiError ? withOpenAiMessage(error) : error
    }
  }
}

/** Routes in OpenAI's dialect say what is wrong in `error.message`. */
const withOpenAiMessage = (error: ApiError): ApiError => {
  const { error: told } = error.problem as { error?: { message?: unknown } }
  if (typeof told?.message !== 'string') return error
  return new ApiError({ ...error.problem, detail: told.message }, error.retryAfterMs)
}
