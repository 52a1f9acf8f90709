import { z } from 'zod'
import { FEATURE_NAMES } from '../../src/routing/features.ts'

/** Lines of a file at most: training holds them all. */
const LINES_MAX = 1_000_000

const lineSchema = z.object({
  /** In the order of FEATURE_NAMES; null where a value is not known or features are not kept. */
  features: z.array(z.number().nullable()).length(FEATURE_NAMES.length).nullable(),
  cluster: z.int().min(0).max(255).nullable(),
  artifactVersion: z.string().max(64).nullable(),
  provider: z.string().min(1).max(100),
  model: z.string().min(1).max(200),
  score: z.number().min(0).max(1),
  latencyMs: z.number().min(0),
  costUsd: z.number().min(0),
})

/** How well one model answered one request: of the others nothing is known. */
export interface SingleOutcome extends Omit<z.infer<typeof lineSchema>, 'features'> {
  /** f64[FEATURE_NAMES.length], NaN where a value is not known; null where none is. */
  readonly features: Float64Array | null
}

/** Whose clusters an outcome's number may mean. */
export interface ClusterNames {
  readonly clusters: number
  readonly versions: readonly string[]
}

/** How outcomes of single models are weighed. */
export const SINGLE_OUTCOMES = {
  /** Answers that each cluster's share is shrunk to what labelled questions say with. */
  shrinkage: 20,
  /** A model is given a row from so many outcomes on. */
  rowOutcomesMin: 20,
  /** Rows of Q̂ at most: those of the data, then models by their outcomes. */
  rowsMax: 64,
  /** Of all labelled rows' weight, what those of single outcomes weigh together at most. */
  weightShareMax: 0.25,
} as const

/**
 * Outcomes, one JSON object a line. The cluster of one that another artifact's clusters were meant by is
 * left out; its features stay of use.
 *
 * @throws Error naming the first line that is none
 */
export function readSingleOutcomes(
  text: string,
  { clusters, versions }: ClusterNames,
): SingleOutcome[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  if (lines.length > LINES_MAX) throw new Error(`${lines.length} outcomes, at most ${LINES_MAX}`)
  return lines.map((line, i) => {
    let json: unknown
    try {
      json = JSON.parse(line)
    } catch {
      throw new Error(`outcome ${i + 1}: no JSON`)
    }
    const parsed = lineSchema.safeParse(json)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw new Error(`outcome ${i + 1}/${issue?.path.join('/') ?? ''}: ${issue?.message ?? ''}`)
    }
    const { features, cluster, artifactVersion } = parsed.data
    const isKnown =
      cluster !== null && cluster < clusters && versions.includes(artifactVersion ?? '')
    return {
      ...parsed.data,
      cluster: isKnown ? cluster : null,
      features: features && Float64Array.from(features, (value) => value ?? Number.NaN),
    }
  })
}
