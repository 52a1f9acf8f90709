import { ProblemError, problem } from '../http/problem.ts'
import { describeFault } from './artifact-fault.ts'
import { readArtifact } from './artifact-read.ts'
import type { RoutingState } from './decide.ts'
import { DecisionCache } from './decision-cache.ts'
import { LatencyTracker } from './latency.ts'
import { OrganisationRouters } from './organisation-routers.ts'
import { SessionAffinity } from './session-affinity.ts'

let shippedBytes: Uint8Array<ArrayBuffer> | undefined
let routers: OrganisationRouters | undefined
let state: RoutingState | undefined

/** Sets the artifact that routes where an organisation has none of its own. */
export const shipArtifact = (bytes: Uint8Array<ArrayBuffer>): void => {
  shippedBytes = bytes
  routers = undefined
}

/** The shipped artifact's file. Throws ProblemError 503 where this build has none. */
export const shippedArtifact = (): Uint8Array<ArrayBuffer> => {
  if (shippedBytes !== undefined) return shippedBytes
  throw new ProblemError(problem(503, 'dependency-unavailable', 'no routing artifact is shipped'))
}

/** The routers of this isolate. @throws Error where the shipped artifact is not sound */
export const organisationRouters = async (): Promise<OrganisationRouters> => {
  if (routers !== undefined) return routers
  const read = await readArtifact(shippedArtifact())
  if (!read.ok) throw new Error(`the shipped artifact: ${describeFault(read.error)}`)
  // Another request may have been first.
  if (routers === undefined) routers = new OrganisationRouters(read.value)
  else read.value.close()
  return routers
}

/** What this isolate remembers; made with the first request, as randomness is not to be had before. */
export const routingState = (): RoutingState => {
  state ??= {
    decisions: new DecisionCache(crypto.getRandomValues(new Uint32Array(1))[0] ?? 0),
    sessions: new SessionAffinity(),
    latencies: new LatencyTracker(),
    breakers: new Map(),
  }
  return state
}
