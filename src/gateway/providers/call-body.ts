import { err, ok, type Result } from '../../result.ts'
import type { Fields } from '../chat.ts'
import { anthropicDialect } from '../dialects/anthropic.ts'
import type { UpstreamFault } from '../faults.ts'
import { requestFaultOf } from './request-fault.ts'
import type { ChatCall } from './types.ts'
import { refused } from './wire.ts'

/** Texts of one request for embeddings, as OpenAI bounds them. */
const EMBEDDING_TEXTS_MAX = 2_048

/** The body of a call as OpenAI's chat completions have it. */
export const chatBodyOf = ({ dialect, body }: ChatCall): Result<Fields, UpstreamFault> => {
  if (dialect === 'openai') return ok(body)
  const chat = anthropicDialect.toChat(body)
  return chat.ok ? chat : err(requestFaultOf(chat.error))
}

/** The texts of a request for embeddings; lists of tokens belong to OpenAI's own models. */
export const embeddingTextsOf = ({ input }: Fields): Result<readonly string[], UpstreamFault> => {
  const texts = typeof input === 'string' ? [input] : input
  if (!Array.isArray(texts) || texts.length === 0 || texts.length > EMBEDDING_TEXTS_MAX)
    return err(refused(`input must be 1 to ${EMBEDDING_TEXTS_MAX} texts`, { param: 'input' }))
  return texts.every((text) => typeof text === 'string')
    ? ok(texts)
    : err(refused('this provider embeds texts, not tokens', { param: 'input' }))
}
