import type { Artifact } from './artifact.ts'
import { type Candidate, idOf, isAllowed, type RouterConfig } from './catalog.ts'
import type { Exclusion } from './faults.ts'

/** A candidate that may be chosen, with its row in Q̂. */
export interface Contender {
  readonly id: string
  readonly candidate: Candidate
  /** Index in `artifact.models`. */
  readonly model: number
}

/** A configuration joined with an artifact: what holds for every request. */
export interface Router {
  readonly config: RouterConfig
  readonly artifact: Artifact
  readonly contenders: readonly Contender[]
  readonly byId: ReadonlyMap<string, Contender>
  /** Candidates that no request may have. */
  readonly excluded: readonly Exclusion[]
}

/** Joins both. Candidates that the artifact has no quality for, or that are not allowed, are left out. */
export const makeRouter = (config: RouterConfig, artifact: Artifact): Router => {
  const contenders: Contender[] = []
  const excluded: Exclusion[] = []
  for (const candidate of config.candidates) {
    const id = idOf(candidate)
    const model = artifact.models.indexOf(candidate.measuredAs)
    if (!isAllowed(config.allowedModels, candidate)) excluded.push({ id, reason: 'not-allowed' })
    else if (model < 0) excluded.push({ id, reason: 'quality-unknown' })
    else contenders.push({ id, candidate, model })
  }
  const byId = new Map(contenders.map((contender) => [contender.id, contender]))
  return { config, artifact, contenders, byId, excluded }
}
