import { logEvent } from '../observability/log.ts'
import { err, ok, type Result } from '../result.ts'
import type { Artifact } from './artifact.ts'
import { readBounded } from './bounded-response.ts'
import type { EmbeddingCache } from './embedding-cache.ts'

/** A server of embeddings that speaks OpenAI's protocol: an operator's choice, never an organisation's. */
export interface EmbeddingSettings {
  /** Whole address of `…/v1/embeddings`. */
  readonly url: URL
  readonly model: string
  readonly dimensions: number
  /** What a decision may wait for it. */
  readonly timeoutMs: number
  readonly key: string | null
}

/** Of a longer question the beginning is embedded: servers refuse more than they read. */
export const EMBEDDED_BYTES_MAX = 8 * 1024
/** 4,096 numbers of twenty digits, twelve times. */
const ANSWER_BYTES_MAX = 1024 * 1024
/** After a failure nobody waits for the server for this long. */
export const PAUSE_MS = 5_000
/** Questions that wait at a time; beyond it decisions are made without. */
const IN_FLIGHT_MAX = 64

/** @throws RangeError naming the setting that is missing or out of range */
export const parseEmbedding = (
  url: string,
  model: string,
  of: Pick<EmbeddingSettings, 'dimensions' | 'timeoutMs'> & { readonly key: string },
): EmbeddingSettings | null => {
  if (url === '') return null
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed === null || !/^https?:$/.test(parsed.protocol) || parsed.username + parsed.password)
    throw new RangeError('ROUTER_EMBEDDING_URL must be an http: or https: URL without a password')
  if (model === '' || model.length > 200)
    throw new RangeError('ROUTER_EMBEDDING_MODEL must name the model of ROUTER_EMBEDDING_URL')
  return { ...of, url: parsed, model, key: of.key === '' ? null : of.key }
}

/** Whether an artifact's clusters have centroids of the server's embedding. */
export const isMadeFor = (
  { provided }: Pick<Artifact, 'provided'>,
  { model, dimensions }: Pick<EmbeddingSettings, 'model' | 'dimensions'>,
): boolean => provided?.embedding === model && provided.dimensions === dimensions

/** A question's place, and who says so. */
export interface ProvidedEmbedding {
  readonly embedding: string
  /** f32[dimensions], of length 1. */
  readonly vector: Float32Array
}

/** The vector of an answer, scaled to length 1. */
const vectorOf = (answer: unknown, dimensions: number): Result<Float32Array, string> => {
  const data = (answer as { data?: unknown } | null)?.data
  const first = Array.isArray(data) ? (data[0] as { embedding?: unknown } | null) : null
  const numbers = first?.embedding
  if (!Array.isArray(numbers)) return err('the answer holds no embedding')
  if (numbers.length !== dimensions) return err(`${numbers.length} dimensions, not ${dimensions}`)
  const vector = Float32Array.from(numbers, Number)
  let squares = 0
  for (const number of vector) squares += number * number
  if (!(squares > 0 && Number.isFinite(squares)))
    return err('the embedding is not finite, or zeros')
  const scale = 1 / Math.sqrt(squares)
  return ok(vector.map((number) => number * scale))
}

/** Asks a server for embeddings, within a time, and remembers them. */
export class EmbeddingProvider {
  readonly settings: EmbeddingSettings
  readonly #cache: EmbeddingCache
  readonly #fetch: typeof globalThis.fetch
  #failedAtMs = Number.NEGATIVE_INFINITY
  #inFlight = 0
  #lastFailure: string | null = null

  constructor(settings: EmbeddingSettings, cache: EmbeddingCache, fetch: typeof globalThis.fetch) {
    this.settings = settings
    this.#cache = cache
    this.#fetch = fetch
  }

  /**
   * @param question UTF-8        @returns null where it is not to be had in time: the lexical one decides
   */
  async find(
    organisationId: string,
    question: Uint8Array,
    nowMs: number,
  ): Promise<ProvidedEmbedding | null> {
    const content = question.subarray(0, EMBEDDED_BYTES_MAX)
    // Servers refuse an empty text.
    if (content.length === 0) return null
    const { model } = this.settings
    const key = this.#cache.keyOf(organisationId, content)
    const known = this.#cache.find(key)
    if (known !== undefined) return { embedding: model, vector: known }
    const isPaused = Math.abs(nowMs - this.#failedAtMs) < PAUSE_MS
    if (isPaused || this.#inFlight >= IN_FLIGHT_MAX) return null
    this.#inFlight++
    try {
      const asked = await this.#ask(content)
      if (!asked.ok) return this.#failed(asked.error, nowMs)
      this.#lastFailure = null
      this.#cache.keep(key, asked.value)
      return { embedding: model, vector: asked.value }
    } catch (error) {
      // AbortSignal's TimeoutError, a lost connection, or no JSON: their texts may hold the address.
      const isLate = error instanceof DOMException && error.name === 'TimeoutError'
      return this.#failed(isLate ? 'no answer in time' : 'no connection, or no JSON', nowMs)
    } finally {
      this.#inFlight--
    }
  }

  async #ask(content: Uint8Array): Promise<Result<Float32Array, string>> {
    const { url, model, dimensions, timeoutMs, key } = this.settings
    // Of a character that is cut off, nothing is decoded.
    const input = new TextDecoder().decode(content, {
      stream: content.length === EMBEDDED_BYTES_MAX,
    })
    const response = await this.#fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ model, input, encoding_format: 'float' }),
      signal: AbortSignal.timeout(timeoutMs),
      // A server that is set by its address has no business to send elsewhere.
      redirect: 'manual',
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      return err(`the server answered ${response.status}`)
    }
    const bytes = await readBounded(response, ANSWER_BYTES_MAX)
    if (bytes === null) return err('the answer is too long')
    return vectorOf(JSON.parse(new TextDecoder().decode(bytes)), dimensions)
  }

  #failed(reason: string, nowMs: number): null {
    this.#failedAtMs = nowMs
    if (this.#lastFailure !== reason)
      logEvent('routing', 'warn', 'questions are not embedded by the server', reason)
    this.#lastFailure = reason
    return null
  }
}
