import type { Artifact } from './artifact.ts'
import { type Candidate, idOf, isAllowed, type RouterConfig } from './catalog.ts'
import type { Exclusion } from './faults.ts'
import {
  expectedFrom,
  type Outcome,
  shrunkQuality,
  tallyOf,
  UNMEASURED_TRIALS_MIN,
} from './outcomes.ts'

/** A candidate that may be chosen, with its row in the router's quality. */
export interface Contender {
  readonly id: string
  readonly candidate: Candidate
  /** Row of `router.quality`. */
  readonly model: number
  /** Row of what the artifact alone says of it; null for one that was never measured in training. */
  readonly prior: number | null
  /** The organisation's own requests with feedback that its quality is made of, beside the prior. */
  readonly trials: number
  /** Time to an answer as the organisation's requests had it; null where none was kept. */
  readonly expectedMs: number | null
}

/** A configuration joined with an artifact and outcomes: what holds for every request. */
export interface Router {
  readonly config: RouterConfig
  readonly artifact: Artifact
  /** f64[rows][clusters] in [0, 1]: Q̂ of the artifact's models, then that of candidates with outcomes. */
  readonly quality: Float64Array
  readonly contenders: readonly Contender[]
  readonly byId: ReadonlyMap<string, Contender>
  /** Candidates that no request may have. */
  readonly excluded: readonly Exclusion[]
}

/** Outcomes by candidate. */
const byCandidate = (outcomes: readonly Outcome[]): ReadonlyMap<string, readonly Outcome[]> => {
  const groups = new Map<string, Outcome[]>()
  for (const outcome of outcomes) {
    const group = groups.get(outcome.candidate)
    if (group === undefined) groups.set(outcome.candidate, [outcome])
    else group.push(outcome)
  }
  return groups
}

/** Rows of quality that grow behind the artifact's. */
class QualityRows {
  readonly #artifact: Artifact
  readonly #own: Float64Array[] = []

  constructor(artifact: Artifact) {
    this.#artifact = artifact
  }

  /** The artifact's own, by model. */
  row(model: number): Float64Array {
    const { quality, clusters } = this.#artifact
    return quality.subarray(model * clusters, (model + 1) * clusters)
  }

  /** @returns its index */
  add(row: Float64Array): number {
    return this.#artifact.models.length + this.#own.push(row) - 1
  }

  get whole(): Float64Array {
    const { quality } = this.#artifact
    if (this.#own.length === 0) return quality
    const whole = new Float64Array(quality.length + this.#own.length * this.#artifact.clusters)
    whole.set(quality)
    for (const [i, row] of this.#own.entries()) whole.set(row, quality.length + i * row.length)
    return whole
  }
}

/**
 * Joins them. Left out are candidates that are not allowed, and those that neither the artifact nor
 * `UNMEASURED_TRIALS_MIN` of the organisation's own requests have measured; the latter begin from the
 * quality of the artifact's weak model.
 */
export const makeRouter = (
  config: RouterConfig,
  artifact: Artifact,
  outcomes: readonly Outcome[] = [],
): Router => {
  const contenders: Contender[] = []
  const excluded: Exclusion[] = []
  const groups = byCandidate(outcomes)
  const rows = new QualityRows(artifact)
  for (const candidate of config.candidates) {
    const id = idOf(candidate)
    const { measuredAs } = candidate
    const prior = measuredAs === null ? -1 : artifact.models.indexOf(measuredAs)
    const own = groups.get(id) ?? []
    const tally = tallyOf(own, artifact)
    const { trials } = tally
    if (!isAllowed(config.allowedModels, candidate)) excluded.push({ id, reason: 'not-allowed' })
    else if (prior < 0 && trials < UNMEASURED_TRIALS_MIN)
      excluded.push({ id, reason: 'quality-unknown' })
    else
      contenders.push({
        id,
        candidate,
        model: trials > 0 ? rows.add(shrunkQuality(rows.row(Math.max(0, prior)), tally)) : prior,
        prior: prior < 0 ? null : prior,
        trials,
        expectedMs: expectedFrom(own),
      })
  }
  const byId = new Map(contenders.map((contender) => [contender.id, contender]))
  return { config, artifact, quality: rows.whole, contenders, byId, excluded }
}

/** Whether both make the same analysis of every request. */
export const analysesAlike = (one: Router, other: Router): boolean =>
  one.artifact === other.artifact &&
  one.config.tokens === other.config.tokens &&
  one.config.embedding === other.config.embedding &&
  one.quality.length === other.quality.length &&
  one.quality.every((value, i) => value === other.quality[i])
