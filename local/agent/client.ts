import { retryAfterMs } from './backoff.ts'
import type { MachineIdentity } from './identity.ts'
import type { Sample } from './sample.ts'

export interface Refusal {
  index: number
  reason: string
  detail: string
}

/** What became of one request. Only `retry` and `unauthorised` are worth sending again. */
export type Outcome<T> =
  | { kind: 'done'; value: T }
  | { kind: 'retry'; detail: string; retryAfterMs: number | null }
  | { kind: 'unauthorised'; detail: string }
  | { kind: 'too-large' }
  | { kind: 'refused'; status: number; detail: string }

export interface IngestAnswer {
  accepted: number
  duplicates: number
  refused: Refusal[]
  refusedTotal: number
}

export interface RegisteredVm {
  id: string
  name: string
  status: string
  cpu_cores: number
  memory_mb: number
  disk_gb: number
}

/** A request that took longer than this is sent again: duplicates are recognised by the service. */
const REQUEST_TIMEOUT_MS = 10_000

export interface Client {
  findVm(name: string): Promise<Outcome<RegisteredVm | null>>
  createVm(identity: MachineIdentity): Promise<Outcome<RegisteredVm | null>>
  updateVm(id: string, fields: Partial<MachineIdentity>): Promise<Outcome<RegisteredVm>>
  startVm(id: string): Promise<Outcome<unknown>>
  sendSamples(vmId: string, samples: readonly Sample[]): Promise<Outcome<IngestAnswer>>
}

const problemDetail = (status: number, body: unknown): string => {
  const problem = body as { detail?: unknown; title?: unknown } | null
  for (const text of [problem?.detail, problem?.title]) {
    if (typeof text === 'string' && text !== '') return `${status}: ${text}`
  }
  return `HTTP ${status}`
}

/** The service's HTTP API as the agent uses it. Never throws: every failure is an outcome. */
export const createClient = (options: {
  baseUrl: string
  key: string
  fetch?: typeof fetch
  nowMs?: () => number
}): Client => {
  const send = options.fetch ?? fetch
  const nowMs = options.nowMs ?? Date.now

  const request = async <T>(method: string, path: string, body?: unknown): Promise<Outcome<T>> => {
    try {
      const response = await send(new URL(path, options.baseUrl), {
        method,
        headers: {
          authorization: `Bearer ${options.key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      })
      const text = await response.text()
      let parsed: unknown = null
      try {
        parsed = JSON.parse(text)
      } catch {
        // Not JSON: a proxy's own error page. The status says enough.
      }
      if (response.ok) return { kind: 'done', value: parsed as T }
      const detail = problemDetail(response.status, parsed)
      const retryAfter = retryAfterMs(response.headers.get('retry-after'), nowMs())
      switch (response.status) {
        case 401:
        case 403:
          return { kind: 'unauthorised', detail }
        case 413:
          return { kind: 'too-large' }
        case 408:
        case 425:
        case 429:
          return { kind: 'retry', detail, retryAfterMs: retryAfter }
        case 422:
          // Every sample was refused: the answer still lists each with its reason.
          if (parsed !== null && Array.isArray((parsed as IngestAnswer).refused)) {
            return { kind: 'done', value: parsed as T }
          }
          return { kind: 'refused', status: 422, detail }
        default:
          return response.status >= 500
            ? { kind: 'retry', detail, retryAfterMs: retryAfter }
            : { kind: 'refused', status: response.status, detail }
      }
    } catch (error) {
      const cause = error instanceof Error ? (error.cause ?? error) : error
      const code = (cause as { code?: unknown } | null)?.code
      const message = cause instanceof Error ? cause.message : String(cause)
      return {
        kind: 'retry',
        detail: typeof code === 'string' ? code : message,
        retryAfterMs: null,
      }
    }
  }

  const orNullOn = <T>(status: number, outcome: Outcome<T>): Outcome<T | null> =>
    outcome.kind === 'refused' && outcome.status === status
      ? { kind: 'done', value: null }
      : outcome

  return {
    findVm: async (name) =>
      orNullOn(404, await request('GET', `/api/v1/vms/${encodeURIComponent(name)}`)),
    // Null = the name was taken in between; the caller looks it up again.
    createVm: async (identity) =>
      orNullOn(409, await request('POST', '/api/v1/vms', { ...identity, status: 'running' })),
    updateVm: (id, fields) => request('PUT', `/api/v1/vms/${id}`, fields),
    startVm: (id) => request('POST', `/api/v1/vms/${id}/start`),
    sendSamples: (vmId, samples) =>
      request('POST', '/api/v1/metrics', {
        samples: samples.map((sample) => ({ vm: vmId, ...sample })),
      }),
  }
}
