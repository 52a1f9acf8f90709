import type { Artifact } from '../../src/routing/artifact.ts'
import { type Candidate, type RouterConfig, routerConfigSchema } from '../../src/routing/catalog.ts'
import {
  type DecideOptions,
  type Decision,
  decide,
  type RoutingState,
} from '../../src/routing/decide.ts'
import { DecisionCache } from '../../src/routing/decision-cache.ts'
import { extractFeatures, FEATURE_NAMES } from '../../src/routing/features.ts'
import { LatencyTracker } from '../../src/routing/latency.ts'
import { makeRouter, type Router } from '../../src/routing/router.ts'
import { SessionAffinity } from '../../src/routing/session-affinity.ts'
import type { BreakerState } from '../../src/routing/triage.ts'

/** One word is easy, many are hard. */
const predict: Artifact['predict'] = ({ values }) => {
  const words = 2 ** (values[FEATURE_NAMES.indexOf('question_words_log')] ?? 0) - 1
  const difficulty = Math.min(1, words / 10)
  return {
    probabilities: { cheap: 1 - difficulty, mid: 0, hard: difficulty },
    gain: difficulty,
    difficulty,
    embedding: new Float32Array(1),
    similarities: new Float64Array([1, -1]),
  }
}

/** Two models, two clusters; as difficult as the last user message's words say: "easy", "hard". */
export const artifactWith = (fields: Partial<Artifact> = {}): Artifact => ({
  version: 'a'.repeat(64),
  features: [],
  thresholds: { cheap: 0.25, hard: 0.75 },
  alpha: 0.75,
  clusters: 2,
  centroids: new Float32Array(2),
  models: ['weak', 'strong'],
  quality: new Float64Array([0.7, 0.5, 0.9, 0.8]),
  cost: new Float64Array([0.1, 0.1, 1, 1]),
  report: null,
  predict,
  assess: (request) => {
    const features = extractFeatures(request)
    const { similarities, ...said } = (fields.predict ?? predict)(features)
    return {
      ...said,
      similarities: [...similarities],
      tokens: features.tokens,
      values: features.values,
    }
  },
  close: () => {},
  ...fields,
})

export const candidateWith = (fields: Partial<Candidate> = {}): Candidate => ({
  provider: 'p',
  model: 'small',
  measuredAs: 'weak',
  contextTokens: 100_000,
  outputTokensMax: 4_096,
  usdPerMillionTokens: { input: 0.2, output: 0.8, cachedInput: 0.05 },
  capabilities: { vision: true, tools: true, json: true, jsonSchema: true },
  buckets: ['cheap', 'mid'],
  ...fields,
})

export const SMALL = candidateWith()
export const LARGE = candidateWith({
  model: 'large',
  measuredAs: 'strong',
  usdPerMillionTokens: { input: 2, output: 8, cachedInput: 0.5 },
  buckets: ['mid', 'hard'],
})

export const configWith = (fields: Partial<RouterConfig> = {}): RouterConfig =>
  routerConfigSchema.parse({ candidates: [SMALL, LARGE], ...fields })

export const stateWith = (
  breakers: ReadonlyMap<string, BreakerState> = new Map(),
): RoutingState => ({
  decisions: new DecisionCache(42),
  sessions: new SessionAffinity(),
  latencies: new LatencyTracker(),
  firstTokens: new LatencyTracker(),
  breakers,
})

/** Six words: between the thresholds. Two: below them. Ten: above. */
export const MID = 'one two three four five six'
export const EASY = 'one two'
export const HARD = `${MID} seven eight nine ten`

export const bodyOf = (content: unknown, fields: Record<string, unknown> = {}) => ({
  messages: [{ role: 'user', content }],
  ...fields,
})

/** Decides on an OpenAI body by a router. */
export const routedBy = (
  router: Router,
  body: unknown,
  state = stateWith(),
  options: Partial<DecideOptions> = {},
): Decision => {
  const bytes = new TextEncoder().encode(JSON.stringify(body))
  const all = { organisation: 1, artifact: 1, nowMs: 1_000, ...options }
  const result = decide(bytes, 'openai', router, state, all)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

/** Decides on an OpenAI body by a router of its own unless one is given. */
export const route = (
  body: unknown,
  {
    config = configWith(),
    artifact = artifactWith(),
    state = stateWith(),
    options = {},
  }: {
    config?: RouterConfig
    artifact?: Artifact
    state?: RoutingState
    options?: Partial<DecideOptions>
  } = {},
) => {
  const bytes = new TextEncoder().encode(JSON.stringify(body))
  return decide(bytes, 'openai', makeRouter(config, artifact), state, {
    organisation: 1,
    artifact: 1,
    nowMs: 1_000,
    ...options,
  })
}

export const decided = (...given: Parameters<typeof route>) => {
  const result = route(...given)
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}

export const refused = (...given: Parameters<typeof route>) => {
  const result = route(...given)
  return result.ok ? null : result.error
}
