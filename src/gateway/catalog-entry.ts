import { z } from 'zod'
import { err, ok, type Result } from '../result.ts'
import type { Fields } from './chat.ts'
import { isPrice, type ModelPrices, perMillionOf, type TokenPrices } from './cost.ts'
import { fieldsOf, isFields, ownOf } from './fields.ts'

const TOKENS_MAX = 100_000_000
const USD_PER_MILLION_TOKENS_MAX = 100_000
const ALIASES_MAX = 32

/** What a model is and costs at one provider. */
export interface CatalogModel {
  readonly provider: string
  /** As the provider calls it; may hold slashes. */
  readonly model: string
  /** Other names of it, such as that of a dated version. */
  readonly aliases: readonly string[]
  readonly kind: 'chat' | 'embeddings'
  readonly contextTokens: number
  /** 0 for embeddings. */
  readonly outputTokensMax: number
  readonly usdPerMillionTokens: ModelPrices
  readonly capabilities: {
    readonly vision: boolean
    readonly tools: boolean
    readonly json: boolean
    readonly jsonSchema: boolean
    readonly reasoning: boolean
  }
}

const name = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\x21-\x7e]+$/)
const tokens = z.number().int().min(0).max(TOKENS_MAX)
const price = z.number().max(USD_PER_MILLION_TOKENS_MAX).refine(isPrice)
const flag = z.boolean().default(false)

const prices = {
  input: price,
  cachedInput: price.exactOptional(),
  cacheWrite: price.exactOptional(),
  output: price,
  reasoning: price.exactOptional(),
}

const entrySchema = z.strictObject({
  aliases: z.array(name).max(ALIASES_MAX).default([]),
  kind: z.enum(['chat', 'embeddings']).default('chat'),
  contextTokens: tokens.min(1),
  outputTokensMax: tokens,
  usdPerMillionTokens: z.strictObject({
    ...prices,
    longContext: z.strictObject({ ...prices, aboveInputTokens: tokens.min(1) }).exactOptional(),
  }),
  capabilities: z.strictObject({
    vision: flag,
    tools: flag,
    json: flag,
    jsonSchema: flag,
    reasoning: flag,
  }),
})

/** Providers as LiteLLM calls them, and as they are called here. */
const PROVIDERS: Readonly<Record<string, string>> = {
  openai: 'openai',
  anthropic: 'anthropic',
  gemini: 'google',
  groq: 'groq',
  together_ai: 'together',
  openrouter: 'openrouter',
  mistral: 'mistral',
  deepseek: 'deepseek',
  xai: 'xai',
  cloudflare: 'workers-ai',
}
const KINDS: Readonly<Record<string, CatalogModel['kind']>> = {
  chat: 'chat',
  embedding: 'embeddings',
}

/** Above how many tokens LiteLLM has prices of long requests. */
const LONG_CONTEXTS = {
  _above_128k_tokens: 128_000,
  _above_200k_tokens: 200_000,
  _above_272k_tokens: 272_000,
}

const perMillion = (value: unknown): number | undefined =>
  typeof value === 'number' ? perMillionOf(value) : undefined

const liteLlmPrices = (entry: Fields, suffix: string): Partial<TokenPrices> => {
  const found = {
    input: perMillion(entry[`input_cost_per_token${suffix}`]),
    cachedInput: perMillion(entry[`cache_read_input_token_cost${suffix}`]),
    cacheWrite: perMillion(entry[`cache_creation_input_token_cost${suffix}`]),
    output: perMillion(entry[`output_cost_per_token${suffix}`]),
    reasoning: perMillion(entry[`output_cost_per_reasoning_token${suffix}`]),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

/** An entry of LiteLLM's `model_prices_and_context_window.json` in our own form; null for others' models. */
const ofLiteLlm = (key: string, entry: Fields): { id: string; entry: Fields } | null => {
  const theirs = String(entry.litellm_provider)
  const provider = ownOf(PROVIDERS, theirs)
  const kind = ownOf(KINDS, String(entry.mode))
  if (provider === undefined || kind === undefined) return null
  const model = key.startsWith(`${theirs}/`) ? key.slice(theirs.length + 1) : key
  const plain = liteLlmPrices(entry, '')
  const long = Object.entries(LONG_CONTEXTS).flatMap(([suffix, aboveInputTokens]) => {
    const above = liteLlmPrices(entry, suffix)
    return above.input === undefined ? [] : [{ ...plain, ...above, aboveInputTokens }]
  })
  const [longContext] = long
  return {
    id: `${provider}/${model}`,
    entry: {
      kind,
      contextTokens: entry.max_input_tokens ?? entry.max_tokens,
      outputTokensMax: kind === 'chat' ? (entry.max_output_tokens ?? entry.max_tokens) : 0,
      usdPerMillionTokens: {
        ...plain,
        ...(kind === 'embeddings' ? { output: 0 } : {}),
        ...(longContext === undefined ? {} : { longContext }),
      },
      capabilities: {
        vision: entry.supports_vision === true,
        tools: entry.supports_function_calling === true,
        json: entry.supports_response_schema === true,
        jsonSchema: entry.supports_response_schema === true,
        reasoning: entry.supports_reasoning === true,
      },
    },
  }
}

/**
 * One member of a catalogue: ours, `"provider/model": {contextTokens, usdPerMillionTokens, …}`, or one of
 * LiteLLM's. Null for what is no model: notes, whose names begin with `$`, and others' models.
 *
 * @returns what is wrong with it: the place of the first fault
 */
export const readCatalogEntry = (
  key: string,
  value: unknown,
): Result<CatalogModel | null, string> => {
  if (key.startsWith('$') || key === 'sample_spec') return ok(null)
  if (!isFields(value)) return err('is no object')
  const read = 'litellm_provider' in value ? ofLiteLlm(key, value) : { id: key, entry: value }
  if (read === null) return ok(null)
  const { id } = read
  const slash = id.indexOf('/')
  if (slash < 1 || !name.safeParse(id).success || slash === id.length - 1)
    return err('is not named provider/model')
  const checked = entrySchema.safeParse(read.entry)
  if (!checked.success) {
    const [issue] = checked.error.issues
    return err(`${issue?.path.join('.') ?? ''} is not as described`)
  }
  const model = { provider: id.slice(0, slash), model: id.slice(slash + 1), ...checked.data }
  return ok(Object.freeze(model))
}

/** The models of a catalogue that is there as a whole. @throws RangeError naming an entry at fault */
export const readCatalog = (catalog: unknown): readonly CatalogModel[] =>
  Object.entries(fieldsOf(catalog)).flatMap(([key, value]) => {
    const read = readCatalogEntry(key, value)
    if (!read.ok) throw new RangeError(`${key}: ${read.error}`)
    return read.value === null ? [] : [read.value]
  })
