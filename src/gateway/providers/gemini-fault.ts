import type { Fields } from '../chat.ts'
import type { UpstreamFault } from '../faults.ts'
import { fieldsOf, isFields, listOf, textOf } from '../fields.ts'
import { retryAfterMsOf, safeDetail, statusFault } from '../upstream-errors.ts'
import { jsonOf, refused } from './wire.ts'

const DURATION = /^(\d+(?:\.\d+)?)s$/
const RETRY_IN = /retry in (\d+(?:\.\d+)?)(ms|s)\b/i
const TOO_LONG = /(?:input token count|token count|prompt)[^.]*exceeds|context (?:window|length)/i

/** `retryDelay` of google.rpc.RetryInfo, else what the message says. */
const delayMsOf = (error: Fields): number | null => {
  for (const detail of listOf(error.details)) {
    const [, seconds] = DURATION.exec(textOf(fieldsOf(detail).retryDelay) ?? '') ?? []
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1_000)
  }
  const [, amount, unit] = RETRY_IN.exec(textOf(error.message) ?? '') ?? []
  return amount === undefined ? null : Math.ceil(Number(amount) * (unit === 'ms' ? 1 : 1_000))
}

const isKeyFault = (error: Fields): boolean =>
  listOf(error.details).some((detail) => /^API_KEY_/.test(textOf(fieldsOf(detail).reason) ?? '')) ||
  /API key (?:not valid|expired|not found)/i.test(textOf(error.message) ?? '')

/**
 * A fault from google.rpc.Status: in a body, in an array of one, or in a stream.
 *
 * @param status of HTTP, or the error's own `code`
 * @param waitMs of Retry-After; null without
 */
export const geminiFaultOf = (
  status: number,
  value: unknown,
  waitMs: number | null = null,
): UpstreamFault => {
  const error = fieldsOf(fieldsOf(Array.isArray(value) ? value[0] : value).error)
  const detail = safeDetail(textOf(error.message) ?? '')
  const retryAfterMs = waitMs ?? delayMsOf(error)
  if (status === 429) return { reason: 'rate-limited', status, retryAfterMs }
  if (status === 401 || status === 403 || isKeyFault(error)) return { reason: 'credential', status }
  // Billing, terms or a place that Google does not serve: the operator's matter.
  if (error.status === 'FAILED_PRECONDITION') return { reason: 'credential', status }
  if (status === 404) return { reason: 'model-unknown', status }
  if (status === 400 && TOO_LONG.test(detail)) return { reason: 'context-exceeded', status, detail }
  if (status >= 500 || status === 408 || status === 499)
    return { reason: 'server', status, detail, retryAfterMs }
  return refused(textOf(error.message), {
    status,
    code: safeDetail(textOf(error.status) ?? '') || null,
  })
}

export const readGeminiFault = (
  status: number,
  headers: Headers,
  body: Uint8Array,
): UpstreamFault => {
  const value = jsonOf(body)
  const isOwn = isFields(fieldsOf(Array.isArray(value) ? value[0] : value).error)
  return isOwn
    ? geminiFaultOf(status, value, retryAfterMsOf(headers))
    : statusFault(status, headers, null)
}

/** The fault of an event inside a stream that began well; null where it is none. */
export const faultInStream = (event: Fields): UpstreamFault | null => {
  if (!isFields(event.error)) return null
  const { code } = event.error
  return geminiFaultOf(typeof code === 'number' ? code : 500, event)
}
