import { z } from 'zod'

/** Triage's answer, from the easiest requests on. */
export const BUCKETS = ['cheap', 'mid', 'hard'] as const
export type Bucket = (typeof BUCKETS)[number]

export const CANDIDATES_MAX = 64
const NAME_LENGTH_MAX = 200
const CONTEXT_TOKENS_MAX = 100_000_000
const USD_PER_MILLION_TOKENS_MAX = 100_000

/** Names stand in headers of answers, too. */
const name = z
  .string()
  .min(1)
  .max(NAME_LENGTH_MAX)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
const tokens = z.number().int().min(1).max(CONTEXT_TOKENS_MAX)
/** 0 is a price: a model on one's own machine. */
const price = z.number().min(0).max(USD_PER_MILLION_TOKENS_MAX)
const weight = z.number().min(0).max(1)
/** Null: what the provider does by itself. */
const effort = z.enum(['minimal', 'low', 'medium', 'high']).nullable().default(null)

const candidateSchema = z.strictObject({
  provider: name.regex(/^[^/*]+$/, 'must not hold / or *'),
  /** As the provider calls it; may hold slashes. */
  model: name.regex(/^[^*]+$/, 'must not hold *'),
  /**
   * The artifact's model whose measured quality this one is taken to have; null for one that is compared once
   * the organisation's own requests have measured it.
   */
  measuredAs: name.nullable(),
  contextTokens: tokens,
  outputTokensMax: tokens,
  usdPerMillionTokens: z.strictObject({ input: price, output: price, cachedInput: price }),
  capabilities: z.strictObject({
    vision: z.boolean(),
    tools: z.boolean(),
    json: z.boolean(),
    jsonSchema: z.boolean(),
  }),
  /** Buckets whose requests it is offered. */
  buckets: z.array(z.enum(BUCKETS)).min(1).max(BUCKETS.length),
})

export const routerConfigSchema = z
  .strictObject({
    /** Weight of quality against cost; null for the artifact's. */
    alpha: weight.nullable().default(null),
    /** Difficulty below `cheap` is the cheap bucket, from `hard` on the hard one; null for the artifact's. */
    thresholds: z
      .strictObject({ cheap: weight, hard: weight })
      .refine(({ cheap, hard }) => cheap <= hard, 'cheap must not be above hard')
      .nullable()
      .default(null),
    /** `provider/model` or `provider/*`; null allows every candidate. */
    allowedModels: z.array(name).min(1).max(CANDIDATES_MAX).nullable().default(null),
    /** Most that each penalty takes from a score. */
    penalties: z
      .strictObject({ latency: weight, context: weight, health: weight })
      .default({ latency: 0.1, context: 0.2, health: 0.3 }),
    /** `exact` counts by OpenAI's vocabulary o200k_base; the heuristic is a tenth of the work. */
    tokens: z.enum(['heuristic', 'exact']).default('heuristic'),
    /** How much a model reasons, where it can and the request does not say. */
    reasoning: z
      .strictObject({ cheap: effort, mid: effort, hard: effort })
      .default({ cheap: null, mid: null, hard: null }),
    /** Answers that may be given again to requests of temperature 0; a request may choose another mode. */
    cache: z
      .strictObject({
        mode: z.enum(['off', 'exact', 'semantic']).default('off'),
        ttlSeconds: z.number().int().min(1).max(86_400).default(300),
        /** Least cosine of two questions' lexical-hash-v1. */
        threshold: z.number().min(0.5).max(1).default(0.97),
      })
      .default({ mode: 'off', ttlSeconds: 300, threshold: 0.97 }),
    /** `provider`: questions are also sent to the deployment's server of embeddings. */
    embedding: z.enum(['lexical', 'provider']).default('lexical'),
    /** Whether the numbers that a request was judged by are stored with it, to train on; its text never is. */
    keepFeatures: z.boolean().default(false),
    candidates: z.array(candidateSchema).min(1).max(CANDIDATES_MAX),
  })
  .superRefine(({ candidates }, context) => {
    const seen = new Set<string>()
    candidates.forEach((candidate, i) => {
      const id = idOf(candidate)
      if (seen.has(id))
        context.addIssue({
          code: 'custom',
          path: ['candidates', i, 'model'],
          message: `${id} is in the list twice`,
        })
      seen.add(id)
    })
  })

export type Candidate = z.infer<typeof candidateSchema>
/** What an organisation may choose about its routing. */
export type RouterConfig = z.infer<typeof routerConfigSchema>

export const idOf = ({ provider, model }: Pick<Candidate, 'provider' | 'model'>): string =>
  `${provider}/${model}`

/** Whether an allow-list names the candidate; null names all. */
export const isAllowed = (
  allowed: readonly string[] | null,
  candidate: Pick<Candidate, 'provider' | 'model'>,
): boolean =>
  allowed === null ||
  allowed.includes(idOf(candidate)) ||
  allowed.includes(`${candidate.provider}/*`)

/** Candidates that a model's name means: by `provider/model`, else by the model alone. */
export const namedBy = (candidates: readonly Candidate[], model: string): readonly number[] => {
  const indices = (matches: (candidate: Candidate) => boolean): number[] =>
    candidates.flatMap((candidate, i) => (matches(candidate) ? [i] : []))
  const exact = indices((candidate) => idOf(candidate) === model)
  return exact.length > 0 ? exact : indices((candidate) => candidate.model === model)
}
