/** The service's HTTP API as tests call it. */
export interface Api {
  readonly url: string
  readonly key: string
  /** A request with the key. */
  request(path: string, init?: RequestInit): Promise<Response>
  /** JSON of a request that must succeed. */
  json<T>(path: string, init?: RequestInit): Promise<T>
  post<T>(path: string, body: unknown): Promise<T>
}

/** @throws Error with status and body from `json` and `post` when the answer is not a success */
export const createApi = (url: string, key: string): Api => {
  const request = (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers)
    headers.set('authorization', `Bearer ${key}`)
    return fetch(new URL(path, url), { ...init, headers, signal: AbortSignal.timeout(20_000) })
  }
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const response = await request(path, init)
    const text = await response.text()
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
  return {
    url,
    key,
    request,
    json,
    post: (path, body) =>
      json(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
  }
}

export interface Vm {
  id: string
  name: string
  status: string
}

export const createVm = (api: Api, name: string): Promise<Vm> =>
  api.post('/api/v1/vms', {
    name,
    cpu_cores: 2,
    memory_mb: 2_048,
    disk_gb: 20,
    status: 'running',
  })

/** `count` samples one second apart that end at `lastMs`; the value tells the sample's number. */
export const samplesOf = (
  vm: string,
  count: number,
  lastMs: number,
): { vm: string; timestamp: number; cpu_usage: number; memory_usage: number }[] =>
  Array.from({ length: count }, (_, index) => ({
    vm,
    timestamp: lastMs - (count - 1 - index) * 1_000,
    cpu_usage: index % 100,
    memory_usage: 50,
  }))
