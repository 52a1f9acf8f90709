import { ok } from '../../result.ts'
import { openAiCompletion } from './openai-answer.ts'
import { checkOpenAi } from './openai-check.ts'
import { OpenAiEncoder, openAiErrorBody } from './openai-stream.ts'
import type { DialectCodec } from './types.ts'

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  429: 'rate_limit_error',
}

/** OpenAI's chat completions. */
export const openAiDialect: DialectCodec = {
  check: checkOpenAi,
  toChat: (body) => ok(body),
  completion: openAiCompletion,
  openStream: (meta) => new OpenAiEncoder(meta),
  errorType: (status) =>
    TYPES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request_error'),
  error: openAiErrorBody,
}
