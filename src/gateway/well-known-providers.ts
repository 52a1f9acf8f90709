import type { Credential, ProviderKind } from './providers/types.ts'

/** A provider that is there as soon as its key is bound. */
export interface WellKnownProvider {
  readonly id: string
  readonly kind: ProviderKind
  /** `{NAME}` stands for the value of that binding. */
  readonly baseUrl: string
  /** The binding of its key. */
  readonly binding: string
}

/**
 * Addresses as the providers' own references have them. Paths are those of the protocol's kind behind
 * it: `/chat/completions`, `/messages`, `/models/{model}:generateContent`, `/ai/run/{model}`.
 */
export const WELL_KNOWN_PROVIDERS: readonly WellKnownProvider[] = [
  {
    id: 'openai',
    kind: 'openai',
    baseUrl: 'https://api.openai.com/v1',
    binding: 'OPENAI_API_KEY',
  },
  {
    id: 'anthropic',
    kind: 'anthropic',
    baseUrl: 'https://api.anthropic.com/v1',
    binding: 'ANTHROPIC_API_KEY',
  },
  {
    id: 'google',
    kind: 'gemini',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    binding: 'GEMINI_API_KEY',
  },
  {
    id: 'groq',
    kind: 'openai',
    baseUrl: 'https://api.groq.com/openai/v1',
    binding: 'GROQ_API_KEY',
  },
  {
    id: 'together',
    kind: 'openai',
    baseUrl: 'https://api.together.xyz/v1',
    binding: 'TOGETHER_API_KEY',
  },
  {
    id: 'openrouter',
    kind: 'openai',
    baseUrl: 'https://openrouter.ai/api/v1',
    binding: 'OPENROUTER_API_KEY',
  },
  {
    id: 'mistral',
    kind: 'openai',
    baseUrl: 'https://api.mistral.ai/v1',
    binding: 'MISTRAL_API_KEY',
  },
  {
    id: 'deepseek',
    kind: 'openai',
    baseUrl: 'https://api.deepseek.com/v1',
    binding: 'DEEPSEEK_API_KEY',
  },
  { id: 'xai', kind: 'openai', baseUrl: 'https://api.x.ai/v1', binding: 'XAI_API_KEY' },
  {
    id: 'workers-ai',
    kind: 'workers-ai',
    baseUrl: 'https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}',
    binding: 'CLOUDFLARE_API_TOKEN',
  },
]

/** The header that a kind of provider reads its key from. */
export const KEY_SCHEMES: Readonly<Record<ProviderKind, Credential['scheme']>> = {
  openai: 'bearer',
  anthropic: 'x-api-key',
  gemini: 'x-goog-api-key',
  'workers-ai': 'bearer',
}
