import { ProblemError, problem } from '../http/problem.ts'
import { logEvent } from '../observability/log.ts'
import type { ReadArtifactOptions } from './artifact.ts'
import { describeFault } from './artifact-fault.ts'
import { readArtifact } from './artifact-read.ts'
import type { ArtifactSettings } from './artifact-settings.ts'
import { ArtifactSource, type SourceState } from './artifact-source.ts'
import type { RoutingState } from './decide.ts'
import { DecisionCache } from './decision-cache.ts'
import { DEFAULT_CONFIG } from './default-config.ts'
import { EmbeddingCache } from './embedding-cache.ts'
import { EmbeddingProvider, type EmbeddingSettings } from './embedding-provider.ts'
import { ExactTokens, tokenizerOf } from './exact-tokens.ts'
import { LatencyTracker } from './latency.ts'
import { OrganisationRouters } from './organisation-routers.ts'
import { SessionAffinity } from './session-affinity.ts'

let shippedBytes: Uint8Array<ArrayBuffer> | undefined
let routers: OrganisationRouters | undefined
let source: ArtifactSource | undefined
let state: RoutingState | undefined
let tokens: ExactTokens | undefined
let provider: EmbeddingProvider | undefined

/** Sets the artifact that routes where an organisation has none of its own. */
export const shipArtifact = (bytes: Uint8Array<ArrayBuffer>): void => {
  shippedBytes = bytes
  routers = undefined
  source = undefined
}

/** Others have their turn. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

/** Sets where the vocabulary's file comes from once a configuration asks for exact tokens. */
export const shipVocabulary = (load: () => Promise<Uint8Array>): void => {
  tokens = new ExactTokens(async () => tokenizerOf(await load(), pause))
  state = undefined
}

/** @returns work that no request has to wait for; null where there is none */
export const prepareExactTokens = (): Promise<void> | null => {
  const loading = tokens?.prepare() ?? null
  if (loading === null) return null
  return loading.catch((error: unknown) =>
    logEvent('routing', 'error', 'tokens are estimated: no vocabulary could be loaded', error),
  )
}

/** The shipped artifact's file. Throws ProblemError 503 where this build has none. */
export const shippedArtifact = (): Uint8Array<ArrayBuffer> => {
  if (shippedBytes !== undefined) return shippedBytes
  throw new ProblemError(problem(503, 'dependency-unavailable', 'no routing artifact is shipped'))
}

/** What artifacts from anywhere but the build must satisfy. */
export const trustOf = ({ publicKey }: ArtifactSettings): ReadArtifactOptions =>
  publicKey === null ? {} : { publicKey }

/** The routers of this isolate. @throws Error where the shipped artifact is not sound */
export const organisationRouters = async (
  settings: ArtifactSettings,
): Promise<OrganisationRouters> => {
  if (routers !== undefined) return routers
  const read = await readArtifact(shippedArtifact())
  if (!read.ok) throw new Error(`the shipped artifact: ${describeFault(read.error)}`)
  // Another request may have been first.
  if (routers === undefined) routers = new OrganisationRouters(read.value, trustOf(settings))
  else read.value.close()
  return routers
}

/** Models that the deployment's artifact must have measured: those of the shipped configuration. */
const NEEDED = DEFAULT_CONFIG.candidates.flatMap(({ measuredAs }) => measuredAs ?? [])

/**
 * Asks the deployment's address for its artifact where that is due; until it came the shipped one decides.
 *
 * @returns work that no request has to wait for; null where there is none
 */
export const followAddress = (
  { url, reloadMs, publicKey }: ArtifactSettings,
  nowMs: number,
): Promise<void> | null => {
  if (url === null) return null
  source ??= new ArtifactSource({
    url,
    reloadMs,
    publicKey,
    candidates: NEEDED,
    fetch: (input, init) => fetch(input, init),
  })
  const asked = source
  if (!asked.claim(nowMs)) return null
  return asked
    .load(Date.now)
    .then((artifact) => {
      if (artifact === null) return
      // Other bytes were shipped in the meantime: a test's.
      if (routers === undefined || source !== asked) artifact.close()
      else routers.replaceBase(artifact)
    })
    .catch((error: unknown) => logEvent('routing', 'error', 'an address was not followed', error))
}

/** What is known of the deployment's address; null where none is set. */
export const addressState = (): (SourceState & { readonly file: Uint8Array | null }) | null =>
  source === undefined ? null : { ...source.state, file: source.file }

/** The deployment's server of embeddings; null where none is set. */
export const embeddingProvider = (settings: EmbeddingSettings | null): EmbeddingProvider | null => {
  if (settings === null) return null
  if (provider?.settings !== settings) {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
    const cache = new EmbeddingCache(settings.dimensions, seed)
    provider = new EmbeddingProvider(settings, cache, (input, init) => fetch(input, init))
  }
  return provider
}

let breakers: RoutingState['breakers'] = new Map()

/** Sets what tells of candidates' breakers; without it all are closed. */
export const watchBreakers = (watched: RoutingState['breakers']): void => {
  breakers = watched
  if (state !== undefined) state = { ...state, breakers }
}

/** What this isolate remembers; made with the first request, as randomness is not to be had before. */
export const routingState = (): RoutingState => {
  state ??= {
    decisions: new DecisionCache(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0),
    sessions: new SessionAffinity(),
    latencies: new LatencyTracker(),
    firstTokens: new LatencyTracker(),
    breakers,
    ...(tokens === undefined ? {} : { tokens }),
  }
  return state
}
