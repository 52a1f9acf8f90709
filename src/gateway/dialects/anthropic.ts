import { anthropicMessage } from './anthropic-answer.ts'
import { checkAnthropic } from './anthropic-check.ts'
import { AnthropicEncoder } from './anthropic-stream.ts'
import { toChat } from './anthropic-to-chat.ts'
import type { DialectCodec } from './types.ts'

/** Anthropic's types of errors by status; every other is the server's, or the request's. */
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** Anthropic's messages. */
export const anthropicDialect: DialectCodec = {
  check: checkAnthropic,
  toChat,
  completion: anthropicMessage,
  openStream: (meta) => new AnthropicEncoder(meta),
  errorType: (status) => TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error'),
  error: ({ type, message }) => ({ type: 'error', error: { type, message } }),
}
