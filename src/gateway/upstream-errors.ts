import type { Fields } from './chat.ts'
import type { UpstreamFault } from './faults.ts'
import { fieldsOf, isFields, listOf, ownOf, readFields, textOf } from './fields.ts'

/** What a provider says of its refusal; texts are safe to tell. */
export interface UpstreamError {
  readonly message: string
  readonly type: string | null
  readonly code: string | null
  readonly param: string | null
}

/** Longest text of a provider that is told on. */
export const DETAIL_LENGTH_MAX = 400
const WORD_LENGTH_MAX = 100
/** Beyond a day a client would not wait: taken as a day. */
const RETRY_AFTER_MAX_MS = 86_400_000

/**
 * Keys as providers form them: `sk-…`, `gsk_…`, `AIza…`, `ya29.…`, `hf_…`, what follows `Bearer`, and any long
 * word with a digit in it, as keys without a mark are; the operator's accounts, `org-…` and `proj_…`, too.
 */
const KEYS =
  /\b(?=[\w-]*\d)[\w-]{32,}|\b(?:sk|gsk|xai|pk|rk|hf|gjl|tgp|nvapi|fw|csk)[-_][\w*.-]{4,}|\b(?:org|proj|acct)[-_](?=\w*\d)\w{8,}|\bAIza[\w-]{10,}|\bya29\.[\w.-]+|\bBearer\s+\S+|\beyJ[\w-]{10,}\.[\w.-]+/gi
const ADDRESSES =
  /\b[a-z][a-z0-9+.-]*:\/\/\S+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|\blocalhost(?::\d+)?|\b[a-z0-9-]+(?:\.[a-z0-9-]+)+:\d{2,5}\b|\b[a-z][a-z0-9-]*:\d{4,5}\b|\[[0-9a-f.]*:[0-9a-f:.]+\](?::\d+)?|\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,7}(?![\w:])|\b(?:[a-z0-9-]+\.)+(?:com|net|org|io|ai|dev|internal|local|cloud|app|corp|lan|svc)\b(?::\d+)?(?:\/\S*)?/gi

/** A provider's words without keys, addresses and control characters, and of bounded length. */
export const safeDetail = (text: string, lengthMax = DETAIL_LENGTH_MAX): string =>
  text
    .slice(0, 4 * lengthMax)
    .replace(KEYS, '[key]')
    .replace(ADDRESSES, '[address]')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, lengthMax)

const wordOf = (value: unknown): string | null => {
  if (typeof value === 'number') return String(value)
  const text = textOf(value)
  return text === null ? null : safeDetail(text, WORD_LENGTH_MAX)
}

/** FastAPI's `detail`: a text, or a list of what is wrong where. */
const detailOf = (detail: unknown): string | null =>
  textOf(detail) ?? textOf(fieldsOf(listOf(detail)[0]).msg)

/**
 * The error in a body: OpenAI's and Anthropic's `{error: {…}}`, Ollama's `{error: 'text'}`, vLLM's and
 * Mistral's `{message, type, code}`, whose message may be
 * FastAPI's `{detail}`, and that alone; null where it is none of them.
 */
export const upstreamErrorOf = (body: Fields | null): UpstreamError | null => {
  if (body === null) return null
  const inner = isFields(body.error) ? body.error : body
  const message =
    textOf(inner.message) ??
    textOf(body.error) ??
    detailOf(fieldsOf(inner.message).detail) ??
    detailOf(body.detail)
  if (message === null && !isFields(body.error)) return null
  return {
    message: safeDetail(message ?? 'the provider refused'),
    type: wordOf(inner.type),
    code: wordOf(inner.code),
    param: wordOf(inner.param),
  }
}

export const readUpstreamError = (body: Uint8Array): UpstreamError | null =>
  upstreamErrorOf(readFields(body))

/**
 * How long the provider asks to wait: `retry-after-ms`, else `Retry-After` in seconds or as a date, which is
 * told against the answer's own `Date`. RFC 9110 §10.2.3.
 */
export const retryAfterMsOf = (headers: Headers): number | null => {
  const bounded = (ms: number): number | null =>
    ms >= 0 ? Math.ceil(Math.min(ms, RETRY_AFTER_MAX_MS)) : null
  const millis = headers.get('retry-after-ms')
  if (millis !== null && /^\d+(\.\d+)?$/.test(millis)) return bounded(Number(millis))
  const after = headers.get('retry-after')
  if (after === null) return null
  if (/^\d+(\.\d+)?$/.test(after)) return bounded(Number(after) * 1000)
  const at = Date.parse(after)
  const from = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(at) || Number.isNaN(from) ? null : bounded(Math.max(0, at - from))
}

/** Codes and types that say more than the status. */
const CREDENTIAL = new Set([
  'insufficient_quota',
  'billing_error',
  'billing_not_active',
  'invalid_api_key',
  'authentication_error',
  'permission_error',
  'permission_denied_error',
  'account_deactivated',
])
const MODEL_UNKNOWN = new Set(['model_not_found', 'not_found_error', 'model_not_available'])
const CONTEXT = new Set(['context_length_exceeded', 'request_too_large', 'string_above_max_length'])
/** Of servers that have a code for everything: OpenAI's own words, Anthropic's, vLLM's, Groq's. */
const CONTEXT_TEXT =
  /maximum context length|context (?:length|window) (?:exceeded|limit)|prompt is too long|exceeds? the (?:model'?s )?(?:maximum )?context|reduce the length of the (?:messages|prompt|input)|too many (?:input )?tokens/i
const MODEL_TEXT =
  /\bmodel\b.{0,120}(?:does not exist|not found|not exist|is not supported|unknown|not a valid)|invalid model/i

const says = (words: ReadonlySet<string>, { type, code }: UpstreamError): boolean =>
  (type !== null && words.has(type)) || (code !== null && words.has(code))

/** What an error means that a provider tells in its own words, at a status of its own or of its stream. */
const refusalOf = (status: number, error: UpstreamError): UpstreamFault | null => {
  if (says(CREDENTIAL, error)) return { reason: 'credential', status }
  // A limit's words are of tokens, too.
  if (status === 429) return null
  if (status === 413 || says(CONTEXT, error) || CONTEXT_TEXT.test(error.message))
    return { reason: 'context-exceeded', status, detail: error.message }
  if (says(MODEL_UNKNOWN, error)) return { reason: 'model-unknown', status }
  return [400, 404, 422].includes(status) && MODEL_TEXT.test(error.message)
    ? { reason: 'model-unknown', status }
    : null
}

/** Statuses that a later try may not get: conflicts, early data, timeouts of proxies. */
const PASSING = new Set([408, 409, 423, 425])

/** What an answer means that is not 2xx. @param error null where the body is none of the provider's own */
export const statusFault = (
  status: number,
  headers: Headers,
  error: UpstreamError | null,
): UpstreamFault => {
  const retryAfterMs = retryAfterMsOf(headers)
  const detail = error?.message ?? `status ${status} without an error of the protocol`
  if (status === 401 || status === 402) return { reason: 'credential', status }
  if (status < 500 && error !== null) {
    const refusal = refusalOf(status, error)
    if (refusal !== null) return refusal
  }
  if (status === 429) return { reason: 'rate-limited', status, retryAfterMs }
  if (status === 403 && error !== null) return { reason: 'credential', status }
  if (status < 400)
    return { reason: 'malformed', detail: `status ${status} where an answer was due` }
  // A page of some proxy says nothing of the request.
  if (status >= 500 || PASSING.has(status) || error === null)
    return { reason: 'server', status, detail, retryAfterMs }
  const { type, code, param } = error
  return { reason: 'request', status, detail, type, code, param }
}

/** Types of errors in streams and what their status would have been. */
const STATUS_BY_TYPE: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  context_length_exceeded: 400,
  invalid_api_key: 401,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  model_not_found: 404,
  request_too_large: 413,
  insufficient_quota: 429,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  requests: 429,
  tokens: 429,
  api_error: 500,
  server_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
}

const NO_HEADERS = new Headers()

/** What an error inside a stream means; one of no known kind is the server's. */
export const streamFault = (error: UpstreamError): UpstreamFault => {
  const told = Number(error.code)
  const status =
    ownOf(STATUS_BY_TYPE, error.type ?? '') ??
    ownOf(STATUS_BY_TYPE, error.code ?? '') ??
    (told >= 400 && told < 600 ? told : 500)
  return statusFault(status, NO_HEADERS, error)
}
