import { type CatalogModel, readCatalogEntry } from './catalog-entry.ts'
import { MemberReader } from './catalog-reader.ts'

/** LiteLLM's has two million. */
const CATALOG_BYTES_MAX = 32 * 1024 * 1024
const CATALOG_MODELS_MAX = 10_000
const FETCH_TIMEOUT_MS = 30_000

export type CatalogRefresh =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'read'
      readonly models: readonly CatalogModel[]
      readonly etag: string | null
      /** Entries that were left out, and why the first one was. */
      readonly skipped: number
      readonly firstFault: string | null
    }
  | { readonly kind: 'failed'; readonly reason: string }

const failed = (reason: string): CatalogRefresh => ({ kind: 'failed', reason })

const read = async (body: ReadableStream<Uint8Array>, etag: string | null) => {
  const members = new MemberReader()
  const models: CatalogModel[] = []
  let bytes = 0
  let skipped = 0
  let firstFault: string | null = null
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > CATALOG_BYTES_MAX) return failed(`it is longer than ${CATALOG_BYTES_MAX} bytes`)
    const found = members.push(chunk)
    if (!found.ok) return failed(found.error)
    for (const [key, value] of found.value) {
      const entry = readCatalogEntry(key, value)
      if (!entry.ok) {
        skipped++
        firstFault ??= `${key.slice(0, 200)}: ${entry.error}`
      } else if (entry.value !== null) models.push(entry.value)
    }
    if (models.length > CATALOG_MODELS_MAX)
      return failed(`it has more than ${CATALOG_MODELS_MAX} models`)
  }
  if (!members.isWhole) return failed('it ends too early')
  if (models.length === 0) return failed('it has no model of a provider that is known')
  return { kind: 'read', models, etag, skipped, firstFault } as const
}

/**
 * Fetches a catalogue and reads it while it comes, one member at a time. Faults of an entry leave it out,
 * those of the whole leave everything as it is.
 *
 * @param etag of the one that is held; null without
 */
export const refreshCatalog = async (
  url: string,
  etag: string | null,
  fetcher: typeof fetch,
): Promise<CatalogRefresh> => {
  try {
    const response = await fetcher(url, {
      headers: { accept: 'application/json', ...(etag === null ? {} : { 'if-none-match': etag }) },
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    })
    if (response.status === 304) {
      await response.body?.cancel()
      return { kind: 'unchanged' }
    }
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel()
      return failed(`status ${response.status}`)
    }
    return await read(response.body, response.headers.get('etag'))
  } catch (error) {
    // No connection, a timeout, or a body that broke; the message may name the address.
    return failed(error instanceof Error ? error.name : 'no connection')
  }
}
