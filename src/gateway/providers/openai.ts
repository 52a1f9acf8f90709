import { err, ok, type Result } from '../../result.ts'
import type { Fields } from '../chat.ts'
import { anthropicDialect } from '../dialects/anthropic.ts'
import type { UpstreamFault } from '../faults.ts'
import {
  countOf,
  fieldsOf,
  isAbsent,
  isFields,
  listOf,
  readFields,
  textOf,
  writeJson,
} from '../fields.ts'
import { type Replacements, replaceMembers } from '../json-splice.ts'
import { readUpstreamError, statusFault } from '../upstream-errors.ts'
import { unsignedMessages } from './call-ids.ts'
import { readOpenAiCompletion } from './openai-answer.ts'
import { OpenAiStreamDecoder } from './openai-stream.ts'
import { openAiUsageOf } from './openai-usage.ts'
import { requestFaultOf, TOO_DEEP } from './request-fault.ts'
import type {
  ChatCall,
  Credential,
  EmbeddingsAnswer,
  EmbeddingsCall,
  ProviderProtocol,
  UpstreamRequest,
} from './types.ts'

/** The router's own fields: OpenAI refuses what it does not know. */
const OWN_FIELDS_LEFT_OUT: Replacements = { alpha: undefined, conversation: undefined }

/** It refuses `stream_options` and tells its usage without. */
const TELLS_USAGE_UNASKED = /^https:\/\/api\.mistral\.ai(?:\/|$)/
/** OpenAI's reasoning models refuse `max_tokens`; servers that speak like it know no other name. */
const KNOWS_COMPLETION_TOKENS =
  /^https:\/\/(?:[\w-]+\.)*(?:openai\.com|openai\.azure\.com|groq\.com|openrouter\.ai)(?:\/|$)/

const headersOf = (credential: Credential, more: Readonly<Record<string, string>> = {}) => ({
  ...more,
  'content-type': 'application/json',
  ...(credential.scheme === 'none' ? {} : { authorization: `Bearer ${credential.secret}` }),
})

/** What becomes of members, whoever wrote the body. */
const replacementsOf = (baseUrl: string, call: ChatCall, body: Fields): Replacements => {
  const { model, isStream, reasoningEffort } = call
  const messages = unsignedMessages(body.messages)
  const asksUsage = isStream && !TELLS_USAGE_UNASKED.test(baseUrl)
  return {
    ...OWN_FIELDS_LEFT_OUT,
    model,
    ...(messages === null ? {} : { messages }),
    ...(asksUsage
      ? { stream_options: { ...fieldsOf(body.stream_options), include_usage: true } }
      : {}),
    ...(reasoningEffort !== null && isAbsent(body.reasoning_effort)
      ? { reasoning_effort: reasoningEffort }
      : {}),
  }
}

const translated = (baseUrl: string, chat: Fields, replacements: Replacements): string | null => {
  const { max_completion_tokens: tokens, ...rest } = chat
  const name = KNOWS_COMPLETION_TOKENS.test(baseUrl) ? 'max_completion_tokens' : 'max_tokens'
  return writeJson({ ...rest, [name]: tokens, ...replacements })
}

const chatRequest = (
  baseUrl: string,
  call: ChatCall,
  credential: Credential,
): Result<UpstreamRequest, UpstreamFault> => {
  const url = `${baseUrl}/chat/completions`
  if (call.dialect === 'openai') {
    const body = replaceMembers(call.bytes, replacementsOf(baseUrl, call, call.body))
    return ok({ url, headers: headersOf(credential, call.protocolHeaders), body })
  }
  const chat = anthropicDialect.toChat(call.body)
  if (!chat.ok) return err(requestFaultOf(chat.error))
  const body = translated(baseUrl, chat.value, replacementsOf(baseUrl, call, chat.value))
  return body === null ? err(TOO_DEEP) : ok({ url, headers: headersOf(credential), body })
}

const embeddingsRequest = (
  baseUrl: string,
  { body, model }: EmbeddingsCall,
  credential: Credential,
): Result<UpstreamRequest, UpstreamFault> => {
  const sent = writeJson({ ...body, ...OWN_FIELDS_LEFT_OUT, model })
  if (sent === null) return err(TOO_DEEP)
  return ok({ url: `${baseUrl}/embeddings`, headers: headersOf(credential), body: sent })
}

const vectorOf = (value: unknown): readonly number[] | string | null => {
  // Base64 where the client asked for it.
  if (typeof value === 'string') return value
  return Array.isArray(value) && value.every((x) => typeof x === 'number') ? value : null
}

const readEmbeddings = (bytes: Uint8Array): Result<EmbeddingsAnswer, UpstreamFault> => {
  const body = readFields(bytes)
  const rows = listOf(body?.data).filter(isFields)
  const inOrder = rows
    .map((row, i) => ({ at: countOf(row.index) ?? i, vector: vectorOf(row.embedding) }))
    .sort((a, b) => a.at - b.at)
  const vectors = inOrder.flatMap(({ vector }) => (vector === null ? [] : [vector]))
  if (body === null || vectors.length === 0 || vectors.length < rows.length)
    return err({ reason: 'malformed', detail: 'the answer has no embeddings' })
  const usage = isFields(body.usage) ? { completion_tokens: 0, ...body.usage } : null
  return ok({ vectors, model: textOf(body.model) ?? '', usage: openAiUsageOf({ usage }) })
}

/** OpenAI's chat completions and embeddings, of whichever server speaks them. */
export const openai: ProviderProtocol = {
  kind: 'openai',
  dialect: 'openai',
  chatRequest,
  readCompletion: readOpenAiCompletion,
  openStream: () => new OpenAiStreamDecoder(),
  readFault: (status, headers, body) => statusFault(status, headers, readUpstreamError(body)),
  embeddingsRequest,
  readEmbeddings,
}
