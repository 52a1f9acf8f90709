import type { Dialect } from '../routing/request.ts'
import { anthropicDialect } from './dialects/anthropic.ts'
import { openAiDialect } from './dialects/openai.ts'
import type { DialectCodec } from './dialects/types.ts'

export const DIALECTS: Readonly<Record<Dialect, DialectCodec>> = {
  openai: openAiDialect,
  anthropic: anthropicDialect,
}
