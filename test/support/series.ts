import { type Api, createApi } from './api.ts'
import {
  type SentMetadata,
  type SentSeries,
  snappy,
  writeRequest,
  writeRequest2,
} from './remote-write.ts'

/** Content types of remote write by version. */
export const WRITE_TYPE = {
  1: 'application/x-protobuf',
  2: 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
} as const

/** An organisation of its own, so that no other test's series stand in the answers. */
export interface Organisation {
  readonly slug: string
  /** With a key of scope `admin`. */
  readonly api: Api
  withScopes(...scopes: string[]): Promise<Api>
}

export const makeOrganisation = async (platform: Api, prefix: string): Promise<Organisation> => {
  const slug = `${prefix}-${crypto.randomUUID().slice(0, 8)}`
  await platform.post('/api/v1/organisations', { slug, name: slug })
  const withScopes = async (...scopes: string[]): Promise<Api> => {
    const wanted = { name: scopes.join(' '), scopes, organisation: slug }
    const { key } = await platform.post<{ key: string }>('/api/v1/keys', wanted)
    return createApi(platform.url, key)
  }
  return { slug, api: await withScopes('admin'), withScopes }
}

/** Posts bytes to the receiver of remote write. */
export const postBlock = (
  api: Api,
  block: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> =>
  api.request('/api/v1/write', {
    method: 'POST',
    headers: { 'content-type': WRITE_TYPE[1], 'content-encoding': 'snappy', ...headers },
    body: new Uint8Array(block),
  })

/** What a remote write of series is answered. */
export const writeSeries = (
  api: Api,
  series: readonly SentSeries[],
  { version = 1, metadata = [] }: { version?: 1 | 2; metadata?: readonly SentMetadata[] } = {},
): Promise<Response> => {
  const body = version === 1 ? writeRequest(series, metadata) : writeRequest2(series)
  return postBlock(api, snappy(body), { 'content-type': WRITE_TYPE[version] })
}

/** Samples, histograms and exemplars that an answer says were written. */
export const writtenOf = (response: Response): (string | null)[] =>
  ['samples', 'histograms', 'exemplars'].map((kind) =>
    response.headers.get(`x-prometheus-remote-write-${kind}-written`),
  )

export interface FoundSeries {
  readonly metric: Readonly<Record<string, string>>
  readonly value?: readonly [number, string]
  readonly values?: readonly (readonly [number, string])[]
}

/** `data` of an answer of Prometheus' API. */
export const dataOf = async <T>(
  api: Api,
  path: string,
  parameters: Record<string, string> = {},
): Promise<T> => {
  const query = new URLSearchParams(parameters)
  return (await api.json<{ data: T }>(`${path}?${query}`)).data
}

/** The series of an expression at a moment. @param timeMs ms since the epoch */
export const instant = async (api: Api, query: string, timeMs: number): Promise<FoundSeries[]> => {
  const time = String(timeMs / 1_000)
  return (await dataOf<{ result: FoundSeries[] }>(api, '/api/v1/query', { query, time })).result
}
