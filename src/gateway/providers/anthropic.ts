import { err, ok, type Result } from '../../result.ts'
import type { Fields } from '../chat.ts'
import type { UpstreamFault } from '../faults.ts'
import { countOf, fieldsOf, isAbsent, listOf, textOf, writeJson } from '../fields.ts'
import { type Replacements, replaceMembers } from '../json-splice.ts'
import { readUpstreamError, statusFault } from '../upstream-errors.ts'
import { readAnthropicMessage } from './anthropic-answer.ts'
import { toMessages } from './anthropic-request.ts'
import { AnthropicStreamDecoder } from './anthropic-stream.ts'
import { endsWithResults, thinkingOf } from './anthropic-thinking.ts'
import { requestFaultOf, TOO_DEEP } from './request-fault.ts'
import type { ChatCall, Credential, ProviderProtocol, UpstreamRequest } from './types.ts'

const VERSION = '2023-06-01'
/** What Anthropic asks for beside tokens of its OAuth. */
const OAUTH_BETA = 'oauth-2025-04-20'
const OWN_FIELDS_LEFT_OUT: Replacements = {
  alpha: undefined,
  conversation: undefined,
  prompt_cache_key: undefined,
}

const headersOf = (
  { scheme, secret }: Credential,
  more: Readonly<Record<string, string>> = {},
): Record<string, string> => {
  const headers = { 'anthropic-version': VERSION, ...more, 'content-type': 'application/json' }
  if (scheme === 'none') return headers
  if (scheme !== 'bearer') return { ...headers, 'x-api-key': secret }
  const betas = (more['anthropic-beta'] ?? '').split(',').filter((beta) => beta.trim() !== '')
  const isOAuth = secret.startsWith('sk-ant-oat') && !betas.includes(OAUTH_BETA)
  const all = isOAuth ? [...betas, OAUTH_BETA] : betas
  return {
    ...headers,
    ...(all.length === 0 ? {} : { 'anthropic-beta': all.join(',') }),
    authorization: `Bearer ${secret}`,
  }
}

/** A bucket's effort where the body says nothing of thinking and its bound has room for it. */
const effortMembers = ({ body, model, reasoningEffort }: ChatCall): Fields => {
  const config = fieldsOf(body.output_config)
  if (reasoningEffort === null || !isAbsent(body.thinking) || !isAbsent(config.effort)) return {}
  // Beside thinking Anthropic takes no sampling of the client's.
  if (!isAbsent(body.temperature) || !isAbsent(body.top_p) || !isAbsent(body.top_k)) return {}
  const { type } = fieldsOf(body.tool_choice)
  const { thinking, effort } = thinkingOf(model, reasoningEffort, {
    maxTokens: countOf(body.max_tokens),
    isForced: type === 'any' || type === 'tool',
    isMidTurn: endsWithResults(body.messages),
  })
  return {
    ...(thinking === null ? {} : { thinking }),
    ...(effort === null ? {} : { output_config: { ...config, effort } }),
  }
}

const isUnsigned = (block: unknown): boolean => {
  const { type, signature } = fieldsOf(block)
  return type === 'thinking' && textOf(signature) === null
}

/**
 * The messages without the thoughts that models of other providers had: Anthropic refuses what it did not
 * sign. Null where there are none.
 */
const signedMessages = (messages: unknown): readonly unknown[] | null => {
  const all = listOf(messages)
  if (!all.some((message) => listOf(fieldsOf(message).content).some(isUnsigned))) return null
  return all.flatMap((message) => {
    const fields = fieldsOf(message)
    if (!Array.isArray(fields.content)) return [message]
    const content = fields.content.filter((block) => !isUnsigned(block))
    return content.length === 0 && fields.content.length > 0 ? [] : [{ ...fields, content }]
  })
}

const chatRequest = (
  baseUrl: string,
  call: ChatCall,
  credential: Credential,
): Result<UpstreamRequest, UpstreamFault> => {
  const url = `${baseUrl}/messages`
  if (call.dialect === 'anthropic') {
    const messages = signedMessages(call.body.messages)
    const members = {
      ...OWN_FIELDS_LEFT_OUT,
      model: call.model,
      ...(messages === null ? {} : { messages }),
      ...effortMembers(call),
    }
    const headers = headersOf(credential, call.protocolHeaders)
    return ok({ url, headers, body: replaceMembers(call.bytes, members) })
  }
  const messages = toMessages(call.body, call.model, call.reasoningEffort)
  if (!messages.ok) return err(requestFaultOf(messages.error))
  const body = writeJson(messages.value)
  return body === null ? err(TOO_DEEP) : ok({ url, headers: headersOf(credential), body })
}

/** Anthropic's messages. */
export const anthropic: ProviderProtocol = {
  kind: 'anthropic',
  dialect: 'anthropic',
  chatRequest,
  readCompletion: readAnthropicMessage,
  openStream: () => new AnthropicStreamDecoder(),
  readFault: (status, headers, body) => statusFault(status, headers, readUpstreamError(body)),
}
