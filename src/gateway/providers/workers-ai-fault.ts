import type { UpstreamFault } from '../faults.ts'
import { fieldsOf, isFields, listOf, textOf } from '../fields.ts'
import { retryAfterMsOf, safeDetail, statusFault } from '../upstream-errors.ts'
import { jsonOf, refused } from './wire.ts'

/** Internal codes. Source: developers.cloudflare.com/workers-ai/workers-ai-errors */
const MODEL_UNKNOWN = new Set([5007, 3042])
/** The account's model agreement, block or day's allocation: the operator's matter. */
const ACCOUNT = new Set([5018, 5016, 3023, 3041, 3036, 7003, 10000, 10001, 9106, 9109])
const TOO_LARGE = new Set([3006, 5021])
const WAITING = new Set([3007, 3008])
const FULL = 3040
const TOO_LONG = /context (?:window|length)|maximum (?:context|number of tokens)|too many tokens/i

/** A fault from `{ success: false, errors: [{ code, message }] }`. */
export const workersAiFaultOf = (
  status: number,
  value: unknown,
  retryAfterMs: number | null = null,
): UpstreamFault => {
  const answer = fieldsOf(value)
  const [first] = listOf(answer.errors)
  const { code, message } = fieldsOf(first ?? answer.error)
  const internal = typeof code === 'number' ? code : 0
  const detail = safeDetail(textOf(message) ?? '')
  if (ACCOUNT.has(internal) || status === 401 || status === 403)
    return { reason: 'credential', status }
  if (MODEL_UNKNOWN.has(internal) || status === 404) return { reason: 'model-unknown', status }
  if (internal === FULL || status === 429) return { reason: 'rate-limited', status, retryAfterMs }
  if (TOO_LARGE.has(internal) || status === 413 || TOO_LONG.test(textOf(message) ?? ''))
    return { reason: 'context-exceeded', status, detail }
  if (WAITING.has(internal) || status >= 500 || status === 408)
    return { reason: 'server', status, detail, retryAfterMs }
  return refused(textOf(message), { status, code: internal === 0 ? null : String(internal) })
}

export const readWorkersAiFault = (
  status: number,
  headers: Headers,
  body: Uint8Array,
): UpstreamFault => {
  const value = jsonOf(body)
  const isOwn = listOf(fieldsOf(value).errors).length > 0 || isFields(fieldsOf(value).error)
  return isOwn
    ? workersAiFaultOf(status, value, retryAfterMsOf(headers))
    : statusFault(status, headers, null)
}
