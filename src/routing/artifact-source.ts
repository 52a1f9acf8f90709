import { logEvent } from '../observability/log.ts'
import { err, ok, type Result } from '../result.ts'
import type { Artifact } from './artifact.ts'
import { describeFault } from './artifact-fault.ts'
import { ARTIFACT_BYTES_MAX } from './artifact-format.ts'
import { readArtifact } from './artifact-read.ts'
import { type ArtifactSettings, isInward, isTrustedAddress } from './artifact-settings.ts'
import { readBounded } from './bounded-response.ts'

/** A file of 2 MiB takes a second from anywhere; what is slower is asked again later. */
export const FETCH_MS_MAX = 10_000
/** Storage answers with an address of its own, which may move once more. */
export const REDIRECTS_MAX = 3
const REDIRECTS = new Set([301, 302, 303, 307, 308])
const ETAG_LENGTH_MAX = 1_024

/** Why the address has no artifact to use. Never holds the address: it may be signed. */
type FetchFault = string

type Fetched =
  | { readonly isNew: false }
  | { readonly isNew: true; readonly bytes: Uint8Array<ArrayBuffer>; readonly etag: string | null }

/** What is known of the address, for whoever asks which artifact decides. */
export interface SourceState {
  /** Of the artifact that is in use; null where the shipped one is, or the address sends none. */
  readonly etag: string | null
  readonly loadedAtMs: number | null
  /** When the address last answered that nothing changed, or with something that was taken. */
  readonly checkedAtMs: number | null
  readonly lastFailure: { readonly atMs: number; readonly reason: string } | null
}

/** Asks the address, or where it points to, for an artifact other than `etag`. */
const ask = async (
  first: URL,
  etag: string | null,
  fetch: typeof globalThis.fetch,
): Promise<Result<Fetched, FetchFault>> => {
  const signal = AbortSignal.timeout(FETCH_MS_MAX)
  const headers = {
    accept: 'application/octet-stream',
    ...(etag === null ? {} : { 'if-none-match': etag }),
  }
  let url = first
  for (let redirects = 0; ; redirects++) {
    const response = await fetch(url, { headers, signal, redirect: 'manual' })
    if (response.status === 200) {
      const bytes = await readBounded(response, ARTIFACT_BYTES_MAX)
      if (bytes === null) return err(`the file has more than ${ARTIFACT_BYTES_MAX} bytes`)
      const sent = response.headers.get('etag')
      return ok({ isNew: true, bytes, etag: (sent?.length ?? 0) > ETAG_LENGTH_MAX ? null : sent })
    }
    await response.body?.cancel()
    if (response.status === 304 && etag !== null) return ok({ isNew: false })
    if (!REDIRECTS.has(response.status)) return err(`the address answered ${response.status}`)
    const location = response.headers.get('location') ?? ''
    if (redirects === REDIRECTS_MAX) return err(`more than ${REDIRECTS_MAX} redirects`)
    const next: URL | null = URL.canParse(location, url) ? new URL(location, url) : null
    if (next === null || !isTrustedAddress(next) || isAstray(first, next))
      return err('a redirect leads where no artifact may come from')
    url = next
  }
}

/** A public address must not lead to what only this machine can reach, nor to what others can change. */
const isAstray = (from: URL, to: URL): boolean =>
  (isInward(to) && !isInward(from)) || (from.protocol === 'https:' && to.protocol !== 'https:')

/** A failure of `fetch` in words that hold no address. */
const reasonOf = (error: unknown): string => {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `no whole answer within ${FETCH_MS_MAX / 1_000} s`
  return 'the connection failed'
}

export interface ArtifactSourceOptions extends Pick<ArtifactSettings, 'reloadMs' | 'publicKey'> {
  readonly url: URL
  /** Models that a usable artifact has measured. */
  readonly candidates: readonly string[]
  readonly fetch: typeof globalThis.fetch
}

/**
 * An artifact at an address, asked for by its ETag now and then. What is not sound, not signed as asked or
 * not there is told once until the reason changes, and what is in use stays.
 */
export class ArtifactSource {
  readonly #options: ArtifactSourceOptions
  /** Of what was last read to its end, also where it was refused: it is not read again. */
  #askedEtag: string | null = null
  #version: string | null = null
  #file: Uint8Array | null = null
  #startedAtMs = Number.NEGATIVE_INFINITY
  #state: SourceState = { etag: null, loadedAtMs: null, checkedAtMs: null, lastFailure: null }

  constructor(options: ArtifactSourceOptions) {
    this.#options = options
  }

  get state(): SourceState {
    return this.#state
  }

  /** The file of the artifact that was loaded last. */
  get file(): Uint8Array | null {
    return this.#file
  }

  /** Whether it is time to ask. True once an interval, for whoever asks first. */
  claim(nowMs: number): boolean {
    if (Math.abs(nowMs - this.#startedAtMs) < this.#options.reloadMs) return false
    this.#startedAtMs = nowMs
    return true
  }

  /** @returns an artifact other than the last one; null where there is none */
  async load(nowMs: () => number): Promise<Artifact | null> {
    const { url, fetch, publicKey, candidates } = this.#options
    let answer: Result<Fetched, FetchFault>
    try {
      answer = await ask(url, this.#askedEtag, fetch)
    } catch (error) {
      answer = err(reasonOf(error))
    }
    if (!answer.ok) return this.#failed(answer.error, nowMs())
    if (!answer.value.isNew) {
      // What was refused before is still there, and still refused.
      if (this.#askedEtag === this.#state.etag) this.#checked(nowMs())
      return null
    }
    const { bytes, etag } = answer.value
    const read = await readArtifact(bytes, {
      candidates,
      ...(publicKey === null ? {} : { publicKey }),
    })
    // Where memory ran out there may be some the next time.
    if (read.ok || read.error.reason !== 'no-memory') this.#askedEtag = etag
    if (!read.ok) return this.#failed(describeFault(read.error), nowMs())
    const artifact = read.value
    if (artifact.version === this.#version) {
      artifact.close()
      this.#checked(nowMs(), etag)
      return null
    }
    this.#version = artifact.version
    this.#file = bytes
    const atMs = nowMs()
    this.#state = { etag, loadedAtMs: atMs, checkedAtMs: atMs, lastFailure: null }
    return artifact
  }

  #checked(atMs: number, etag = this.#state.etag): void {
    this.#state = { ...this.#state, etag, checkedAtMs: atMs, lastFailure: null }
  }

  #failed(reason: string, atMs: number): null {
    if (this.#state.lastFailure?.reason !== reason)
      logEvent('routing', 'error', 'an artifact of the address is not used', reason, {})
    this.#state = { ...this.#state, lastFailure: { atMs, reason } }
    return null
  }
}
