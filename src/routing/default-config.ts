import { type Candidate, type RouterConfig, routerConfigSchema } from './catalog.ts'

/** The models that the shipped artifact was trained on: the weak one and the strong one. */
const WEAK = 'mistralai/Mixtral-8x7B-Instruct-v0.1'
const STRONG = 'gpt-4-1106-preview'

const TEXT = { vision: false, tools: true, json: true, jsonSchema: false }
const ALL = { vision: true, tools: true, json: true, jsonSchema: true }

const candidate = (
  id: string,
  measuredAs: string,
  [input, output, cachedInput]: readonly [number, number, number],
  [contextTokens, outputTokensMax]: readonly [number, number],
  buckets: Candidate['buckets'],
  capabilities: Candidate['capabilities'] = ALL,
): Candidate => ({
  provider: id.slice(0, id.indexOf('/')),
  model: id.slice(id.indexOf('/') + 1),
  measuredAs,
  contextTokens,
  outputTokensMax,
  usdPerMillionTokens: { input, output, cachedInput },
  capabilities,
  buckets,
})

/**
 * What an organisation routes over until it says otherwise. List prices in US dollars for a million
 * tokens (input, output, cached input), windows and most output tokens as the providers published them
 * by the end of 2025: openai.com/api/pricing, claude.com/pricing, together.ai/pricing.
 *
 * Measured are the two models of the training data alone. The others take over the quality of one of
 * those two, an assumption for whoever has no labels of their own: small models that of the weak one,
 * large ones that of the strong one.
 */
export const DEFAULT_CONFIG: RouterConfig = routerConfigSchema.parse({
  candidates: [
    candidate('openai/gpt-4.1-nano', WEAK, [0.1, 0.4, 0.025], [1_047_576, 32_768], ['cheap']),
    candidate(`together/${WEAK}`, WEAK, [0.6, 0.6, 0.6], [32_768, 32_768], ['cheap', 'mid'], TEXT),
    candidate('openai/gpt-4.1-mini', WEAK, [0.4, 1.6, 0.1], [1_047_576, 32_768], ['cheap', 'mid']),
    candidate('anthropic/claude-haiku-4-5', WEAK, [1, 5, 0.1], [200_000, 64_000], ['mid']),
    candidate('openai/gpt-4.1', STRONG, [2, 8, 0.5], [1_047_576, 32_768], ['mid', 'hard']),
    candidate('anthropic/claude-sonnet-4-5', STRONG, [3, 15, 0.3], [200_000, 64_000], ['hard']),
    candidate(`openai/${STRONG}`, STRONG, [10, 30, 10], [128_000, 4_096], ['hard'], TEXT),
  ],
})
