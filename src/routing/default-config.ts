import { shippedModel } from '../gateway/catalog-shipped.ts'
import { type Candidate, type RouterConfig, routerConfigSchema } from './catalog.ts'

/** The models that the shipped artifact was trained on: the weak one and the strong one. */
const WEAK = 'mistralai/Mixtral-8x7B-Instruct-v0.1'
const STRONG = 'gpt-4-1106-preview'

/** A model of the shipped catalogue, with its prices, window and capabilities of there. */
const candidate = (id: string, measuredAs: string, buckets: Candidate['buckets']): Candidate => {
  const slash = id.indexOf('/')
  const { provider, model, contextTokens, outputTokensMax, usdPerMillionTokens, capabilities } =
    shippedModel(id.slice(0, slash), id.slice(slash + 1))
  const { input, output, cachedInput = input } = usdPerMillionTokens
  const { vision, tools, json, jsonSchema } = capabilities
  return {
    provider,
    model,
    measuredAs,
    contextTokens,
    outputTokensMax,
    usdPerMillionTokens: { input, output, cachedInput },
    capabilities: { vision, tools, json, jsonSchema },
    buckets,
  }
}

/**
 * What an organisation routes over until it says otherwise, with the list prices of models/catalog.json.
 *
 * Measured are the two models of the training data alone. The others take over the quality of one of
 * those two, an assumption for whoever has no labels of their own: small models that of the weak one,
 * large ones that of the strong one, which its provider does not serve any more. Each of the large providers
 * has a candidate for the cheap and for the hard bucket, so that one key is enough.
 */
export const DEFAULT_CONFIG: RouterConfig = routerConfigSchema.parse({
  candidates: [
    candidate('openai/gpt-4.1-nano', WEAK, ['cheap']),
    candidate('google/gemini-2.5-flash-lite', WEAK, ['cheap']),
    candidate(`together/${WEAK}`, WEAK, ['cheap', 'mid']),
    candidate('openai/gpt-4.1-mini', WEAK, ['cheap', 'mid']),
    candidate('anthropic/claude-haiku-4-5', WEAK, ['cheap', 'mid']),
    candidate('openai/gpt-4.1', STRONG, ['mid', 'hard']),
    candidate('google/gemini-2.5-pro', STRONG, ['hard']),
    candidate('anthropic/claude-sonnet-4-5', STRONG, ['hard']),
  ],
})
