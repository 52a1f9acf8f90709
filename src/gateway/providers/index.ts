import { anthropic } from './anthropic.ts'
import { gemini } from './gemini.ts'
import { openai } from './openai.ts'
import type { ProviderKind, ProviderProtocol } from './types.ts'
import { workersAi } from './workers-ai.ts'

/** The protocol of each kind of provider. */
export const PROTOCOLS: Readonly<Record<ProviderKind, ProviderProtocol>> = {
  openai,
  anthropic,
  gemini,
  'workers-ai': workersAi,
}
